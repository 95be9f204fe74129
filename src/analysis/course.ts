/**
 * The course of many figures over time, in few points for each: the average of each part of time.
 */
import { toDouble } from './integer.ts'
import type { Integer } from './snapshot.ts'
import { TimeBuckets } from './time-buckets.ts'

/** A figure at a time, in milliseconds since 1970. */
export interface Point {
  readonly time: number
  readonly value: number
}

/** For a day, points four and a half minutes apart; for a month, two and a half hours. */
const MAX_POINTS = 512

/** No node has as many figures: three for each of a dozen allocators, and four of its own. */
const MAX_FIGURES = 256

/** What was sampled in a part of time: by figure, the sum and how often it was there. */
interface Samples {
  times: number
  count: number
  readonly sums: number[]
  readonly counts: number[]
}

/** Keeps averages of figures, in one pass, in space that does not grow. */
export class Course {
  readonly #places = new Map<string, number>()
  readonly #buckets = new TimeBuckets(joined)

  /** Milliseconds that are averaged, at most; what happened within them cannot be told apart. */
  get precision(): number {
    return this.#buckets.width
  }

  add(time: number, figures: Iterable<readonly [name: string, value: Integer]>): void {
    const samples: Samples = { times: time, count: 1, sums: [], counts: [] }
    for (const [name, value] of figures) {
      const place = this.#placeOf(name)
      if (place === undefined) continue
      samples.sums[place] = toDouble(value)
      samples.counts[place] = 1
    }
    this.#buckets.add(time, samples)
    while (this.#buckets.size > MAX_POINTS) this.#buckets.widen()
  }

  /** In order of time; without those parts of it in which there was no such figure. */
  points(name: string): readonly Point[] {
    const place = this.#places.get(name)
    if (place === undefined) return []
    const points: Point[] = []
    for (const { times, count, sums, counts } of this.#buckets.contents) {
      const divisor = counts[place] ?? 0
      if (divisor > 0) points.push({ time: times / count, value: (sums[place] ?? 0) / divisor })
    }
    return points.sort((left, right) => left.time - right.time)
  }

  #placeOf(name: string): number | undefined {
    const place = this.#places.get(name)
    if (place !== undefined || this.#places.size >= MAX_FIGURES) return place
    this.#places.set(name, this.#places.size)
    return this.#places.size - 1
  }
}

/** The one that was there first is made to hold both. */
function joined(into: Samples, from: Samples): Samples {
  into.times += from.times
  into.count += from.count
  addTo(into.sums, from.sums)
  addTo(into.counts, from.counts)
  return into
}

function addTo(into: number[], from: readonly number[]): void {
  for (let place = 0; place < from.length; place++) {
    into[place] = (into[place] ?? 0) + (from[place] ?? 0)
  }
}
