/**
 * The calls in flight on one connection: each waits for its own answer, time-out or cancellation.
 */
import {
  type ControlMessage,
  SPAWN_REPLY_LINK,
  SPAWN_REPLY_MONITOR,
  type SpawnReply,
} from '../dist/control.ts'
import type { UnreadBody } from '../dist/signals.ts'
import { Atom, type EncodedTerm, Pid, type Reference, type Term } from '../etf/index.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import { tellOfCall } from './diagnostics.ts'
import { SendQueueFullError, TooManyCallsError, UnexpectedReplyError } from './errors.ts'
import type { Identity } from './identity.ts'
import { RemoteCallError } from './remote-error.ts'

/** Of a call. */
export const DEFAULT_TIMEOUT = 10_000

/** Why a node that is connected may not answer. */
const NO_ANSWER =
  'the function may take its time, or the node be suspended, overloaded, or blocked by a NIF'

const ABANDONED = new Atom('abandoned')

/** What one connection keeps; a call holds about a kilobyte. */
export const MAX_CALLS = 65_536

/** How one kind of call is asked and answered. */
export interface Exchange {
  /** For messages: what was called. */
  readonly what: string
  /** What is sent, in order. */
  request(reference: Reference): readonly {
    readonly control: ControlMessage
    readonly payload?: Term
  }[]
  /** Whom the request itself monitors. */
  readonly monitored?: Pid | Atom
  /** Who asks, if its requests and messages have to arrive in order. */
  readonly sender?: object
  /** The result in the pid of the process that was asked for, where that answers. */
  readonly readSpawned?: (reference: Reference, pid: Pid) => Term
  /** The result in a message `{Reference, Reply}`, where such a message answers. */
  readonly readReply?: (reply: Term) => Term
  /** The result in the exit reason of a process that is monitored. */
  readonly readExit?: (reference: Reference, reason: Term) => Term
  /** The same where the result is not to be decoded; `undefined` for a reason that holds none. */
  readonly readEncodedExit?: (reference: Reference, reason: EncodedTerm) => EncodedTerm | undefined
}

/** What a call results in. */
export type Result = Term | EncodedTerm

interface Call {
  readonly reference: Reference
  readonly exchange: Exchange
  /** Who has a monitor of this call. */
  monitored: Pid | Atom | undefined
  settle(outcome: () => Result): void
}

/** How the registry sends. */
export type Send = (control: ControlMessage, payload?: Term, sender?: object) => void

export class Calls {
  readonly #local: Identity
  readonly #node: string
  readonly #send: Send
  readonly #calls = new Map<number, Call>()

  constructor(local: Identity, node: string, send: Send) {
    this.#local = local
    this.#node = node
    this.#send = send
  }

  /** How many calls wait for an answer. */
  get pending(): number {
    return this.#calls.size
  }

