/**
 * How long to wait, and who may call it off.
 */
import { TimeoutError } from './errors.ts'

/** Every wait takes these. */
export interface Waiting {
  /** Milliseconds. */
  readonly timeout?: number
  /** Aborting it ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The most that `setTimeout` takes, in milliseconds; what is more would expire at once. */
export const MAX_TIMEOUT: number = 2 ** 31 - 1

/** @throws {RangeError} when it is none; with the option's name */
export function checkTimeout(name: string, timeout: number): void {
  if (Number.isFinite(timeout) && timeout > 0 && timeout <= MAX_TIMEOUT) return
  throw new RangeError(`${name} is ${timeout}, and not more than 0 and up to ${MAX_TIMEOUT} ms`)
}

/**
 * Calls `expire` once, with a {@link TimeoutError} after the time-out (`undefined`: never) or with the
 * signal's reason when that is aborted (at once if it already is). Returns how to call it all off. `mayBe` is
 * for the hint: why there may be no answer.
 *
 * @throws {RangeError} when the time-out is none; 0 is one for whoever does not want to wait
 */
export function startDeadline(
  what: string,
  timeout: number | undefined,
  signal: AbortSignal | undefined,
  expire: (reason: unknown) => void,
  mayBe?: string,
): () => void {
  if (timeout !== undefined && timeout !== 0) checkTimeout('timeout', timeout)
  if (signal?.aborted) {
    expire(signal.reason)
    return () => {}
  }
  const stop = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  const abort = (): void => {
    stop()
    expire(signal?.reason)
  }
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          stop()
          expire(new TimeoutError(what, timeout, undefined, mayBe))
        }, timeout)
  signal?.addEventListener('abort', abort)
  return stop
}
