/**
 * All that the allocators say, by instance and by type: `recon_alloc:allocators/0,1`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#allocators-1
 */
import { add, compare, sum } from './integer.ts'
import type {
  AllocatorInstance,
  BlocksOfType,
  CarrierPool,
  Carriers,
  Counter,
  Integer,
  Mapper,
  MsegInstance,
  MsegMemoryKind,
  OptionValue,
  Snapshot,
} from './snapshot.ts'
import { inUnit, type Unit } from './unit.ts'

/** `erts_mmap`, which maps address space for all others: it has mappers, and no instances but one. */
export interface ErtsMmapEntry {
  readonly allocator: 'erts_mmap'
  readonly mappers: Readonly<Record<string, Mapper>>
}

/** `sys_alloc`, usually the C library's `malloc`: it does not say what it allocated. */
export interface SysAllocEntry {
  readonly allocator: 'sys_alloc'
  readonly options: Readonly<Record<string, OptionValue>>
}

/** `mseg_alloc`, which gives the others segments for their carriers, and keeps some for the next time. */
export interface MsegAllocEntry extends Omit<MsegInstance, 'instance'> {
  readonly allocator: 'mseg_alloc'
}

/** One of the allocators with carriers. */
export type UtilAllocatorEntry = Omit<AllocatorInstance, 'instance'>

export type AllocatorEntry = ErtsMmapEntry | SysAllocEntry | MsegAllocEntry | UtilAllocatorEntry

/**
 * Every instance of every allocator, `literal_alloc` too, with `erts_mmap`, `sys_alloc` and `mseg_alloc`
 * first.
 *
 * In a unit other than bytes every size is divided. Recon's `set_unit/1` leaves several of them in
 * bytes: those of carriers from `mseg_alloc` and `sys_alloc`, of blocks by type, of `fix_types`.
 * Options and mappers stay in bytes here as there.
 */
export function allocators(
  snapshot: Snapshot,
  unit: Unit = 'byte',
): readonly (AllocatorEntry & { readonly instance: number })[] {
  return [
    ...ertsMmap(snapshot).map((entry) => ({ ...entry, instance: 0 })),
    ...sysAlloc(snapshot).map((entry) => ({ ...entry, instance: 0 })),
    ...snapshot.mseg.map((instance) => ({
      allocator: 'mseg_alloc' as const,
      ...instance,
      memoryKinds: instance.memoryKinds.map((kind) => convertKind(kind, unit)),
    })),
    ...snapshot.allocators.map((instance) => convertInstance(instance, unit)),
  ]
}

/**
 * The same with the instances of each allocator added up, in recon's order: the last allocator first,
 * and so with the numbers of its instances.
 *
 * `segmentsWatermark` is the greatest of all instances. Peaks are sums of peaks that were not reached
 * together (see {@link Keyword}).
 *
 * Three things are other than in recon, which splits the sums of call counters at 10⁶ although their
 * unit is 10⁹, so that larger ones come out wrong (they are single exact integers here); which appends
 * the lists of blocks by type (they are added up by type here); and which shows the options of
 * instance 0 although its documentation promises those of the others, where the two differ.
 */
export function allocatorTypes(
  snapshot: Snapshot,
  unit: Unit = 'byte',
): readonly (AllocatorEntry & { readonly instances: readonly number[] })[] {
  const msegs = snapshot.mseg.map((instance) => ({ allocator: 'mseg_alloc', ...instance }))
  return [
    ...grouped(snapshot.allocators).map((group) =>
      withInstances(group, mergeInstances(group, unit)),
    ),
    ...grouped(msegs).map((group) => withInstances(group, mergeMseg(group, unit))),
    ...sysAlloc(snapshot).map((entry) => ({ ...entry, instances: [0] })),
    ...ertsMmap(snapshot).map((entry) => ({ ...entry, instances: [0] })),
  ]
}

function ertsMmap({ mappers }: Snapshot): readonly ErtsMmapEntry[] {
  return Object.keys(mappers).length === 0 ? [] : [{ allocator: 'erts_mmap', mappers }]
}

function sysAlloc({ sysAllocOptions }: Snapshot): readonly SysAllocEntry[] {
  return sysAllocOptions === undefined ? [] : [{ allocator: 'sys_alloc', options: sysAllocOptions }]
}

/** One instance or more. */
type Group<Instance> = readonly [Instance, ...Instance[]]