  /** Makes a call; settles with its result, its failure, the time-out, or the signal's reason. */
  start(exchange: Exchange, { timeout = DEFAULT_TIMEOUT, signal }: Waiting): Promise<Result> {
    return new Promise((resolve, reject) => {
      const start = performance.now()
      const tell = (error: unknown): void => tellOfCall(this.#node, exchange.what, start, error)
      const reference = this.#local.makeReference()
      const number = this.#local.referenceNumber(reference) ?? 0
      try {
        checkTimeout('timeout', timeout)
        signal?.throwIfAborted()
        if (this.#calls.size >= MAX_CALLS) throw new TooManyCallsError(this.#node, MAX_CALLS)
        // Before anything is registered: arguments that cannot be encoded fail this call alone.
        for (const { control, payload } of exchange.request(reference)) {
          this.#send(control, payload, exchange.sender)
        }
      } catch (error) {
        tell(error)
        throw error
      }
      const call: Call = {
        reference,
        exchange,
        monitored: exchange.monitored,
        settle: (outcome) => {
          stop()
          this.#calls.delete(number)
          try {
            resolve(outcome())
            tell(undefined)
          } catch (error) {
            reject(error)
            tell(error)
          }
        },
      }
      this.#calls.set(number, call)
      const stop = startDeadline(
        `${this.#node}: ${exchange.what}`,
        timeout,
        signal,
        (reason) => {
          this.#calls.delete(number)
          reject(reason)
          tell(reason)
          if (call.monitored !== undefined) this.#demonitor(reference, call.monitored)
        },
        NO_ANSWER,
      )
    })
  }

  /** Takes the answer to a spawn request. */
  spawnReply({ reqId, result, flags, to }: SpawnReply): void {
    const call = this.#find(reqId)
    if (result instanceof Pid) {
      const read = call?.exchange.readSpawned
      if (read !== undefined) call?.settle(() => read(reqId, result))
      else if (call !== undefined) call.monitored = result
      else this.#abandon(reqId, result, flags, to)
      return
    }
    call?.settle(() => {
      throw new RemoteCallError(this.#node, result)
    })
  }

  /** Takes the exit reason of a monitored process. */
  processExit(reference: Reference, reason: UnreadBody): void {
    const call = this.#find(reference)
    const { readExit, readEncodedExit } = call?.exchange ?? {}
    if (readExit === undefined) return
    call?.settle(
      () =>
        this.#tryRead(() => readEncodedExit?.(reference, reason.encoded())) ??
        // Only this call has it, so that it may share the memory of the frame.
        readExit(
          reference,
          this.#tryRead(() => reason.read({ binaries: 'view' })),
        ),
    )
  }

  /** Takes a message `{Reference, Reply}`; says whether it answered a call. */
  reply(reference: Reference, reply: Term): boolean {
    const call = this.#find(reference)
    const read = call?.exchange.readReply
    if (call === undefined || read === undefined) return false
    call.settle(() => read(reply))
    if (call.monitored !== undefined) this.#demonitor(reference, call.monitored)
    return true
  }

  /** Takes a message `{Reference, Reply}` of which the reply cannot be read. */
  unreadableReply(reference: Reference, message: UnreadBody): void {
    const call = this.#find(reference)
    if (call?.exchange.readReply === undefined) return
    call.settle(() => this.#tryRead(() => message.read()))
    if (call.monitored !== undefined) this.#demonitor(reference, call.monitored)
  }

  /** Ends every call. */
  fail(error: Error): void {
    for (const call of [...this.#calls.values()]) {
      call.settle(() => {
        throw error
      })
    }
  }

  #find(reference: Reference): Call | undefined {
    const number = this.#local.referenceNumber(reference)
    return number === undefined ? undefined : this.#calls.get(number)
  }

  /**
   * The process that was spawned for a call which was given up before: its monitor must not stay on the
   * node, and if it was to be linked, it ends, as with `spawn_request_abandon/1`.
   */
  #abandon(reference: Reference, process: Pid, flags: number, spawner: Pid): void {
    if ((flags & SPAWN_REPLY_MONITOR) !== 0) this.#demonitor(reference, process, spawner)
    if ((flags & SPAWN_REPLY_LINK) === 0) return
    this.#sendOrDrop({ type: 'exit', fromPid: spawner, toPid: process, reason: ABANDONED })
  }

  #demonitor(reference: Reference, process: Pid | Atom, fromPid: Pid = this.#local.pid): void {
    this.#sendOrDrop({ type: 'demonitor_p', fromPid, toProc: process, ref: reference })
  }

  /** A peer that reads nothing keeps what it has until the connection ends. */
  #sendOrDrop(control: ControlMessage): void {
    try {
      this.#send(control)
    } catch (error) {
      if (!(error instanceof SendQueueFullError)) throw error
    }
  }

  #tryRead<Read>(read: () => Read): Read {
    try {
      return read()
    } catch (cause) {
      throw new UnexpectedReplyError(this.#node, 'with what cannot be read', { cause })
    }
  }
}
