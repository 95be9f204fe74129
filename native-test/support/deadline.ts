/**
 * A time-out and a caller's signal in one.
 *
 * Not `AbortSignal.any([AbortSignal.timeout(…), …])`: on Node 20 that one is garbage-collected while it is
 * waited for, and then never aborts.
 */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** Aborts after `milliseconds`, or with `signal` and its reason; disposal lets go of both. */
export function createDeadline(milliseconds: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController()
  const follow = (): void => controller.abort(signal?.reason)
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`${milliseconds} ms have passed`, 'TimeoutError'))
  }, milliseconds)
  if (signal?.aborted) {
    follow()
  }
  signal?.addEventListener('abort', follow)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', follow)
    },
  }
}
