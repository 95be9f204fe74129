import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AtomCache } from '../../src/dist/atom-cache.ts'
import type { ControlMessage } from '../../src/dist/control.ts'
import { flag } from '../../src/dist/flags.ts'
import { MessageDecoder } from '../../src/dist/message-decoder.ts'
import { MessageEncoder } from '../../src/dist/message-encoder.ts'
import { NO_REFS, SentAtoms } from '../../src/dist/sent-atoms.ts'
import { atom, EncodeError, equals, Pid, type Term, tuple } from '../../src/etf/index.ts'
import { arbitraryTerm } from '../etf/arbitrary-term.ts'

const BOTH = flag.FRAGMENTS | flag.DIST_HDR_ATOM_CACHE
const to = new Pid(atom('b@localhost'), 2, 0, 9)
const send: ControlMessage = { type: 'send', toPid: to }

/** The section of a message that says these atoms. */
function section(sent: SentAtoms, names: readonly string[], announces = true): Uint8Array {
  sent.begin(announces)
  for (const name of names) sent.indexOf(atom(name))
  return sent.end()
}

/** What a message arrives as: the frames without their lengths, one after another. */
function receive(decoder: MessageDecoder, frames: Iterable<readonly Uint8Array[]>): Term {
  for (const chunks of frames) {
    const received = decoder.decode(Buffer.concat(chunks).subarray(4))
    if (received.kind === 'message') return received.payload?.decode() ?? []
  }
  throw new Error('no message')
}

describe('the section of a header', () => {
  it('announces an atom once, and refers to it then', () => {
    const sent = new SentAtoms()
    expect([...section(sent, ['ok', 'a', 'ok'])]).toEqual([
      // NumberOfAtomCacheRefs
      2,
      // Flags: both new, in segment 0; no long atoms
      0x88, 0,
      // InternalSegmentIndex, Length, AtomText
      0, 2, 0x6f, 0x6b, 1, 1, 0x61,
    ])
    expect([...section(sent, ['a', 'b'])]).toEqual([2, 0x80, 0, 1, 2, 1, 0x62])
    expect(section(sent, [])).toBe(NO_REFS)
  })

  it('announces nothing in a message that may be overtaken', () => {
    const sent = new SentAtoms()
    expect(section(sent, ['ok'], false)).toBe(NO_REFS)
    section(sent, ['ok'])
    expect([...section(sent, ['ok', 'late'], false)]).toEqual([1, 0, 0])
  })

  it('announces again what stood in a message that was never sent', () => {
    const sent = new SentAtoms()
    sent.begin(true)
    sent.indexOf(atom('ok'))
    // Not ended: the message could not be encoded.
    expect([...section(sent, ['ok'])]).toEqual([1, 0x08, 0, 2, 0x6f, 0x6b])
  })

  it('has room for 255 atoms, and the cache for 2048; others are written', () => {
    const sent = new SentAtoms()
    const cache = new AtomCache()
    const names = Array.from({ length: 2_100 }, (_, index) => `atom_${index}`)
    for (let start = 0; start < names.length; start += 255) {
      const part = names.slice(start, start + 255)
      const bytes = section(sent, [...part, 'one_too_many'])
      const expected = part.slice(0, Math.max(0, 2_048 - start))
      expect(cache.readRefs(bytes, 0)).toEqual({
        atoms: expected.map((name) => atom(name)),
        end: bytes.length,
      })
    }
    sent.begin(true)
    expect(sent.indexOf(atom('atom_2047'))).toBe(0)
    expect(sent.indexOf(atom('atom_2048'))).toBe(-1)
  })

  it('has no atoms beyond ASCII', () => {
    const sent = new SentAtoms()
    sent.begin(true)
    expect(sent.indexOf(atom('é'))).toBe(-1)
    expect(sent.indexOf(atom(''))).toBe(-1)
    expect(sent.indexOf(atom('a'.repeat(255)))).toBe(0)
  })
})

describe('messages with atoms that were announced', () => {
  it('arrive as they are, whatever may overtake what', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(arbitraryTerm(), fc.boolean()), { maxLength: 8 }), (terms) => {
        const encoder = new MessageEncoder(BOTH)
        const decoder = new MessageDecoder(BOTH)
        const overtaken: { term: Term; frames: Iterable<readonly Uint8Array[]> }[] = []
        for (const [term, isNext] of terms) {
          const { frames } = encoder.encodeFrames(send, term, isNext)
          if (!isNext) overtaken.push({ term, frames })
          else expect(equals(receive(decoder, frames), term)).toBe(true)
        }
        for (const { term, frames } of overtaken) {
          expect(equals(receive(decoder, frames), term)).toBe(true)
        }
      }),
    )
  })

  it('arrive in fragments, and shorter from the second on', () => {
    const encoder = new MessageEncoder(BOTH)
    const decoder = new MessageDecoder(BOTH)
    const large = [tuple(...Array.from({ length: 200 }, (_, index) => atom(`a_${index}`)))]
    const term = Array.from({ length: 2_000 }, () => large)
    const sizes = [1, 2].map(() => {
      const { frames, size } = encoder.encodeFrames(send, term, true)
      expect(equals(receive(decoder, frames), term)).toBe(true)
      return size
    })
    expect(sizes[1]).toBe(sizes[0])
    const plain = new MessageEncoder(flag.FRAGMENTS).encodeFrames(send, term, true)
    expect(plain.size).toBeGreaterThan(2 * (sizes[0] ?? 0))
  })

  it('go on after one that cannot be encoded', () => {
    const encoder = new MessageEncoder(BOTH)
    const decoder = new MessageDecoder(BOTH)
    const bad = tuple(atom('news'), Number.NaN)
    expect(() => encoder.encodeFrames(send, bad, true)).toThrow(EncodeError)
    const good = tuple(atom('news'), 1)
    expect(receive(decoder, encoder.encodeFrames(send, good, true).frames)).toEqual(good)
  })

  it('are none where the flags in force have no cache', () => {
    const [first, second] = [1, 2].map(() => {
      const encoder = new MessageEncoder(flag.FRAGMENTS)
      return encoder.encodeFrames(send, atom('hello'), true).size
    })
    expect(first).toBe(second)
    const frames = new MessageEncoder(flag.FRAGMENTS).encodeFrames(send, atom('hello'), true).frames
    expect(receive(new MessageDecoder(flag.FRAGMENTS), frames)).toEqual(atom('hello'))
  })
})
