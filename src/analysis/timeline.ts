/**
 * What a node held over time, in few figures for each moment: what charts draw and trends are made of.
 */
import { greater } from './extremes.ts'
import { add, compare, sum } from './integer.ts'
import { type AllocatorOccupancy, occupancies, together } from './occupancy.ts'
import type { Integer, Snapshot } from './snapshot.ts'

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
export function momentOf(snapshot: Snapshot): Moment | undefined {
  const time = Date.parse(snapshot.takenAt ?? '')
  if (Number.isNaN(time)) return undefined
  const allocators = occupancies(snapshot).map(allocatorMoment)
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

/** Moments in order of time, no more than so many: of more, every second one is left out. */
export class Timeline {
  readonly #max: number
  #moments: Moment[] = []

  constructor(maxMoments: number = DEFAULT_MAX_MOMENTS) {
    this.#max = maxMoments
  }

  add(moment: Moment): void {
    const after = this.#moments.findLastIndex(({ time }) => time <= moment.time)
    this.#moments.splice(after + 1, 0, moment)
    if (this.#moments.length > this.#max) {
      this.#moments = this.#moments.filter((_, index) => index % 2 === 0)
    }
  }

  get moments(): readonly Moment[] {
    return this.#moments
  }
}
