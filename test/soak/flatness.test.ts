import { describe, expect, it } from 'vitest'
import { flatness } from '../../soak/flatness.ts'

const NONE = { absolute: 0, share: 0 }

describe('a figure', () => {
  it('is flat where it ends as it began', () => {
    expect(flatness(Array(30).fill(7), NONE)).toEqual({ first: 7, last: 7, isFlat: true })
  })

  it('may grow at first, and be high for a moment', () => {
    const samples = [1, 2, 3, 4, 5, 6, ...Array(24).fill(7)]
    samples[28] = 1_000
    expect(flatness(samples, NONE)).toMatchObject({ isFlat: true })
  })

  it('is not flat where it grows on', () => {
    const samples = Array.from({ length: 30 }, (_, index) => index)
    expect(flatness(samples, NONE)).toEqual({ first: 9.5, last: 25.5, isFlat: false })
    expect(flatness(samples, { absolute: 15, share: 0 })).toMatchObject({ isFlat: false })
    expect(flatness(samples, { absolute: 16, share: 0 })).toMatchObject({ isFlat: true })
    expect(flatness(samples, { absolute: 0, share: 2 })).toMatchObject({ isFlat: true })
  })

  it('is not judged by a few samples', () => {
    expect(flatness([1, 2, 3, 4, 5, 6], NONE)).toBeUndefined()
  })
})
