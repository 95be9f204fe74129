/**
 * How many blocks have a carrier of their own, for people.
 */
import { type SbcsToMbcs, sbcsToMbcs } from '../analysis/sbcs-to-mbcs.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { formatRatio } from './figures.ts'
import { type Rows, shorten } from './rows.ts'
import { table } from './table.ts'
import { footer, heading, MAXIMA_MARK, shows, type View } from './view.ts'

export function sbcsToMbcsText(snapshot: Snapshot, view: View, rows: Rows): string {
  const keywords = (['current', 'max'] as const).filter((keyword) => shows(view, keyword))
  const ratios = keywords.map(
    (keyword) => new Map(sbcsToMbcs(snapshot, keyword).map((entry) => [keyOf(entry), entry.ratio])),
  )
  const wanted = sbcsToMbcs(snapshot, keywords[0]).filter(rows.isWanted)
  const isInteresting = (entry: SbcsToMbcs): boolean =>
    rows.all || ratios.some((ratio) => ratio.get(keyOf(entry)) !== 0)
  const { shown, hidden } = shorten(wanted.filter(isInteresting), rows)
  const zeros = wanted.length - shown.length - hidden.length
  const notes = [
    ...(hidden.length === 0 ? [] : [`and ${hidden.length} more; --all shows them`]),
    ...(zeros === 0
      ? []
      : [`${zeros} instances without single-block carriers are left out; --all shows them`]),
  ]
  return [
    heading('Single-block to multiblock carriers', snapshot, view),
    [
      table(
        [
          { title: 'allocator' },
          { title: '#', align: 'right' },
          ...keywords.map((keyword) => ({
            title: keyword === 'max' ? `ratio at max${MAXIMA_MARK}` : 'ratio now',
            align: 'right' as const,
          })),
        ],
        shown.map((entry) => [
          entry.allocator,
          `${entry.instance}`,
          ...ratios.map((ratio) => formatRatio(ratio.get(keyOf(entry)) ?? 0)),
        ]),
        view.paper,
      ),
      ...notes.map((note) => view.paper.colors.dim(note)),
    ].join('\n'),
    footer(view, snapshot, EXPLANATION, ['average-block-sizes', 'cache-hit-rates']),
  ].join('\n\n')
}

function keyOf({ allocator, instance }: SbcsToMbcs): string {
  return `${allocator} ${instance}`
}

const EXPLANATION = [
  'Blocks with a carrier of their own for each block that shares one. Good: low; multiblock carriers ' +
    'are memory that is already there. Bad: high, because each single-block carrier is a call for a ' +
    'new segment: much data is above the single-block threshold; raise sbct, and lmbcs with it.',
]
