import { describe, expect, it } from 'vitest'
import { summarize, summarizeRatios } from '../../bench/statistics.ts'

describe('summarize', () => {
  it('gives the middle value, and those in the middle of its halves', () => {
    expect(summarize([50, 10, 40, 20, 30])).toEqual({ lower: 20, median: 30, upper: 40 })
  })

  it('goes between two values where none is in the middle', () => {
    expect(summarize([1, 2, 3, 4])).toEqual({ lower: 1.75, median: 2.5, upper: 3.25 })
    expect(summarize([7])).toEqual({ lower: 7, median: 7, upper: 7 })
  })

  it('orders numbers by size, not by text, and leaves what it was given as it was', () => {
    const values = [100, 9, 20]
    expect(summarize(values).median).toBe(20)
    expect(values).toEqual([100, 9, 20])
  })

  it('is not moved by one round that was disturbed', () => {
    expect(summarize([10, 11, 12, 13, 9_000]).median).toBe(12)
  })

  it.each([[[]], [[1, Number.NaN]], [[1, Number.POSITIVE_INFINITY]]])('refuses %j', (values) => {
    expect(() => summarize(values)).toThrow(RangeError)
  })
})

describe('summarizeRatios', () => {
  it('holds each round against the same round, so that a machine that slows down changes nothing', () => {
    const ours = [10, 20, 40, 80, 160]
    const theirs = ours.map((value) => value * 3)
    expect(summarizeRatios(theirs, ours)).toEqual({ lower: 3, median: 3, upper: 3 })
  })

  it('refuses series of different lengths, and a divisor of 0', () => {
    expect(() => summarizeRatios([1, 2], [1])).toThrow('2 rounds cannot be held against 1')
    expect(() => summarizeRatios([1, 2], [1, 0])).toThrow(RangeError)
  })
})
