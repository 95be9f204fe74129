/**
 * Who waits for a node to connect to us, after both dialled each other at once.
 */
import { startDeadline, type Waiting } from '../net/deadline.ts'

interface Waiter {
  arrived(): void
  failed(error: unknown): void
}

export class Arrivals {
  readonly #waiters = new Map<string, Set<Waiter>>()

  /**
   * Resolves when the node's next attempt succeeds, and fails as it does.
   *
   * @throws {TimeoutError} after the time-out; with a signal, its reason
   */
  next(node: string, { timeout, signal }: Waiting): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(node) ?? new Set()
      const leave = (): void => {
        waiters.delete(waiter)
        if (waiters.size === 0) this.#waiters.delete(node)
      }
      const waiter: Waiter = {
        arrived() {
          stop()
          leave()
          resolve()
        },
        failed(error) {
          stop()
          leave()
          reject(error)
        },
      }
      waiters.add(waiter)
      this.#waiters.set(node, waiters)
      const what = `the connection that ${node} began at the same time`
      const stop = startDeadline(what, timeout, signal, (reason) => {
        leave()
        reject(reason)
      })
    })
  }

  arrived(node: string): void {
    for (const waiter of [...(this.#waiters.get(node) ?? [])]) waiter.arrived()
  }

  failed(node: string, error: unknown): void {
    for (const waiter of [...(this.#waiters.get(node) ?? [])]) waiter.failed(error)
  }
}
