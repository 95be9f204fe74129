import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../fuzz/byte-writer.ts'
import { mutate } from '../../fuzz/mutate.ts'
import { Random } from '../../fuzz/random.ts'
import { messagesOf, writeMessage } from '../../fuzz/target.ts'

describe('chance', () => {
  it('is the same for the same seed, target and index, and another for each other', () => {
    const first = (seed: number, target: string, index: number): number =>
      Random.forInput(seed, target, index).uint32()
    expect(first(1, 'decode', 7)).toBe(first(1, 'decode', 7))
    const others = [
      first(1, 'decode', 7),
      first(2, 'decode', 7),
      first(1, 'reader', 7),
      first(1, 'decode', 8),
      first(1, 'decode', 7 + 2 ** 32),
    ]
    expect(new Set(others).size).toBe(others.length)
  })

  it('stays within its limits and reaches all of them', () => {
    const random = new Random(1)
    const seen = new Set(Array.from({ length: 1000 }, () => random.below(10)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (let i = 0; i < 1000; i++) expect(random.small(5)).toBeLessThan(5)
  })
})

describe('changed bytes', () => {
  it('are others than before, which stay as they are', () => {
    // A Buffer, whose slice() copies nothing.
    const bytes = Buffer.from(Array.from({ length: 64 }, (_, index) => index))
    const before = Buffer.from(bytes)
    const changed = new Set<string>()
    for (let seed = 0; seed < 500; seed++) {
      const mutated = mutate(bytes, Uint8Array.of(200, 201, 202), new Random(seed))
      changed.add(Buffer.from(mutated).toString('hex'))
    }
    expect(before.equals(bytes)).toBe(true)
    expect(changed.size).toBeGreaterThan(300)
  })

  it('may come from nothing', () => {
    const empty = new Uint8Array()
    for (let seed = 0; seed < 100; seed++) {
      expect(mutate(empty, empty, new Random(seed))).toHaveLength(0)
    }
  })
})

describe('a writer', () => {
  it('writes big-endian, over the end of its first memory too', () => {
    const out = new ByteWriter(new Random(1))
    out.uint8(1)
    out.uint16(0x0203)
    out.uint32(0x0405_0607)
    out.uint64(0x08n)
    expect([...out.finish()]).toEqual([1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 8])
    for (let i = 0; i < 1000; i++) out.uint16(i)
    expect(out.finish().subarray(-2)).toEqual(Uint8Array.of(3, 231))
  })

  it('lies about counts only if it is to', () => {
    const honest = new ByteWriter(new Random(1))
    const liar = new ByteWriter(new Random(1), 2)
    const counts = (out: ByteWriter): ReadonlySet<number> =>
      new Set(Array.from({ length: 100 }, () => out.count(5)))
    expect(counts(honest)).toEqual(new Set([5]))
    expect(counts(liar).size).toBeGreaterThan(2)
  })
})

describe('messages in one input', () => {
  it('are read as they were written; one that is cut short is the last', () => {
    const out = new ByteWriter(new Random(1))
    out.uint8(99)
    for (const text of ['one', '', 'three']) writeMessage(out, () => out.text(text))
    const input = out.finish()
    const read = (bytes: Uint8Array): readonly string[] =>
      Array.from(messagesOf(bytes, 1), (it) => Buffer.from(it).toString())
    expect(read(input)).toEqual(['one', '', 'three'])
    expect(read(input.subarray(0, -2))).toEqual(['one', '', 'thr'])
    expect(read(new Uint8Array())).toEqual([])
  })
})
