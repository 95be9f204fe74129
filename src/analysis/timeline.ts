/**
 * What a node held over time, in few figures for each moment: what charts draw and trends are made of.
 */
import { greater } from './extremes.ts'
import { add, compare, sum } from './integer.ts'
import { type AllocatorOccupancy, occupancies, together } from './occupancy.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import { TimeBuckets } from './time-buckets.ts'

/** What one allocator held. Bytes. */
export interface AllocatorMoment {
  readonly allocator: string
  /** Carriers, those in the pool included. */
  readonly allocated: Integer
  readonly used: Integer
  /** Unused in multiblock carriers above what an idle node has too, and in single-block carriers. */
  readonly waste: Integer
  /** Of `allocated`, what was abandoned to the pool. */
  readonly pooled: Integer
}

/** What a node held at one moment. Bytes. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly time: number
  /** What the operating system reports; `undefined` where it does not. */
  readonly resident: Integer | undefined
  readonly allocated: Integer
  readonly used: Integer
  readonly waste: Integer
  /** The most waste first. */
  readonly allocators: readonly AllocatorMoment[]
}

/** The figures of a snapshot; `undefined` for one that does not say when it was taken. */
export function momentOf(
  snapshot: Snapshot,
  held: readonly AllocatorOccupancy[] = occupancies(snapshot),
): Moment | undefined {
  const time = Date.parse(snapshot.takenAt ?? '')
  if (Number.isNaN(time)) return undefined
  const allocators = held.map(allocatorMoment)
  return {
    time,
    resident: snapshot.os?.resident,
    allocated: sum(allocators.map(({ allocated }) => allocated)),
    used: sum(allocators.map(({ used }) => used)),
    waste: sum(allocators.map(({ waste }) => waste)),
    allocators: allocators.sort((left, right) => compare(right.waste, left.waste)),
  }
}

function allocatorMoment(held: AllocatorOccupancy): AllocatorMoment {
  const { allocated, used } = together([held.mbcs, held.sbcs])
  return {
    allocator: held.allocator,
    allocated,
    used,
    waste: greater(0, add(held.aboveFloor, held.sbcs.unused)),
    pooled: held.pool.allocated,
  }
}

const DEFAULT_MAX_MOMENTS = 1_000

/** Less is no timeline: the last bucket and the extremes of a few allocators have to fit. */
const LEAST_MAX_MOMENTS = 16

/** Of a part of time, the first moment and those at which a figure was highest; often the same. */
interface Extremes {
  readonly first: Moment
  readonly resident: Moment
  readonly used: Moment
  readonly waste: Moment
}

/** Of one allocator, the moments at which it used and wasted most. */
interface AllocatorExtremes {
  used: { readonly moment: Moment; readonly bytes: Integer }
  waste: { readonly moment: Moment; readonly bytes: Integer }
}

/**
 * Moments in order of time, at most so many: of more, the extremes are kept, at the time at which they were.
 *
 * Time is parted into buckets, twice as wide whenever there are too many moments. Of each bucket the first is
 * kept, and those with the most resident, most used and most waste; besides, of each allocator the one at which
 * it used most and the one at which it wasted most of all, and the last. What wide buckets keep is among what
 * narrow ones do, so that it does not matter how often moments went through a timeline before.
 */
export class Timeline {
  readonly #max: number
  readonly #buckets = new TimeBuckets(joined)
  readonly #allocators = new Map<string, AllocatorExtremes>()
  #last: Moment | undefined
  /** No fewer than are kept: what is certain is dear to count. */
  #atMost = 0
  #moments: readonly Moment[] | undefined

  /** @throws {RangeError} when `maxMoments` is below 16 */
  constructor(maxMoments: number = DEFAULT_MAX_MOMENTS) {
    if (!(maxMoments >= LEAST_MAX_MOMENTS)) {
      throw new RangeError(`a timeline has ${LEAST_MAX_MOMENTS} moments or more, not ${maxMoments}`)
    }
    this.#max = maxMoments
  }

  add(moment: Moment): void {
    this.#moments = undefined
    this.#buckets.add(moment.time, {
      first: moment,
      resident: moment,
      used: moment,
      waste: moment,
    })
    for (const allocator of moment.allocators) this.#addAllocator(moment, allocator)
    if (this.#last === undefined || moment.time >= this.#last.time) this.#last = moment
    this.#atMost++
    while (this.#atMost > this.#max) {
      this.#atMost = this.#kept().size
      if (this.#atMost > this.#max) this.#buckets.widen()
    }
  }

  get moments(): readonly Moment[] {
    this.#moments ??= [...this.#kept()].sort((left, right) => left.time - right.time)
    return this.#moments
  }

  /** Of no more allocators than leave most of the room; a node has a dozen. */
  #addAllocator(moment: Moment, { allocator, used, waste }: AllocatorMoment): void {
    const extremes = this.#allocators.get(allocator)
    if (extremes === undefined) {
      if (this.#allocators.size >= Math.floor(this.#max / 8)) return
      this.#allocators.set(allocator, {
        used: { moment, bytes: used },
        waste: { moment, bytes: waste },
      })
      return
    }
    if (isHigher(used, moment, extremes.used.bytes, extremes.used.moment)) {
      extremes.used = { moment, bytes: used }
    }
    if (isHigher(waste, moment, extremes.waste.bytes, extremes.waste.moment)) {
      extremes.waste = { moment, bytes: waste }
    }
  }

  #kept(): Set<Moment> {
    const kept = new Set<Moment>()
    for (const { first, resident, used, waste } of this.#buckets.contents) {
      kept.add(first).add(resident).add(used).add(waste)
    }
    for (const { used, waste } of this.#allocators.values()) kept.add(used.moment).add(waste.moment)
    if (this.#last !== undefined) kept.add(this.#last)
    return kept
  }
}

function joined(left: Extremes, right: Extremes): Extremes {
  const higher = (figure: 'resident' | 'used' | 'waste'): Moment => {
    const [one, other] = [left[figure], right[figure]]
    return isHigher(other[figure] ?? 0, other, one[figure] ?? 0, one) ? other : one
  }
  return {
    first: right.first.time < left.first.time ? right.first : left.first,
    resident: higher('resident'),
    used: higher('used'),
    waste: higher('waste'),
  }
}

/** Of two that are as high, the earlier one is taken. */
function isHigher(bytes: Integer, at: Moment, than: Integer, before: Moment): boolean {
  const difference = compare(bytes, than)
  return difference > 0 || (difference === 0 && at.time < before.time)
}
