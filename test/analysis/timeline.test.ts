/** What is kept of many moments, whatever they are. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Moment, Timeline } from '../../src/analysis/index.ts'
import { add, compare, sum } from '../../src/analysis/integer.ts'
import type { Integer } from '../../src/analysis/snapshot.ts'

const ALLOCATORS = ['binary_alloc', 'eheap_alloc', 'ets_alloc']
const MAX = 40

const size = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
)

const account = fc.record({ used: size, waste: size })

/** At times that are all different, in any order. */
const moments: fc.Arbitrary<readonly Moment[]> = fc
  .uniqueArray(
    fc.record({
      time: fc.oneof(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: -(10 ** 6), max: 10 ** 13 }),
      ),
      resident: fc.option(size, { nil: undefined }),
      accounts: fc.tuple(account, account, account),
    }),
    { selector: ({ time }) => time, maxLength: 300, size: 'max' },
  )
  .map((all) =>
    all.map(({ time, resident, accounts }): Moment => {
      const allocators = accounts.map(({ used, waste }, index) => ({
        allocator: ALLOCATORS[index] ?? '',
        allocated: add(used, waste),
        used,
        waste,
        pooled: 0,
      }))
      return {
        time,
        resident,
        allocated: sum(allocators.map(({ allocated }) => allocated)),
        used: sum(allocators.map(({ used }) => used)),
        waste: sum(allocators.map(({ waste }) => waste)),
        allocators,
      }
    }),
  )

function kept(all: Iterable<Moment>, max = MAX): readonly Moment[] {
  const timeline = new Timeline(max)
  for (const moment of all) timeline.add(moment)
  return timeline.moments
}

function highest(all: readonly Moment[], figure: (moment: Moment) => Integer): Integer {
  return all.map(figure).reduce((most, each) => (compare(each, most) > 0 ? each : most), 0)
}

const FIGURES: readonly ((moment: Moment) => Integer)[] = [
  ({ resident }) => resident ?? 0,
  ({ used }) => used,
  ({ waste }) => waste,
  ...ALLOCATORS.flatMap((_, index) => [
    ({ allocators }: Moment) => allocators[index]?.used ?? 0,
    ({ allocators }: Moment) => allocators[index]?.waste ?? 0,
  ]),
]

function holds(law: (all: readonly Moment[]) => void): void {
  fc.assert(fc.property(moments, law))
}

describe('a timeline', () => {
  test('never has more moments than its cap, at any time', () => {
    holds((all) => {
      const timeline = new Timeline(MAX)
      for (const moment of all) {
        timeline.add(moment)
        expect(timeline.moments.length).toBeLessThanOrEqual(MAX)
      }
    })
  })

  test('is in order of time, of moments that were given', () => {
    holds((all) => {
      const times = kept(all).map(({ time }) => time)
      expect(times).toEqual([...times].sort((left, right) => left - right))
      const given = new Set(all)
      expect(kept(all).filter((moment) => !given.has(moment))).toEqual([])
    })
  })

  test('has the highest of each figure, of the node and of each allocator', () => {
    holds((all) => {
      for (const figure of FIGURES) expect(highest(kept(all), figure)).toBe(highest(all, figure))
    })
  })

  test('has the first and the last moment', () => {
    holds((all) => {
      const sorted = [...all].sort((left, right) => left.time - right.time)
      expect(kept(all)[0]).toBe(sorted[0])
      expect(kept(all).at(-1)).toBe(sorted.at(-1))
    })
  })

  test('keeps all that it has kept once', () => {
    holds((all) => {
      expect(kept(kept(all))).toEqual(kept(all))
    })
  })

  test('has all where there are few', () => {
    holds((all) => {
      const few = all.slice(0, MAX)
      expect(new Set(kept(few))).toEqual(new Set(few))
    })
  })

  test('of a day leaves no hour out', () => {
    const all = Array.from({ length: 8640 }, (_, index): Moment => {
      const figure = (index * 7919) % 10_007
      return {
        time: index * 10_000,
        resident: figure,
        allocated: 1,
        used: figure,
        waste: figure,
        allocators: [],
      }
    })
    const times = kept(all, 1000).map(({ time }) => time)
    expect(times.length).toBeGreaterThan(250)
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.max(...gaps)).toBeLessThan(30 * 60_000)
  })

  test('has room for something', () => {
    expect(() => new Timeline(15)).toThrow(RangeError)
    expect(() => new Timeline(Number.NaN)).toThrow(RangeError)
  })
})
