/**
 * The carriers of a node, for people: how full they are, what pins the sparse ones, and which holes they
 * have.
 */
import {
  type CarrierReport,
  type CarrierScan,
  carrierReports,
  type FreeBlockBucket,
  unused,
} from '../analysis/carriers.ts'
import { compare, toDouble } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { THRESHOLDS } from '../analysis/thresholds.ts'
import { inUnit } from '../analysis/unit.ts'
import { counted, formatCount, formatPercentage, NONE, plural } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { type Column, table } from './table.ts'
import { figureUnit, type Headed, heading, missingText, sizeIn, type View } from './view.ts'

/** Of how many allocators the details are shown, unless all are wanted. */
const DETAILED = 3

export function carriersText(scan: CarrierScan, headed: Headed, view: View, all: boolean): string {
  const { colors, width } = view.paper
  const reports = carrierReports(scan)
  const detailed = all ? reports : notable(reports)
  const hidden = reports.length - detailed.length
  return [
    heading('Carriers', headed, view),
    reports.length === 0 ? 'No carrier was seen.' : summary(reports, view),
    ...detailed.map((report) => details(report, view)),
    ...(hidden === 0
      ? []
      : [colors.dim(`${hidden} ${plural(hidden, 'allocator')} more in detail with --all`)]),
    ...(scan.missing.length === 0
      ? []
      : [[colors.bold('Not scanned'), ...missingText(scan.missing, view.paper)].join('\n')]),
    [
      ...EXPLANATION.map((note) => wrap(note, width)),
      ...unscannedText(reports, view),
      ...ranText(scan, view),
    ].join('\n'),
    ['fragmentation', 'diagnose']
      .map((command) => `${colors.cyan('Next:')} ${view.next(command)}`)
      .join('\n'),
  ].join('\n\n')
}

/** Those that the diagnosis would name, the worst first; one alone was asked for. */
function notable(reports: readonly CarrierReport[]): readonly CarrierReport[] {
  if (reports.length === 1) return reports
  return reports
    .filter(({ pinned }) => compare(unused(pinned), THRESHOLDS.wasteOfAllocator) >= 0)
    .slice(0, DETAILED)
}

function summary(reports: readonly CarrierReport[], view: View): string {
  const right = (title: string): Column => ({ title, align: 'right' })
  return table(
    [
      { title: 'allocator' },
      ...['carriers', 'held', 'usage', 'in pool', 'pinned', 'held', 'idle'].map(right),
    ],
    reports.map((report) => [
      printable(report.allocator),
      carriersCell(report),
      size(view, report.size),
      formatPercentage(report.usage),
      sizeCell(view, report.pool.size),
      count(report.pinned.carriers),
      sizeCell(view, report.pinned.size),
      sizeCell(view, unused(report.pinned)),
    ]),
    view.paper,
  )
}

/** `95`, or `95 of 98` where the allocator says that it has others. */
function carriersCell({ carriers, counted }: CarrierReport): string {
  const seen = formatCount(carriers)
  return counted === undefined || compare(counted, carriers) === 0
    ? seen
    : `${seen} of ${formatCount(counted)}`
}

function details(report: CarrierReport, view: View): string {
  const { colors, width } = view.paper
  const { allocator, pinned, empty } = report
  const sentence =
    pinned.carriers === 0
      ? 'no carrier is kept by few blocks'
      : `${counted(pinned.blocks, 'block')} with ${size(view, pinned.used)} ` +
        `${toDouble(pinned.blocks) === 1 ? 'pins' : 'pin'} ${formatCount(pinned.carriers)} ` +
        `${plural(pinned.carriers, 'carrier')} with ${size(view, pinned.size)}, each used below ` +
        `${formatPercentage(pinned.below).replace('.0', '')}: ${size(view, unused(pinned))} lie idle`
  const hollow =
    empty.carriers === 0
      ? ''
      : `; ${formatCount(empty.carriers)} more with ${size(view, empty.size)} ` +
        `${empty.carriers === 1 ? 'is' : 'are'} empty`
  const indent = '  '
  return [
    colors.bold(printable(allocator)),
    indent + wrap(`${sentence}${hollow}.`, width - indent.length, indent),
    ...(pinned.byType.length < 2 ? [] : pinned.byType).map(
      (blocks) =>
        `${indent}  ${counted(blocks.count, 'block')} of ` +
        `${printable(blocks.type)}, ${size(view, blocks.size)}`,
    ),
    ...histogram(
      'carriers by usage',
      report.usageHistogram
        .filter(({ carriers }) => carriers > 0)
        .map(({ from, to, carriers, size: held }) => ({
          label: `${Math.round(from * 100)}–${Math.round(to * 100)}%`,
          count: carriers,
          more: size(view, held),
        })),
      view,
    ),
    ...histogram('free blocks by size', freeBlockBars(report.freeBlocks, view), view),
  ].join('\n')
}

