/**
 * The names that a node gives to those that ask it for one. A name that comes back is given again: whoever meets
 * a name may keep it for good, as the atom that it is.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#dynamic-node-name
 */
import { randomBytes } from 'node:crypto'
import type { NamedStatus } from '../dist/handshake-messages.ts'
import { parseNodeName } from '../dist/node-name.ts'
import { makeCreation } from './identity.ts'

/** Names that are kept to be given again; any more are forgotten. */
const MAX_FREE = 10_000

/** As `next_creation` of `net_kernel`: those below stand for something else in old nodes. */
const LEAST_CREATION = 4

/** A name, until its node is gone. */
export interface Loan {
  readonly status: NamedStatus
  /** Once; `wasUsed`: whether the node has been connected under it. */
  readonly end: (wasUsed: boolean) => void
}

export class NamePool {
  /** By host, the last that came back last. */
  readonly #free = new Map<string, NamedStatus[]>()
  #size = 0

  /** A name on a host, with a creation that it did not have before. */
  lend(host: string, isTaken: (name: string) => boolean = () => false): Loan {
    const used = this.#take(host, isTaken)
    const status = used ?? makeName(host)
    return {
      status,
      end: (wasUsed) => {
        // Who never proved to know the cookie fills no pool, and empties none.
        if (wasUsed || used !== undefined) this.#takeBack(host, status)
      },
    }
  }

  /** One that somebody took for his own is his. */
  #take(host: string, isTaken: (name: string) => boolean): NamedStatus | undefined {
    const free = this.#free.get(host) ?? []
    for (;;) {
      const status = free.pop()
      if (free.length === 0) this.#free.delete(host)
      if (status === undefined) return undefined
      this.#size--
      if (!isTaken(status.named.full)) return status
    }
  }

  #takeBack(host: string, { named, creation }: NamedStatus): void {
    if (this.#size >= MAX_FREE) return
    const next = (creation + 1) % 2 ** 32
    const free = this.#free.get(host) ?? []
    free.push({ named, creation: Math.max(LEAST_CREATION, next) })
    this.#free.set(host, free)
    this.#size++
  }
}

function makeName(host: string): NamedStatus {
  const alive = randomBytes(8).readBigUInt64BE().toString(36).toUpperCase()
  return { named: parseNodeName(`${alive}@${host}`), creation: makeCreation() }
}
