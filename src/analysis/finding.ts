/**
 * What a diagnosis is made of: findings, each with its evidence and with what to try.
 */
import type { Accounting } from './accounting.ts'
import type { History } from './history.ts'
import type { Holders } from './holders.ts'
import { divide, toDouble } from './integer.ts'
import type { AllocatorOccupancy } from './occupancy.ts'
import type { Outlook } from './outlook.ts'
import type { SampledPeak } from './sampled-peaks.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import type { Thresholds } from './thresholds.ts'

/** What is the matter with the node as a whole. */
export type Verdict =
  | 'healthy'
  | 'fragmented'
  | 'in-use'
  | 'outside-allocators'
  | 'oversized-carriers'
  | 'inconclusive'

/** How much a finding matters, the least first. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const

export type Severity = (typeof SEVERITIES)[number]

export type FindingId =
  | 'fragmented-allocator'
  | 'structural-low-use'
  | 'abandoned-carriers'
  | 'sparse-single-block-carriers'
  | 'oversized-carriers'
  | 'many-single-block-carriers'
  | 'outside-allocators'
  | 'in-use'
  | 'growth'
  | 'held-binaries'
  | 'emulator-tables'
  | 'mseg-cache'
  | 'lazy-free'
  | 'low-cache-hit-rate'
  | 'small-carriers'
  | 'migration-off'
  | 'slow-answer'
  | 'disabled-allocator'
  | 'missing-part'

/** One figure that a finding rests on. */
export interface Evidence {
  readonly what: string
  readonly value: Integer
  readonly unit: 'byte' | 'ratio' | 'count' | 'millisecond'
  /** Where the figure comes from, and what it cannot say. */
  readonly source: string
}

/** Whether a figure is made of maxima, by what it names as its source; `memory.max` is a file. */
export function isMaximum({ source }: Evidence): boolean {
  return /(?<!\.)\bmax\b/.test(source)
}

/** Something to try. Nothing of it is sure to help. */
export interface Remedy {
  /** Flags for the command line of the node; without `restart` an expression to evaluate on it. */
  readonly flags: string
  readonly why: string
  /** What it costs, and what speaks against it. */
  readonly price: string
  readonly restart: boolean
  /** Another way to the same end as what stands before it, or as waiting: one of them is enough. */
  readonly alternative?: true
}

/** Something that suggests itself and is known not to help. */
export interface NoHelp {
  readonly what: string
  readonly why: string
}

export interface Finding {
  readonly id: FindingId
  readonly severity: Severity
  /** `undefined` where it concerns none, or the node as a whole. */
  readonly allocator: string | undefined
  /** One sentence for people. */
  readonly summary: string
  /** How much memory it explains. */
  readonly bytes: Integer | undefined
  /** The verdict that it speaks for, if it is large enough. */
  readonly verdict: Verdict | undefined
  readonly evidence: readonly Evidence[]
  readonly remedies: readonly Remedy[]
  readonly noHelp?: readonly NoHelp[]
}

/** What every finding is made from. */
export interface Examination {
  readonly snapshot: Snapshot
  readonly held: readonly AllocatorOccupancy[]
  readonly accounting: Accounting
  readonly thresholds: Thresholds
  /** The memory that shares are taken of: what is allocated, or lastingly resident where that is more. */
  readonly total: Integer
  /**
   * Of what is wasted, how much is not resident at least, so that it costs nothing but addresses. 0 where
   * that is not known.
   */
  readonly untouched: Integer
  /** Who holds memory; `undefined` where nobody was asked. */
  readonly holders: Holders | undefined
  /** By allocator; empty where there is no earlier snapshot. */
  readonly peaks: ReadonlyMap<string, SampledPeak>
  /** What earlier samples show; `undefined` where there are none. */
  readonly history: History | undefined
  /** What is to come of it, as far as it can be said. */
  readonly outlook: Outlook | undefined
}

/** Looks at one thing, and finds it or does not. */
export type Examiner = (examination: Examination) => readonly Finding[]

/** How much it matters that so much memory, of all that the node has, is held for nothing. */
export function severityOf(bytes: Integer, { thresholds, total }: Examination): Severity {
  const share = divide(bytes, total)
  if (share >= thresholds.criticalShare && bytes >= thresholds.critical) return 'critical'
  return share >= thresholds.decisiveShare || bytes >= thresholds.warning ? 'warning' : 'info'
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size in a sentence: `159 MiB`. The exact figures are in the evidence. */
export function sizeInWords(bytes: Integer): string {
  let rest = toDouble(bytes)
  let index = 0
  while (Math.abs(rest) >= 1023.5 && index < UNITS.length - 1) {
    rest /= 1024
    index++
  }
  return `${rest.toFixed(index > 0 && Math.abs(rest) < 9.95 ? 1 : 0)} ${UNITS[index] ?? ''}`
}

/** A moment in a sentence: `2026-01-31 12:04 UTC`. */
export function timeInWords(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** A part of time in a sentence, without the day once more: `between 2026-01-31 12:04 and 12:17 UTC`. */
export function timesInWords(from: number, to: number): string {
  const [start, end] = [timeInWords(from), timeInWords(to)]
  if (start === end) return `at ${start}`
  const day = start.slice(0, 10)
  return end.startsWith(day)
    ? `between ${start.slice(0, 16)} and ${end.slice(11)}`
    : `between ${start.slice(0, 16)} and ${end}`
}

/** A ratio in a sentence: `5%`. */
export function ratioInWords(ratio: number): string {
  return `${Math.round(ratio * 100)}%`
}
