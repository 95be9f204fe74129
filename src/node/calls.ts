/**
 * The calls in flight on one connection: each waits for its own answer, time-out or cancellation.
 */
import type { ControlMessage } from '../dist/control.ts'
import { type Atom, Pid, type Reference, type Term } from '../etf/index.ts'
import { startDeadline, type Waiting } from '../net/deadline.ts'
import { erpcRequest, readErpcResult } from './erpc.ts'
import { TooManyCallsError, UnexpectedReplyError } from './errors.ts'
import type { Identity } from './identity.ts'
import { RemoteCallError } from './remote-error.ts'
import { readRpcResult, rpcRequest } from './rpc.ts'

const DEFAULT_TIMEOUT = 10_000

/** What one connection keeps; a call holds about a kilobyte. */
const MAX_CALLS = 65_536

interface Call {
  readonly reference: Reference
  readonly protocol: 'erpc' | 'rpc'
  /** The process that makes the call, once its node has told. */
  process: Pid | undefined
  settle(outcome: () => Term): void
}

/** A reason or a message that may not be decodable; reading it throws then. */
export type PayloadReader = () => Term

/** How the registry sends. */
export type Send = (control: ControlMessage, payload?: Term) => void

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

  /** Makes a call as `erpc:call/5` does. */
  erpc(module: string, name: string, args: readonly Term[], waiting: Waiting): Promise<Term> {
    return this.#start('erpc', `${module}:${name}/${args.length}`, waiting, (reference) =>
      erpcRequest(this.#local, reference, module, name, args),
    )
  }

  /** Makes a call as `rpc:call/5` does, through `rex`. */
  rpc(module: string, name: string, args: readonly Term[], waiting: Waiting): Promise<Term> {
    return this.#start('rpc', `${module}:${name}/${args.length}`, waiting, (reference) =>
      rpcRequest(this.#local, reference, module, name, args),
    )
  }

  #start(
    protocol: Call['protocol'],
    what: string,
    { timeout = DEFAULT_TIMEOUT, signal }: Waiting,
    request: (reference: Reference) => { readonly control: ControlMessage; readonly payload: Term },
  ): Promise<Term> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (this.#calls.size >= MAX_CALLS) throw new TooManyCallsError(this.#node, MAX_CALLS)
      const reference = this.#local.makeReference()
      const number = this.#local.referenceNumber(reference) ?? 0
      // Before anything is registered: arguments that cannot be encoded fail this call alone.
      const { control, payload } = request(reference)
      this.#send(control, payload)
      const call: Call = {
        reference,
        protocol,
        process: undefined,
        settle: (outcome) => {
          stop()
          this.#calls.delete(number)
          try {
            resolve(outcome())
          } catch (error) {
            reject(error)
          }
        },
      }
      this.#calls.set(number, call)
      const stop = startDeadline(`${this.#node}: ${what}`, timeout, signal, (reason) => {
        this.#calls.delete(number)
        if (call.process !== undefined) this.#demonitor(reference, call.process)
        reject(reason)
      })
    })
  }

  /** Takes the answer to a spawn request. */
  spawnReply(reference: Reference, result: Pid | Atom): void {
    const call = this.#find(reference)
    if (result instanceof Pid) {
      // Given up before the process was known: its monitor must not stay on the node.
      if (call === undefined) this.#demonitor(reference, result)
      else call.process = result
      return
    }
    call?.settle(() => {
      throw new RemoteCallError(this.#node, result)
    })
  }

  /** Takes the exit reason of a monitored process, which is the answer of an erpc call. */
  processExit(reference: Reference, reason: PayloadReader): void {
    const call = this.#find(reference)
    call?.settle(() => readErpcResult(this.#node, call.reference, this.#read(reason)))
  }

  /** Takes a message `{Reference, Reply}`; says whether it answered a call. */
  reply(reference: Reference, reply: Term): boolean {
    const call = this.#find(reference)
    if (call?.protocol !== 'rpc') return false
    call.settle(() => readRpcResult(this.#node, reply))
    return true
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

  #demonitor(reference: Reference, process: Pid): void {
    this.#send({
      type: 'demonitor_p',
      fromPid: this.#local.pid,
      toProc: process,
      ref: reference,
    })
  }

  #read(reader: PayloadReader): Term {
    try {
      return reader()
    } catch (cause) {
      throw new UnexpectedReplyError(this.#node, 'with what cannot be read', { cause })
    }
  }
}
