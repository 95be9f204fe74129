/**
 * All that is made of a snapshot, whatever it says: no figure may be none, and no text steer a terminal.
 */
import type { Holders } from '../src/analysis/holders.ts'
import {
  allocators,
  allocatorTypes,
  averageBlockSizes,
  type CarrierScan,
  cacheHitRates,
  carrierReports,
  diagnose,
  fragmentation,
  memoryReport,
  type Plain,
  type Snapshot,
  sbcsToMbcs,
  settings,
  snapshotDiff,
  summarizeNode,
  toJson,
  type Unit,
} from '../src/analysis/index.ts'
import { allocatorsText } from '../src/present/allocators.ts'
import { averageBlockSizesText } from '../src/present/average-block-sizes.ts'
import { cacheHitRatesText } from '../src/present/cache-hit-rates.ts'
import { carriersText } from '../src/present/carriers.ts'
import { diagnosisText } from '../src/present/diagnosis.ts'
import { fragmentationText } from '../src/present/fragmentation.ts'
import { holdersText } from '../src/present/holders.ts'
import { memoryText } from '../src/present/memory.ts'
import { paperOf } from '../src/present/paper.ts'
import { sbcsToMbcsText } from '../src/present/sbcs-to-mbcs.ts'
import { settingsText } from '../src/present/settings.ts'
import { snapshotDiffText } from '../src/present/snapshot-diff.ts'
import { snapshotSummaryText } from '../src/present/snapshot-summary.ts'
import type { View } from '../src/present/view.ts'
import { check, checkPrintable } from './target.ts'

const ROWS = { all: true, isWanted: () => true }

export function viewIn(unit: Unit | undefined): View {
  const paper = paperOf({}, { NO_COLOR: '1' })
  return { paper, unit, keyword: undefined, label: 'it', next: (command) => command }
}

/** @throws {PropertyError} and what came out and must not */
export function checkAnalysis(snapshot: Snapshot, holders?: Holders): void {
  const diagnosis = diagnose(snapshot, { holders })
  checkFigures('a diagnosis', diagnosis)
  checkFigures('a summary', summarizeNode('it', snapshot, diagnosis))
  checkFigures('settings', settings(snapshot))
  checkFigures('cache hit rates', cacheHitRates(snapshot))
  checkFigures('a difference', snapshotDiff(snapshot, snapshot))
  for (const unit of ['byte', 'megabyte'] as const) {
    checkFigures('allocators', [allocators(snapshot, unit), allocatorTypes(snapshot, unit)])
    for (const keyword of ['current', 'max'] as const) {
      checkFigures('memory', memoryReport(snapshot, keyword, unit))
      checkFigures('fragmentation', fragmentation(snapshot, keyword, unit))
      checkFigures('average block sizes', averageBlockSizes(snapshot, keyword, unit))
      checkFigures('ratios', sbcsToMbcs(snapshot, keyword))
    }
  }
  const view = viewIn(undefined)
  for (const text of [
    diagnosisText(snapshot, diagnosis, view),
    allocatorsText(snapshot, view, ROWS),
    averageBlockSizesText(snapshot, view, ROWS),
    cacheHitRatesText(snapshot, view, ROWS),
    fragmentationText(snapshot, view, ROWS),
    memoryText(snapshot, viewIn('megabyte'), ROWS),
    sbcsToMbcsText(snapshot, view, ROWS),
    settingsText(snapshot, view, ROWS),
    snapshotDiffText(snapshot, snapshot, ['one', 'other'], view),
    snapshotSummaryText(snapshot, undefined, view),
  ]) {
    checkText(text)
  }
}

/** The same of a look into the carriers. */
export function checkCarriers(scan: CarrierScan): void {
  checkFigures('carriers', carrierReports(scan))
  checkText(carriersText(scan, headless, viewIn(undefined), true))
}

/** The same of who holds memory. */
export function checkHolders(holders: Holders): void {
  checkFigures('holders', holders)
  checkText(holdersText(holders, viewIn(undefined)))
}

const headless = {
  node: undefined,
  otpRelease: undefined,
  schedulers: undefined,
  takenAt: undefined,
}

/** Whether JSON can say it; only a ratio to nothing has no number. */
export function checkFigures(what: string, value: Plain): void {
  const json = JSON.stringify(toJson(value), (key, it: unknown) => {
    check(typeof it !== 'number' || Number.isFinite(it), `${what}: ${key} is ${String(it)}`)
    return it
  })
  check(json.length > 0, `${what} cannot be written`)
  checkNumbers(what, value)
}

function checkNumbers(what: string, value: Plain): void {
  if (typeof value === 'number') check(!Number.isNaN(value), `${what} holds what is no number`)
  if (typeof value !== 'object' || value === null) return
  const parts: Iterable<Plain> = value instanceof Map ? value.values() : Object.values(value)
  for (const part of parts) checkNumbers(what, part)
}

export function checkText(text: string): void {
  checkPrintable('a text', text.replaceAll('\n', ' '))
  check(!/\bNaN\b|\[object /.test(text), 'a text shows what is no figure')
}
