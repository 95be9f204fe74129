import { expect, it } from 'vitest'
import { keep } from '../../src/dist/keep.ts'

it('gives copies that stay as they are, however many there are and whatever their size', () => {
  const sizes = [0, 1, 100, 1000, 1024, 1025, 3000]
  const lent = new Uint8Array(3000)
  const kept = Array.from({ length: 20 }, (_, round) =>
    sizes.map((size) => keep(lent.fill(round).subarray(0, size))),
  )
  for (const [round, copies] of kept.entries()) {
    expect(copies).toEqual(sizes.map((size) => new Uint8Array(size).fill(round)))
  }
})

it('copies a Buffer, whose slice() would not', () => {
  for (const size of [10, 10_000]) {
    const lent = Buffer.alloc(size, 1)
    const copy = keep(lent)
    lent.fill(2)
    expect(copy).toEqual(new Uint8Array(size).fill(1))
  }
})
