/**
 * So many things at a time, and no more.
 */
import { checkConcurrency, DEFAULT_CONCURRENCY } from './bounds.ts'

/** The others wait in line, in the order in which they came. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  /** @throws {RangeError} when `concurrency` is none */
  constructor(concurrency: number = DEFAULT_CONCURRENCY) {
    checkConcurrency(concurrency)
    this.#free = concurrency
  }

  /** Does it when it is its turn. */
  async use<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
