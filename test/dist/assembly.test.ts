import { describe, expect, it } from 'vitest'
import { Assembly } from '../../src/dist/assembly.ts'

const MOST = 1_000_000

const part = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value)

/** Adds all parts, of which the last one is followed by none. */
function assemble(parts: readonly Uint8Array[], most = MOST): Assembly {
  const assembly = new Assembly()
  for (const [index, data] of parts.entries()) assembly.add(data, parts.length - 1 - index, most)
  return assembly
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((it) => [...it]))
}

describe('a message under way', () => {
  it('reserves memory for all of it once a part has come that makes its size believable', () => {
    const assembly = new Assembly()
    for (let come = 1; come <= 15; come++) {
      assembly.add(part(100, come), 1000 - come, MOST)
      expect(assembly.reserved, `${come} of 1000`).toBe(0)
    }
    assembly.add(part(100, 16), 1000 - 16, MOST)
    expect(assembly.reserved).toBe(100_000)
  })

  it('reserves nothing for what is announced alone, nor more than it may', () => {
    const announced = new Assembly()
    announced.add(part(100, 1), 2 ** 53 - 2, MOST)
    announced.add(part(100, 2), 2 ** 53 - 3, MOST)
    expect(announced.reserved).toBe(0)
    const tooLarge = new Assembly()
    tooLarge.add(part(100, 1), 9, 999)
    tooLarge.add(part(100, 2), 8, 999)
    expect(tooLarge.reserved).toBe(0)
    tooLarge.add(part(100, 3), 7, 1000)
    expect(tooLarge.reserved).toBe(1000)
  })

  it.each([
    ['of one size, but for the ends', [30, 100, 100, 100, 20]],
    ['that grow', [10, 20, 400, 1000, 5000, 1, 30]],
    ['that shrink', [500, 100, 50, 3, 2, 1, 1, 1]],
    ['of which some are empty', [0, 0, 10, 0, 5, 0]],
    ['of which all are empty', [0, 0, 0]],
    ['that are one', [70]],
  ])('is put together from fragments %s', (_, sizes) => {
    const parts = sizes.map((size, index) => part(size, index + 1))
    for (const most of [MOST, 0]) {
      const assembly = assemble(parts, most)
      expect(assembly.take()).toEqual(joined(parts))
      expect(assembly.first).toEqual(parts[0])
    }
  })

  it('does not keep what was reserved for much more than has come', () => {
    const parts = [part(100, 1), part(100, 2), ...Array.from({ length: 50 }, () => part(1, 3))]
    const assembly = assemble(parts)
    expect(assembly.reserved).toBe(5200)
    const bytes = assembly.take()
    expect(bytes).toEqual(joined(parts))
    expect(bytes.buffer.byteLength).toBe(bytes.length)
  })

  it('keeps none of the memory that it is given', () => {
    const lent = part(100, 1)
    const assembly = new Assembly()
    for (let left = 2; left >= 0; left--) assembly.add(lent.fill(left), left, MOST)
    lent.fill(9)
    expect(assembly.take()).toEqual(joined([part(100, 2), part(100, 1), part(100, 0)]))
  })
})