interface Bar {
  readonly label: string
  readonly count: Integer
  readonly more: string
}

/** From the first size of which there is a block to the last. */
function freeBlockBars(buckets: readonly FreeBlockBucket[], view: View): readonly Bar[] {
  const isFilled = ({ count }: FreeBlockBucket): boolean => toDouble(count) > 0
  const first = buckets.findIndex(isFilled)
  const last = buckets.length - 1 - [...buckets].reverse().findIndex(isFilled)
  if (first < 0) return []
  return buckets.slice(first, last + 1).map(({ from, to, count }) => ({
    label:
      to === undefined ? `${size(view, from)} and more` : `${size(view, from)} – ${size(view, to)}`,
    count,
    more: '',
  }))
}

/** How wide the longest bar is. */
const BAR_WIDTH = 24

function histogram(title: string, bars: readonly Bar[], view: View): readonly string[] {
  if (bars.length === 0) return []
  const most = Math.max(...bars.map((bar) => toDouble(bar.count)))
  const counts = bars.map((bar) => formatCount(bar.count))
  const widest = (texts: readonly string[]): number =>
    Math.max(...texts.map(({ length }) => length))
  const labels = widest(bars.map(({ label }) => label))
  const figures = widest(counts)
  const extras = widest(bars.map(({ more }) => more))
  return [
    `  ${view.paper.colors.dim(title)}`,
    ...bars.map(({ label, count, more }, index) => {
      const length = most === 0 ? 0 : Math.ceil((toDouble(count) / most) * BAR_WIDTH)
      const extra = extras === 0 ? '' : `  ${more.padStart(extras)}`
      const figure = (counts[index] ?? '').padStart(figures)
      return `    ${label.padStart(labels)}  ${figure}${extra}  ${'█'.repeat(length)}`.trimEnd()
    }),
  ]
}

const EXPLANATION = [
  'Only an empty carrier is given back: one block keeps all of it. pinned: carriers with blocks in them, ' +
    'used below 60% (heaps: 50%) as the diagnosis draws the line; what they hold, and what of that lies ' +
    'idle. in pool: held by carriers that were abandoned as too empty. A block in a carrier of its own ' +
    '(sbcs) counts as large as the carrier.',
]

function unscannedText(reports: readonly CarrierReport[], view: View): readonly string[] {
  const parts = reports
    .filter(({ unscanned }) => toDouble(unscanned) > 0)
    .map(({ allocator, unscanned }) => `${size(view, unscanned)} of ${printable(allocator)}`)
  if (parts.length === 0) return []
  const text =
    `Unscanned, because the carriers changed hands meanwhile: ${parts.join(', ')}. What is in there is ` +
    'not known, and usage is of the rest.'
  return [wrap(text, view.paper.width)]
}

function ranText({ ran }: CarrierScan, { paper }: View): readonly string[] {
  const [first, ...others] = ran
  if (first === undefined) return []
  const more =
    others.length === 0
      ? ''
      : ` and the same for ${others.length} ${plural(others.length, 'allocator')} more`
  return [wrap(`Ran on the node: ${printable(first)}${more}.`, paper.width)]
}

function count(value: number): string {
  return value === 0 ? NONE : formatCount(value)
}

function sizeCell(view: View, bytes: Integer): string {
  return toDouble(bytes) === 0 ? NONE : size(view, bytes)
}

function size(view: View, bytes: Integer): string {
  return sizeIn(view, inUnit(bytes, figureUnit(view)))
}
