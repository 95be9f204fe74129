/** Growth is told from all that is none, on series of which it is known what they are. */
import { describe, expect, test } from 'vitest'
import type { Point } from '../../src/analysis/course.ts'
import { Course } from '../../src/analysis/course.ts'
import { type Trend, trendOf } from '../../src/analysis/trend.ts'
import { MiB } from './made-snapshots.ts'

const START = Date.parse('2026-01-31T00:00:00Z')

/** Evenly from 0 to 1, the same at each run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** About normal, with a standard deviation of 1. */
function noise(seed: number): () => number {
  const next = random(seed)
  return () => Array.from({ length: 12 }, next).reduce((sum, each) => sum + each, 0) - 6
}

interface Series {
  readonly hours: number
  /** MiB, by the hour since the start. */
  readonly level: (hour: number) => number
  /** Seconds between samples. */
  readonly interval?: number
  /** Standard deviation, in MiB. */
  readonly noise?: number
  readonly seed?: number
}

/** As a history sees it. */
function pointsOf({
  hours,
  interval = 60,
  level,
  noise: deviation = 0,
  seed = 1,
}: Series): readonly Point[] {
  const course = new Course()
  const next = noise(seed)
  for (let second = 0; second <= hours * 3600; second += interval) {
    const value = (level(second / 3600) + deviation * next()) * MiB
    course.add(START + second * 1000, [['resident', Math.max(0, Math.round(value))]])
  }
  return course.points('resident')
}

function trend(series: Series): Trend {
  return trendOf(pointsOf(series))
}

