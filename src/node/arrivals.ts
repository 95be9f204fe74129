/**
 * Nodes that are connecting to us: whose handshakes are under way, and who waits for their end.
 */
import { startDeadline, type Waiting } from '../net/deadline.ts'

export class Arrivals {
  readonly #underWay = new Map<string, number>()
  readonly #waiters = new Map<string, Set<() => void>>()

  /** Whether the node has said who it is, and is not yet connected or refused. */
  isUnderWay(node: string): boolean {
    return this.#underWay.has(node)
  }

  /** A handshake is under way; returns what is to be called when it has ended, however it did. */
  begin(node: string): () => void {
    this.#underWay.set(node, (this.#underWay.get(node) ?? 0) + 1)
    return () => {
      const others = (this.#underWay.get(node) ?? 1) - 1
      if (others === 0) this.#underWay.delete(node)
      else this.#underWay.set(node, others)
      this.#wake(node)
    }
  }

  /**
   * Resolves when the node's next handshake has ended, or after the patience, in milliseconds.
   *
   * @throws {TimeoutError} after the time-out; with a signal, its reason
   */
  next(node: string, patience: number, what: string, { timeout, signal }: Waiting): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const waiters = this.#waiters.get(node) ?? new Set()
      const leave = (): void => {
        clearTimeout(timer)
        stop()
        waiters.delete(wake)
        if (waiters.size === 0) this.#waiters.delete(node)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      waiters.add(wake)
      this.#waiters.set(node, waiters)
      const timer = setTimeout(wake, patience)
      const stop = startDeadline(what, timeout, signal, (reason) => {
        leave()
        reject(reason)
      })
    })
  }

  /** Ends all waits. */
  wake(): void {
    for (const node of [...this.#waiters.keys()]) this.#wake(node)
  }

  #wake(node: string): void {
    for (const wake of [...(this.#waiters.get(node) ?? [])]) wake()
  }
}
