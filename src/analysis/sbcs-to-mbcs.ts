/**
 * How many blocks have a carrier of their own: `recon_alloc:sbcs_to_mbcs/1`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#sbcs_to_mbcs-1
 */
import { compare, divide } from './integer.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import {
  blockCount,
  compareNames,
  type Keyword,
  type UtilAllocator,
  utilAllocators,
} from './util-allocators.ts'

/** One instance of an allocator. */
export interface SbcsToMbcs {
  readonly allocator: UtilAllocator
  readonly instance: number
  /**
   * Blocks in single-block carriers through blocks in multiblock carriers; 0 of 0 is 0, something of 0
   * is `Infinity`.
   *
   * Low is good: multiblock carriers are memory that is already there, and what is done against
   * fragmentation is done in them, while each single-block carrier is a call for a new segment. High
   * means that much data is above the single-block threshold: raise `sbct`, and `lmbcs` with it.
   */
  readonly ratio: number
}

/** All instances, the highest ratio first. */
export function sbcsToMbcs(
  snapshot: Snapshot,
  keyword: Keyword = 'current',
): readonly SbcsToMbcs[] {
  return utilAllocators(snapshot)
    .map((instance) => ({
      allocator: instance.allocator,
      instance: instance.instance,
      ratio: ratio(blockCount(instance, keyword, 'sbcs'), blockCount(instance, keyword, 'mbcs')),
    }))
    .sort(
      (left, right) =>
        compare(left.ratio, right.ratio) ||
        compareNames(left.allocator, right.allocator) ||
        left.instance - right.instance,
    )
    .reverse()
}

function ratio(sbcs: Integer, mbcs: Integer): number {
  if (mbcs !== 0) return divide(sbcs, mbcs)
  return sbcs === 0 ? 0 : Number.POSITIVE_INFINITY
}