/** MiB in an hour. */
function rate({ perHour }: Trend): number | undefined {
  return perHour === undefined ? undefined : perHour.typical / MiB
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

const day = (hour: number): number => Math.sin((hour / 24) * 2 * Math.PI)
const sawtooth = (hour: number, period: number): number => (hour % period) / period

describe('no growth is', () => {
  const none: readonly (readonly [what: string, series: Omit<Series, 'seed'>])[] = [
    ['what does not change', { hours: 24, level: () => 500 }],
    ['noise', { hours: 24, level: () => 500, noise: 30 }],
    ['noise for an hour', { hours: 1, level: () => 500, noise: 30, interval: 10 }],
    ['noise of few samples', { hours: 1, level: () => 500, noise: 30, interval: 180 }],
    ['a fast sawtooth', { hours: 24, level: (h) => 500 + 200 * sawtooth(h, 0.4), noise: 5 }],
    ['a slow sawtooth', { hours: 24, level: (h) => 500 + 200 * sawtooth(h, 5), noise: 5 }],
    ['two teeth of a saw', { hours: 24, level: (h) => 500 + 200 * sawtooth(h, 12.1), noise: 5 }],
    ['one tooth and a half', { hours: 24, level: (h) => 500 + 200 * sawtooth(h, 16), noise: 5 }],
    ['a step', { hours: 24, level: (h) => (h < 12 ? 300 : 600), noise: 5 }],
    ['a step near the end', { hours: 24, level: (h) => (h < 22.5 ? 300 : 600), noise: 5 }],
    ['a step in two days', { hours: 48, level: (h) => (h < 24 ? 300 : 600), noise: 5 }],
    ['a step in three days', { hours: 72, level: (h) => (h < 30 ? 300 : 600), noise: 5 }],
    [
      'a spike that is returned',
      { hours: 24, level: (h) => (h > 12 && h < 13 ? 900 : 300), noise: 5 },
    ],
    ['a long one', { hours: 24, level: (h) => (h > 9 && h < 15 ? 900 : 300), noise: 5 }],
    ['one at the end', { hours: 24, level: (h) => (h > 23.8 ? 900 : 300), noise: 5 }],
    ['a warm-up', { hours: 6, level: (h) => 300 * (1 - Math.exp(-2 * h)), noise: 3 }],
    ['a cycle of a day', { hours: 72, level: (h) => 500 + 200 * day(h), noise: 10 }],
    [
      'the same over two days and a half',
      { hours: 60, level: (h) => 500 + 200 * day(h), noise: 10 },
    ],
    ['the same up to its height', { hours: 54, level: (h) => 500 + 200 * day(h), noise: 10 }],
    ['a day of it', { hours: 24, level: (h) => 500 + 200 * day(h), noise: 10 }],
    [
      'teeth of a little less than a day',
      { hours: 168, level: (h) => 300 + 300 * sawtooth(h, 23), noise: 5, interval: 600 },
    ],
    [
      'a tooth that has just fallen',
      { hours: 24, level: (h) => (h < 23.5 ? 300 + 20 * h : 300), noise: 5 },
    ],
    [
      'one of days that has just fallen',
      { hours: 72, level: (h) => (h < 71.5 ? 300 + 20 * h : 300), noise: 5 },
    ],
    ['a random walk of ten minutes', { hours: 1 / 6, level: () => 40, noise: 0.3, interval: 5 }],
  ]
  test.each(none)('%s', (_, series) => {
    for (const seed of SEEDS) {
      const { shape, perHour, confidence, why } = trend({ ...series, seed })
      expect({ seed, shape, perHour, confidence }).toMatchObject({
        perHour: undefined,
        confidence: 'none',
      })
      expect(why).toMatch(/\w/)
    }
  })

  test('a fall', () => {
    const { shape, perHour } = trend({ hours: 24, level: (h) => 900 - 10 * h, noise: 3 })
    expect(shape).toBe('decline')
    expect(perHour?.typical).toBeLessThan(0)
  })
})

describe('growth is', () => {
  const growth: readonly [string, number, Omit<Series, 'seed'>, number?][] = [
    ['a slow leak', 2, { hours: 24, level: (h) => 500 + 2 * h, noise: 3 }],
    ['a leak in an hour', 100, { hours: 1, level: (h) => 500 + 100 * h, noise: 5, interval: 10 }],
    [
      'a leak of few samples',
      100,
      { hours: 1, level: (h) => 500 + 100 * h, noise: 5, interval: 120 },
    ],
    [
      'a leak below spikes',
      5,
      {
        hours: 24,
        level: (h) => 500 + 5 * h + (h % 3 < 0.2 ? 400 : 0),
        noise: 5,
      },
    ],
    [
      'a leak below a fast sawtooth',
      10,
      {
        hours: 24,
        level: (h) => 500 + 10 * h + 100 * sawtooth(h, 0.4),
        noise: 5,
      },
    ],
    [
      'a leak below a cycle of a day',
      5,
      {
        hours: 72,
        level: (h) => 500 + 5 * h + 200 * day(h),
        noise: 10,
      },
    ],
    [
      'one that began lately',
      40,
      {
        hours: 24,
        level: (h) => 500 + 40 * Math.max(0, h - 14),
        noise: 5,
      },
      0.2,
    ],
    [
      'one in carriers of 32 MiB',
      20,
      {
        hours: 24,
        level: (h) => 500 + 32 * Math.floor((20 * h) / 32),
      },
    ],
    [
      'one of a week',
      1,
      { hours: 168, level: (h) => 500 + h + 50 * day(h), noise: 5, interval: 600 },
    ],
  ]
  test.each(growth)('%s', (_, perHour, series, tolerance = 0.1) => {
    for (const seed of SEEDS) {
      const found = trend({ ...series, seed })
      expect({ seed, ...found }).toMatchObject({ shape: 'growth', why: undefined })
      expect(Math.abs((rate(found) ?? 0) - perHour)).toBeLessThan(tolerance * perHour)
      const { typical = 0, slowest = 0, fastest = 0 } = found.perHour ?? {}
      expect(slowest).toBeLessThanOrEqual(typical)
      expect(typical).toBeLessThanOrEqual(fastest)
    }
  })

  test('sure after two days, and not before', () => {
    const level = (hour: number): number => 500 + 5 * hour
    expect(trend({ hours: 47, level, noise: 5 }).confidence).toBe('medium')
    expect(trend({ hours: 49, level, noise: 5 }).confidence).toBe('high')
  })
})

describe('nothing is said', () => {
  test.each<[string, Series, RegExp]>([
    ['of no samples', { hours: -1, level: () => 1 }, /no samples/],
    ['of few samples', { hours: 1, interval: 600, level: (h) => 100 * h }, /7 samples, and 16/],
    ['of a moment', { hours: 1 / 20, interval: 5, level: (h) => 1e5 * h }, /five minutes/],
  ])('%s', (_, series, why) => {
    expect(trend(series)).toMatchObject({ shape: 'unknown', why: expect.stringMatching(why) })
  })
})
