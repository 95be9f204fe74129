/**
 * Who holds memory on a node, for people: the largest processes, holders of binaries, and tables.
 */
import {
  type BinaryHolder,
  type Coverage,
  callingName,
  type Holders,
  type HoldingProcess,
  isWhole,
} from '../analysis/holders.ts'
import type { Integer, Missing } from '../analysis/snapshot.ts'
import { inUnit } from '../analysis/unit.ts'
import { formatCount, NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { type Column, table } from './table.ts'
import { figureUnit, missingText, sizeIn, type View } from './view.ts'

export function holdersText(holders: Holders, view: View): string {
  const { colors, width } = view.paper
  const { binaryHolders, largestProcesses, largestTables, missing } = holders
  return [
    [
      colors.bold('Holders'),
      wrap(coverageSentence(holders), width),
      ...notSeen(missing, view),
    ].join('\n'),
    ...(largestProcesses.length === 0
      ? []
      : [section('Largest processes', processesTable(largestProcesses, view), view)]),
    ...(binaryHolders.length === 0
      ? []
      : [section('Binaries, by who refers to them', binariesTable(binaryHolders, view), view)]),
    ...(largestTables.length === 0
      ? []
      : [section('Largest tables', tablesTable(holders, view), view)]),
    ...(binaryHolders.length === 0
      ? []
      : [
          [EXPLANATION, ...(binaryHolders.some(({ isEstimate }) => isEstimate) ? [ESTIMATE] : [])]
            .map((note) => wrap(note, width))
            .join('\n'),
        ]),
  ].join('\n\n')
}

function coverageSentence({ processes, binaryProcesses, tables }: Holders): string {
  const chosen = [processes, binaryProcesses, tables].every(isWhole)
    ? ''
    : ' Those that were looked at were chosen at random; allow more with --timeout.'
  const binaries =
    isWhole(binaryProcesses) && isWhole(processes)
      ? ''
      : `, at the binaries of ${formatCount(binaryProcesses.lookedAt)} of them`
  return (
    `Looked at ${coverage(processes)} processes${binaries}, and at ${coverage(tables)} tables, one ` +
    `after the other.${chosen}`
  )
}

function coverage({ lookedAt, total }: Coverage): string {
  return `${formatCount(lookedAt)} of ${formatCount(total)}`
}

function notSeen(missing: readonly Missing[], { paper }: View): readonly string[] {
  return missing.length === 0 ? [] : ['Not looked at:', ...missingText(missing, paper)]
}

function section(title: string, rows: string, { paper }: View): string {
  return `${paper.colors.bold(title)}\n${rows}`
}

const right = (title: string): Column => ({ title, align: 'right' })

function processesTable(processes: readonly HoldingProcess[], view: View): string {
  return table(
    [right('memory'), right('queued'), { title: 'pid' }, { title: 'process' }],
    processes.map((process) => [
      size(view, process.memory),
      process.messageQueueLen === undefined ? NONE : formatCount(process.messageQueueLen),
      process.pid,
      nameCell(process, view.paper.width - BEFORE_NAME),
    ]),
    view.paper,
  )
}

function binariesTable(holders: readonly BinaryHolder[], view: View): string {
  return table(
    [
      ...['refers to', 'alone', 'binaries', 'memory'].map(right),
      { title: 'pid' },
      { title: 'process' },
    ],
    holders.map((holder) => [
      `${holder.isEstimate ? '≈ ' : ''}${size(view, holder.bytes)}`,
      holder.alone === undefined ? NONE : size(view, holder.alone),
      holder.binaries === undefined ? NONE : formatCount(holder.binaries),
      size(view, holder.memory),
      holder.pid,
      printable(callingName(holder) ?? NONE),
    ]),
    view.paper,
  )
}

function tablesTable({ largestTables }: Holders, view: View): string {
  return table(
    [right('memory'), right('rows'), { title: 'table' }, { title: 'type' }, { title: 'owner' }],
    largestTables.map(({ bytes, name, owner, protection, rows, type }) => [
      size(view, bytes),
      formatCount(rows),
      printable(name),
      printable(`${type}, ${protection}`),
      owner,
    ]),
    view.paper,
  )
}

/** What the other columns of that table take, but for pids of many digits. */
const BEFORE_NAME = 32

/** What it is called, and where it is just now, if there is room and that says more. */
function nameCell(process: HoldingProcess, room: number): string {
  const { currentFunction } = process
  const name = callingName(process)
  if (currentFunction === undefined || name === undefined) {
    return printable(name ?? currentFunction ?? NONE)
  }
  const both = printable(`${name} in ${currentFunction}`)
  return currentFunction === name || both.length > room ? printable(name) : both
}

const EXPLANATION =
  'refers to: reference-counted binaries, which no memory of a process or table includes, each once and ' +
  'whole, however small the part that is used; alone: of these, what nobody else refers to.'

const ESTIMATE =
  '≈: estimated by what the collector of the process counts, as the list of its binaries may be too large.'

function size(view: View, bytes: Integer): string {
  return sizeIn(view, inUnit(bytes, figureUnit(view)))
}
