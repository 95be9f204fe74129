/**
 * Snapshots of real nodes in known states: see test/fixtures/diagnosis/README.md.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Snapshot } from '../../src/analysis/index.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'

const folder = new URL('../fixtures/diagnosis/', import.meta.url)

export interface KnownState {
  /** Of the folder: `binary-fragmented`. */
  readonly state: string
  /** Of the file: release and schedulers, `otp25-s2`. */
  readonly node: string
  readonly snapshot: Snapshot
}

export const states: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

export const knownStates: readonly KnownState[] = states.flatMap((state) =>
  readdirSync(new URL(`${state}/`, folder)).map((file) => ({
    state,
    node: file.replace('.etf', ''),
    snapshot: readSnapshot(readFileSync(new URL(`${state}/${file}`, folder))).snapshot,
  })),
)

/** The snapshot of one node. */
export function known(state: string, node: string): Snapshot {
  const found = knownStates.find((each) => each.state === state && each.node === node)
  if (found === undefined) throw new Error(`there is no ${state}/${node}.etf`)
  return found.snapshot
}
