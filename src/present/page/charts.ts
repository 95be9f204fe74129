/**
 * What is drawn over time: once for the script of the page, once on paper.
 */

import { timeInWords, timesInWords } from '../../analysis/finding.ts'
import type { StepSummary } from '../../analysis/history-summary.ts'
import { toDouble } from '../../analysis/integer.ts'
import type { Json } from '../../analysis/json.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import type { Moment } from '../../analysis/timeline.ts'
import { formatSize } from '../figures.ts'
import type { NodePage } from './node-page.ts'

/** One line of a chart, with a value for each time; `null` where none is known. */
export interface Series {
  readonly name: string
  /** Bytes, as doubles: no eye sees the difference. */
  readonly values: readonly (number | null)[]
}

/** Something that happened, or was reached. */
export interface Mark {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly label: string
}

export interface Chart {
  readonly id: string
  readonly title: string
  /** Milliseconds since 1970, in order. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly marks: readonly Mark[]
  /** A line across: how much there may be at most. */
  readonly limit: { readonly bytes: number; readonly label: string } | undefined
}

/** More allocators than these cannot be told apart. */
const DRAWN_ALLOCATORS = 4

/** Whoever never wasted more is not worth a line. */
const LEAST_WASTE = 2 ** 20

export function chartsOf({ diagnosis: { history }, moments }: NodePage): readonly Chart[] {
  const times = moments.map(({ time }) => time)
  const series = (name: string, of: (moment: Moment) => Integer | undefined): Series => ({
    name,
    values: moments.map((moment) => {
      const bytes = of(moment)
      return bytes === undefined ? null : toDouble(bytes)
    }),
  })
  const hasResident = moments.some(({ resident }) => resident !== undefined)
  return [
    {
      id: 'memory',
      title: 'Memory of the node',
      times,
      series: [
        ...(hasResident ? [series('resident', ({ resident }) => resident)] : []),
        series('allocated', ({ allocated }) => allocated),
        series('used', ({ used }) => used),
      ],
      marks: (history?.restarts ?? []).map((time) => ({
        time: Date.parse(time),
        label: `the node was started anew: first seen ${timeInWords(Date.parse(time))}`,
      })),
      limit: limitOf(moments, history?.limit.bytes),
    },
    {
      id: 'waste',
      title: 'Waste by allocator: held for nothing, beyond what an idle node has',
      times,
      series: wastefulAllocators(moments).map((name) =>
        series(
          name,
          ({ allocators }) => allocators.find(({ allocator }) => allocator === name)?.waste,
        ),
      ),
      marks: (history?.steps ?? []).map(markOf),
      limit: undefined,
    },
  ]
}

/** A limit that is far away would press the lines to the ground. */
const FAR = 4

function limitOf(moments: readonly Moment[], limit: Integer | undefined): Chart['limit'] {
  if (limit === undefined) return undefined
  const bytes = toDouble(limit)
  const most = Math.max(
    ...moments.map(({ allocated, resident }) => toDouble(resident ?? allocated)),
  )
  return bytes > most * FAR ? undefined : { bytes, label: `limit, ${formatSize(bytes)}` }
}

function markOf({ allocator, bytes, from, returnedAt, to }: StepSummary): Mark {
  const end =
    returnedAt === undefined ? 'and stayed' : `until ${timeInWords(Date.parse(returnedAt))}`
  const when = timesInWords(Date.parse(from), Date.parse(to))
  return {
    time: Date.parse(to),
    label: `the waste of ${allocator} rose by ${formatSize(bytes)} ${when}, ${end}`,
  }
}

/** Those that wasted most at any moment, the most first. */
function wastefulAllocators(moments: readonly Moment[]): readonly string[] {
  const most = new Map<string, number>()
  for (const { allocators } of moments) {
    for (const { allocator, waste } of allocators) {
      most.set(allocator, Math.max(most.get(allocator) ?? 0, toDouble(waste)))
    }
  }
  return [...most]
    .sort(([, left], [, right]) => right - left)
    .filter(([, waste], index) => index === 0 || waste >= LEAST_WASTE)
    .slice(0, DRAWN_ALLOCATORS)
    .map(([allocator]) => allocator)
}

/** What the charts of the page draw. */
export function pageData(node: NodePage): Json {
  return {
    charts: chartsOf(node).map(({ id, title, times, series, marks, limit }) => ({
      id,
      title,
      times,
      series: series.map(({ name, values }) => ({ name, values })),
      marks: marks.map(({ time, label }) => ({ time, label })),
      limit: limit === undefined ? null : { bytes: limit.bytes, label: limit.label },
    })),
  }
}
