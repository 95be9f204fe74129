/**
 * How large blocks are: `recon_alloc:average_block_sizes/1`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#average_block_sizes-1
 */
import { add, divide } from './integer.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import { type Amount, arithmetic, type Unit } from './unit.ts'
import {
  blockCount,
  type CarrierKind,
  compareNames,
  type Keyword,
  size,
  type UtilAllocator,
  utilAllocators,
} from './util-allocators.ts'

/**
 * The mean size of a block, by kind of carrier; 0 where there is no block. `Infinity` where bytes are
 * counted but no block, which a faulty release may report: recon crashes.
 *
 * Neither good nor bad in itself: this is what carriers are dimensioned by. A mean in `mbcs` near the
 * single-block threshold (`sbct`) or near the smallest multiblock carrier (`smbcs`) means that few
 * blocks share a carrier; raise the threshold or `lmbcs`, which are rounded up to a power of two.
 */
export interface AverageBlockSize {
  readonly mbcs: number
  readonly sbcs: number
}

/** By allocator over all its instances, sorted by name. */
export function averageBlockSizes(
  snapshot: Snapshot,
  keyword: Keyword = 'current',
  unit: Unit = 'byte',
): ReadonlyMap<UtilAllocator, AverageBlockSize> {
  const in_ = arithmetic(unit)
  const totals = new Map<UtilAllocator, Record<CarrierKind, { count: Integer; size: Amount }>>()
  for (const instance of utilAllocators(snapshot)) {
    const total = totals.get(instance.allocator) ?? {
      mbcs: { count: 0, size: 0 },
      sbcs: { count: 0, size: 0 },
    }
    totals.set(instance.allocator, total)
    for (const kind of ['mbcs', 'sbcs'] as const) {
      const blocks = total[kind]
      blocks.count = add(blocks.count, blockCount(instance, keyword, kind))
      blocks.size = in_.add(blocks.size, size(instance, keyword, kind, 'blocksSize', in_))
    }
  }
  return new Map(
    [...totals]
      .sort(([left], [right]) => compareNames(left, right))
      .map(([allocator, { mbcs, sbcs }]) => [
        allocator,
        { mbcs: average(mbcs.size, mbcs.count), sbcs: average(sbcs.size, sbcs.count) },
      ]),
  )
}

function average(size: Amount, count: Integer): number {
  if (count !== 0) return divide(size, count)
  return size === 0 ? 0 : Number.POSITIVE_INFINITY
}
