/**
 * How long to wait before what failed is tried again.
 */
import { setTimeout as delay } from 'node:timers/promises'

const FIRST_DELAY = 100
const LONGEST_DELAY = 30_000

/**
 * Tries until it succeeds or the signal is aborted, with pauses that double from 0.1 s to 30 s, each a
 * random part shorter so that many clients do not come back at once. Pauses do not keep the program alive.
 */
export async function retry(attempt: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_DELAY; !signal.aborted; pause = Math.min(2 * pause, LONGEST_DELAY)) {
    try {
      await delay(pause * (0.5 + Math.random() / 2), undefined, { ref: false, signal })
      await attempt()
      return
    } catch {
      // Whoever attempts tells why it failed.
    }
  }
}
