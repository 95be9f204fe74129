/**
 * How many nodes may be asked at a time, and how long that may take.
 */

export const DEFAULT_CONCURRENCY = 16

/** Each takes a socket, of which a process may have 1024 on many systems. */
export const MAX_CONCURRENCY = 1000

/** Of a node, in milliseconds. */
export const DEFAULT_NODE_TIMEOUT = 10_000

/** The most that `setTimeout` takes, in milliseconds; what is more would expire at once. */
export const MAX_TIMEOUT: number = 2 ** 31 - 1

/** @throws {RangeError} when it is none */
export function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) return
  throw new RangeError(`concurrency is ${concurrency}, and not from 1 to ${MAX_CONCURRENCY}`)
}

/** @throws {RangeError} when it is none; with the option's name */
export function checkTimeout(name: string, timeout: number): void {
  if (timeout > 0 && timeout <= MAX_TIMEOUT) return
  throw new RangeError(`${name} is ${timeout}, and not more than 0 and up to ${MAX_TIMEOUT} ms`)
}
