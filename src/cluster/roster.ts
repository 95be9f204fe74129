/**
 * Who is in a cluster while time passes, for whoever looks for its nodes again and again: they come, and those that
 * are neither known to anybody nor answer are gone after a while.
 */
import type { Discovery } from './discover.ts'
import { MAX_NODES } from './discovery-errors.ts'

/** Milliseconds: who is restarted, or cut off for a moment, comes back within this. */
export const PATIENCE: number = 15 * 60_000

/** What became of a cluster since it was looked at last. */
export interface RosterChange {
  readonly come: readonly string[]
  readonly gone: readonly string[]
}

export class Roster {
  /** By name, when it was known to be there. */
  readonly #seen = new Map<string, number>()

  /** In the order in which they came. It may be gone through again whenever that is wanted, and changes meanwhile. */
  get names(): Iterable<string> {
    return { [Symbol.iterator]: () => this.#seen.keys() }
  }

  /**
   * Takes what was found.
   *
   * @param now milliseconds by a clock that never goes back
   * @param isUp whether a node answers, whoever knows of it
   */
  take(
    { failures, nodes }: Discovery,
    now: number,
    isUp: (node: string) => boolean = () => false,
  ): RosterChange {
    const come: string[] = []
    for (const { name } of nodes) {
      if (!this.#seen.has(name)) {
        if (this.#seen.size >= MAX_NODES) continue
        come.push(name)
      }
      this.#seen.set(name, now)
    }
    // Of whom those that failed would have known, nobody can say.
    const isSure = failures.length === 0 && nodes.length > 0
    const gone: string[] = []
    for (const [name, seen] of this.#seen) {
      if (seen === now) continue
      if (!isSure || isUp(name)) this.#seen.set(name, now)
      else if (now - seen > PATIENCE) gone.push(name)
    }
    for (const name of gone) this.#seen.delete(name)
    return { come, gone }
  }
}
