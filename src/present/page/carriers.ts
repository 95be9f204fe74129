/**
 * The carriers one by one: how full they are, what pins the sparse ones, and which holes they have.
 */
import { type CarrierReport, type FreeBlockBucket, unused } from '../../analysis/carriers.ts'
import { compare, toDouble } from '../../analysis/integer.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import { THRESHOLDS } from '../../analysis/thresholds.ts'
import { counted, formatCount, formatPercentage, formatSize, NONE } from '../figures.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import {
  allocatorName,
  figure,
  type Section,
  scrolled,
  size,
  sizeOrNone,
  tableHtml,
  text,
  unfolded,
} from './sections.ts'

/** `undefined` where nobody looked into them. */
export function carriersSection({ carriers }: NodePage): Section | undefined {
  if (carriers === undefined) return undefined
  return {
    id: 'carriers',
    title: 'Carriers and free blocks',
    body:
      carriers.length === 0
        ? html`<p>No carrier was seen.</p>`
        : html`<p>Only an empty carrier is given back: one block keeps all of it. Pinned are carriers with blocks in them that use less than ${percent(THRESHOLDS.sparseUsage)} (heaps: ${percent(THRESHOLDS.sparseHeapUsage)}).</p>
${summaryTable(carriers)}
${carriers.map((report) => details(report, isNotable(report)))}`,
  }
}

/** Those that the diagnosis would name. */
function isNotable({ pinned }: CarrierReport): boolean {
  return compare(unused(pinned), THRESHOLDS.wasteOfAllocator) >= 0
}

function summaryTable(reports: readonly CarrierReport[]): Html {
  return tableHtml(
    'Carriers by allocator',
    [
      text('allocator'),
      ...['carriers', 'they hold', 'usage', 'in pool', 'pinned', 'they hold', 'idle in them'].map(
        figure,
      ),
    ],
    reports.map((report) => [
      allocatorName(report.allocator),
      formatCount(report.carriers),
      size(report.size),
      formatPercentage(report.usage),
      sizeOrNone(report.pool.size),
      report.pinned.carriers === 0 ? NONE : formatCount(report.pinned.carriers),
      sizeOrNone(report.pinned.size),
      sizeOrNone(unused(report.pinned)),
    ]),
  )
}

function details(report: CarrierReport, isNotable: boolean): Html {
  const { allocator, pinned, unscanned } = report
  const body = html`<p>${pinnedSentence(report)}</p>
${
  pinned.byType.length < 2
    ? undefined
    : html`<ul>${pinned.byType.map(
        ({ type, count, size: bytes }) =>
          html`<li>${counted(count, 'block')} of ${type}, ${size(bytes)}</li>`,
      )}</ul>`
}
${
  toDouble(unscanned) === 0
    ? undefined
    : html`<p>${size(unscanned)} were not scanned, because the carriers changed hands meanwhile.</p>`
}
${histogram(
  `Carriers of ${allocator} by usage`,
  'usage',
  report.usageHistogram
    .filter(({ carriers }) => carriers > 0)
    .map(({ from, to, carriers, size: held }) => ({
      label: `${percent(from)}–${percent(to)}`,
      count: carriers,
      more: formatSize(held),
    })),
)}
${histogram(`Free blocks of ${allocator} by size`, 'size', freeBlockBars(report.freeBlocks))}`
  return isNotable
    ? html`<h3>${allocatorName(allocator)}</h3>${body}`
    : unfolded(`carriers ${allocator}`, allocator, body)
}

function pinnedSentence({ pinned, empty }: CarrierReport): Content {
  const hollow =
    empty.carriers === 0
      ? undefined
      : html` ${formatCount(empty.carriers)} with ${size(empty.size)} ${
          empty.carriers === 1 ? 'is' : 'are'
        } empty.`
  if (pinned.carriers === 0) return html`No carrier is kept by few blocks.${hollow}`
  return html`${counted(pinned.blocks, 'block')} with ${size(pinned.used)} ${
    toDouble(pinned.blocks) === 1 ? 'pins' : 'pin'
  } ${counted(pinned.carriers, 'carrier')} with ${size(
    pinned.size,
  )}: ${size(unused(pinned))} lie idle.${hollow}`
}

interface Bar {
  readonly label: string
  readonly count: Integer
  readonly more: string
}

/** From the first size of which there is a block to the last. */
function freeBlockBars(buckets: readonly FreeBlockBucket[]): readonly Bar[] {
  const isFilled = ({ count }: FreeBlockBucket): boolean => toDouble(count) > 0
  const first = buckets.findIndex(isFilled)
  const last = buckets.findLastIndex(isFilled)
  if (first < 0) return []
  return buckets.slice(first, last + 1).map(({ from, to, count }) => ({
    label:
      to === undefined ? `${formatSize(from)} and more` : `${formatSize(from)} – ${formatSize(to)}`,
    count,
    more: '',
  }))
}

const WIDTH = 1000

function histogram(caption: string, heading: string, bars: readonly Bar[]): Content {
  if (bars.length === 0) return undefined
  const most = Math.max(...bars.map(({ count }) => toDouble(count)))
  const hasMore = bars.some(({ more }) => more !== '')
  return scrolled(html`<table class="bars histogram">
<caption>${caption}</caption>
<thead><tr><th scope="col">${heading}</th><th scope="col" class="figure">count</th>${
    hasMore ? html`<th scope="col" class="figure">they hold</th>` : undefined
  }<td class="bar"></td></tr></thead>
<tbody>${bars.map(({ label, count, more }) => {
    const width = most === 0 ? 0 : (toDouble(count) / most) * WIDTH
    return html`<tr><th scope="row">${label}</th><td class="figure">${formatCount(count)}</td>${
      hasMore ? html`<td class="figure">${more}</td>` : undefined
    }<td class="bar"><svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="part" x="0" y="1" width="${width.toFixed(1)}" height="14"/></svg></td></tr>\n`
  })}</tbody>
</table>`)
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)}%`
}
