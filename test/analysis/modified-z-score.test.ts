import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { multiply } from '../../src/analysis/integer.ts'
import { spreadOf } from '../../src/analysis/modified-z-score.ts'

describe('the spread of values', () => {
  it('is that of the handbook', () => {
    // Median 15, deviations 14, 1, 0, 2 and 985: their median is 2, and the limit 3.5 × 1.4826 × 2 = 10.38.
    const spread = spreadOf([1, 14, 15, 17, 1000])
    expect(spread.doubledMedian).toBe(30)
    expect(spread.doubledDeviation(1)).toBe(28)
    expect([1, 14, 17, 1000].map(spread.isOutlier)).toEqual([true, false, false, true])
    expect([4, 5, 25, 26].map(spread.isOutlier)).toEqual([true, false, false, true])
  })

  it('has a half for a median in the middle of an even number', () => {
    const spread = spreadOf([4, 1, 2, 3])
    expect(spread.doubledMedian).toBe(5)
    expect(spread.doubledDeviation(4)).toBe(3)
    expect([1, 2, 3, 4].map(spread.isOutlier)).toEqual([false, false, false, false])
  })

  it('leaves nobody an outlier where half of them are one thing and half another', () => {
    const spread = spreadOf([0, 0, 1000, 1000])
    expect([0, 1000].map(spread.isOutlier)).toEqual([false, false])
  })

  it('makes an outlier of whoever differs where most are equal', () => {
    expect([7, 8].map(spreadOf([7, 7, 7, 8]).isOutlier)).toEqual([false, true])
  })

  it('is exact where doubles are not', () => {
    const large = 2n ** 60n
    const spread = spreadOf([large, large, large, large + 1n])
    expect(spread.doubledMedian).toBe(2n * large)
    expect([large, large + 1n].map(spread.isOutlier)).toEqual([false, true])
  })

  it('does not depend on the unit, nor on the order', () => {
    const integers = fc.array(fc.integer(), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(integers, fc.integer({ min: 1, max: 2 ** 40 }), (values, factor) => {
        const spread = spreadOf(values)
        const scaled = spreadOf(values.map((value) => multiply(value, factor)).toReversed())
        for (const value of values) {
          expect(scaled.isOutlier(multiply(value, factor))).toBe(spread.isOutlier(value))
        }
      }),
    )
  })

  it('is moved by fewer than half of the values only as far as the others reach', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 5, maxLength: 20 }),
        (values) => {
          const wild = values.slice(0, Math.floor((values.length - 1) / 2)).map(() => 10 ** 12)
          const spread = spreadOf([...values, ...wild])
          expect(Number(spread.doubledMedian)).toBeLessThanOrEqual(200)
          expect(spread.isOutlier(10 ** 12) || wild.length === 0).toBe(true)
        },
      ),
    )
  })
})
