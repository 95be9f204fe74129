/**
 * How much memory the allocators hold, and how much of it is used: `recon_alloc:memory/1,2`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#memory-2
 */
import { divide } from './integer.ts'
import type { Snapshot } from './snapshot.ts'
import { type Amount, arithmetic, type Unit } from './unit.ts'
import {
  compareNames,
  type Keyword,
  size,
  type UtilAllocator,
  utilAllocators,
} from './util-allocators.ts'

/** What {@link memory} can be asked for. */
export type MemoryKey =
  | 'used'
  | 'allocated'
  | 'unused'
  | 'usage'
  | 'allocated_types'
  | 'allocated_instances'

/** All that {@link memory} can be asked for, at once. */
export interface MemoryReport {
  /** What blocks of data take. */
  readonly used: Amount
  /**
   * What the carriers take, used or not. This is the figure to hold against a limit of memory and
   * against what the operating system says.
   *
   * Good: near the resident size. Bad: the resident size is far above, so that somebody allocates past
   * the allocators, in C (a NIF, a driver). Segments in `mseg_alloc`'s cache, an unused super carrier
   * and what the node took before its allocators were there do not count.
   */
  readonly allocated: Amount
  /** `allocated` less `used`: what carriers hold ready, or cannot give back. */
  readonly unused: Amount
  /**
   * `used` through `allocated`, 0 to 1. Low may mean fragmentation (then see `fragmentation`), but an
   * idle node is low as well: its main carriers are never given back.
   *
   * `undefined` where nothing is allocated, `Infinity` where there are blocks but no carriers; recon
   * crashes on both.
   */
  readonly usage: number | undefined
  /** `allocated` by allocator, sorted by name. */
  readonly allocatedTypes: ReadonlyMap<UtilAllocator, Amount>
  /**
   * `allocated` by instance, sorted: one for each scheduler, and 0 for all threads that are no
   * schedulers, the asynchronous ones for instance.
   */
  readonly allocatedInstances: ReadonlyMap<number, Amount>
}

/**
 * One figure of {@link memoryReport}, under recon's name for it.
 *
 * Exact integers in bytes; in any other unit doubles, rounded as recon rounds.
 */
export function memory(
  snapshot: Snapshot,
  key: 'used' | 'allocated' | 'unused',
  keyword?: Keyword,
  unit?: Unit,
): Amount
export function memory(
  snapshot: Snapshot,
  key: 'usage',
  keyword?: Keyword,
  unit?: Unit,
): MemoryReport['usage']
export function memory(
  snapshot: Snapshot,
  key: 'allocated_types',
  keyword?: Keyword,
  unit?: Unit,
): MemoryReport['allocatedTypes']
export function memory(
  snapshot: Snapshot,
  key: 'allocated_instances',
  keyword?: Keyword,
  unit?: Unit,
): MemoryReport['allocatedInstances']
export function memory(
  snapshot: Snapshot,
  key: MemoryKey,
  keyword?: Keyword,
  unit?: Unit,
): MemoryReport[keyof MemoryReport]
export function memory(
  snapshot: Snapshot,
  key: MemoryKey,
  keyword: Keyword = 'current',
  unit: Unit = 'byte',
): MemoryReport[keyof MemoryReport] {
  const report = memoryReport(snapshot, keyword, unit)
  switch (key) {
    case 'allocated_types':
      return report.allocatedTypes
    case 'allocated_instances':
      return report.allocatedInstances
    default:
      return report[key]
  }
}

/** All figures of one snapshot, which recon would take from six. */
export function memoryReport(
  snapshot: Snapshot,
  keyword: Keyword = 'current',
  unit: Unit = 'byte',
): MemoryReport {
  const in_ = arithmetic(unit)
  let used: Amount = 0
  let allocated: Amount = 0
  const types = new Map<UtilAllocator, Amount>()
  const instances = new Map<number, Amount>()
  for (const instance of utilAllocators(snapshot)) {
    const total = (container: 'blocksSize' | 'carriersSize'): Amount =>
      in_.add(
        size(instance, keyword, 'sbcs', container, in_),
        size(instance, keyword, 'mbcs', container, in_),
      )
    const carriers = total('carriersSize')
    used = in_.add(used, total('blocksSize'))
    allocated = in_.add(allocated, carriers)
    types.set(instance.allocator, in_.add(types.get(instance.allocator) ?? 0, carriers))
    instances.set(instance.instance, in_.add(instances.get(instance.instance) ?? 0, carriers))
  }
  return {
    used,
    allocated,
    unused: in_.subtract(allocated, used),
    usage: usage(used, allocated),
    allocatedTypes: new Map([...types].sort(([left], [right]) => compareNames(left, right))),
    allocatedInstances: new Map([...instances].sort(([left], [right]) => left - right)),
  }
}

function usage(used: Amount, allocated: Amount): number | undefined {
  if (allocated !== 0) return divide(used, allocated)
  return used === 0 ? undefined : Number.POSITIVE_INFINITY
}
