/**
 * What changed between two snapshots, and what grew most.
 */
import { type AccountingId, accountFor, accountingLine } from './accounting.ts'
import { compare, subtract } from './integer.ts'
import { type AllocatorOccupancy, occupancies, together } from './occupancy.ts'
import { type AllocatorSettings, schedulersOf, settings } from './settings.ts'
import type { Integer, OptionValue, Snapshot } from './snapshot.ts'
import { type Amount, inUnit, type Unit } from './unit.ts'
import { usage } from './usage.ts'

/** Two sizes; what is not known of either is `undefined`, and then so is the change. */
export interface Change {
  readonly before: Amount | undefined
  readonly after: Amount | undefined
  readonly change: Amount | undefined
}

export interface Usages {
  /** From 0 to 1, `undefined` where nothing was allocated. */
  readonly before: number | undefined
  readonly after: number | undefined
}

/** Carriers of every kind with those in the pool, and what blocks use of them. */
export interface OccupancyChange {
  readonly allocated: Change
  readonly used: Change
  readonly unused: Change
  readonly usage: Usages
}

export interface AllocatorChange extends OccupancyChange {
  readonly allocator: string
}

/** A setting that is another in the later snapshot; `undefined` where one does not tell it. */
export interface SettingChange {
  readonly allocator: string
  readonly name: string
  readonly before: OptionValue | undefined
  readonly after: OptionValue | undefined
  /** The flags with these values: `+MBlmbcs 512`. */
  readonly flagBefore: string | undefined
  readonly flagAfter: string | undefined
}

export interface SnapshotIdentity {
  readonly node: string | undefined
  readonly takenAt: string | undefined
  readonly otpRelease: string | undefined
  readonly schedulers: number
}

export interface SnapshotDiff {
  readonly before: SnapshotIdentity
  readonly after: SnapshotIdentity
  /** Whether they are of one node; `undefined` where one does not tell its node. */
  readonly isSameNode: boolean | undefined
  /** Between them, negative where the first is the later one; `undefined` where a time is not known. */
  readonly seconds: number | undefined
  readonly total: OccupancyChange
  /** What the operating system reports, and what lies outside the carriers. */
  readonly lines: readonly (Change & { readonly id: AccountingId; readonly what: string })[]
  /** What grew most first, be it allocated or unused. */
  readonly allocators: readonly AllocatorChange[]
  /** `erlang:memory()` by its keys, what grew most first. */
  readonly memory: readonly (Change & { readonly kind: string })[]
  readonly settings: readonly SettingChange[]
}

/** Of the sum from the resident size to what blocks use, what is not in carriers. */
const LINES: readonly AccountingId[] = [
  'resident',
  'mseg_cache',
  'machine_code',
  'unexplained',
  'not_resident',
  'lazy_free',
  'swapped',
]

/** Compares two snapshots: of one node at two times, or of two nodes. */
export function snapshotDiff(before: Snapshot, after: Snapshot, unit: Unit = 'byte'): SnapshotDiff {
  const held = [occupancies(before), occupancies(after)] as const
  const accounts = [accountFor(before, held[0]), accountFor(after, held[1])] as const
  const change = (first: Integer | undefined, second: Integer | undefined): Change => ({
    before: first === undefined ? undefined : inUnit(first, unit),
    after: second === undefined ? undefined : inUnit(second, unit),
    change:
      first === undefined || second === undefined
        ? undefined
        : inUnit(subtract(second, first), unit),
  })
  const occupancyChange = (
    first: readonly AllocatorOccupancy[],
    second: readonly AllocatorOccupancy[],
  ): OccupancyChange => {
    const [left, right] = [first, second].map((all) =>
      all.length === 0 ? undefined : together(all.flatMap(({ mbcs, sbcs }) => [mbcs, sbcs])),
    )
    const usageOf = (of: typeof left): number | undefined =>
      of === undefined || of.allocated === 0 ? undefined : usage(of.used, of.allocated)
    return {
      allocated: change(left?.allocated, right?.allocated),
      used: change(left?.used, right?.used),
      unused: change(left?.unused, right?.unused),
      usage: { before: usageOf(left), after: usageOf(right) },
    }
  }
  const names = new Set(held.flatMap((all) => all.map(({ allocator }) => allocator)))
  return {
    before: identityOf(before),
    after: identityOf(after),
    isSameNode:
      before.node === undefined || after.node === undefined
        ? undefined
        : before.node === after.node,
    seconds: secondsBetween(before.takenAt, after.takenAt),
    total: occupancyChange(held[0], held[1]),
    lines: LINES.map((id) => {
      const [first, second] = accounts.map((accounting) => accountingLine(accounting, id))
      return { id, what: second?.what ?? id, ...change(first?.bytes, second?.bytes) }
    }),
    allocators: Array.from(names, (allocator) => {
      const [first = [], second = []] = held.map((all) =>
        all.filter((each) => each.allocator === allocator),
      )
      return { allocator, ...occupancyChange(first, second) }
    }).sort((left, right) => mostGrown(growthOf(left), growthOf(right))),
    memory: [...new Set([...Object.keys(before.memory ?? {}), ...Object.keys(after.memory ?? {})])]
      .map((kind) => ({ kind, ...change(before.memory?.[kind], after.memory?.[kind]) }))
      .sort(mostGrown),
    settings: settingChanges(before, after),
  }
}

/** In what is allocated, or in what is unused of it: after a peak the one falls less than the other grows. */
function growthOf({ allocated, unused }: AllocatorChange): Change {
  return mostGrown(allocated, unused) <= 0 ? allocated : unused
}

/** What is only in one of the two, as a disabled allocator, comes last. */
function mostGrown(left: Change, right: Change): number {
  if (left.change === undefined || right.change === undefined) {
    return Number(left.change === undefined) - Number(right.change === undefined)
  }
  return compare(right.change, left.change)
}

function identityOf(snapshot: Snapshot): SnapshotIdentity {
  const { node, takenAt, otpRelease } = snapshot
  return { node, takenAt, otpRelease, schedulers: schedulersOf(snapshot) }
}

function secondsBetween(before: string | undefined, after: string | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined
  const seconds = (Date.parse(after) - Date.parse(before)) / 1000
  return Number.isFinite(seconds) ? seconds : undefined
}

function settingChanges(before: Snapshot, after: Snapshot): readonly SettingChange[] {
  const [first, second] = [settingsByAllocator(before), settingsByAllocator(after)]
  return [...new Set([...first.keys(), ...second.keys()])].flatMap((allocator) => {
    const [left, right] = [first.get(allocator), second.get(allocator)]
    // An allocator that is not there at all has no settings that changed.
    if (left === undefined || right === undefined) return []
    const names = [...left.settings, ...right.settings].map(({ name }) => name)
    return [...new Set(names)].flatMap((name): readonly SettingChange[] => {
      const [old, current] = [left, right].map((group) =>
        group.settings.find((setting) => setting.name === name),
      )
      if (old?.value === current?.value) return []
      return [
        {
          allocator,
          name,
          before: old?.value,
          after: current?.value,
          flagBefore: old?.argument,
          flagAfter: current?.argument,
        },
      ]
    })
  })
}

/** Of the instances of schedulers, and of the others where there are none. */
export function settingsByAllocator(snapshot: Snapshot): ReadonlyMap<string, AllocatorSettings> {
  const groups = new Map<string, AllocatorSettings>()
  for (const group of settings(snapshot)) {
    const isOfScheduler = group.instances.some((instance) => instance > 0)
    if (isOfScheduler || !groups.has(group.allocator)) groups.set(group.allocator, group)
  }
  return groups
}
