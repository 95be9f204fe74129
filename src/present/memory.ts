/**
 * What `recon_alloc:memory` knows under its six keys, for people.
 */
import { compare } from '../analysis/integer.ts'
import { type MemoryReport, memoryReport } from '../analysis/memory.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Amount } from '../analysis/unit.ts'
import type { Keyword } from '../analysis/util-allocators.ts'
import { formatPercentage, NONE } from './figures.ts'
import { type Rows, shorten } from './rows.ts'
import { table } from './table.ts'
import { figureUnit, footer, heading, MAXIMA_MARK, shows, sizeIn, type View } from './view.ts'

export function memoryText(snapshot: Snapshot, view: View, rows: Rows): string {
  const keywords = (['current', 'max'] as const).filter((keyword) => shows(view, keyword))
  const reports = keywords.map((keyword) => memoryReport(snapshot, keyword, figureUnit(view)))
  const size = (amount: Amount | undefined): string =>
    amount === undefined ? NONE : sizeIn(view, amount)
  const section = (
    title: string,
    rows: readonly (readonly [string, readonly string[]])[],
  ): string =>
    table(
      [
        { title },
        ...keywords.map((keyword) => ({ title: COLUMN[keyword], align: 'right' as const })),
      ],
      rows.map(([name, figures]) => [name.padEnd(NAME_WIDTH), ...figures.map(padFigure)]),
      view.paper,
    )
  const of = (figure: (report: MemoryReport) => string): readonly string[] => reports.map(figure)
  const [report] = reports
  const instances = report?.allocatedInstances ?? new Map<number, Amount>()
  const { shown, hidden } = shorten([...instances.keys()], rows, (left, right) =>
    compare(instances.get(right) ?? 0, instances.get(left) ?? 0),
  )
  return [
    heading('Memory of the allocators', snapshot, view),
    section('', [
      ['used', of(({ used }) => size(used))],
      ['allocated', of(({ allocated }) => size(allocated))],
      ['unused', of(({ unused }) => size(unused))],
      ['usage', of(({ usage }) => (usage === undefined ? NONE : formatPercentage(usage)))],
    ]),
    section(
      'allocated_types',
      [...(report?.allocatedTypes.keys() ?? [])].map((type) => [
        type,
        of(({ allocatedTypes }) => size(allocatedTypes.get(type))),
      ]),
    ),
    [
      section(
        'allocated_instances',
        shown.map((instance) => [
          instance === 0 ? '0 (no scheduler)' : `${instance}`,
          of(({ allocatedInstances }) => size(allocatedInstances.get(instance))),
        ]),
      ),
      ...(hidden.length === 0
        ? []
        : [view.paper.colors.dim(`and ${hidden.length} smaller ones; --all shows them`)]),
    ].join('\n'),
    footer(view, snapshot, EXPLANATION, ['fragmentation']),
  ].join('\n\n')
}

const COLUMN: Readonly<Record<Keyword, string>> = { current: 'now', max: `max${MAXIMA_MARK}` }

/** So that the columns of the three tables stand below each other. */
const NAME_WIDTH = 19
const FIGURE_WIDTH = 10

function padFigure(figure: string): string {
  return figure.padStart(FIGURE_WIDTH)
}

const EXPLANATION = [
  'Good: usage near 100%, or little unused. Bad: hundreds of MiB unused after a peak has passed. Not ' +
    'bad by itself: an idle node uses 33% to 64%, because main carriers are never given back.',
  'Compare allocated with what the operating system reports: if that is far more, memory is taken ' +
    'outside the allocators, by a NIF or a driver.',
]
