/**
 * What a diagnosis says of a history: as plain data, with times that people can read.
 */
import type { Figure, History, Holding, Step } from './history.ts'
import type { Outlook } from './outlook.ts'
import type { Integer } from './snapshot.ts'
import type { Trend, TrendShape } from './trend.ts'
import { usage } from './usage.ts'

/** Times in ISO 8601, UTC; sizes in bytes. */
export interface HistorySummary {
  readonly from: string
  readonly to: string
  readonly samples: number
  /** Of these, so many that came after later ones. */
  readonly disordered: number
  /** First samples after the node was started anew. */
  readonly restarts: readonly string[]
  /** Since when growth is looked for: the last of these, or the first sample. */
  readonly since: string
  /** Of the node; and those of its allocators that do more than stand still. */
  readonly trends: readonly TrendSummary[]
  readonly limit: LimitSummary
  readonly steps: readonly StepSummary[]
  readonly peaks: readonly PeakSummary[]
}

export interface TrendSummary {
  readonly what: Figure
  readonly allocator: string | undefined
  readonly shape: TrendShape
  readonly confidence: Trend['confidence']
  readonly bytesPerHour: number | undefined
  /** What its parts show at least and at most. */
  readonly slowestBytesPerHour: number | undefined
  readonly fastestBytesPerHour: number | undefined
  readonly since: string | undefined
  readonly bytesNow: number | undefined
  readonly why: string | undefined
}

export interface LimitSummary {
  readonly bytes: Integer | undefined
  readonly source: string | undefined
  /** When it is reached if growth goes on; `undefined` for the reason under `why`. */
  readonly reachedAt: string | undefined
  readonly earliest: string | undefined
  readonly latest: string | undefined
  readonly why: string | undefined
}

export interface StepSummary {
  readonly allocator: string
  readonly from: string
  readonly to: string
  readonly bytes: number
  readonly before: Holding
  readonly after: Holding
  /** The most that blocks used before it was over. */
  readonly peakUsed: number | undefined
  readonly peakAt: string | undefined
  readonly returnedAt: string | undefined
}

/** Multiblock carriers, with those in the pool. */
export interface PeakSummary {
  readonly allocator: string
  readonly takenAt: string | undefined
  readonly allocated: Integer
  readonly used: Integer
  readonly usage: number
}

export function summarizeHistory(history: History, outlook: Outlook | undefined): HistorySummary {
  const { limit, reached, why } = outlook ?? {}
  return {
    from: isoTime(history.from),
    to: isoTime(history.to),
    samples: history.samples,
    disordered: history.disordered,
    restarts: history.restarts.map(isoTime),
    since: isoTime(history.since),
    trends: history.trends
      .filter(({ allocator, shape }) => allocator === undefined || isLively(shape))
      .map(({ figure, allocator, shape, confidence, perHour, since, now, why }) => ({
        what: figure,
        allocator,
        shape,
        confidence,
        bytesPerHour: rounded(perHour?.typical),
        slowestBytesPerHour: rounded(perHour?.slowest),
        fastestBytesPerHour: rounded(perHour?.fastest),
        since: maybeTime(since),
        bytesNow: rounded(now),
        why,
      })),
    limit: {
      bytes: limit?.bytes,
      source: limit?.source,
      reachedAt: maybeTime(reached?.at),
      earliest: maybeTime(reached?.earliest),
      latest: maybeTime(reached?.latest),
      why,
    },
    steps: history.steps.map(summarizeStep),
    peaks: Array.from(history.peaks, ([allocator, { takenAt, mbcs }]) => ({
      allocator,
      takenAt,
      allocated: mbcs.allocated,
      used: mbcs.used,
      usage: usage(mbcs.used, mbcs.allocated),
    })),
  }
}

function summarizeStep(step: Step): StepSummary {
  const { allocator, from, to, bytes, before, after, peak, returned } = step
  return {
    allocator,
    from: isoTime(from),
    to: isoTime(to),
    bytes,
    before,
    after,
    peakUsed: rounded(peak?.value),
    peakAt: maybeTime(peak?.time),
    returnedAt: maybeTime(returned),
  }
}

function isLively(shape: TrendShape): boolean {
  return shape !== 'steady' && shape !== 'unknown'
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value)
}

function maybeTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : isoTime(time)
}

/** The last moment that a date can be of: what hardly grows may come later. */
const END_OF_TIME = 8.64e15

function isoTime(time: number): string {
  return new Date(Math.min(time, END_OF_TIME)).toISOString()
}
