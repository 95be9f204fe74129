import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cookie, InvalidCookieError } from '../../src/dist/cookie.ts'

/** `erlang:md5(Cookie ++ integer_to_list(Challenge))` on OTP 25.2. */
const vectors: readonly (readonly [cookie: string, challenge: number, digest: string])[] = [
  ['cookie', 0, 'e607172a1a7adb262d2d98462463b1a9'],
  ['cookie', 1, '022b150ae5b6cbed66ae1201494bd24e'],
  ['cookie', 0x7fff_ffff, 'e933ca2ba1b365841ff0bfc873e8fe85'],
  // What a signed 32-bit reading would get wrong.
  ['cookie', 0x8000_0000, '67a2760c0bfabaacb4d43cf74037d447'],
  ['cookie', 0xffff_ffff, 'de56ff9d11b071905bce597a85d67f4f'],
  // [16#e9 | "clair"]: one byte for a character of Latin-1.
  ['\u00e9clair', 12345, '1dd153a9b749136270f61653cc9bd6ae'],
  ['MONSTER-1', 3735928559, '32050fc54d365c682d08e67e05bb3815'],
  ['x'.repeat(255), 42, '6392ed5dd8b6051944e7d968a8e0bc7c'],
]

const SECRET = 'topsecret'

describe('Cookie', () => {
  it.each(vectors)('answers as a node does: %s, %d', (cookie, challenge, digest) => {
    expect(Buffer.from(new Cookie(cookie).digest(challenge)).toString('hex')).toBe(digest)
  })

  it('verifies its own answer, and no other', () => {
    const cookie = new Cookie(SECRET)
    const digest = cookie.digest(7)
    expect(cookie.verify(7, digest)).toBe(true)
    expect(cookie.verify(8, digest)).toBe(false)
    expect(new Cookie('other').verify(7, digest)).toBe(false)
    fc.assert(
      fc.property(fc.nat(15), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = digest.map((byte, i) => (i === index ? byte ^ change : byte))
        expect(cookie.verify(7, changed)).toBe(false)
      }),
    )
    expect(cookie.verify(7, digest.subarray(1))).toBe(false)
    expect(cookie.verify(7, new Uint8Array())).toBe(false)
  })

  it.each([
    ['as text', (it: Cookie) => `${it} ${String(it)}`],
    ['as JSON', (it: Cookie) => JSON.stringify({ it })],
    ['in console.log', (it: Cookie) => inspect({ it }, { showHidden: true, depth: 9 })],
    ['among its properties', (it: Cookie) => JSON.stringify(Object.entries({ ...it }))],
  ])('never shows itself %s', (_, show) => {
    const shown = show(new Cookie(SECRET))
    expect(shown).not.toContain(SECRET)
    expect(shown).not.toContain(Buffer.from(SECRET).toString('hex').slice(0, 6))
  })

  it.each([
    ['is empty', ''],
    ['is longer than 255 characters', SECRET.repeat(29)],
    ['has a character beyond Latin-1', `${SECRET}\u20ac`],
  ])('rejects what %s, without showing it', (why, text) => {
    let error: unknown
    try {
      new Cookie(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(InvalidCookieError)
    expect(error).toMatchObject({ code: 'ERR_COOKIE_INVALID' })
    expect(String(error)).toContain(why)
    expect(inspect(error, { showHidden: true })).not.toContain(SECRET)
  })
})
