/**
 * How often somebody may try a token.
 */

/** Wrong ones of one address in {@link WINDOW}; a person who mistypes needs no more. */
const MAX_OF_ADDRESS = 5

/** The same of all together. */
const MAX_OF_ALL = 50

/** Milliseconds. */
const WINDOW = 60_000

/** Counts what failed in the last minute. */
export class Attempts {
  /** When each failed, and whose it was, the earliest first: never more than {@link MAX_OF_ALL}. */
  #failed: readonly { readonly address: string; readonly time: number }[] = []

  /** Seconds to wait; 0 when the address may try. */
  delay(address: string, now: number = performance.now()): number {
    this.#failed = this.#failed.filter(({ time }) => now - time < WINDOW)
    const own = this.#failed.filter((it) => it.address === address)
    const first = own.length >= MAX_OF_ADDRESS ? own[own.length - MAX_OF_ADDRESS] : undefined
    const full = this.#failed.length >= MAX_OF_ALL ? this.#failed[0] : undefined
    const last = Math.max(first?.time ?? 0, full?.time ?? 0)
    return first === undefined && full === undefined
      ? 0
      : Math.max(1, Math.ceil((last + WINDOW - now) / 1000))
  }

  /** One has failed. */
  count(address: string, now: number = performance.now()): void {
    this.#failed = [...this.#failed, { address, time: now }].slice(-MAX_OF_ALL)
  }
}
