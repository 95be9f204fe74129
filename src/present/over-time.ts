/**
 * What a recording shows of a node: what grows, when it is too much, and when memory began to be wasted.
 */
import type {
  HistorySummary,
  LimitSummary,
  StepSummary,
  TrendSummary,
} from '../analysis/history-summary.ts'
import { compare } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { inUnit } from '../analysis/unit.ts'
import { formatCount, formatPercentage, NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { table } from './table.ts'
import { figureUnit, sizeIn, type View } from './view.ts'

/** Of the allocators, so many with the largest peaks. */
const MAX_PEAKS = 5

const MAX_STEPS = 8

/** Narrower paper has no room for all columns. */
const PEAKS_WIDTH = 64

const MAX_RESTARTS = 3

const MEDIUM =
  'Less than two days were seen: what grows, or falls, may come and go each day as well.'

/** So much more than right before a rise blocks used at the peak, where it is worth a word. */
const WORTH = 1.1

/** A section, by the samples up to the one that is diagnosed. */
export function overTimeText(history: HistorySummary, view: View): string {
  const { colors, width } = view.paper
  return [
    colors.bold('Over time'),
    wrap(extent(history), width),
    ...trendLines(history, view),
    ...(history.trends.some(({ confidence }) => confidence === 'medium')
      ? [wrap(MEDIUM, width)]
      : []),
    ...stepLines(history, view),
    ...peakLines(history, view),
  ].join('\n')
}

function extent({ from, to, samples, disordered, restarts }: HistorySummary): string {
  const seen = `${formatCount(samples)} samples from ${utc(from)} to ${utc(to)}.`
  const last = restarts.slice(-MAX_RESTARTS).map(utc).join(', ')
  const more = restarts.length > MAX_RESTARTS ? `${restarts.length} times, lately ` : ''
  return [
    seen,
    ...(restarts.length === 0
      ? []
      : [`The node was started anew (${more}${last}); growth is looked for since then.`]),
    ...(disordered === 0
      ? []
      : [`${formatCount(disordered)} came after later ones, as if the clock had been set.`]),
  ].join(' ')
}

function trendLines({ limit, since, trends }: HistorySummary, view: View): readonly string[] {
  const rows = [
    ...trends
      .filter(
        ({ allocator, bytesPerHour }) => allocator === undefined || bytesPerHour !== undefined,
      )
      .map((trend): readonly [string, string, string] => [
        trend.allocator === undefined
          ? trend.what
          : `${trend.what === 'used' ? 'used in' : trend.what === 'waste' ? 'waste in' : 'carriers of'} ${printable(trend.allocator)}`,
        trend.bytesNow === undefined ? NONE : size(view, trend.bytesNow),
        course(trend, since, view),
      ]),
    ['limit', limit.bytes === undefined ? NONE : size(view, limit.bytes), outlook(limit)] as const,
  ]
  const [names, sizes] = [0, 1].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map(([name, bytes, words]) => {
    const before = `  ${name.padEnd(names ?? 0)}  ${bytes.padStart(sizes ?? 0)}  `
    return before + wrap(words, view.paper.width - before.length, ' '.repeat(before.length))
  })
}

function course(trend: TrendSummary, start: string, view: View): string {
  const { bytesPerHour, shape, since, why } = trend
  if (bytesPerHour === undefined) {
    return shape === 'steady' ? (why ?? '') : `no growth that is sure: ${why ?? 'unknown'}`
  }
  const each = (bytes: number | undefined): string => size(view, Math.abs(bytes ?? 0))
  const [slowest, fastest] = [each(trend.slowestBytesPerHour), each(trend.fastestBytesPerHour)]
  return [
    `${bytesPerHour < 0 ? 'falls' : 'grows'} by ${each(bytesPerHour)} an hour`,
    ...(slowest === fastest ? [] : [`(${slowest} to ${fastest})`]),
    ...(since === undefined || utc(since) === utc(start) ? [] : [`since ${utc(since)}`]),
  ].join(' ')
}

function outlook({ bytes, source, reachedAt, earliest, latest, why }: LimitSummary): string {
  const whole = source === undefined ? '' : `${printable(source)}: `
  if (reachedAt === undefined) {
    return bytes === undefined
      ? `not known; --memory-limit gives one`
      : `${whole}not said when it is reached: ${why ?? 'unknown'}`
  }
  const spread =
    earliest === undefined || latest === undefined || utc(earliest) === utc(latest)
      ? ''
      : ` (${utc(earliest)} to ${utc(latest)})`
  return `${whole}reached at about ${utc(reachedAt)}${spread} if it goes on like this`
}

/** The largest, in order of time. */
function stepLines({ restarts, steps }: HistorySummary, view: View): readonly string[] {
  const { width } = view.paper
  if (steps.length === 0)
    return [wrap('No allocator began to waste memory at a certain time.', width)]
  const bySize = [...steps].sort((left, right) => right.bytes - left.bytes)
  const largest = new Set(bySize.slice(0, MAX_STEPS))
  const smaller = steps.length - largest.size
  return [
    'Memory began to be wasted',
    ...steps
      .filter((step) => largest.has(step))
      .map((step) => `- ${wrap(stepInWords(step, restarts, view), width - 2, '  ')}`),
    ...(smaller === 0 ? [] : [`- and ${formatCount(smaller)} times by less`]),
  ]
}

function stepInWords(step: StepSummary, restarts: readonly string[], view: View): string {
  const { allocator, after, before, bytes, from, peakAt, peakUsed, returnedAt, to } = step
  const when = utc(from) === utc(to) ? `at ${utc(from)}` : `from ${utc(from)} to ${utc(to)}`
  const peak =
    peakUsed === undefined || peakAt === undefined || peakUsed < WORTH * before.used
      ? ''
      : `, and ${size(view, peakUsed)} at ${utc(peakAt)}`
  return [
    `${printable(allocator)}, ${when}: ${size(view, bytes)} more.`,
    `Before, blocks used ${size(view, before.used)} of ${size(view, before.allocated)}${peak};`,
    `after it, ${size(view, after.used)} of ${size(view, after.allocated)}.`,
    outcome(returnedAt, restarts),
  ].join(' ')
}

function outcome(returnedAt: string | undefined, restarts: readonly string[]): string {
  if (returnedAt === undefined) return 'It has stayed so.'
  return restarts.includes(returnedAt)
    ? 'It stayed so until the node was started anew.'
    : `Half of it had gone again by ${utc(returnedAt)}.`
}

function peakLines({ peaks }: HistorySummary, view: View): readonly string[] {
  const largest = [...peaks]
    .sort((left, right) => compare(right.used, left.used))
    .slice(0, MAX_PEAKS)
  if (largest.length === 0) return []
  const isWide = view.paper.width >= PEAKS_WIDTH
  return [
    wrap('Each allocator when it used most of its multiblock carriers', view.paper.width),
    table(
      [
        { title: '' },
        { title: 'used', align: 'right' },
        ...(isWide ? [{ title: 'allocated', align: 'right' } as const] : []),
        { title: 'usage', align: 'right' },
        { title: 'when, in UTC' },
      ],
      largest.map(({ allocator, allocated, takenAt, usage, used }) => [
        printable(allocator),
        size(view, used),
        ...(isWide ? [size(view, allocated)] : []),
        formatPercentage(usage),
        takenAt === undefined ? NONE : utc(takenAt).slice(0, 16),
      ]),
      view.paper,
    ),
  ]
}

/** `2026-01-31 12:04 UTC`. */
function utc(time: string): string {
  return `${printable(time).slice(0, 16).replace('T', ' ')} UTC`
}

function size(view: View, bytes: Integer): string {
  return sizeIn(view, inUnit(bytes, figureUnit(view)))
}
