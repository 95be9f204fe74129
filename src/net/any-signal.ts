/**
 * One signal of several.
 */
import { setMaxListeners } from 'node:events'
import { startDeadline } from './deadline.ts'

/** Disposal lets go of the signals that it follows. */
export interface AnySignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Aborted as soon as one of these is, with its reason.
 *
 * Not `AbortSignal.any()`: Node.js 20 may collect such a signal before it fires.
 */
export function anySignal(signals: readonly (AbortSignal | undefined)[]): AnySignal {
  const controller = new AbortController()
  // Each call listens, of as many nodes as are asked at a time.
  setMaxListeners(0, controller.signal)
  const stops = signals.map((signal) =>
    startDeadline('', undefined, signal, (reason) => controller.abort(reason)),
  )
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const stop of stops) stop()
    },
  }
}
