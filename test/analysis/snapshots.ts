/**
 * Snapshots put together by hand.
 */
import type { Snapshot } from '../../src/analysis/index.ts'
import type { Term } from '../../src/etf/index.ts'
import { type RawSnapshot, toSnapshot } from '../../src/probe/raw-snapshot.ts'

export function rawSnapshotOf(
  allocators: readonly Term[],
  parts: Partial<RawSnapshot> = {},
): RawSnapshot {
  return {
    node: undefined,
    takenAt: undefined,
    otpRelease: undefined,
    schedulers: undefined,
    schedulersOnline: undefined,
    memory: undefined,
    allocators,
    os: undefined,
    missing: [],
    ...parts,
  }
}

/** What answers of a node make, and nothing beside them. */
export function snapshotOf(...allocators: readonly Term[]): Snapshot {
  return toSnapshot(rawSnapshotOf(allocators))
}
