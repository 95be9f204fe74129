/**
 * A snapshot of a live node, ready for analysis.
 */
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Waiting } from '../net/deadline.ts'
import { ask, type Callee, readAnswer } from './probe.ts'
import { toSnapshot } from './raw-snapshot.ts'

/**
 * Takes a snapshot of a node, ready for analysis. The allocators' answer is read without being decoded.
 *
 * @throws whatever `probe` and `toSnapshot` throw
 */
export async function takeSnapshot(node: Callee, waiting: Waiting = {}): Promise<Snapshot> {
  const answers = await ask(node, waiting)
  return readAnswer(node, () => toSnapshot(answers))
}
