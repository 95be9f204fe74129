/**
 * How far a sweep is, in one line.
 */
import type { SweepProgress } from '../cluster/sweep.ts'
import { printable } from './printable.ts'

/** From here on the node that is waited for is named. Milliseconds. */
const SLOW = 1_000

/** `12 of 100 nodes done, 1 of them failed; 16 running, the slowest rabbit@host for 3.2 s`. */
export function progressText(progress: SweepProgress, total: number): string {
  const { answered, failed, running, slowest } = progress
  const done = `${answered + failed} of ${total} nodes done, ${failed} of them failed`
  if (running === 0) return done
  const isSlow = slowest !== undefined && slowest.duration >= SLOW
  const who = isSlow
    ? `, the slowest ${printable(slowest.node)} for ${(slowest.duration / 1000).toFixed(1)} s`
    : ''
  return `${done}; ${running} running${who}`
}
