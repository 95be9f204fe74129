/**
 * How a result is to be shown, and what all texts about a snapshot have in common.
 */
import type { Missing, Snapshot } from '../analysis/snapshot.ts'
import { type Amount, arithmetic, type Unit } from '../analysis/unit.ts'
import type { Keyword } from '../analysis/util-allocators.ts'
import { counted, formatSize } from './figures.ts'
import type { Paper } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'

export interface View {
  readonly paper: Paper
  /** The unit that was chosen; without one every size has its own. */
  readonly unit: Unit | undefined
  /** The figures that were chosen; without a choice both. */
  readonly keyword: Keyword | undefined
  /** What the snapshot is of: a node's name, or a file's. */
  readonly label: string
  /** The command line that asks the same node another question. */
  next(command: string): string
}

/** A snapshot and what is shown of it by default, by figures computed in {@link figureUnit}. */
export function figureUnit(view: View): Unit {
  return view.unit ?? 'byte'
}

export function sizeIn(view: View, amount: Amount): string {
  return formatSize(amount, view.unit)
}

/** Amounts in the same unit, subtracted as that unit does it. */
export function difference(view: View, left: Amount, right: Amount): Amount {
  return arithmetic(figureUnit(view)).subtract(left, right)
}

export function shows(view: View, keyword: Keyword): boolean {
  return view.keyword === undefined || view.keyword === keyword
}

/** What the first line says of a node. */
export type Headed = Pick<Snapshot, 'node' | 'otpRelease' | 'schedulers' | 'takenAt'>

/** The first line: who, which release, when. */
export function heading(title: string, snapshot: Headed, { paper, label, unit }: View): string {
  const { node, otpRelease, schedulers, takenAt } = snapshot
  const facts = [
    node !== undefined && node !== label ? printable(node) : undefined,
    otpRelease === undefined ? undefined : `OTP ${printable(otpRelease)}`,
    schedulers === undefined ? undefined : counted(schedulers, 'scheduler'),
    takenAt === undefined ? undefined : printable(takenAt),
    unit === undefined ? undefined : `sizes in ${unit}s`,
  ].filter((fact) => fact !== undefined)
  const { colors } = paper
  return [
    `${colors.bold(title)}  ${printable(label)}`,
    ...(facts.length === 0 ? [] : [colors.dim(facts.join(', '))]),
  ].join('\n')
}

/** Stands beside each heading of a column of maxima, and before {@link MAXIMA}. */
export const MAXIMA_MARK = '*'

export const MAXIMA: string =
  `${MAXIMA_MARK} Each instance reached its maximum at a time of its own, so the maxima are not ` +
  'simultaneous: their sum is a bound, which the node may never have come near.'

/** The same in the help of a command. */
export const MAXIMA_HELP: string =
  'Maxima are not simultaneous: each instance reached its own at another time, so their sum is a bound, ' +
  'which the node may never have come near. recon adds them up as well.'

/** What stands below a table: the maxima's caveat, what is good and bad, and where to go on. */
export function footer(
  view: View,
  snapshot: Snapshot,
  explanation: readonly string[],
  next: readonly string[],
): string {
  const { width, colors } = view.paper
  const notes = [...(shows(view, 'max') ? [MAXIMA] : []), ...explanation, ...disabledNote(snapshot)]
  return [
    ...notes.map((note) => wrap(note, width)),
    ...next.map((command) => `${colors.cyan('Next:')} ${view.next(command)}`),
  ].join('\n')
}

function disabledNote({ disabled }: Snapshot): readonly string[] {
  if (disabled.length === 0) return []
  const names = disabled.map(printable).join(', ')
  return [`Not counted, because disabled on the node: ${names}.`]
}

/** What could not be had, and why. */
export function missingText(missing: readonly Missing[], { width }: Paper): readonly string[] {
  return missing.map(
    ({ what, why }) => `- ${wrap(`${printable(what)}: ${printable(why)}`, width - 2, '  ')}`,
  )
}
