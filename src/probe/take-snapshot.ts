/**
 * A snapshot of a live node, ready for analysis.
 */
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Waiting } from '../net/deadline.ts'
import { type Callee, probe } from './probe.ts'
import { toSnapshot } from './raw-snapshot.ts'

/** Takes a snapshot of a node, ready for analysis. @throws whatever `probe` and `toSnapshot` throw */
export async function takeSnapshot(node: Callee, waiting: Waiting = {}): Promise<Snapshot> {
  return toSnapshot(await probe(node, waiting))
}
