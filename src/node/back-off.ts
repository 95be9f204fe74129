/**
 * How long to wait before what failed is tried again.
 */

const FIRST_PAUSE = 100
const LONGEST_PAUSE = 30_000

/** Pauses that double, each a random part shorter so that many clients do not come back at once. */
export class BackOff {
  #longest = FIRST_PAUSE

  /** The next pause, in milliseconds: from half of 0.1 s on, to 30 s. */
  next(): number {
    const longest = this.#longest
    this.#longest = Math.min(2 * longest, LONGEST_PAUSE)
    return longest * (0.5 + Math.random() / 2)
  }
}

/**
 * Tries until it succeeds or the signal is aborted, each time after a pause. Pauses do not keep the
 * program alive.
 */
export async function retry(
  attempt: () => Promise<unknown>,
  signal: AbortSignal,
  backOff: BackOff = new BackOff(),
): Promise<void> {
  while (!signal.aborted) {
    await wait(backOff.next(), signal)
    if (signal.aborted) return
    try {
      await attempt()
      return
    } catch {
      // Whoever attempts tells why it failed.
    }
  }
}

/** Until then, or until the signal is aborted. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds).unref()
    signal.addEventListener('abort', end)
  })
}
