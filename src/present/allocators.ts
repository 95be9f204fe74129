/**
 * The allocators one by one, their instances added up, for people.
 */
import { allocatorTypes, type UtilAllocatorEntry } from '../analysis/allocators.ts'
import type { Counter, Integer, Snapshot } from '../analysis/snapshot.ts'
import { type Amount, arithmetic, type Unit } from '../analysis/unit.ts'
import type { Keyword } from '../analysis/util-allocators.ts'
import { formatCount, NONE } from './figures.ts'
import { printable } from './printable.ts'
import type { Rows } from './rows.ts'
import { settingValue } from './setting-value.ts'
import { table } from './table.ts'
import { figureUnit, footer, heading, MAXIMA_MARK, sizeIn, type View } from './view.ts'

export function allocatorsText(snapshot: Snapshot, view: View, rows: Rows): string {
  const keyword: Keyword = view.keyword ?? 'current'
  const mark = keyword === 'max' ? MAXIMA_MARK : ''
  const unit = figureUnit(view)
  const entries = allocatorTypes(snapshot, unit).flatMap((entry) =>
    'mbcs' in entry && rows.isWanted(entry) ? [entry] : [],
  )
  const number = (pick: (entry: UtilAllocatorEntry) => Integer) => (entry: UtilAllocatorEntry) =>
    formatCount(pick(entry))
  const size = (pick: (entry: UtilAllocatorEntry) => Integer) => (entry: UtilAllocatorEntry) =>
    sizeIn(view, pick(entry))
  const columns: readonly (readonly [string, (entry: UtilAllocatorEntry) => string])[] = [
    [`blocks${mark}`, number((it) => total(it, 'blocks', keyword, 'byte'))],
    [`used${mark}`, size((it) => total(it, 'blocksSize', keyword, unit))],
    [`carriers${mark}`, number((it) => total(it, 'carriers', keyword, 'byte'))],
    [`held${mark}`, size((it) => total(it, 'carriersSize', keyword, unit))],
    ...(keyword === 'max'
      ? []
      : [['in pool', (it: UtilAllocatorEntry) => poolCell(view, it)] as const]),
    ['as', (it) => settingValue('as', it.options.as)],
    ['sbct', (it) => settingValue('sbct', it.options.sbct)],
  ]
  return [
    heading('Allocators', snapshot, view),
    table(
      [{ title: 'allocator' }, ...columns.map(([title]) => ({ title, align: 'right' as const }))],
      entries.map((entry) => [
        printable(entry.allocator),
        ...columns.map(([, figure]) => figure(entry)),
      ]),
      view.paper,
    ),
    footer({ ...view, keyword }, snapshot, EXPLANATION, ['fragmentation']),
  ].join('\n\n')
}

/** Over both kinds of carriers; now, those in the pool as well. The pool keeps no maximum. */
function total(
  { mbcs, sbcs, mbcsPool }: UtilAllocatorEntry,
  field: 'blocks' | 'blocksSize' | 'carriers' | 'carriersSize',
  keyword: Keyword,
  unit: Unit,
): Amount {
  // In any unit but bytes sizes have fractions, which integers do not add up.
  const { add } = arithmetic(unit)
  const of = (counter: Counter): Integer => counter[keyword]
  const own = add(of(mbcs[field]), of(sbcs[field]))
  return keyword === 'current' && mbcsPool !== undefined ? add(own, mbcsPool[field]) : own
}

function poolCell(view: View, { mbcsPool }: UtilAllocatorEntry): string {
  return mbcsPool === undefined || mbcsPool.carriersSize === 0
    ? NONE
    : sizeIn(view, mbcsPool.carriersSize)
}

const EXPLANATION = [
  'held: what the carriers take; used: what blocks take of it; in pool: held by carriers that were ' +
    'abandoned as too empty and wait for any instance to fetch them; as: the strategy by which blocks ' +
    'are placed; sbct: from which size on a block gets a carrier of its own. --json has every counter ' +
    'and option of every instance.',
]
