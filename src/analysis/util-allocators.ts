/**
 * The allocators that recon's figures are made of, and what recon reads from an instance of one.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html
 */
import { add } from './integer.ts'
import type { AllocatorInstance, Integer, Snapshot } from './snapshot.ts'
import type { Amount, UnitArithmetic } from './unit.ts'

/**
 * Which figures are taken: those of now, or the peak that each instance reached by itself.
 *
 * Peaks were not reached together. Their sum is a bound, never a size that the node once had: one peak
 * of 100 MB that wanders over eight schedulers counts 800 MB at `max`, more than the machine may have.
 */
export type Keyword = 'current' | 'max'

const NAMES = [
  'temp_alloc',
  'eheap_alloc',
  'binary_alloc',
  'ets_alloc',
  'driver_alloc',
  'sl_alloc',
  'll_alloc',
  'fix_alloc',
  'std_alloc',
] as const

/**
 * The nine allocators that recon counts. `literal_alloc` (constants of loaded code) and whatever else a
 * release may have are in the snapshot, but in none of recon's figures.
 */
export type UtilAllocator = (typeof NAMES)[number]

export const UTIL_ALLOCATORS: readonly UtilAllocator[] = NAMES

const known: ReadonlySet<string> = new Set(NAMES)

export interface UtilAllocatorInstance extends AllocatorInstance {
  readonly allocator: UtilAllocator
}

function isUtilAllocator(instance: AllocatorInstance): instance is UtilAllocatorInstance {
  return known.has(instance.allocator)
}

/** The instances of recon's allocators, in the order of the snapshot. */
export function utilAllocators(snapshot: Snapshot): readonly UtilAllocatorInstance[] {
  return snapshot.allocators.filter(isUtilAllocator)
}

/** Multiblock or single-block carriers. */
export type CarrierKind = 'mbcs' | 'sbcs'

/** How many blocks an instance has. Now, those in carriers that it abandoned to the pool are among them. */
export function blockCount(
  instance: AllocatorInstance,
  keyword: Keyword,
  kind: CarrierKind,
): Integer {
  const own = instance[kind].blocks[keyword]
  return isPoolCounted(keyword, kind) ? add(instance.mbcsPool?.blocks ?? 0, own) : own
}

/**
 * How much its blocks or its carriers take, the pool included as in {@link blockCount}: the pool keeps
 * no maximum, so at `max` it is left out.
 */
export function size(
  instance: AllocatorInstance,
  keyword: Keyword,
  kind: CarrierKind,
  container: 'blocksSize' | 'carriersSize',
  unit: UnitArithmetic,
): Amount {
  const own = unit.from(instance[kind][container][keyword])
  if (!isPoolCounted(keyword, kind) || instance.mbcsPool === undefined) return own
  return unit.add(unit.from(instance.mbcsPool[container]), own)
}

function isPoolCounted(keyword: Keyword, kind: CarrierKind): boolean {
  return keyword === 'current' && kind === 'mbcs'
}

/** By name, in the order of Erlang's atoms; the nine names are ASCII. */
export function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
