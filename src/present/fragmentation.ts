/**
 * Which instances hold much and use little of it, for people.
 */
import { type Fragmentation, fragmentation } from '../analysis/fragmentation.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { type Amount, arithmetic } from '../analysis/unit.ts'
import type { Keyword } from '../analysis/util-allocators.ts'
import { formatPercentage, NONE } from './figures.ts'
import { type Rows, shorten } from './rows.ts'
import { type Column, table } from './table.ts'
import {
  difference,
  figureUnit,
  footer,
  heading,
  MAXIMA_MARK,
  shows,
  sizeIn,
  type View,
} from './view.ts'

export function fragmentationText(snapshot: Snapshot, view: View, rows: Rows): string {
  const keyword: Keyword = view.keyword ?? 'current'
  const entries = fragmentation(snapshot, keyword, figureUnit(view)).filter(rows.isWanted)
  const peaks = new Map(
    view.keyword === undefined
      ? fragmentation(snapshot, 'max').map((entry) => [keyOf(entry), entry])
      : [],
  )
  const { shown, hidden } = shorten(entries, rows)
  const mark = keyword === 'max' ? MAXIMA_MARK : ''
  const columns: readonly Column[] = [
    { title: 'allocator' },
    { title: '#', align: 'right' },
    { title: `unused${mark}`, align: 'right' },
    { title: `mbcs${mark}`, align: 'right' },
    { title: 'of', align: 'right' },
    { title: `sbcs${mark}`, align: 'right' },
    { title: 'of', align: 'right' },
    ...(peaks.size === 0
      ? []
      : [
          { title: `max: mbcs${MAXIMA_MARK}`, align: 'right' as const },
          { title: `sbcs${MAXIMA_MARK}`, align: 'right' as const },
        ]),
  ]
  const cells = shown.map((entry) => {
    const peak = peaks.get(keyOf(entry))
    return [
      entry.allocator,
      `${entry.instance}`,
      sizeIn(view, unusedOf(view, entry)),
      usageCell(entry.mbcsUsage, entry.mbcsCarriersSize),
      sizeCell(view, entry.mbcsCarriersSize),
      usageCell(entry.sbcsUsage, entry.sbcsCarriersSize),
      sizeCell(view, entry.sbcsCarriersSize),
      ...(peak === undefined
        ? []
        : [
            usageCell(peak.mbcsUsage, peak.mbcsCarriersSize),
            usageCell(peak.sbcsUsage, peak.sbcsCarriersSize),
          ]),
    ]
  })
  return [
    heading('Fragmentation', snapshot, view),
    [
      table(columns, cells, view.paper),
      ...(hidden.length === 0 ? [] : [moreLine(view, hidden)]),
    ].join('\n'),
    footer(view, snapshot, explanation(view), ['diagnose', 'average-block-sizes']),
  ].join('\n\n')
}

function keyOf({ allocator, instance }: Fragmentation): string {
  return `${allocator} ${instance}`
}

function unusedOf(view: View, entry: Fragmentation): Amount {
  const { mbcsBlockSize, mbcsCarriersSize, sbcsBlockSize, sbcsCarriersSize } = entry
  return arithmetic(figureUnit(view)).add(
    difference(view, mbcsCarriersSize, mbcsBlockSize),
    difference(view, sbcsCarriersSize, sbcsBlockSize),
  )
}

/** Recon calls it 100% where there are no carriers at all. */
function usageCell(usage: number, carriers: Amount): string {
  return carriers === 0 && Number.isFinite(usage) ? NONE : formatPercentage(usage)
}

function sizeCell(view: View, amount: Amount): string {
  return amount === 0 ? NONE : sizeIn(view, amount)
}

function moreLine(view: View, hidden: readonly Fragmentation[]): string {
  const { add } = arithmetic(figureUnit(view))
  const unused = hidden.map((entry) => unusedOf(view, entry)).reduce(add)
  return view.paper.colors.dim(
    `and ${hidden.length} more with ${sizeIn(view, unused)} unused together; --all shows them`,
  )
}

function explanation(view: View): readonly string[] {
  return [
    'mbcs and sbcs: how much of their multiblock and single-block carriers blocks use, of how much in ' +
      'all.',
    shows(view, 'max') && shows(view, 'current')
      ? 'Bad: low now, much unused, and high at max: fragmentation after a peak. Low in both: this load ' +
        'is always so. Good: high, or little unused; ratios of small carriers say nothing.'
      : 'Bad: low, with much unused. Good: high, or little unused; ratios of small carriers say nothing.',
  ]
}