/** The instances of each allocator in the order of the snapshot; the allocator that came last first. */
function grouped<Instance extends { readonly allocator: string }>(
  instances: readonly Instance[],
): readonly Group<Instance>[] {
  const groups = new Map<string, [Instance, ...Instance[]]>()
  for (const instance of instances) {
    const group = groups.get(instance.allocator)
    if (group === undefined) groups.set(instance.allocator, [instance])
    else {
      group.push(instance)
      // As recon does: what is added to comes to the front.
      groups.delete(instance.allocator)
      groups.set(instance.allocator, group)
    }
  }
  return [...groups.values()].reverse()
}

function withInstances<Entry>(
  group: Group<{ readonly instance: number }>,
  entry: Entry,
): Entry & { readonly instances: readonly number[] } {
  return { ...entry, instances: group.map(({ instance }) => instance).reverse() }
}

function mergeInstances(group: Group<AllocatorInstance>, unit: Unit): UtilAllocatorEntry {
  const pools = group.flatMap(({ mbcsPool }) => (mbcsPool === undefined ? [] : [mbcsPool]))
  return {
    allocator: group[0].allocator,
    options: mergeOptions(group),
    mbcs: convertCarriers(mergeCarriers(group.map(({ mbcs }) => mbcs)), unit),
    mbcsPool: pools.length === 0 ? undefined : convertPool(mergePools(pools), unit),
    sbcs: convertCarriers(mergeCarriers(group.map(({ sbcs }) => sbcs)), unit),
    calls: mergeRecords(group.map(({ calls }) => calls)),
    fixTypes: mergeBy(
      group.flatMap(({ fixTypes }) => fixTypes),
      ({ type }) => type,
      (type, same) => ({
        type,
        allocated: inUnit(sum(same.map(({ allocated }) => allocated)), unit),
        used: inUnit(sum(same.map(({ used }) => used)), unit),
      }),
    ),
  }
}

/** Those of the schedulers, which do the work, rather than those of instance 0. */
function mergeOptions(
  group: Group<{ readonly options: AllocatorInstance['options'] }>,
): AllocatorInstance['options'] {
  return (group[1] ?? group[0]).options
}

function mergeMseg(
  group: Group<MsegInstance & { readonly allocator: string }>,
  unit: Unit,
): MsegAllocEntry {
  return {
    allocator: 'mseg_alloc',
    options: mergeOptions(group),
    memoryKinds: mergeBy(
      group.flatMap(({ memoryKinds }) => memoryKinds),
      ({ name }) => name,
      (name, same) =>
        convertKind(
          {
            name,
            cachedSegments: sum(same.map(({ cachedSegments }) => cachedSegments)),
            cacheHits: sum(same.map(({ cacheHits }) => cacheHits)),
            segments: mergeCounters(same.map(({ segments }) => segments)),
            segmentsSize: mergeCounters(same.map(({ segmentsSize }) => segmentsSize)),
            segmentsWatermark: same
              .map(({ segmentsWatermark }) => segmentsWatermark)
              .reduce((left, right) => (compare(left, right) < 0 ? right : left)),
            calls: mergeRecords(same.map(({ calls }) => calls)),
          },
          unit,
        ),
    ),
  }
}

function mergeCarriers(all: readonly Carriers[]): Carriers {
  return {
    blocks: mergeCounters(all.map(({ blocks }) => blocks)),
    blocksSize: mergeCounters(all.map(({ blocksSize }) => blocksSize)),
    blocksByType: mergeBy(
      all.flatMap(({ blocksByType }) => blocksByType),
      ({ allocator }) => allocator,
      (allocator, same): BlocksOfType => ({
        allocator,
        count: mergeCounters(same.map(({ count }) => count)),
        size: mergeCounters(same.map(({ size }) => size)),
      }),
    ),
    carriers: mergeCounters(all.map(({ carriers }) => carriers)),
    carriersSize: mergeCounters(all.map(({ carriersSize }) => carriersSize)),
    msegAllocCarriers: sumKnown(all.map(({ msegAllocCarriers }) => msegAllocCarriers)),
    sysAllocCarriers: sumKnown(all.map(({ sysAllocCarriers }) => sysAllocCarriers)),
    msegAllocCarriersSize: sumKnown(all.map(({ msegAllocCarriersSize }) => msegAllocCarriersSize)),
    sysAllocCarriersSize: sumKnown(all.map(({ sysAllocCarriersSize }) => sysAllocCarriersSize)),
  }
}

