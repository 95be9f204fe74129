/**
 * When memory began to be wasted: rises that took little of the time and stayed, as a peak leaves them.
 */
import type { Point } from './course.ts'
import { THRESHOLDS } from './thresholds.ts'
import { median } from './trend.ts'

/** A rise of a figure, at once or nearly so. Times in milliseconds since 1970. */
export interface Rise {
  readonly from: number
  readonly to: number
  /** What there was before and what there was after. */
  readonly before: number
  readonly after: number
  /** When half of it had gone again; `undefined` where it has stayed. */
  readonly returned: number | undefined
}

/** Of what an allocator's waste ever moved, so much is no ripple. */
const LEAST_SHARE = 0.25

/** Most of a rise; the beginning and the end of one are not sharp. */
const MOST = 0.75

/** What takes longer, or a larger part of the time, is growth, or comes and goes each day. */
const LONGEST = 3 * 3_600_000
const LONGEST_SHARE = 0.125

/** Just as long before it and after it there is at most so much of a rise. */
const LEAST_STEEPER = 0.5

/** What goes again after a smaller part of the time did not stay; one of few may go sooner. */
const LEAST_STAY = 0.05
const LEAST_STAY_OF_FEW = 1 / 64
const FEW = 3

/**
 * A rise is so many times what the figure changes by anyway in the same time. Of 500 points of noise the
 * highest lies above the lowest by 4 times that.
 */
const LEAST_UNUSUAL = 5

/** On either side, points that a level is the median of. */
const LEVEL_POINTS = 9

/** In order of time; points in order of time as well. `least` is the least that counts. */
export function risesOf(
  points: readonly Point[],
  least: number = THRESHOLDS.wasteOfAllocator,
): readonly Rise[] {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < 3) return []
  const span = last.time - first.time
  const smooth = smoothed(points)
  const values = smooth.map(({ value }) => value)
  const threshold = Math.max(least, LEAST_SHARE * (highest(values) - lowest(values)))
  const longest = Math.min(LONGEST, LONGEST_SHARE * span)
  const rises = legsUp(values, threshold).flatMap((leg) =>
    risesWithin(smooth, ...leg, { leg, longest, threshold }),
  )
  const isFew = rises.length <= FEW
  return rises.filter(({ to, returned, before, after }) => {
    if (after - before < least) return false
    return (returned ?? last.time) - to >= (isFew ? LEAST_STAY_OF_FEW : LEAST_STAY) * span
  })
}

/** Pairs of places, at a low point and at the high one after it; turns by less than `threshold` are none. */
function legsUp(
  values: readonly number[],
  threshold: number,
): readonly (readonly [low: number, high: number])[] {
  const legs: [number, number][] = []
  let low = 0
  let high = 0
  let isUp = false
  const at = (place: number): number => values[place] ?? 0
  for (let place = 1; place < values.length; place++) {
    if (isUp) {
      if (at(place) > at(high)) high = place
      else if (at(high) - at(place) >= threshold) {
        legs.push([low, high])
        isUp = false
        low = place
      }
    } else if (at(place) < at(low)) {
      low = place
    } else if (at(place) - at(low) >= threshold) {
      isUp = true
      high = place
    }
  }
  if (isUp) legs.push([low, high])
  return legs
}

/** What a rise has to be: no longer, no less, and steeper than what is beside it in its leg. */
interface Lines {
  readonly leg: readonly [low: number, high: number]
  readonly longest: number
  readonly threshold: number
}

/**
 * The rises within a leg: the highest within a short time first, then those before it and after it. What rises
 * as fast before or after is a part of growth, or of a cycle.
 */
function risesWithin(
  points: readonly Point[],
  low: number,
  high: number,
  lines: Lines,
): readonly Rise[] {
  const { leg, longest, threshold } = lines
  const timeAt = (place: number): number => points[place]?.time ?? 0
  const valueAt = (place: number): number => points[place]?.value ?? 0
  const gain = (from: number, to: number): number => valueAt(to) - valueAt(from)
  let [start, end] = [low, low]
  for (let to = low + 1; to <= high; to++) {
    for (let from = to - 1; from >= low; from--) {
      // Two points that follow each other are short, however far they lie apart.
      if (from < to - 1 && timeAt(to) - timeAt(from) > longest) break
      if (gain(from, to) > gain(start, end)) [start, end] = [from, to]
    }
  }
  const whole = gain(start, end)
  if (whole < threshold || start === end) return []
  let [from, to] = [start, end]
  for (let right = start + 1; right <= end; right++) {
    for (let left = right - 1; left >= start; left--) {
      if (timeAt(right) - timeAt(left) >= timeAt(to) - timeAt(from)) break
      if (gain(left, right) >= MOST * whole) [from, to] = [left, right]
    }
  }
  const duration = timeAt(to) - timeAt(from)
  let before = from
  while (before > leg[0] && timeAt(from) - timeAt(before) < duration) before--
  let after = to
  while (after < leg[1] && timeAt(after) - timeAt(to) < duration) after++
  const usual = 1.4826 * median(changes(points, to - from).map(Math.abs))
  const isGradual = Math.max(gain(before, from), gain(to, after)) > LEAST_STEEPER * whole
  const isUsual = whole < LEAST_UNUSUAL * usual
  return [
    ...risesWithin(points, low, start, lines),
    ...(isGradual || isUsual ? [] : [riseBetween(points, from, to, whole)]),
    ...risesWithin(points, end, high, lines),
  ]
}

function riseBetween(points: readonly Point[], from: number, to: number, whole: number): Rise {
  const timeAt = (place: number): number => points[place]?.time ?? 0
  const lost = (points[from]?.value ?? 0) + whole / 2
  const back = points.findIndex(({ value }, place) => place > to && value <= lost)
  const until = back === -1 ? points.length : back
  const level = (start: number, end: number): number =>
    median(points.slice(Math.max(0, start), end).map(({ value }) => value))
  return {
    from: timeAt(from),
    to: timeAt(to),
    before: level(from + 1 - LEVEL_POINTS, from + 1),
    after: level(to, Math.min(until, to + LEVEL_POINTS)),
    returned: points[back]?.time,
  }
}

/** From each point to the one so many places behind it. */
function changes(points: readonly Point[], lag: number): readonly number[] {
  return points.slice(lag).map(({ value }, place) => value - (points[place]?.value ?? 0))
}

/** Each the median of itself and its neighbours, so that one sample is no rise. */
function smoothed(points: readonly Point[]): readonly Point[] {
  return points.map(({ time }, place) => {
    const around = points.slice(Math.max(0, place - 1), place + 2)
    return { time, value: median(around.map(({ value }) => value)) }
  })
}

function highest(values: readonly number[]): number {
  return values.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY)
}

function lowest(values: readonly number[]): number {
  return values.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY)
}
