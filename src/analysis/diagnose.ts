/**
 * What is the matter with a node's memory: the procedure of "Erlang in Anger", done by the book.
 *
 * @see https://www.erlang-in-anger.com/ section 7.3, memory fragmentation
 */
import { type Accounting, accountFor, accountingLine } from './accounting.ts'
import { greater } from './extremes.ts'
import { type Examination, type Finding, SEVERITIES, type Verdict } from './finding.ts'
import { EXAMINERS } from './findings/all.ts'
import type { History } from './history.ts'
import { type HistorySummary, summarizeHistory } from './history-summary.ts'
import type { Holders } from './holders.ts'
import { notInForce } from './in-force.ts'
import { add, compare, subtract, sum, toDouble } from './integer.ts'
import { type AllocatorOccupancy, occupancies, roundedUp } from './occupancy.ts'
import { type Outlook, outlookOf } from './outlook.ts'
import { peaksBeyond, sampledPeaks } from './sampled-peaks.ts'
import type { Integer, MemoryLimit, Snapshot } from './snapshot.ts'
import { THRESHOLDS, type Thresholds } from './thresholds.ts'
import { vmArgs } from './vm-args.ts'

export interface Diagnosis {
  readonly verdict: Verdict
  /** The gravest first, then what led to the verdict, then what explains most. */
  readonly findings: readonly Finding[]
  readonly accounting: Accounting
  /** Lines for a `vm.args` file with what is proposed; empty where nothing has to be set at the start. */
  readonly vmArgs: string
  /** With {@link DiagnoseOptions.history}. */
  readonly history?: HistorySummary
}

export interface DiagnoseOptions {
  /** Lines to draw elsewhere than at {@link THRESHOLDS}. */
  readonly thresholds?: Partial<Thresholds>
  /** Who holds memory on the node, asked right after the snapshot was taken. */
  readonly holders?: Holders | undefined
  /** Of the same node, in any order: peaks are taken from them where they show one. */
  readonly earlier?: readonly Snapshot[] | undefined
  /** What a recording of the same node shows: peaks, growth, and when memory began to be wasted. */
  readonly history?: History | undefined
  /** How much memory the node may take, in bytes, where it is not what the snapshot says. */
  readonly memoryLimit?: Integer | undefined
}

/** Diagnoses a node from one snapshot, and from earlier ones if there are some. Whatever the snapshot lacks is among the findings. */
export function diagnose(snapshot: Snapshot, options: DiagnoseOptions = {}): Diagnosis {
  const thresholds = { ...THRESHOLDS, ...options.thresholds }
  const held = occupancies(snapshot)
  const accounting = accountFor(snapshot, held)
  const { history } = options
  const outlook = outlookFor(snapshot, options)
  const examination: Examination = {
    snapshot,
    held,
    accounting,
    thresholds,
    total: totalOf(snapshot, accounting),
    untouched: untouchedOf(snapshot, accounting, held),
    holders: options.holders,
    peaks: peaksFor(options, held),
    history,
    outlook,
  }
  const findings = EXAMINERS.flatMap((examine) => examine(examination)).map((finding) => ({
    ...finding,
    remedies: finding.remedies.flatMap((remedy) => {
      const flags = notInForce(remedy.flags, snapshot)
      return flags === undefined ? [] : [{ ...remedy, flags }]
    }),
  }))
  const verdict = verdictOf(findings, examination)
  findings.sort(gravestFirst(verdict))
  return {
    verdict,
    findings,
    accounting,
    vmArgs: vmArgs(findings),
    ...(history === undefined ? {} : { history: summarizeHistory(history, outlook) }),
  }
}

/** Of a recording, and of snapshots beside it where an allocator used even more. */
function peaksFor(
  { earlier = [], history }: DiagnoseOptions,
  held: readonly AllocatorOccupancy[],
): Examination['peaks'] {
  const peaks = new Map(peaksBeyond(history?.peaks ?? new Map(), held))
  for (const [allocator, peak] of sampledPeaks(earlier, held)) {
    if (compare(peak.mbcs.used, peaks.get(allocator)?.mbcs.used ?? 0) > 0) {
      peaks.set(allocator, peak)
    }
  }
  return peaks
}

function outlookFor(
  { os }: Snapshot,
  { history, memoryLimit }: DiagnoseOptions,
): Outlook | undefined {
  if (history === undefined) return undefined
  const given: MemoryLimit | undefined =
    memoryLimit === undefined ? undefined : { bytes: memoryLimit, source: 'as it was given' }
  return outlookOf(history, given ?? os?.limit)
}

/** By severity; then what led to the verdict; then by how much is explained. */
function gravestFirst(verdict: Verdict): (left: Finding, right: Finding) => number {
  const rank = (finding: Finding): number => SEVERITIES.indexOf(finding.severity)
  const leads = (finding: Finding): number => (finding.verdict === verdict ? 1 : 0)
  return (left, right) =>
    rank(right) - rank(left) ||
    leads(right) - leads(left) ||
    compare(right.bytes ?? 0, left.bytes ?? 0)
}

/** What is allocated, or resident where that is more; the cache goes away by itself and does not count. */
function totalOf({ os }: Snapshot, accounting: Accounting): Integer {
  const allocated = accountingLine(accounting, 'allocated').bytes ?? 0
  const cache = accountingLine(accounting, 'mseg_cache').bytes ?? 0
  return greater(allocated, subtract(os?.resident ?? 0, cache))
}

/**
 * What is expected not to be resident goes first: main carriers and the ends of large tables, what was
 * rounded up, segments in the cache.
 */
function untouchedOf(
  { os }: Snapshot,
  accounting: Accounting,
  held: readonly AllocatorOccupancy[],
): Integer {
  const surplus = accountingLine(accounting, 'not_resident').bytes ?? 0
  const floor = accountingLine(accounting, 'unused_floor').bytes ?? 0
  const cache = accountingLine(accounting, 'mseg_cache').bytes ?? 0
  const expected = sum([os?.swapped ?? 0, floor, cache, ...held.map(roundedUp)])
  return greater(0, subtract(0, add(surplus, expected)))
}

/**
 * Of what is held for nothing, the kind that explains most, if it is a large enough part of all memory.
 * Otherwise memory is in use or there is not much of it, unless too much cannot be seen.
 */
function verdictOf(findings: readonly Finding[], examination: Examination): Verdict {
  const explained = new Map<Verdict, Integer>()
  for (const { verdict, bytes } of findings) {
    if (verdict === undefined || verdict === 'in-use' || bytes === undefined) continue
    explained.set(verdict, add(explained.get(verdict) ?? 0, bytes))
  }
  const wasted = explained.get('fragmented')
  if (wasted !== undefined) explained.set('fragmented', subtract(wasted, examination.untouched))
  const [largest] = [...explained].sort(([, left], [, right]) => compare(right, left))
  const decisive = examination.thresholds.decisiveShare * toDouble(examination.total)
  if (largest !== undefined && toDouble(largest[1]) >= decisive) return largest[0]
  if (findings.some(({ verdict }) => verdict === 'in-use')) return 'in-use'
  return isBlind(examination.snapshot) ? 'inconclusive' : 'healthy'
}

/** Without its allocators nothing is known of a node; without one of them, only that it is small. */
function isBlind({ allocators, disabled, os }: Snapshot): boolean {
  return allocators.length === 0 || (disabled.length > 0 && os === undefined)
}
