/**
 * How often a segment comes from the cache of `mseg_alloc`, for people.
 */
import { cacheHitRates } from '../analysis/cache-hit-rates.ts'
import { subtract } from '../analysis/integer.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { formatCount, formatPercentage, NONE } from './figures.ts'
import { type Rows, shorten } from './rows.ts'
import { table } from './table.ts'
import { footer, heading, type View } from './view.ts'

export function cacheHitRatesText(snapshot: Snapshot, view: View, rows: Rows): string {
  const { shown, hidden } = shorten(cacheHitRates(snapshot), rows)
  return [
    heading('Cache hit rates of mseg_alloc', snapshot, view),
    [
      table(
        [
          { title: 'instance' },
          { title: 'hit rate', align: 'right' },
          { title: 'hits', align: 'right' },
          { title: 'calls', align: 'right' },
          { title: 'misses', align: 'right' },
        ],
        shown.map(({ instance, hitRate, hits, calls }) => [
          `${instance}`,
          calls === 0 ? NONE : formatPercentage(hitRate),
          formatCount(hits),
          formatCount(calls),
          formatCount(subtract(calls, hits)),
        ]),
        view.paper,
      ),
      ...(hidden.length === 0
        ? []
        : [view.paper.colors.dim(`and ${hidden.length} more; --all shows them`)]),
    ].join('\n'),
    footer({ ...view, keyword: 'current' }, snapshot, EXPLANATION, ['fragmentation']),
  ].join('\n\n')
}

const EXPLANATION = [
  'The worst first: those with most misses. Good: 80% and more. Bad: less with many calls, because ' +
    'carriers are mapped and unmapped all the time: try +MMmcs 30 (10 segments are kept by default), ' +
    'then +MMrmcbf and +MMamcbf. A low rate of a few hundred calls means nothing.',
]
