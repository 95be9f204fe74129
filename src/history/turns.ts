/**
 * What is to be done to one file, one after the other.
 */

/** Each begins when all that were asked for before it are over, however they ended. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<Value>(run: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => {})
    return result
  }
}
