/**
 * Which allocators hold much and use little of it: `recon_alloc:fragmentation/1`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#fragmentation-1
 */
import { compare, toDouble } from './integer.ts'
import type { Snapshot } from './snapshot.ts'
import { type Amount, arithmetic, type Unit } from './unit.ts'
import { usage } from './usage.ts'
import {
  compareNames,
  type Keyword,
  size,
  type UtilAllocator,
  utilAllocators,
} from './util-allocators.ts'

/** One instance of an allocator. */
export interface Fragmentation {
  readonly allocator: UtilAllocator
  readonly instance: number
  /**
   * Blocks through carriers, 0 to 1; no carriers at all count as 1. Low beside large carriers is bad.
   * Low now and high at `max` is fragmentation after a peak; low in both is how this load always is.
   *
   * `Infinity` where there are blocks but no carriers, which a faulty release may report: recon crashes.
   */
  readonly sbcsUsage: number
  readonly mbcsUsage: number
  readonly sbcsBlockSize: Amount
  readonly sbcsCarriersSize: Amount
  readonly mbcsBlockSize: Amount
  readonly mbcsCarriersSize: Amount
}

/**
 * All instances, the worst first: those whose carriers hold most that no block uses.
 */
export function fragmentation(
  snapshot: Snapshot,
  keyword: Keyword = 'current',
  unit: Unit = 'byte',
): readonly Fragmentation[] {
  const in_ = arithmetic(unit)
  return utilAllocators(snapshot)
    .map((instance) => {
      const sbcsBlockSize = size(instance, keyword, 'sbcs', 'blocksSize', in_)
      const sbcsCarriersSize = size(instance, keyword, 'sbcs', 'carriersSize', in_)
      const mbcsBlockSize = size(instance, keyword, 'mbcs', 'blocksSize', in_)
      const mbcsCarriersSize = size(instance, keyword, 'mbcs', 'carriersSize', in_)
      return {
        weight: unused(sbcsBlockSize, sbcsCarriersSize) + unused(mbcsBlockSize, mbcsCarriersSize),
        entry: {
          allocator: instance.allocator,
          instance: instance.instance,
          sbcsUsage: usage(sbcsBlockSize, sbcsCarriersSize),
          mbcsUsage: usage(mbcsBlockSize, mbcsCarriersSize),
          sbcsBlockSize,
          sbcsCarriersSize,
          mbcsBlockSize,
          mbcsCarriersSize,
        },
      }
    })
    .sort((left, right) => left.weight - right.weight || compareEntries(left.entry, right.entry))
    .reverse()
    .map(({ entry }) => entry)
}

/** What carriers hold and no block uses, with the rounding that recon's formula has. */
function unused(blocks: Amount, carriers: Amount): number {
  const used = usage(blocks, carriers)
  return used === Number.POSITIVE_INFINITY ? -toDouble(blocks) : (1 - used) * toDouble(carriers)
}

/** Recon sorts tuples of all this, so what weighs the same is sorted by the rest. */
function compareEntries(left: Fragmentation, right: Fragmentation): number {
  return (
    compareNames(left.allocator, right.allocator) ||
    left.instance - right.instance ||
    compare(left.sbcsUsage, right.sbcsUsage) ||
    compare(left.mbcsUsage, right.mbcsUsage) ||
    compare(left.sbcsBlockSize, right.sbcsBlockSize) ||
    compare(left.sbcsCarriersSize, right.sbcsCarriersSize) ||
    compare(left.mbcsBlockSize, right.mbcsBlockSize) ||
    compare(left.mbcsCarriersSize, right.mbcsCarriersSize)
  )
}
