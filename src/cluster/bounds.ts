/**
 * How many nodes may be asked at a time, and how long that may take.
 */

export const DEFAULT_CONCURRENCY = 16

/** Each takes a socket, of which a process may have 1024 on many systems. */
export const MAX_CONCURRENCY = 1000

/** Of a node, in milliseconds. */
export const DEFAULT_NODE_TIMEOUT = 10_000

/** What errors call it, for who did not answer in time. */
export const NODE_TIMEOUT_OPTION = '--node-timeout'

/** @throws {RangeError} when it is none */
export function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) return
  throw new RangeError(`concurrency is ${concurrency}, and not from 1 to ${MAX_CONCURRENCY}`)
}
