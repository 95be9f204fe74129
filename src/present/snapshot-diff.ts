/**
 * What changed between two snapshots, for people.
 */
import { compare } from '../analysis/integer.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import {
  type AllocatorChange,
  type Change,
  type SnapshotDiff,
  type SnapshotIdentity,
  snapshotDiff,
  type Usages,
} from '../analysis/snapshot-diff.ts'
import type { Amount } from '../analysis/unit.ts'
import { counted, formatPercentage, NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { settingValue } from './setting-value.ts'
import { type Column, table } from './table.ts'
import { figureUnit, sizeIn, type View } from './view.ts'

/** `view.label` is of the later snapshot. */
export function snapshotDiffText(
  before: Snapshot,
  after: Snapshot,
  labels: readonly [before: string, after: string],
  view: View,
): string {
  const diff = snapshotDiff(before, after, figureUnit(view))
  const { colors, width } = view.paper
  const unit = view.unit === undefined ? [] : [colors.dim(`sizes in ${view.unit}s`)]
  return [
    [
      colors.bold('Snapshot diff'),
      identityText('before', labels[0], diff.before),
      identityText('after', labels[1], diff.after),
      ...unit,
    ].join('\n'),
    ...remarks(diff).map((remark) => wrap(remark, width)),
    totalTable(diff, view),
    allocatorsTable(diff, view),
    ...(diff.memory.length === 0 ? [] : [memoryTable(diff, view)]),
    settingsText(diff, view),
    `${colors.cyan('Next:')} ${view.next('diagnose')}`,
  ].join('\n\n')
}

function identityText(
  when: string,
  label: string,
  { node, otpRelease, schedulers, takenAt }: SnapshotIdentity,
): string {
  const facts = [
    node !== undefined && node !== label ? node : undefined,
    otpRelease === undefined ? undefined : `OTP ${otpRelease}`,
    counted(schedulers, 'scheduler'),
    takenAt,
  ].filter((fact) => fact !== undefined)
  return printable(`${`${when}:`.padEnd(8)}${label}  (${facts.join(', ')})`)
}

function remarks({ isSameNode, seconds, before, after }: SnapshotDiff): readonly string[] {
  return [
    ...(isSameNode === false
      ? ['These are two different nodes: what differs is no growth of either.']
      : []),
    ...(seconds === undefined ? [] : [`${duration(Math.abs(seconds))} lie between them.`]),
    ...(seconds !== undefined && seconds < 0
      ? ['The first was taken after the second: what fell had grown.']
      : []),
    ...(isSameNode !== false && before.otpRelease !== after.otpRelease
      ? ['They are of different releases, or one does not tell.']
      : []),
  ]
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} seconds`
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours`
  return `${Math.round(seconds / 86_400)} days`
}

const CHANGE_COLUMNS: readonly Column[] = ['before', 'after', 'change'].map((title) => ({
  title,
  align: 'right',
}))

function totalTable({ total, lines }: SnapshotDiff, view: View): string {
  const [resident, ...others] = lines
  const row = (name: string, change: Change): readonly string[] => [name, ...cells(view, change)]
  const isThere = ({ before, after }: Change): boolean => (before ?? 0) !== 0 || (after ?? 0) !== 0
  return table(
    [{ title: '' }, ...CHANGE_COLUMNS],
    [
      ...(resident === undefined ? [] : [row('resident', resident)]),
      row('allocated', total.allocated),
      row('used', total.used),
      row('unused', total.unused),
      ['usage', ...usageCells(total.usage), points(total.usage)],
      ...others.filter(isThere).map((line) => row(line.id.replaceAll('_', ' '), line)),
    ],
    view.paper,
  )
}

function allocatorsTable({ allocators }: SnapshotDiff, view: View): string {
  const { paper } = view
  const isChanged = ({ allocated, used }: AllocatorChange): boolean =>
    allocated.change !== 0 || used.change !== 0
  const changed = allocators.filter(isChanged)
  const rest = allocators.length - changed.length
  const columns = ['allocated', 'used', 'unused', 'usage before', 'after']
  return [
    paper.colors.bold('By allocator: what grew most, allocated or unused, first'),
    table(
      [{ title: '' }, ...columns.map((title) => ({ title, align: 'right' as const }))],
      changed.map(({ allocator, allocated, used, unused, usage }) => [
        printable(allocator),
        ...[allocated, used, unused].map((change) => signed(view, change.change)),
        ...usageCells(usage),
      ]),
      paper,
    ),
    ...(rest === 0 ? [] : [paper.colors.dim(`and ${rest} that did not change`)]),
  ].join('\n')
}

function memoryTable({ memory }: SnapshotDiff, view: View): string {
  return [
    view.paper.colors.bold('By kind of memory, as erlang:memory() has it'),
    table(
      [{ title: '' }, ...CHANGE_COLUMNS],
      memory.map((change) => [printable(change.kind), ...cells(view, change)]),
      view.paper,
    ),
  ].join('\n')
}

function settingsText({ settings }: SnapshotDiff, { paper }: View): string {
  const title = paper.colors.bold('Settings that changed')
  if (settings.length === 0) return `${title}\nnone`
  return [
    title,
    table(
      [
        { title: 'allocator' },
        { title: 'setting' },
        { title: 'before', align: 'right' },
        { title: 'after', align: 'right' },
        { title: 'flag' },
      ],
      settings.map(({ allocator, name, before, after, flagAfter }) => [
        printable(allocator),
        printable(name),
        settingValue(name, before),
        settingValue(name, after),
        printable(flagAfter ?? NONE),
      ]),
      paper,
    ),
  ].join('\n')
}

function cells(view: View, { before, after, change }: Change): readonly string[] {
  const size = (amount: Amount | undefined): string =>
    amount === undefined ? NONE : sizeIn(view, amount)
  return [size(before), size(after), signed(view, change)]
}

function signed(view: View, change: Amount | undefined): string {
  if (change === undefined) return NONE
  return `${compare(change, 0) > 0 ? '+' : ''}${sizeIn(view, change)}`
}

function usageCells({ before, after }: Usages): readonly string[] {
  return [before, after].map((ratio) => (ratio === undefined ? NONE : formatPercentage(ratio)))
}

/** The difference of two percentages. */
function points({ before, after }: Usages): string {
  if (before === undefined || after === undefined) return NONE
  // 0.04 is neither +0.0 nor -0.0.
  const difference = Math.round((after - before) * 1000) / 10
  return difference === 0 ? '0.0' : `${difference > 0 ? '+' : ''}${difference.toFixed(1)}`
}
