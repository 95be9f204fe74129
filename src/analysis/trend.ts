/**
 * Whether a figure grows lastingly, and how fast: by medians, which no spike moves, and only where it is sure.
 *
 * @see https://en.wikipedia.org/wiki/Theil%E2%80%93Sen_estimator the median of the slopes between all points
 * @see Hirsch, Slack, Smith: Techniques of Trend Analysis for Monthly Water Quality Data (1982), for the same
 *   between points that are a whole cycle apart
 */
import type { Point } from './course.ts'

export type TrendShape =
  /** It rises all the time, as fast at the end as before. */
  | 'growth'
  /** The same downwards. */
  | 'decline'
  /** Next to nothing changes. */
  | 'steady'
  /** Most of what it rose or fell, it did at once. */
  | 'step'
  /** It goes up and down, or slows down. */
  | 'varying'
  /** There is too little to say. */
  | 'unknown'

export interface Trend {
  readonly shape: TrendShape
  /**
   * How fast it grows, with the slowest and the fastest that its parts show; negative where it declines, and
   * `undefined` where it does neither.
   */
  readonly perHour: Rate | undefined
  /**
   * `high` where two days or more show it, so that it is no part of a daily cycle; `medium` where that cannot
   * be excluded; `none` where there is nothing to be sure of.
   */
  readonly confidence: 'high' | 'medium' | 'none'
  /** Since when, in milliseconds since 1970: the first point that it was seen in. */
  readonly since: number | undefined
  /** What speaks against growth, or what is missing; `undefined` where it grows or declines. */
  readonly why: string | undefined
}

/** Bytes in an hour. */
export interface Rate {
  readonly typical: number
  readonly slowest: number
  readonly fastest: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** With fewer points, eight medians in turn rise by chance. */
const LEAST_POINTS = 16

/** In less time a node has hardly come up. */
const LEAST_SPAN = 5 * MINUTE

/** A change that matters: of what there is, and at least. An idle node's resident size moves by less. */
const CHANGE_SHARE = 0.01
const LEAST_CHANGE = 2 ** 20

/** The slopes of so many points are computed, of which there are half the square. */
const MAX_GROUPS = 96

/** Parts of the time whose medians are compared. */
const PARTS = 8

/** Of all ups and downs between the parts, so much leads in one direction. A sawtooth's are at most half. */
const LEAST_DIRECTED = 0.75

/** A part that does so much of the whole rise is a step; of growth each does a seventh. */
const STEP_SHARE = 0.55

/** The first and the last three of seven rises bring at least so much; of even growth each brings 0.43. */
const LEAST_HALF = 0.15

/** What has lost so much of its rise in the last points has gone back. */
const LEAST_LOST = 0.35
const LAST_POINTS = 5

/** The rise is at least so many times what points spread around the line. */
const LEAST_SIGNIFICANCE = 2

/** Where it was level at first: most of the rise is above all that was there before. */
const LEAST_NEW = 0.5

/** Compared with the day before, each part has grown by at least so much of the typical growth. */
const LEAST_DAILY = 0.25

/** The last day lies above the first by at least so much of what that comes to. */
const LEAST_RISEN = 0.5

const UP_AND_DOWN = 'it goes up and down'

/** The trend of a figure up to its last point; points in order of time, evenly spaced but for gaps. */
export function trendOf(points: readonly Point[]): Trend {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined) return nothing('unknown', 'there are no samples')
  const span = last.time - first.time
  if (points.length < LEAST_POINTS) {
    return nothing('unknown', `there are ${points.length} samples, and ${LEAST_POINTS} are needed`)
  }
  if (span < LEAST_SPAN) return nothing('unknown', 'it was seen for less than five minutes')
  const all = grouped(points)
  const change = Math.max(LEAST_CHANGE, CHANGE_SHARE * Math.abs(median(all.map(valueIn))))
  if (spread(all) < change) return nothing('steady', 'it hardly changes')
  const daily = dailyTrend(points, change)
  if (daily !== undefined) return daily
  const whole = shapeOf(points, change, first.time)
  if (whole.perHour !== undefined) return whole
  // It may have begun lately: then it is beyond all that was before.
  for (const share of [1 / 2, 3 / 4]) {
    const since = first.time + share * span
    const before = grouped(points.filter(({ time }) => time < since))
    const after = points.filter(({ time }) => time >= since)
    if (after.length < LEAST_POINTS || last.time - since < LEAST_SPAN) break
    const recent = shapeOf(after, change, since)
    if (recent.perHour !== undefined && isNew(recent, before, after)) return recent
  }
  return whole
}

