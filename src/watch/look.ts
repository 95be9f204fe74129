/**
 * What is shown of a node at one moment: made once of each sample, so that drawing is cheap.
 */
import type { InstanceAccount } from '../analysis/accounting.ts'
import { type Diagnosis, diagnose } from '../analysis/diagnose.ts'
import { type Finding, SEVERITIES, type Severity, type Verdict } from '../analysis/finding.ts'
import { add } from '../analysis/integer.ts'
import type { Integer, Snapshot } from '../analysis/snapshot.ts'
import { type AllocatorMoment, type Moment, momentOf } from '../analysis/timeline.ts'
import { usage } from '../analysis/usage.ts'
import type { Sample } from '../cluster/sampler.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'

/** What an allocator, or one of its instances, holds. Bytes; `usage` from 0 to 1. */
export interface Row {
  readonly name: string
  readonly allocated: Integer
  readonly used: Integer
  readonly usage: number
  readonly waste: Integer
  readonly pooled: Integer
}

export interface AllocatorRow extends Row {
  /** Of the gravest finding about it. */
  readonly severity: Severity | undefined
  /** Those that hold something beyond the floor. */
  readonly instances: readonly Row[]
}

/** A finding in words. */
export type Told = Pick<Finding, 'severity' | 'summary'>

/** Sizes in bytes; `undefined` is what the node does not tell. */
export interface Look extends Readonly<Pick<Snapshot, 'otpRelease' | 'schedulers'>> {
  readonly node: string
  /** ISO 8601. */
  readonly takenAt: string
  readonly verdict: Verdict
  /** Why, in one sentence. */
  readonly reason: string
  /** The gravest first, without what could not be seen. */
  readonly findings: readonly Told[]
  readonly usage: number | undefined
  readonly allocated: Integer | undefined
  readonly used: Integer | undefined
  readonly resident: Integer | undefined
  readonly waste: Integer | undefined
  readonly allocators: readonly AllocatorRow[]
  readonly moment: Moment
  /** In the terms that it came in, for a file. */
  readonly raw: RawSnapshot
}

export function lookOf({ node, raw, snapshot, time }: Sample): Look {
  const takenAt = snapshot.takenAt ?? new Date(Number.isNaN(time) ? Date.now() : time).toISOString()
  const moment = momentOf({ ...snapshot, takenAt }) ?? nothingAt(Date.parse(takenAt))
  const diagnosis = diagnose(snapshot)
  const isKnown = moment.allocators.length > 0
  const known = (bytes: Integer): Integer | undefined => (isKnown ? bytes : undefined)
  return {
    node,
    takenAt,
    otpRelease: snapshot.otpRelease,
    schedulers: snapshot.schedulers,
    verdict: diagnosis.verdict,
    reason: reasonOf(diagnosis),
    findings: diagnosis.findings
      .filter(({ id }) => id !== 'missing-part')
      .map(({ severity, summary }) => ({ severity, summary })),
    usage: isKnown ? usage(moment.used, moment.allocated) : undefined,
    allocated: known(moment.allocated),
    used: known(moment.used),
    resident: moment.resident,
    waste: known(moment.waste),
    allocators: moment.allocators.map((each) => allocatorRow(each, diagnosis)),
    moment,
    raw,
  }
}

function nothingAt(time: number): Moment {
  return { time, resident: undefined, allocated: 0, used: 0, waste: 0, allocators: [] }
}

const REASONS: Readonly<Partial<Record<Verdict, string>>> = {
  healthy: 'nothing stands out above what an idle node has too',
  inconclusive: 'too much could not be seen',
}

/** The worst of what led to the verdict. */
function reasonOf({ verdict, findings }: Diagnosis): string {
  const leading = findings.find((finding) => finding.verdict === verdict)
  return leading?.summary ?? REASONS[verdict] ?? findings[0]?.summary ?? ''
}

function allocatorRow(moment: AllocatorMoment, { accounting, findings }: Diagnosis): AllocatorRow {
  const { allocator: name, allocated, used, waste, pooled } = moment
  const severities = findings
    .filter(({ allocator }) => allocator === name)
    .map(({ severity }) => SEVERITIES.indexOf(severity))
  const account = accounting.allocators.find(({ allocator }) => allocator === name)
  return {
    name,
    allocated,
    used,
    usage: usage(used, allocated),
    waste,
    pooled,
    severity: SEVERITIES[Math.max(...severities)],
    instances: account?.instances.map(instanceRow) ?? [],
  }
}

function instanceRow(account: InstanceAccount): Row {
  const { instance, allocated, used, aboveFloor, singleBlockUnused, pooled } = account
  return {
    name: String(instance),
    allocated,
    used,
    usage: usage(used, allocated),
    waste: add(aboveFloor, singleBlockUnused),
    pooled,
  }
}
