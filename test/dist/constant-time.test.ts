/** That a digest of the handshake takes as long to be refused whichever byte of it is wrong, on either side. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AcceptHandshake } from '../../src/dist/accept-handshake.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { MANDATORY_25 } from '../../src/dist/flags.ts'
import { Handshake } from '../../src/dist/handshake.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'

vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>()
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) }
})
afterEach(() => {
  vi.mocked(timingSafeEqual).mockClear()
})

const cookie = new Cookie('c')
const a = { name: parseNodeName('a@h'), creation: 1, flags: MANDATORY_25 }
const b = { name: parseNodeName('b@h'), creation: 2, flags: MANDATORY_25 }

/** Both sides up to the first digest; what each says next is the other's to judge. */
function shake(change: (digest: Uint8Array) => Uint8Array) {
  const dialling = new Handshake({ self: a, peer: b.name, cookie })
  const accepting = new AcceptHandshake({ self: b, cookie })
  const name = dialling.start()
  accepting.receive(name)
  const [status = new Uint8Array(), challenge = new Uint8Array()] = accepting.answer('ok').send
  dialling.receive(status)
  const [reply = new Uint8Array()] = dialling.receive(challenge).send
  // `r`, the dialler's challenge, and its digest; `a` and the acceptor's.
  const atAcceptor = accepting.receive(
    Buffer.concat([reply.subarray(0, 5), change(reply.subarray(5))]),
  )
  const ours = createHash('md5')
    .update(`c${Buffer.from(reply).readUInt32BE(1)}`)
    .digest()
  const atDialler = dialling.receive(Buffer.concat([Buffer.from('a'), change(ours)]))
  return { atAcceptor: atAcceptor.type, atDialler: atDialler.type }
}

describe('a digest', () => {
  it('that is right is taken', () => {
    expect(shake((digest) => digest)).toEqual({ atAcceptor: 'done', atDialler: 'done' })
    expect(timingSafeEqual).toHaveBeenCalledTimes(2)
  })

  it.each([0, 7, 15])('that is wrong in byte %d is compared as a whole by both sides', (at) => {
    const change = (digest: Uint8Array) =>
      digest.map((byte, index) => (index === at ? byte ^ 1 : byte))
    expect(shake(change)).toEqual({ atAcceptor: 'failed', atDialler: 'failed' })
    expect(timingSafeEqual).toHaveBeenCalledTimes(2)
    for (const [one, other] of vi.mocked(timingSafeEqual).mock.calls) {
      expect([one.byteLength, other.byteLength]).toEqual([16, 16])
    }
  })

  it.each([0, 15, 17])('of %d bytes is refused before any byte is looked at', (length) => {
    const change = (digest: Uint8Array) =>
      Buffer.concat([digest, Buffer.alloc(1)]).subarray(0, length)
    expect(shake(change)).toEqual({ atAcceptor: 'failed', atDialler: 'failed' })
    expect(timingSafeEqual).not.toHaveBeenCalled()
  })
})