/** Growth in half of what was seen, or less, is believed if it left behind what was there before. */
function isNew({ shape }: Trend, before: readonly Point[], after: readonly Point[]): boolean {
  const sign = shape === 'growth' ? 1 : -1
  const values = medians(grouped(after)).map((value) => sign * value)
  const rise = (values.at(-1) ?? 0) - (values[0] ?? 0)
  const highest = Math.max(...before.map(({ value }) => sign * value))
  return (values.at(-1) ?? 0) - highest >= LEAST_NEW * rise
}

/** By parts of the time, and by the slopes of all points to each other. */
function shapeOf(all: readonly Point[], change: number, since: number): Trend {
  const points = grouped(all)
  const values = medians(points)
  const rise = (values.at(-1) ?? 0) - (values[0] ?? 0)
  const sign = Math.sign(rise)
  const rises = values.slice(1).map((value, index) => sign * (value - (values[index] ?? 0)))
  const moved = rises.reduce((total, each) => total + Math.abs(each), 0)
  if (moved < change) return nothing('steady', 'it hardly changes')
  if (Math.abs(rise) < change || Math.abs(rise) < LEAST_DIRECTED * moved) {
    return nothing('varying', UP_AND_DOWN)
  }
  if (Math.max(...rises) > STEP_SHARE * Math.abs(rise)) {
    return nothing('step', `most of the ${sign > 0 ? 'rise' : 'fall'} came at once`)
  }
  const half = Math.floor(rises.length / 2)
  const part = (from: number, to: number): number =>
    rises.slice(from, to).reduce((total, each) => total + each, 0)
  if (part(rises.length - half, rises.length) < LEAST_HALF * Math.abs(rise)) {
    return nothing('varying', 'it slows down')
  }
  if (part(0, half) < LEAST_HALF * Math.abs(rise)) {
    return nothing('varying', 'it has hardly begun')
  }
  const now = median(all.slice(-LAST_POINTS).map(valueIn))
  if (sign * ((values.at(-1) ?? 0) - now) > LEAST_LOST * Math.abs(rise)) {
    return nothing('varying', UP_AND_DOWN)
  }
  const typical = slope(points)
  if (Math.abs(rise) < LEAST_SIGNIFICANCE * residual(points, typical)) {
    return nothing('varying', 'it moves more than it grows')
  }
  const middle = Math.floor(points.length / 2)
  const slopes = [typical, slope(points.slice(0, middle)), slope(points.slice(middle))]
  return {
    shape: sign > 0 ? 'growth' : 'decline',
    perHour: rateOf(
      typical * HOUR,
      slopes.map((each) => each * HOUR),
    ),
    confidence: 'medium',
    since,
    why: undefined,
  }
}

/**
 * Where there are two days or more, each time of day is compared with the same of the day before, so that a
 * cycle of a day is no trend. A step shows for a day alone, and not throughout.
 */
