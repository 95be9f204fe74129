/**
 * Promises that are settled from outside, and waits for them that have an end.
 */
import { startDeadline, type Waiting } from '../net/deadline.ts'

/** A promise that is settled from outside, as `Promise.withResolvers` of Node.js 22. */
export interface Deferred {
  readonly promise: Promise<void>
  /** Harmless when repeated. */
  readonly resolve: () => void
}

export function createDeferred(): Deferred {
  let resolve = (): void => {}
  const promise = new Promise<void>((resolvePromise) => {
    resolve = resolvePromise
  })
  return { promise, resolve }
}

/**
 * Waits for a promise that never fails, no longer than it may.
 *
 * @throws {TimeoutError} after the time-out; with a signal, its reason
 */
export function within(
  promise: Promise<void>,
  what: string,
  { timeout, signal }: Waiting,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = startDeadline(what, timeout, signal, reject)
    void promise.then(() => {
      stop()
      resolve()
    })
  })
}
