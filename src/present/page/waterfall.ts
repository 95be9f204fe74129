/**
 * The way from what the operating system reports to what Erlang uses: the lines of the accounting, each as a
 * bar that begins where the one before it ended.
 */
import type { AccountingLine, AllocatorAccount } from '../../analysis/accounting.ts'
import { add, compare, sum, toDouble } from '../../analysis/integer.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import { formatCount, NONE } from '../figures.ts'
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

export function waterfallSection({ diagnosis: { accounting } }: NodePage): Section {
  const steps = stepsOf(accounting.resident)
  const sources = new Sources()
  return {
    id: 'waterfall',
    title: 'Where the memory is',
    body: html`<p>What is indented adds up to what stands above it, to the byte. Figures are bytes; the numbers lead to <a href="#sources">where they come from</a>.</p>
${barsTable(steps, sources)}
${notesTable(accounting.notes, sources)}
${allocatorsTable(accounting.allocators)}
<div id="sources">${unfolded('sources', 'Sources of these figures', sources.list())}</div>`,
  }
}

/** One line with its bar; without one where the figure is not known. */
export interface Step {
  readonly line: AccountingLine
  readonly depth: number
  readonly from: Integer
  readonly to: Integer
}

/** The line, and after it its parts: each begins where the part before it ended, and the first with the line. */
export function stepsOf(line: AccountingLine, depth = 0, from: Integer = 0): readonly Step[] {
  // What is not known for the reason that stands above already is not said again.
  const parts = line.parts.filter(({ bytes, why }) => bytes !== undefined || why !== line.why)
  const steps: Step[] = [{ line, depth, from, to: add(from, line.bytes ?? 0) }]
  let start = from
  for (const part of parts) {
    steps.push(...stepsOf(part, depth + 1, start))
    start = add(start, part.bytes ?? 0)
  }
  return steps
}

function barsTable(steps: readonly Step[], sources: Sources): Html {
  const end = steps.reduce<Integer>(
    (most, { from, to }) => [from, to].reduce((a, b) => (compare(a, b) < 0 ? b : a), most),
    1,
  )
  return scrolled(html`<table class="bars">
<caption>From resident to used</caption>
<thead><tr><th scope="col">memory</th><th scope="col" class="figure">bytes</th><th scope="col" class="figure">size</th><td class="bar"></td></tr></thead>
<tbody>${steps.map(
    (step) => html`<tr class="depth-${step.depth}">
<th scope="row">${what(step.line, sources)}</th>
<td class="figure exact">${step.line.bytes === undefined ? NONE : formatCount(step.line.bytes)}</td>
<td class="figure">${step.line.bytes === undefined ? undefined : size(step.line.bytes)}</td>
<td class="bar">${step.line.bytes === undefined ? undefined : bar(step, end)}</td>
</tr>\n`,
  )}</tbody>
</table>`)
}

/** In thousandths of the widest. */
const WIDTH = 1000

function bar({ line, from, to }: Step, end: Integer): Html {
  const place = (bytes: Integer): number => (toDouble(bytes) / toDouble(end)) * WIDTH
  const left = Math.min(place(from), place(to))
  const width = Math.abs(place(to) - place(from))
  // A figure that is there is to be seen.
  const drawn = width === 0 ? 0 : Math.max(width, 2)
  return html`<svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" x="0" y="7" width="${WIDTH}" height="2"/><rect class="part part-${line.id}" x="${round(Math.min(left, WIDTH - drawn))}" y="1" width="${round(drawn)}" height="14"/></svg>`
}

function round(value: number): string {
  return value.toFixed(1)
}

function what(line: AccountingLine, sources: Sources): Content {
  const unknown = line.bytes === undefined ? 'not available: ' : ''
  return html`${line.what}${
    line.why === undefined ? undefined : html` <span class="aside">(${unknown}${line.why})</span>`
  } ${sources.reference(line.source)}`
}

function notesTable(notes: readonly AccountingLine[], sources: Sources): Html {
  return tableHtml(
    'Of that, and besides',
    [text('memory'), figure('bytes'), figure('size')],
    notes.map((line) => [
      what(line, sources),
      line.bytes === undefined ? NONE : formatCount(line.bytes),
      line.bytes === undefined ? '' : size(line.bytes),
    ]),
  )
}

/** Numbers for the places that figures come from, in the order in which they are named. */
class Sources {
  readonly #named: string[] = []

  reference(source: string): Html {
    if (!this.#named.includes(source)) this.#named.push(source)
    const number = this.#named.indexOf(source) + 1
    return html`<a class="reference" href="#source-${number}" aria-label="source ${number}">[${number}]</a>`
  }

  list(): Html {
    return html`<ol class="sources">${this.#named.map(
      (source, index) =>
        html`<li id="source-${index + 1}"><span class="source">${source}</span></li>`,
    )}</ol>`
  }
}

const COLUMNS: readonly (readonly [string, (account: AllocatorAccount) => Integer])[] = [
  ['allocated', ({ allocated }) => allocated],
  ['used', ({ used }) => used],
  ['idle floor', ({ floor }) => floor],
  ['waste', ({ aboveFloor }) => aboveFloor],
  ['single-block', ({ singleBlockUnused }) => singleBlockUnused],
  ['in pool', ({ pooled }) => pooled],
]

/** The line of the carriers once more, by allocator; each column adds up to its last line. */
function allocatorsTable(allocators: readonly AllocatorAccount[]): Content {
  if (allocators.length === 0) return undefined
  const byAllocated = [...allocators].sort((left, right) =>
    compare(right.allocated, left.allocated),
  )
  return html`${tableHtml(
    'What the allocators hold',
    [text('allocator'), ...COLUMNS.map(([title]) => figure(title))],
    byAllocated.map((account) => [
      allocatorName(account.allocator),
      ...COLUMNS.map(([, of]) => sizeOrNone(of(account))),
    ]),
    ['together', ...COLUMNS.map(([, of]) => sizeOrNone(sum(allocators.map(of))))],
  )}
<p class="aside">allocated = used + idle floor + waste + single-block. Idle floor: unused on an idle node as well. Waste: unused in multiblock carriers beyond that. Single-block: unused in carriers of one block. In pool: of allocated, what was abandoned as too empty and waits to be fetched.</p>`
}