function dailyTrend(points: readonly Point[], change: number): Trend | undefined {
  const first = points[0]?.time ?? 0
  const last = points.at(-1)?.time ?? 0
  if (last - first < 2 * DAY) return undefined
  const differences: Point[] = []
  let earlier = 0
  for (const { time, value } of points) {
    while ((points[earlier + 1]?.time ?? Number.POSITIVE_INFINITY) <= time - DAY) earlier++
    const before = points[earlier]
    const after = points[earlier + 1]
    if (before === undefined || after === undefined || before.time > time - DAY) continue
    const share = (time - DAY - before.time) / (after.time - before.time)
    differences.push({ time, value: value - (before.value + share * (after.value - before.value)) })
  }
  if (differences.length < LEAST_POINTS) return undefined
  const typical = median(differences.map(valueIn))
  const sign = Math.sign(typical)
  const days = medians(differences)
  if (Math.abs(typical) < change) return undefined
  if (days.some((each) => sign * each < LEAST_DAILY * Math.abs(typical))) return undefined
  const now = median(differences.slice(-LAST_POINTS).map(valueIn))
  if (sign * now < LEAST_DAILY * Math.abs(typical)) return undefined
  // Teeth of a saw a little shorter than a day are higher each day, but where they fall.
  const [firstDay, lastDay] = [
    points.filter(({ time }) => time <= first + DAY),
    points.filter(({ time }) => time >= last - DAY),
  ].map((points) => median(points.map(valueIn)))
  const risen = sign * ((lastDay ?? 0) - (firstDay ?? 0))
  if (risen < LEAST_RISEN * Math.abs(typical) * ((last - first) / DAY - 1)) return undefined
  // A step that lies a day from either end shows throughout.
  if (hasStep(points, sign)) return undefined
  const slopes = days.map((each) => (each / DAY) * HOUR)
  return {
    shape: sign > 0 ? 'growth' : 'decline',
    perHour: rateOf((typical / DAY) * HOUR, slopes),
    confidence: 'high',
    since: first,
    why: undefined,
  }
}

/** Whether an eighth of the time brings most of the rise, or half of it two times. */
function hasStep(points: readonly Point[], sign: number): boolean {
  const values = medians(grouped(points)).map((value) => sign * value)
  const rise = (values.at(-1) ?? 0) - (values[0] ?? 0)
  const rises = values.slice(1).map((value, index) => value - (values[index] ?? 0))
  const falls = rises.reduce((total, each) => total - Math.min(0, each), 0)
  // With a cycle on it, each day rises by far more than what is left of it.
  return falls < 0.1 * rise && Math.max(...rises) > STEP_SHARE * rise
}

function rateOf(typical: number, all: readonly number[]): Rate {
  const sorted = [...all, typical].sort((left, right) => Math.abs(left) - Math.abs(right))
  return { typical, slowest: sorted[0] ?? typical, fastest: sorted.at(-1) ?? typical }
}

function nothing(shape: TrendShape, why: string): Trend {
  return { shape, perHour: undefined, confidence: 'none', since: undefined, why }
}

/** The median slope between any two points; per millisecond. */
function slope(points: readonly Point[]): number {
  const slopes: number[] = []
  for (let left = 0; left < points.length; left++) {
    for (let right = left + 1; right < points.length; right++) {
      const [from, to] = [points[left], points[right]]
      if (from === undefined || to === undefined || to.time === from.time) continue
      slopes.push((to.value - from.value) / (to.time - from.time))
    }
  }
  return median(slopes)
}

/** How far points lie from the line with that slope: the median distance, as a standard deviation. */
function residual(points: readonly Point[], slope: number): number {
  const offsets = points.map(({ time, value }) => value - slope * time)
  const middle = median(offsets)
  return 1.4826 * median(offsets.map((offset) => Math.abs(offset - middle)))
}

/** Of many points few, each the median of some that follow each other. */
function grouped(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / MAX_GROUPS)
  if (size <= 1) return points
  const groups: Point[] = []
  for (let start = 0; start < points.length; start += size) {
    const group = points.slice(start, start + size)
    groups.push({
      time: median(group.map(({ time }) => time)),
      value: median(group.map(valueIn)),
    })
  }
  return groups
}

/** The medians of eight parts, with as many points in each as in any other but for one. */
function medians(points: readonly Point[]): readonly number[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const from = Math.floor((part * points.length) / PARTS)
    const to = Math.floor(((part + 1) * points.length) / PARTS)
    return median(points.slice(from, to).map(valueIn))
  })
}

/** Without the highest and the lowest twentieth. */
function spread(points: readonly Point[]): number {
  const sorted = points.map(valueIn).sort((left, right) => left - right)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0
  return at(0.95) - at(0.05)
}

/** Of no numbers 0. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

function valueIn({ value }: Point): number {
  return value
}