function mergePools(all: readonly CarrierPool[]): CarrierPool {
  return {
    blocks: sum(all.map(({ blocks }) => blocks)),
    blocksSize: sum(all.map(({ blocksSize }) => blocksSize)),
    blocksByType: mergeBy(
      all.flatMap(({ blocksByType }) => blocksByType),
      ({ allocator }) => allocator,
      (allocator, same) => ({
        allocator,
        count: sum(same.map(({ count }) => count)),
        size: sum(same.map(({ size }) => size)),
      }),
    ),
    carriers: sum(all.map(({ carriers }) => carriers)),
    carriersSize: sum(all.map(({ carriersSize }) => carriersSize)),
    statistics: mergeRecords(all.map(({ statistics }) => statistics)),
  }
}

function mergeCounters(all: readonly Counter[]): Counter {
  return {
    current: sum(all.map(({ current }) => current)),
    lastMax: sum(all.map(({ lastMax }) => lastMax)),
    max: sum(all.map(({ max }) => max)),
  }
}

/** A sum with a part that is not known is not known. */
function sumKnown(all: readonly (Integer | undefined)[]): Integer | undefined {
  let total: Integer = 0
  for (const integer of all) {
    if (integer === undefined) return undefined
    total = add(total, integer)
  }
  return total
}

function mergeRecords(
  all: readonly Readonly<Record<string, Integer>>[],
): Readonly<Record<string, Integer>> {
  const total = new Map<string, Integer>()
  for (const record of all) {
    for (const [name, integer] of Object.entries(record)) {
      total.set(name, add(total.get(name) ?? 0, integer))
    }
  }
  return Object.fromEntries(total)
}

/** Puts those with the same name together, in the order in which names occur first. */
function mergeBy<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  merge: (name: string, same: Group<Item>) => Item,
): readonly Item[] {
  const groups = new Map<string, [Item, ...Item[]]>()
  for (const item of items) {
    const group = groups.get(nameOf(item))
    if (group === undefined) groups.set(nameOf(item), [item])
    else group.push(item)
  }
  return Array.from(groups, ([name, same]) => merge(name, same))
}

function convertInstance(instance: AllocatorInstance, unit: Unit): AllocatorInstance {
  return {
    ...instance,
    mbcs: convertCarriers(instance.mbcs, unit),
    mbcsPool: instance.mbcsPool === undefined ? undefined : convertPool(instance.mbcsPool, unit),
    sbcs: convertCarriers(instance.sbcs, unit),
    fixTypes: instance.fixTypes.map(({ type, allocated, used }) => ({
      type,
      allocated: inUnit(allocated, unit),
      used: inUnit(used, unit),
    })),
  }
}

function convertCarriers(carriers: Carriers, unit: Unit): Carriers {
  const { msegAllocCarriersSize, sysAllocCarriersSize } = carriers
  return {
    ...carriers,
    blocksSize: convertCounter(carriers.blocksSize, unit),
    blocksByType: carriers.blocksByType.map((blocks) => ({
      ...blocks,
      size: convertCounter(blocks.size, unit),
    })),
    carriersSize: convertCounter(carriers.carriersSize, unit),
    msegAllocCarriersSize:
      msegAllocCarriersSize === undefined ? undefined : inUnit(msegAllocCarriersSize, unit),
    sysAllocCarriersSize:
      sysAllocCarriersSize === undefined ? undefined : inUnit(sysAllocCarriersSize, unit),
  }
}

function convertPool(pool: CarrierPool, unit: Unit): CarrierPool {
  return {
    ...pool,
    blocksSize: inUnit(pool.blocksSize, unit),
    blocksByType: pool.blocksByType.map((blocks) => ({
      ...blocks,
      size: inUnit(blocks.size, unit),
    })),
    carriersSize: inUnit(pool.carriersSize, unit),
  }
}

function convertKind(kind: MsegMemoryKind, unit: Unit): MsegMemoryKind {
  return { ...kind, segmentsSize: convertCounter(kind.segmentsSize, unit) }
}

function convertCounter({ current, lastMax, max }: Counter, unit: Unit): Counter {
  return { current: inUnit(current, unit), lastMax: inUnit(lastMax, unit), max: inUnit(max, unit) }
}
