/**
 * How large blocks are, for people.
 */
import { averageBlockSizes } from '../analysis/average-block-sizes.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { NONE } from './figures.ts'
import type { Rows } from './rows.ts'
import { table } from './table.ts'
import { figureUnit, footer, heading, MAXIMA_MARK, shows, sizeIn, type View } from './view.ts'

export function averageBlockSizesText(snapshot: Snapshot, view: View, rows: Rows): string {
  const keywords = (['current', 'max'] as const).filter((keyword) => shows(view, keyword))
  const sizes = keywords.map((keyword) => averageBlockSizes(snapshot, keyword, figureUnit(view)))
  const names = [...(sizes[0]?.keys() ?? [])].filter((allocator) => rows.isWanted({ allocator }))
  const columns = (['mbcs', 'sbcs'] as const).flatMap((kind) =>
    keywords.map((keyword, index) => ({
      title: keyword === 'max' ? `${kind} max${MAXIMA_MARK}` : `${kind} now`,
      figure: (allocator: (typeof names)[number]): string => {
        const size = sizes[index]?.get(allocator)?.[kind] ?? 0
        return size === 0 ? NONE : Number.isFinite(size) ? sizeIn(view, size) : '∞'
      },
    })),
  )
  return [
    heading('Average block sizes', snapshot, view),
    table(
      [{ title: 'allocator' }, ...columns.map(({ title }) => ({ title, align: 'right' as const }))],
      names.map((allocator) => [allocator, ...columns.map(({ figure }) => figure(allocator))]),
      view.paper,
    ),
    footer(view, snapshot, EXPLANATION, ['sbcs-to-mbcs', 'allocators']),
  ].join('\n\n')
}

const EXPLANATION = [
  'Neither good nor bad in itself: carriers are dimensioned by it. Where the mean in mbcs comes near ' +
    'the single-block threshold (sbct, 512 KiB unless set) few blocks share a carrier: raise sbct, and ' +
    'lmbcs with it.',
]
