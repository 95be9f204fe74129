/**
 * A deadline as a signal, for what waits by a signal.
 *
 * Not `AbortSignal.any([AbortSignal.timeout(…), …])`: on Node 20 that one is garbage-collected while it is
 * waited for, and then never aborts.
 */
import { startDeadline } from '../net/deadline.ts'

export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** `what` is waited for; disposal calls the deadline off. */
export function createDeadline(what: string, timeout: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController()
  const stop = startDeadline(what, timeout, signal, (reason) => controller.abort(reason))
  return { signal: controller.signal, [Symbol.dispose]: stop }
}
