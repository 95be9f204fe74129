/**
 * A node that takes more and more memory, and when it will have taken all that it may.
 */
import {
  type Evidence,
  type Examination,
  type Finding,
  type Remedy,
  type Severity,
  sizeInWords,
  timeInWords,
} from '../finding.ts'
import type { FigureTrend } from '../history.ts'
import type { Outlook } from '../outlook.ts'
import { fragmentationRemedies, outsideRemedies, useRemedies } from '../remedies.ts'
import { KIND_OF_ALLOCATOR } from './use.ts'

const HOUR = 3_600_000

/** A limit that is nearer is critical, or a warning. */
const CRITICAL = HOUR
const WARNING = 24 * HOUR

/** What grew by less since it was first seen is not worth a word. */
const LEAST_GROWTH = 8 * 2 ** 20

/** An allocator that grows by less of the whole is not where it comes from. */
const CONCERNED_SHARE = 0.1
const MOST_CONCERNED = 3

export function growth(examination: Examination): readonly Finding[] {
  const { history, outlook } = examination
  const perHour = outlook?.trend.perHour
  if (history === undefined || outlook === undefined || perHour === undefined) return []
  const { trend, limit, reached } = outlook
  const hours = (history.to - (trend.since ?? history.since)) / HOUR
  // Where nobody looked for long, it did not grow on all the while.
  const bytes = Math.round(Math.min(perHour.typical * hours, trend.risen))
  if (trend.shape !== 'growth' || bytes < LEAST_GROWTH) return []
  const sources = sourcesOf(examination, perHour.typical)
  const what = trend.figure === 'resident' ? 'The resident size' : 'What is allocated'
  return [
    {
      id: 'growth',
      severity: severityOf(outlook, history.to),
      allocator: undefined,
      summary: [
        `${what} grows by ${rateInWords(perHour.typical)}${from(sources)}.`,
        ...ahead(outlook),
        ...(trend.confidence === 'high' ? [] : [UNSURE]),
      ].join(' '),
      bytes,
      verdict: undefined,
      evidence: [
        {
          what: `growth of what is ${trend.figure} in an hour`,
          value: Math.round(perHour.typical),
          unit: 'byte',
          source: SOURCE,
        },
        {
          what: `what it grew by since ${timeInWords(trend.since ?? history.since)}`,
          value: bytes,
          unit: 'byte',
          source: SOURCE,
        },
        ...sources.map(
          (source): Evidence => ({
            what: `of that in an hour, ${nameOf(source)}`,
            value: Math.round(source.perHour?.typical ?? 0),
            unit: 'byte',
            source: SOURCE,
          }),
        ),
        {
          what: `${trend.figure} at the end`,
          value: Math.round(trend.now ?? 0),
          unit: 'byte',
          source: 'the median of the last samples',
        },
        ...(limit === undefined
          ? []
          : [
              {
                what:
                  reached === undefined
                    ? 'limit'
                    : `limit, reached ${aboutWhen(outlook)} if it goes on like this`,
                value: limit.bytes,
                unit: 'byte',
                source: limit.source,
              } as const,
            ]),
      ],
      remedies: remediesFor(sources, examination),
    },
  ]
}

const SOURCE = 'the samples of the recording: the median of the slopes between any two of them'

const UNSURE =
  'Less than two days were seen, so that it may be part of what comes and goes each day.'

function severityOf({ limit, reached }: Outlook, now: number): Severity {
  if (limit === undefined || reached === undefined) return 'info'
  if (reached.at - now <= CRITICAL) return 'critical'
  return reached.at - now <= WARNING ? 'warning' : 'info'
}

/** What of the allocators grows with the node, the fastest first: what blocks use, or what they leave. */
function sourcesOf({ history }: Examination, typical: number): readonly FigureTrend[] {
  const rate = (trend: FigureTrend): number => trend.perHour?.typical ?? 0
  return (history?.trends ?? [])
    .filter(
      (trend) =>
        trend.allocator !== undefined &&
        (trend.figure === 'used' || trend.figure === 'waste') &&
        trend.shape === 'growth' &&
        rate(trend) >= CONCERNED_SHARE * typical,
    )
    .sort((left, right) => rate(right) - rate(left))
    .slice(0, MOST_CONCERNED)
}

function from(sources: readonly FigureTrend[]): string {
  if (sources.length === 0) return ''
  const parts = sources.map(
    (source) => `${nameOf(source)} by ${rateInWords(source.perHour?.typical ?? 0)}`,
  )
  return `: ${parts.join(', ')}`
}

function nameOf({ figure, allocator }: FigureTrend): string {
  return figure === 'waste' ? `waste in ${allocator ?? ''}` : `blocks in ${allocator ?? ''}`
}

/** When the limit is reached, or why that cannot be said. */
function ahead(outlook: Outlook): readonly string[] {
  const { limit, reached, why } = outlook
  if (limit === undefined) {
    return ['When it is too much cannot be said: no limit is known (--memory-limit gives one).']
  }
  const whole = `${sizeInWords(limit.bytes)} (${limit.source})`
  if (reached === undefined) return [`When ${whole} are reached cannot be said: ${why ?? ''}.`]
  return [`If it goes on like this, the limit of ${whole} is reached ${aboutWhen(outlook)}.`]
}

function aboutWhen({ reached }: Outlook): string {
  if (reached === undefined) return ''
  const { at, earliest, latest } = reached
  return earliest === latest
    ? `at about ${timeInWords(at)}`
    : `at about ${timeInWords(at)} (between ${timeInWords(earliest)} and ${timeInWords(latest)})`
}

function rateInWords(perHour: number): string {
  return `${sizeInWords(Math.round(perHour))} an hour`
}

/** For what grows most: look who holds it, or how it is put; or past the allocators, where none of them grows. */
function remediesFor(
  [largest]: readonly FigureTrend[],
  { held, outlook, snapshot }: Examination,
): readonly Remedy[] {
  if (largest?.allocator === undefined) {
    return outlook?.trend.figure === 'resident' ? outsideRemedies(snapshot.disabled) : []
  }
  const allocator = held.find((each) => each.allocator === largest.allocator)
  if (largest.figure === 'waste' && allocator !== undefined) {
    return fragmentationRemedies(allocator, snapshot)
  }
  return useRemedies(KIND_OF_ALLOCATOR.get(largest.allocator) ?? 'other')
}
