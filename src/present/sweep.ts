/**
 * What a sweep found, as an operator reads it: the nodes, the worst first, what they are together, who differs
 * from its peers, and who did not answer.
 */
import type { ClusterTotals } from '../analysis/cluster-totals.ts'
import { sum } from '../analysis/integer.ts'
import {
  compareSummaries,
  type NodeSummary,
  type SweepOrder,
  VERDICTS,
} from '../analysis/node-summary.ts'
import type { Outlier } from '../analysis/outlier.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { inUnit } from '../analysis/unit.ts'
import { failuresText, type NodeFailure, type SourceFailure } from './failures.ts'
import { counted, formatCount, formatPercentage, formatSize, NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { type Rows, shorten } from './rows.ts'
import { settingValue } from './setting-value.ts'
import { type Column, table } from './table.ts'
import { VERDICT_COLORS } from './verdict-colors.ts'
import type { View } from './view.ts'

export interface SweepReport {
  readonly summaries: readonly NodeSummary[]
  readonly totals: ClusterTotals
  readonly outliers: readonly Outlier[]
  readonly failures: readonly NodeFailure[]
  readonly sources: readonly SourceFailure[]
  /** Milliseconds. */
  readonly duration: number
}

/** `label` is what was swept, for people. */
export interface SweepView extends Pick<View, 'paper' | 'unit' | 'label'> {
  readonly order: SweepOrder
  readonly rows: Rows
  /** The command line that asks one of the nodes another question. */
  next(command: string, node: string): string
}

/** With more sections, where there are any, before those who did not answer. */
export function sweepText(
  report: SweepReport,
  view: SweepView,
  sections: readonly string[] = [],
): string {
  const { summaries, outliers, failures, sources } = report
  const { colors, width } = view.paper
  const worst = worstOf(summaries, view.order)
  return [
    headingText(report, view),
    ...(summaries.length === 0
      ? ['No node answered.']
      : [
          tableText(report, view),
          [verdictsText(report, view), ...absentText(report, view), wrap(LEGEND, width)].join('\n'),
        ]),
    ...(outliers.length === 0 ? [] : [outliersText(outliers, view)]),
    ...sections,
    ...failuresText(failures, sources, view.paper, view.rows),
    ...(worst === undefined
      ? []
      : [`${colors.cyan('Next:')} ${printable(view.next('diagnose', worst.node))}`]),
  ].join('\n\n')
}

function headingText(
  { summaries, failures, duration }: SweepReport,
  { paper: { colors }, label, unit }: SweepView,
): string {
  const facts = [
    `${formatCount(summaries.length)} of ${nodesText(summaries.length + failures.length)} answered`,
    `${(duration / 1000).toFixed(1)} s`,
    ...(unit === undefined ? [] : [`sizes in ${unit}s`]),
  ]
  return `${colors.bold('Sweep')}  ${printable(label)}\n${colors.dim(facts.join(', '))}`
}

/** A healthy node needs no further look, whatever stands first. By name none is worse than another. */
function worstOf(summaries: readonly NodeSummary[], order: SweepOrder): NodeSummary | undefined {
  return summaries
    .filter(({ verdict }) => verdict !== 'healthy')
    .sort(compareSummaries(order === 'node' ? 'waste' : order))[0]
}

/** One column: of each node, and of all together. */
interface SweepColumn extends Column {
  /** By what it shows the nodes can be put in order. */
  readonly order?: SweepOrder
  cell(summary: NodeSummary): string
  readonly total: string
}

/** Those that stay on narrow paper; with the one that the nodes are in the order of. */
const NARROW: readonly (SweepOrder | undefined)[] = ['node', 'verdict', 'waste']

function tableText({ summaries, totals }: SweepReport, view: SweepView): string {
  const { paper, rows, order } = view
  const inOrder = compareSummaries(order)
  const sorted = [...summaries].sort(inOrder)
  const { shown, hidden } =
    order === 'node' ? shorten(sorted, rows, compareSummaries()) : shorten(sorted, rows)
  const visible = [...shown].sort(inOrder)
  const columns = fitting(sweepColumns(totals, view), visible, view)
  const text = table(
    columns,
    [
      ...visible.map((summary) =>
        columns.map((column) => {
          const cell = column.cell(summary)
          return column.order === 'verdict'
            ? VERDICT_COLORS[summary.verdict](paper.colors)(cell)
            : cell
        }),
      ),
      columns.map(({ total }) => total),
    ],
    paper,
  )
  if (hidden.length === 0) return text
  const waste = sum(hidden.map((summary) => summary.waste ?? 0))
  return `${text}\n${paper.colors.dim(
    `and ${formatCount(hidden.length)} more with ${sizeText(waste, view)} wasted together; --all shows them`,
  )}`
}

function sweepColumns(totals: ClusterTotals, view: SweepView): readonly SweepColumn[] {
  const size = (bytes: Integer | undefined): string => sizeText(bytes, view)
  const align = 'right'
  return [
    {
      title: 'node',
      order: 'node',
      cell: ({ node }) => printable(node),
      total: totals.nodes === 1 ? 'together' : `all ${nodesText(totals.nodes)}`,
    },
    {
      title: 'OTP',
      align,
      cell: ({ otpRelease }) => (otpRelease === undefined ? NONE : printable(otpRelease)),
      total: '',
    },
    { title: 'verdict', order: 'verdict', cell: ({ verdict }) => verdict, total: '' },
    {
      title: 'waste',
      align,
      order: 'waste',
      cell: ({ waste }) => size(waste),
      total: size(totals.waste),
    },
    {
      title: 'usage',
      align,
      order: 'usage',
      cell: ({ usage }) => (usage === undefined ? NONE : formatPercentage(usage)),
      total: formatPercentage(totals.usage),
    },
    {
      title: 'resident',
      align,
      order: 'resident',
      cell: ({ resident }) => size(resident),
      total: size(totals.resident),
    },
    {
      title: 'allocated',
      align,
      cell: ({ allocated }) => size(allocated),
      total: size(totals.allocated),
    },
    {
      title: 'worst allocator',
      cell: ({ worst }) => (worst === undefined ? NONE : printable(worst)),
      total: '',
    },
  ]
}

/** Without the last columns, as far as the paper is too narrow. Names of nodes stay whole, to be copied. */
function fitting(
  columns: readonly SweepColumn[],
  summaries: readonly NodeSummary[],
  { paper: { width }, order }: SweepView,
): readonly SweepColumn[] {
  const widths = columns.map((column) =>
    Math.max(
      column.title.length,
      column.total.length,
      ...summaries.map((summary) => column.cell(summary).length),
    ),
  )
  const left = columns.map((column, index) => ({ column, width: (widths[index] ?? 0) + GAP }))
  while (sum(left.map((it) => it.width)) > width + GAP) {
    const last = left.findLastIndex(
      ({ column }) => column.order !== order && !NARROW.includes(column.order),
    )
    if (last === -1) break
    left.splice(last, 1)
  }
  return left.map(({ column }) => column)
}

/** Between two columns of a table. */
const GAP = 2

const LEGEND =
  'waste: unused in multiblock carriers above what an idle node has too, and in single-block carriers; ' +
  'usage: used through allocated, of all carriers; resident: as the operating system reports it.'

function verdictsText({ totals: { verdicts } }: SweepReport, { paper }: SweepView): string {
  const counts = VERDICTS.filter((verdict) => verdicts[verdict] > 0).map(
    (verdict) => `${formatCount(verdicts[verdict])} ${verdict}`,
  )
  const text = wrap(`Verdicts: ${counts.join(', ')}`, paper.width)
  // Painted after it was broken into lines; there is no other word than these.
  return VERDICTS.reduce(
    (painted, verdict) => painted.replace(verdict, VERDICT_COLORS[verdict](paper.colors)),
    text,
  )
}

/** Of how many nodes a sum is not, if it is not of all. */
function absentText({ totals }: SweepReport, { paper }: SweepView): readonly string[] {
  const { withoutResident, withoutAllocators } = totals
  const absent = (count: number, what: string): readonly string[] =>
    count === 0
      ? []
      : [wrap(`Not in the sum: ${what} of ${nodesText(count)} that cannot tell.`, paper.width)]
  return [
    ...absent(withoutAllocators, 'the allocators'),
    ...absent(withoutResident, 'the resident size'),
  ]
}

function outliersText(outliers: readonly Outlier[], { paper, rows }: SweepView): string {
  const { colors, width } = paper
  const { shown, hidden } = shorten(sentencesOf(outliers), rows)
  return [
    colors.bold('Unlike their peers'),
    ...shown.map((sentence) => `- ${wrap(sentence, width - 2, '  ')}`),
    ...(hidden.length === 0
      ? []
      : [colors.dim(`and ${formatCount(hidden.length)} more; --all shows them`)]),
  ].join('\n')
}

/** One for each, but one for all settings of a node: a single flag may change many. */
function sentencesOf(outliers: readonly Outlier[]): readonly string[] {
  const settings = new Map<string, Outlier[]>()
  const sentences = outliers.flatMap((outlier) => {
    if (outlier.what !== 'setting') return [() => outlier.summary]
    const known = settings.get(outlier.node)
    if (known !== undefined) {
      known.push(outlier)
      return []
    }
    const own = [outlier]
    settings.set(outlier.node, own)
    return [() => settingsSentence(own)]
  })
  return sentences.map((sentence) => printable(sentence()))
}

/** More settings in one sentence nobody reads. */
const SETTINGS = 3

function settingsSentence(outliers: readonly Outlier[]): string {
  const [first, ...others] = outliers
  if (first === undefined) return ''
  if (others.length === 0) return first.summary
  const named = outliers
    .slice(0, SETTINGS)
    .map(({ setting = '', value }) =>
      value === undefined
        ? `the default ${setting}`
        : `${setting} ${settingValue(setting.slice(setting.indexOf('.') + 1), value)}`,
    )
  const rest = outliers.length - named.length
  return (
    `${first.node} has ${named.join(', ')}${rest === 0 ? '' : ` and ${rest} more settings`}, ` +
    `unlike most of the ${first.peers} nodes of role ${first.role}`
  )
}

/** A node that would be asked, and where its name comes from. */
export interface FoundNode {
  readonly node: string
  readonly source: string
}

/** All of them, as they would be asked: a list that is not whole is of no use. */
export function dryRunText(
  nodes: readonly FoundNode[],
  failures: readonly SourceFailure[],
  { paper, label }: Pick<SweepView, 'paper' | 'label'>,
): string {
  const { colors } = paper
  return [
    `${colors.bold(printable(label))}  ${colors.dim(`${nodesText(nodes.length)}, not asked`)}`,
    nodes.length === 0
      ? 'No node was found.'
      : table(
          [{ title: 'node' }, { title: 'found by' }],
          nodes.map(({ node, source }) => [printable(node), printable(source)]),
          paper,
        ),
    ...failuresText([], failures, paper),
  ].join('\n\n')
}

export function nodesText(count: number): string {
  return counted(count, 'node')
}

function sizeText(bytes: Integer | undefined, { unit }: SweepView): string {
  return bytes === undefined ? NONE : formatSize(inUnit(bytes, unit ?? 'byte'), unit)
}
