/**
 * What a process was sent and has not taken yet: bounded, in the order of arrival.
 *
 * @see https://www.erlang.org/doc/system/ref_man_processes.html#receiving-signals
 */
import type { Pid, Reference, Term } from '../etf/index.ts'
import { startDeadline, type Waiting } from '../net/deadline.ts'
import { checkLimit } from './limit.ts'

/** A registered name on a node. */
export interface RegisteredName {
  readonly name: string
  readonly node: string
}

/** What comes into a mailbox. */
export type Mail =
  | {
      readonly type: 'message'
      readonly message: Term
      /** Who sent it, where the node says so. */
      readonly from: Pid | undefined
    }
  /** What a process that traps exits receives as `{'EXIT', From, Reason}`. */
  | { readonly type: 'exit'; readonly from: Pid; readonly reason: Term }
  /** `{'DOWN', Ref, process, Process, Reason}`: a monitored process has ended. */
  | {
      readonly type: 'down'
      readonly ref: Reference
      readonly process: Pid | RegisteredName
      readonly reason: Term
    }

/** What a mailbox holds at most. */
export interface MailboxLimits {
  /** Default 100,000. */
  readonly maxMessages?: number | undefined
  /** Bytes, as they came over the wire. Default 256 MiB. */
  readonly maxBytes?: number | undefined
}

const DEFAULT_MAX_MESSAGES = 100_000
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024

interface Letter {
  readonly mail: Mail
  /** Bytes. */
  readonly size: number
}

interface Receiver {
  /** Says whether it took the mail. */
  offer(mail: Mail): boolean
  end(): void
}

export class Mailbox {
  readonly #maxMessages: number
  readonly #maxBytes: number
  #letters: (Letter | undefined)[] = []
  /** How many at the start of `#letters` were taken already. */
  #taken = 0
  #bytes = 0
  #isClosed = false
  /** In the order in which they began to wait. */
  readonly #receivers = new Set<Receiver>()

  constructor({ maxMessages, maxBytes }: MailboxLimits) {
    this.#maxMessages = checkLimit('maxMessages', maxMessages ?? DEFAULT_MAX_MESSAGES, 0)
    this.#maxBytes = checkLimit('maxBytes', maxBytes ?? DEFAULT_MAX_BYTES, 0)
  }

  /** How many wait to be taken. */
  get length(): number {
    return this.#letters.length - this.#taken
  }

  /** Puts one in; says whether there was room. */
  put(mail: Mail, size: number): boolean {
    if (this.#isClosed) return true
    for (const receiver of this.#receivers) {
      if (receiver.offer(mail)) return true
    }
    if (this.length >= this.#maxMessages || this.#bytes + size > this.#maxBytes) return false
    this.#letters.push({ mail, size })
    this.#bytes += size
    return true
  }

  /**
   * The first that matches, once there is one; `undefined` when there is none and the mailbox is closed.
   *
   * @throws {TimeoutError} after the time-out, if one is given; with a signal, its reason
   * @throws what `matches` throws; the mail stays then
   */
  take(
    what: string,
    matches: (mail: Mail) => boolean,
    { timeout, signal }: Waiting,
  ): Promise<Mail | undefined> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const mail = this.#takeFirst(matches)
      if (mail !== undefined || this.#isClosed) {
        resolve(mail)
        return
      }
      const receiver: Receiver = {
        offer: (offered) => {
          try {
            if (!matches(offered)) return false
          } catch (error) {
            // A fault of the receiver, not of the sender, to whom it would be thrown.
            leave()
            reject(error)
            return false
          }
          leave()
          resolve(offered)
          return true
        },
        end: () => {
          leave()
          resolve(undefined)
        },
      }
      const leave = (): void => {
        stop()
        this.#receivers.delete(receiver)
      }
      const stop = startDeadline(what, timeout, signal, (reason) => {
        this.#receivers.delete(receiver)
        reject(reason)
      })
      this.#receivers.add(receiver)
    })
  }

  /** Drops what matches. */
  drop(matches: (mail: Mail) => boolean): void {
    while (this.#takeFirst(matches) !== undefined);
  }

  /** Takes nothing in any more; what is there can still be taken. */
  close(): void {
    this.#isClosed = true
    for (const receiver of [...this.#receivers]) receiver.end()
  }

  #takeFirst(matches: (mail: Mail) => boolean): Mail | undefined {
    for (let at = this.#taken; at < this.#letters.length; at++) {
      const letter = this.#letters[at]
      if (letter === undefined || !matches(letter.mail)) continue
      this.#bytes -= letter.size
      if (at === this.#taken) this.#advance()
      else this.#letters.splice(at, 1)
      return letter.mail
    }
    return undefined
  }

  /** Moving all that is left for each one that is taken would be quadratic. */
  #advance(): void {
    this.#letters[this.#taken] = undefined
    this.#taken += 1
    if (this.#taken * 2 < this.#letters.length) return
    this.#letters = this.#letters.slice(this.#taken)
    this.#taken = 0
  }
}
