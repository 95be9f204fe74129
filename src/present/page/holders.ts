/**
 * Who holds memory on a node: the largest processes, holders of binaries, and tables.
 */
import { type Coverage, callingName, type HoldingProcess } from '../../analysis/holders.ts'
import { formatCount, NONE } from '../figures.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import { figure, missingList, type Section, size, sizeOrNone, tableHtml, text } from './sections.ts'

/** `undefined` where nobody was asked. */
export function holdersSection({ holders }: NodePage): Section | undefined {
  if (holders === undefined) return undefined
  const { binaryHolders, largestProcesses, largestTables, missing, processes, tables } = holders
  return {
    id: 'holders',
    title: 'Who holds memory',
    body: html`<p>Looked at ${coverage(processes)} processes, at the binaries of ${coverage(holders.binaryProcesses)}, and at ${coverage(tables)} tables, one after the other. No message and no row was read.</p>
${missingList(missing)}
${
  largestProcesses.length === 0
    ? undefined
    : tableHtml(
        'Largest processes',
        [figure('memory'), figure('queued'), text('pid'), text('process')],
        largestProcesses.map((process) => [
          size(process.memory),
          process.messageQueueLen === undefined ? NONE : formatCount(process.messageQueueLen),
          process.pid,
          named(processName(process)),
        ]),
      )
}
${
  binaryHolders.length === 0
    ? undefined
    : html`${tableHtml(
        'Binaries, by who refers to them',
        [...['refers to', 'alone', 'binaries', 'memory'].map(figure), text('pid'), text('process')],
        binaryHolders.map((holder) => [
          html`${holder.isEstimate ? '≈ ' : undefined}${size(holder.bytes)}`,
          sizeOrNone(holder.alone),
          holder.binaries === undefined ? NONE : formatCount(holder.binaries),
          size(holder.memory),
          holder.pid,
          named(processName(holder)),
        ]),
      )}
<p class="aside">Refers to: reference-counted binaries, which no memory of a process or table includes, each once and whole, however small the part that is used. Alone: of these, what nobody else refers to. ≈: estimated, as the list of its binaries may be too large.</p>`
}
${
  largestTables.length === 0
    ? undefined
    : tableHtml(
        'Largest tables',
        [figure('memory'), figure('rows'), text('table'), text('type'), text('owner')],
        largestTables.map(({ bytes, name, owner, protection, rows, type }) => [
          size(bytes),
          formatCount(rows),
          named(name),
          `${type}, ${protection}`,
          owner,
        ]),
      )
}`,
  }
}

function coverage({ lookedAt, total }: Coverage): string {
  return `${formatCount(lookedAt)} of ${formatCount(total)}`
}

/** However long it is, its table stays as wide as a page. */
function named(name: Content): Html {
  return html`<span class="name">${name}</span>`
}

/** What it is called, and where it is just now, if that says more. */
function processName(process: HoldingProcess): Content {
  const name = callingName(process)
  const { currentFunction } = process
  if (name === undefined) return currentFunction ?? NONE
  if (currentFunction === undefined || currentFunction === name) return name
  return html`${name} <span class="aside">in ${currentFunction}</span>`
}
