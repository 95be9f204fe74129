/**
 * What the carriers of each instance hold, and what of it blocks use.
 *
 * Unlike recon's figures these include `literal_alloc` and whatever else a release may have, and they
 * keep apart the carriers that were abandoned to the pool.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#the-alloc_util-framework
 */

import { lesser } from './extremes.ts'
import { idleFloor } from './idle-floor.ts'
import { add, compare, multiply, subtract, sum } from './integer.ts'
import type { AllocatorInstance, Integer, Snapshot } from './snapshot.ts'
import { usage } from './usage.ts'

/** Carriers, and the blocks in them. Bytes. */
export interface Occupancy {
  readonly allocated: Integer
  readonly used: Integer
  /** Below 0 only where a release counts wrongly. */
  readonly unused: Integer
}

interface Held {
  /** Multiblock carriers, with those in the pool. */
  readonly mbcs: Occupancy
  /** Of `mbcs`, those in the pool. */
  readonly pool: Occupancy
  readonly sbcs: Occupancy
  /** What an idle node would not use either, of what `mbcs` does not use. */
  readonly floor: Integer
  /** The rest of it: waste. */
  readonly aboveFloor: Integer
}

export interface InstanceOccupancy extends Held {
  readonly instance: AllocatorInstance
}

export interface AllocatorOccupancy extends Held {
  readonly allocator: string
  readonly instances: readonly InstanceOccupancy[]
}

/** Every allocator with its instances in the order of the snapshot; the most waste first. */
export function occupancies(snapshot: Snapshot): readonly AllocatorOccupancy[] {
  const groups = new Map<string, InstanceOccupancy[]>()
  for (const instance of snapshot.allocators) {
    const group = groups.get(instance.allocator)
    if (group === undefined) groups.set(instance.allocator, [occupancyOf(instance)])
    else group.push(occupancyOf(instance))
  }
  return Array.from(groups, ([allocator, instances]) => ({
    allocator,
    instances,
    mbcs: together(instances.map(({ mbcs }) => mbcs)),
    pool: together(instances.map(({ pool }) => pool)),
    sbcs: together(instances.map(({ sbcs }) => sbcs)),
    floor: sum(instances.map(({ floor }) => floor)),
    aboveFloor: sum(instances.map(({ aboveFloor }) => aboveFloor)),
  })).sort((left, right) => compare(right.aboveFloor, left.aboveFloor))
}

/** Several, as one. */
export function together(all: readonly Occupancy[]): Occupancy {
  return occupancy(sum(all.map(({ allocated }) => allocated)), sum(all.map(({ used }) => used)))
}

/** `sys_alloc` rounds each carrier up to a multiple of this: the default of `+Muycs`. */
const ROUNDING = 2 ** 20

/** How many of an allocator's single-block carriers come from `sys_alloc`. */
export function sysAllocCarriers({ instances }: AllocatorOccupancy): Integer {
  return sum(instances.map(({ instance }) => instance.sbcs.sysAllocCarriers ?? 0))
}

/** Of what single-block carriers do not use, the most that `sys_alloc` can have rounded up. */
export function roundedUp(held: AllocatorOccupancy): Integer {
  return lesser(held.sbcs.unused, multiply(sysAllocCarriers(held), ROUNDING))
}

/** How much of an allocator's multiblock carriers is used, the floor left out. */
export function usageAboveFloor({ mbcs, floor }: Held): number {
  return usage(mbcs.used, subtract(mbcs.allocated, floor))
}

function occupancyOf(instance: AllocatorInstance): InstanceOccupancy {
  const { mbcs: own, mbcsPool, sbcs } = instance
  const pool = occupancy(mbcsPool?.carriersSize ?? 0, mbcsPool?.blocksSize ?? 0)
  const mbcs = occupancy(
    add(own.carriersSize.current, pool.allocated),
    add(own.blocksSize.current, pool.used),
  )
  const floor = idleFloor(instance, mbcs.unused)
  return {
    instance,
    mbcs,
    pool,
    sbcs: occupancy(sbcs.carriersSize.current, sbcs.blocksSize.current),
    floor,
    aboveFloor: subtract(mbcs.unused, floor),
  }
}

function occupancy(allocated: Integer, used: Integer): Occupancy {
  return { allocated, used, unused: subtract(allocated, used) }
}
