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

/**
 * Calls `expire` once, with a {@link TimeoutError} after the time-out (`undefined`: never) or with the
 * signal's reason when that is aborted (at once if it already is). Returns how to call it all off.
 */
export function startDeadline(
  what: string,
  timeout: number | undefined,
  signal: AbortSignal | undefined,
  expire: (reason: unknown) => void,
): () => void {
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
          expire(new TimeoutError(what, timeout))
        }, timeout)
  signal?.addEventListener('abort', abort)
  return stop
}
