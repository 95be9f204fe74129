/**
 * What a snapshot holds, and what not.
 */

import { memoryReport } from '../analysis/memory.ts'
import type { Missing, OsMemory, Snapshot } from '../analysis/snapshot.ts'
import { type Amount, inUnit, type Unit } from '../analysis/unit.ts'
import { NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { figureUnit, missingText, sizeIn, type View } from './view.ts'

export interface SnapshotSummary {
  /** `native`, `etf`, `terms` or `recon`; `undefined` where it came from a live node. */
  readonly format: string | undefined
  readonly schedulers: number | undefined
  readonly schedulersOnline: number | undefined
  /** How many instances there are by allocator. */
  readonly instances: ReadonlyMap<string, number>
  readonly disabled: readonly string[]
  readonly used: Amount
  readonly allocated: Amount
  /** `total` of `erlang:memory()`. */
  readonly erlangTotal: Amount | undefined
  readonly os: OsMemory | undefined
  readonly missing: readonly Missing[]
}

export function summarise(
  snapshot: Snapshot,
  format: string | undefined,
  unit: Unit,
): SnapshotSummary {
  const { disabled, missing, os, schedulers, schedulersOnline } = snapshot
  const { used, allocated } = memoryReport(snapshot, 'current', unit)
  const total = snapshot.memory?.total
  const instances = new Map<string, number>()
  for (const { allocator } of [
    ...snapshot.allocators,
    ...snapshot.mseg.map(() => ({ allocator: 'mseg_alloc' })),
  ]) {
    instances.set(allocator, (instances.get(allocator) ?? 0) + 1)
  }
  return {
    format,
    schedulers,
    schedulersOnline,
    instances,
    disabled,
    used,
    allocated,
    erlangTotal: total === undefined ? undefined : inUnit(total, unit),
    os: os === undefined ? undefined : convertOs(os, unit),
    missing,
  }
}

function convertOs(os: OsMemory, unit: Unit): OsMemory {
  const convert = (bytes: Amount | undefined): Amount | undefined =>
    bytes === undefined ? undefined : inUnit(bytes, unit)
  return {
    source: os.source,
    resident: inUnit(os.resident, unit),
    lazyFree: convert(os.lazyFree),
    swapped: convert(os.swapped),
    peakResident: convert(os.peakResident),
    ...(os.limit === undefined
      ? {}
      : { limit: { bytes: inUnit(os.limit.bytes, unit), source: os.limit.source } }),
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  native: "beamscope's own",
  etf: 'External Term Format of erlang:memory() and system_info({allocator, A})',
  terms: 'text of erlang:memory() and system_info({allocator, A})',
  recon: 'text of recon_alloc:snapshot_save/1',
}

export function snapshotSummaryText(
  snapshot: Snapshot,
  format: string | undefined,
  view: View,
): string {
  const summary = summarise(snapshot, format, figureUnit(view))
  const { colors, width } = view.paper
  const size = (amount: Amount | undefined): string =>
    amount === undefined ? NONE : sizeIn(view, amount)
  const text = (value: string | number | undefined): string =>
    value === undefined ? NONE : printable(`${value}`)
  const { os, missing } = summary
  const unit = view.unit === undefined ? '' : ` (${view.unit}s)`
  const rows: readonly (readonly [string, string])[] = [
    ...(format === undefined ? [] : [['format', FORMATS[format] ?? text(format)] as const]),
    ['node', text(snapshot.node)],
    ['taken at', text(snapshot.takenAt)],
    ['release', snapshot.otpRelease === undefined ? NONE : `OTP ${text(snapshot.otpRelease)}`],
    ['schedulers', `${text(summary.schedulers)}, online ${text(summary.schedulersOnline)}`],
    [
      'instances',
      [...summary.instances].map(([name, count]) => `${count}×${printable(name)}`).join(', ') ||
        NONE,
    ],
    ...(summary.disabled.length === 0
      ? []
      : [['disabled', summary.disabled.map(printable).join(', ')] as const]),
    [`allocated${unit}`, `${size(summary.allocated)}, used ${size(summary.used)}`],
    [`erlang:memory()${unit}`, `total ${size(summary.erlangTotal)}`],
    [`resident${unit}`, os === undefined ? NONE : `${size(os.resident)}, by ${text(os.source)}`],
    ...(os?.limit === undefined
      ? []
      : [[`limit${unit}`, `${size(os.limit.bytes)}, by ${text(os.limit.source)}`] as const]),
  ]
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2
  return [
    `${colors.bold('Snapshot')}  ${printable(view.label)}`,
    rows
      .map(([name, value]) => name.padEnd(indent) + wrap(value, width - indent, ' '.repeat(indent)))
      .join('\n'),
    ...(missing.length === 0
      ? []
      : [['Not in it:', ...missingText(missing, view.paper)].join('\n')]),
    `${colors.cyan('Next:')} ${view.next('diagnose')}`,
  ].join('\n\n')
}
