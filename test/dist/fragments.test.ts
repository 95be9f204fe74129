import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Assembled,
  FragmentAssembler,
  FragmentError,
  type FragmentLimits,
  MessageTooLargeError,
} from '../../src/dist/fragments.ts'
import type { Header } from '../../src/dist/header.ts'
import { cut, wire } from './wire.ts'

/** A fragment without the bytes of its header, which play no part here. */
interface Piece {
  readonly header: Header
  readonly data: Uint8Array
}

function piece(
  kind: 'first' | 'next',
  sequence: number | bigint,
  fragment: number,
  data: Uint8Array,
): Piece {
  return { header: { kind, sequence, fragment, atoms: [], end: 0 }, data }
}

/** A message in as many fragments as there are parts. */
function pieces(sequence: number | bigint, parts: readonly Uint8Array[]): Piece[] {
  return parts.map((data, index) =>
    piece(index === 0 ? 'first' : 'next', sequence, parts.length - index, data),
  )
}

function assembler(limits?: FragmentLimits) {
  const inner = new FragmentAssembler(limits)
  return {
    add: ({ header, data }: Piece): Assembled | undefined => inner.add(header, data),
    state: () => ({ size: inner.size, sequences: inner.sequences }),
  }
}

describe('FragmentAssembler', () => {
  it('puts a message together, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000, size: 'max' }),
        fc.array(fc.nat({ max: 2000 }), { maxLength: 300, size: 'max' }),
        (message, places) => {
          const { add, state } = assembler()
          const results = pieces(1, cut(message, places)).map(add)
          expect(results.at(-1)).toMatchObject({ bytes: message, refusal: undefined })
          expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true)
          expect(state()).toEqual({ size: 0, sequences: 0 })
        },
      ),
    )
  })

  it('keeps messages apart that arrive mixed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat({ max: 200 }))), {
          minLength: 2,
          maxLength: 6,
        }),
        fc.infiniteStream(fc.nat()),
        (messages, choices) => {
          const { add, state } = assembler()
          const queues = messages.map(([message, places], index) =>
            pieces(BigInt(index) << 60n, cut(message, places)),
          )
          const seen = new Map<number, Uint8Array>()
          for (const choice of choices) {
            const waiting = queues.filter((queue) => queue.length > 0)
            const queue = waiting[choice % waiting.length]
            const next = queue?.shift()
            if (queue === undefined || next === undefined) break
            const result = add(next)
            if (result !== undefined) seen.set(queues.indexOf(queue), result.bytes)
          }
          expect(seen.size).toBe(messages.length)
          for (const [index, [message]] of messages.entries()) {
            expect(seen.get(index)).toEqual(message)
          }
          expect(state()).toEqual({ size: 0, sequences: 0 })
        },
      ),
    )
  })

  it('gives the atoms that the first fragment announced', () => {
    const { add } = assembler()
    const [first, last] = pieces(1, [wire('a'), wire('b')])
    if (first === undefined || last === undefined) throw new Error('two pieces')
    const atoms = Object.freeze([])
    add({ header: { ...first.header, atoms }, data: first.data })
    expect(add(last)?.atoms).toBe(atoms)
  })

  it('lets a sequence be used again once its message is complete', () => {
    const { add } = assembler()
    for (let i = 0; i < 3; i++) {
      const [first, last] = pieces(5, [wire('a'), wire('b')]).map(add)
      expect(first).toBeUndefined()
      expect(last?.bytes).toEqual(wire('ab'))
    }
    expect(pieces(5, [wire('whole')]).map(add)[0]?.bytes).toEqual(wire('whole'))
  })

  it('rejects fragments out of order, of no message, or a second first one', () => {
    const bad: readonly (readonly Piece[])[] = [
      [piece('next', 1, 1, wire('x'))],
      [piece('next', 1, 3, wire('x'))],
      // Skips one, comes twice, and counts up.
      [piece('first', 1, 3, wire('x')), piece('next', 1, 1, wire('x'))],
      [piece('first', 1, 3, wire('x')), piece('next', 1, 3, wire('x'))],
      [piece('first', 1, 3, wire('x')), piece('next', 1, 4, wire('x'))],
      // Another message begins before the first one is complete.
      [piece('first', 1, 3, wire('x')), piece('first', 1, 3, wire('x'))],
      [piece('first', 1, 3, wire('x')), piece('first', 1, 1, wire('x'))],
      // More follows what was complete.
      [piece('first', 1, 1, wire('x')), piece('next', 1, 1, wire('x'))],
    ]
    for (const [index, all] of bad.entries()) {
      const { add } = assembler()
      const last = all.at(-1)
      if (last === undefined) throw new Error('a piece')
      all.slice(0, -1).forEach(add)
      const error = expect.objectContaining({
        code: 'ERR_FRAGMENT',
        sequence: 1,
        fragment: last.header.fragment,
      })
      expect(() => add(last), `case ${index}`).toThrow(FragmentError)
      expect(() => add(last), `case ${index}`).toThrow(error)
    }
  })

  it('refuses a message that grows too large, once, and reads on', () => {
    const { add, state } = assembler({ maxMessageSize: 10 })
    const large = pieces(
      1,
      ['head', 'four', 'grow', 'more', 'end'].map((part) => wire(part)),
    )
    const results = large.map(add)
    expect(results.map((result) => result !== undefined)).toEqual([
      false,
      false,
      true,
      false,
      false,
    ])
    expect(results[2]?.bytes).toEqual(wire('head'))
    expect(results[2]?.refusal).toBeInstanceOf(MessageTooLargeError)
    expect(results[2]?.refusal).toMatchObject({ size: 12, limit: 10 })
    expect(state()).toEqual({ size: 0, sequences: 0 })
    expect(pieces(1, [wire('small')]).map(add)[0]).toMatchObject({ refusal: undefined })
  })

  it('refuses what is too large with its first or its last fragment', () => {
    const { add, state } = assembler({ maxMessageSize: 4 })
    expect(pieces(1, [wire('whole')]).map(add)[0]?.refusal).toMatchObject({ size: 5 })
    const [, last] = pieces(1, [wire('abc'), wire('de')]).map(add)
    expect(last).toMatchObject({ bytes: wire('abc'), refusal: { size: 5 } })
    expect(pieces(1, [wire('ab'), wire('cd')]).map(add)[1]?.bytes).toEqual(wire('abcd'))
    expect(state()).toEqual({ size: 0, sequences: 0 })
  })

  it('still counts the fragments of a message that it refused', () => {
    const { add } = assembler({ maxMessageSize: 1 })
    add(piece('first', 1, 3, wire('large')))
    expect(() => add(piece('next', 1, 1, wire('x')))).toThrow(FragmentError)
  })

  it('refuses the message that makes all together too large, and keeps the others', () => {
    const { add, state } = assembler({ maxTotalSize: 10 })
    add(piece('first', 1, 2, wire('12345')))
    const refused = add(piece('first', 2, 2, wire('123456')))
    expect(refused?.refusal).toMatchObject({ size: 6, limit: 10 })
    expect(state()).toEqual({ size: 5, sequences: 2 })
    expect(add(piece('next', 2, 1, wire('x')))).toBeUndefined()
    expect(add(piece('next', 1, 1, wire('6')))?.bytes).toEqual(wire('123456'))
    expect(state()).toEqual({ size: 0, sequences: 0 })
  })

  it('rejects a flood of messages that never end', () => {
    const { add, state } = assembler()
    const flood = () => {
      for (let i = 0; i < 10_000; i++) add(piece('first', i, 2 ** 53 - 1, wire('x')))
    }
    expect(flood).toThrow(FragmentError)
    expect(state()).toEqual({ size: 1024, sequences: 1024 })
  })

  it('does not keep the memory around a small fragment', () => {
    const { add } = assembler()
    const chunk = new Uint8Array(65_536).fill(7)
    add(piece('first', 1, 2, chunk.subarray(0, 10)))
    // Were it a view, it would change.
    chunk.fill(8)
    expect(add(piece('next', 1, 1, wire()))?.bytes).toEqual(new Uint8Array(10).fill(7))
  })

  it('holds no more than its limits, whatever arrives', () => {
    const limits = { maxMessageSize: 60, maxTotalSize: 100, maxSequences: 4 }
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            kind: fc.constantFrom<'first' | 'next'>('first', 'next'),
            sequence: fc.nat({ max: 5 }),
            fragment: fc.integer({ min: 1, max: 4 }),
            data: fc.uint8Array({ maxLength: 40 }),
          }),
          { maxLength: 100, size: 'max' },
        ),
        (all) => {
          const { add, state } = assembler(limits)
          for (const { kind, sequence, fragment, data } of all) {
            try {
              add(piece(kind, sequence, fragment, data))
            } catch (error) {
              expect(error).toBeInstanceOf(FragmentError)
            }
            expect(state().size).toBeLessThanOrEqual(limits.maxTotalSize)
            expect(state().sequences).toBeLessThanOrEqual(limits.maxSequences)
          }
        },
      ),
    )
  })
})
