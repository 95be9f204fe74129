/**
 * A node in one line: what a sweep keeps of each of thousands of nodes, made from its snapshot and diagnosis.
 */
import { type AccountingId, accountingLine } from './accounting.ts'
import { defaultSettings } from './default-settings.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Finding, Verdict } from './finding.ts'
import { add, compare } from './integer.ts'
import type { Integer, OptionValue, Snapshot } from './snapshot.ts'
import { settingsByAllocator } from './snapshot-diff.ts'
import { usage } from './usage.ts'

/** Sizes in bytes; `undefined` is what the snapshot does not tell. */
export interface NodeSummary
  extends Readonly<Pick<Snapshot, 'takenAt' | 'otpRelease' | 'schedulers'>> {
  readonly node: string
  readonly verdict: Verdict
  /** Carriers of all allocators, and what blocks use of them. */
  readonly allocated: Integer | undefined
  readonly used: Integer | undefined
  /** `used` through `allocated`, from 0 to 1; 1 where nothing is allocated. */
  readonly usage: number | undefined
  /** Unused in multiblock carriers above what an idle node has too, and in single-block carriers. */
  readonly waste: Integer | undefined
  /** What the operating system reports. */
  readonly resident: Integer | undefined
  /** The allocator that the gravest finding behind the verdict names; `undefined` where none does. */
  readonly worst: string | undefined
  /** The gravest first, as in the diagnosis, without what they rest on. */
  readonly findings: readonly FindingSummary[]
  readonly shape: NodeShape
}

export type FindingSummary = Pick<Finding, 'id' | 'severity' | 'allocator' | 'bytes'>

/** How a node was built and started, which is the same among peers. */
export interface NodeShape {
  readonly otpRelease: string | undefined
  readonly schedulers: number | undefined
  /**
   * By `allocator.setting`, as `binary_alloc.as`: the settings in force that are not known to be those of a
   * node without any `+M` flag. Of a release that was not measured, those that are other than what all
   * measured ones have. `undefined` where the snapshot holds no allocator.
   */
  readonly settings: Readonly<Record<string, OptionValue>> | undefined
}

export function summarizeNode(node: string, snapshot: Snapshot, diagnosis: Diagnosis): NodeSummary {
  const { takenAt, otpRelease, schedulers } = snapshot
  const bytes = (id: AccountingId): Integer | undefined =>
    accountingLine(diagnosis.accounting, id).bytes
  const allocated = bytes('allocated')
  const used = bytes('used')
  const aboveFloor = bytes('unused_above_floor')
  const singleBlock = bytes('unused_single_block')
  return {
    node,
    takenAt,
    otpRelease,
    schedulers,
    verdict: diagnosis.verdict,
    allocated,
    used,
    usage: allocated === undefined || used === undefined ? undefined : usage(used, allocated),
    waste:
      aboveFloor === undefined || singleBlock === undefined
        ? undefined
        : add(aboveFloor, singleBlock),
    resident: bytes('resident'),
    worst: worstOf(diagnosis),
    findings: diagnosis.findings.map(({ id, severity, allocator, bytes }) => ({
      id,
      severity,
      allocator,
      bytes,
    })),
    shape: { otpRelease, schedulers, settings: ownSettings(snapshot) },
  }
}

function worstOf({ verdict, findings }: Diagnosis): string | undefined {
  const named = findings.find((it) => it.verdict === verdict && it.allocator !== undefined)
  return named?.allocator
}

/** Defaults depend on the release and the schedulers, so that only what is left can be compared. */
function ownSettings(snapshot: Snapshot): NodeShape['settings'] {
  const { allocators, disabled, otpRelease } = snapshot
  if (allocators.length === 0 && disabled.length === 0) return undefined
  const like = areDefaultsKnown(otpRelease) ? otpRelease : undefined
  const own: Record<string, OptionValue> = {}
  for (const { allocator, settings } of settingsByAllocator({
    ...snapshot,
    otpRelease: like,
  }).values()) {
    for (const { name, value, differs } of settings) {
      if (differs !== false) own[`${allocator}.${name}`] = value
    }
  }
  for (const allocator of disabled) own[`${allocator}.e`] = false
  return own
}

/** Whether the settings of a node without any flag were measured on that release. */
export function areDefaultsKnown(otpRelease: string | undefined): boolean {
  const any = { allocator: 'binary_alloc', instance: 0, schedulers: 1 }
  return otpRelease !== undefined && defaultSettings({ ...any, otpRelease }) !== undefined
}

/** By what summaries can be put in order; the first of them is the default. */
export const SWEEP_ORDERS = ['waste', 'usage', 'resident', 'verdict', 'node'] as const

export type SweepOrder = (typeof SWEEP_ORDERS)[number]

/** All verdicts, the worst first. */
export const VERDICTS: readonly Verdict[] = [
  'fragmented',
  'outside-allocators',
  'oversized-carriers',
  'inconclusive',
  'in-use',
  'healthy',
]

/** Behind every figure. */
const UNKNOWN = Number.POSITIVE_INFINITY

type Order = (left: NodeSummary, right: NodeSummary) => number

const COMPARISONS: Readonly<Record<SweepOrder, Order>> = {
  waste: (left, right) => mostFirst(left.waste, right.waste),
  usage: (left, right) => compare(left.usage ?? UNKNOWN, right.usage ?? UNKNOWN),
  resident: (left, right) => mostFirst(left.resident, right.resident),
  verdict: (left, right) => VERDICTS.indexOf(left.verdict) - VERDICTS.indexOf(right.verdict),
  node: (left, right) => compareNames(left.node, right.node),
}

/**
 * The worst first: the most waste, the lowest usage, the largest resident size, the gravest verdict, or
 * simply by name. What is equal in that is put in order by the others; what is not known comes last.
 */
export function compareSummaries(by: SweepOrder = 'waste'): Order {
  const all = [by, ...SWEEP_ORDERS.filter((order) => order !== by)].map((it) => COMPARISONS[it])
  return (left, right) => {
    for (const comparison of all) {
      const difference = comparison(left, right)
      if (difference !== 0) return difference
    }
    return 0
  }
}

function mostFirst(left: Integer | undefined, right: Integer | undefined): number {
  return compare(right ?? -UNKNOWN, left ?? -UNKNOWN)
}

const collator = new Intl.Collator('en', { numeric: true })

/** Of nodes: `web2` stands before `web10`; the characters decide on what that makes equal. */
export function compareNames(left: string, right: string): number {
  return collator.compare(left, right) || (left < right ? -1 : left > right ? 1 : 0)
}
