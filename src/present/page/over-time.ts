/**
 * Usage and waste over time: drawn by the page's script, as a plain drawing where there is none and on paper,
 * and as a table.
 */
import { compare, toDouble } from '../../analysis/integer.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import type { Moment } from '../../analysis/timeline.ts'
import { formatCount, formatSize, NONE } from '../figures.ts'
import { type Chart, chartsOf } from './charts.ts'
import { drawing } from './drawing.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import { figure, type Section, size, tableHtml, text, unfolded } from './sections.ts'

/** `undefined` where there is no time to look at: of one moment all else tells. */
export function overTimeSection(node: NodePage): Section | undefined {
  const { moments } = node
  const [first] = moments
  const last = moments.at(-1)
  if (first === undefined || last === undefined || first.time === last.time) return undefined
  return {
    id: 'time',
    title: 'Over time',
    body: html`<p>${formatCount(moments.length)} moments${thinned(node)}, from ${timeHtml(first.time)} to ${timeHtml(last.time)}, in UTC.</p>
${chartsOf(node).map(chartHtml)}
${unfolded('moments', 'The same as a table', momentsTable(moments))}`,
  }
}

/** Of many samples those are drawn at which something was highest. */
function thinned({ diagnosis: { history }, moments }: NodePage): string {
  const samples = history?.samples ?? 0
  return samples > moments.length ? ` of ${formatCount(samples)}` : ''
}

/** What the script needs of it stands in the page's data, under its id. */
function chartHtml(chart: Chart): Html {
  return html`<figure class="chart" data-chart="${chart.id}">
<figcaption>${chart.title}</figcaption>
<div class="keys">${chart.series.map(
    ({ name }, index) =>
      html`<button type="button" class="key series-${index}" data-series="${index}" aria-pressed="true"><svg viewBox="0 0 24 8" aria-hidden="true" focusable="false"><line x1="0" y1="4" x2="24" y2="4"/></svg>${name} <span class="value"></span></button>`,
  )}</div>
<div class="plot" data-keep></div>
${drawing(chart)}
<p class="readout"></p>
${
  chart.marks.length === 0
    ? undefined
    : html`<ol class="marks">${chart.marks.map(({ label }) => html`<li>${label}</li>`)}</ol>`
}
</figure>`
}

/** `2026-11-23 12:00:05` */
function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')
}

export function timeHtml(milliseconds: number): Html {
  const iso = new Date(milliseconds).toISOString()
  return html`<time datetime="${iso}">${formatTime(milliseconds)}</time>`
}

const MAX_TABLE_ROWS = 50

function momentsTable(moments: readonly Moment[]): Content {
  const shown = chosen(moments)
  const optional = (bytes: Integer | undefined): Content =>
    bytes === undefined ? NONE : size(bytes)
  return html`${tableHtml(
    'Memory over time',
    [
      text('time'),
      ...['resident', 'allocated', 'used', 'waste'].map(figure),
      text('most waste in'),
    ],
    shown.map((moment) => [
      timeHtml(moment.time),
      optional(moment.resident),
      size(moment.allocated),
      size(moment.used),
      size(moment.waste),
      worstOf(moment),
    ]),
  )}
${
  shown.length === moments.length
    ? undefined
    : html`<p class="aside">${formatCount(shown.length)} of ${formatCount(moments.length)}: evenly spread, and those with the most and the least waste.</p>`
}`
}

function worstOf({ allocators: [worst] }: Moment): string {
  return worst === undefined || toDouble(worst.waste) <= 0
    ? NONE
    : `${worst.allocator}, ${formatSize(worst.waste)}`
}

function chosen(moments: readonly Moment[]): readonly Moment[] {
  if (moments.length <= MAX_TABLE_ROWS) return moments
  const step = (moments.length - 1) / (MAX_TABLE_ROWS - 1)
  const chosen = new Set(
    Array.from({ length: MAX_TABLE_ROWS }, (_, index) => moments[Math.round(index * step)]),
  )
  const byWaste = [...moments].sort((left, right) => compare(left.waste, right.waste))
  chosen.add(byWaste[0]).add(byWaste.at(-1))
  return moments.filter((moment) => chosen.has(moment))
}
