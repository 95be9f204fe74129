/**
 * A node that is connected: calls to it, and what comes from it.
 */
import type { ControlMessage, SpawnRequest } from '../dist/control.ts'
import { flag, hasFlags } from '../dist/flags.ts'
import { MessageTooLargeError } from '../dist/fragments.ts'
import type { Connected } from '../dist/handshake.ts'
import type { Payload } from '../dist/payload.ts'
import {
  type Outgoing,
  readSignal,
  type Signal,
  tryRead,
  type UnreadBody,
} from '../dist/signals.ts'
import {
  Atom,
  DecodeError,
  EncodedTerm,
  isTuple,
  Pid,
  Reference,
  type Term,
  TermCursor,
} from '../etf/index.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import { Calls, DEFAULT_TIMEOUT, type Exchange, MAX_CALLS, type Result } from './calls.ts'
import type { Connection, ConnectionCounters } from './connection.ts'
import { tellOfCall } from './diagnostics.ts'
import { encodedErpcExchange, erpcExchange } from './erpc.ts'
import { type ConnectionLostError, NotConnectedError, TooManyCallsError } from './errors.ts'
import { genServerExchange } from './gen-server.ts'
import { replyToIoRequest } from './io-requests.ts'
import type { Peer, Processes } from './processes.ts'
import { rpcExchange } from './rpc.ts'

const NOTSUP = new Atom('notsup')

/** How a call is made: over which protocol, and how long it may take (default 10 s). */
export interface CallOptions extends Waiting {
  /** Default `erpc`, where the node has it. */
  readonly protocol?: 'erpc' | 'rpc'
}

/** What a remote node needs of the node that is connected to it. */
export interface RemoteNodeOptions {
  readonly processes: Processes
  /** Whether it will be connected again when the connection is lost. */
  readonly comesBack: () => boolean
  /** Called when the user closed it. */
  readonly closed: () => void
}

/** A node that is connected, or will be again. */
export class RemoteNode implements Peer, AsyncDisposable {
  readonly name: string
  readonly #options: RemoteNodeOptions
  readonly #calls: Calls
  readonly #waiting = new Set<(error: Error | undefined) => void>()
  #connection: Connection

  /** @internal */
  constructor(connection: Connection, options: RemoteNodeOptions) {
    this.name = connection.connected.peer.name.full
    this.#connection = connection
    this.#options = options
    const { identity } = options.processes
    this.#calls = new Calls(identity, this.name, (control, payload, sender) =>
      this.#connection.send(control, payload, sender),
    )
  }

  /** Where the node was reached: `host:port`. */
  get address(): string {
    return this.#connection.address
  }

  get isConnected(): boolean {
    return this.#connection.isOpen
  }

  /** Who both sides are, and the flags in force. */
  get connected(): Connected {
    return this.#connection.connected
  }

  /** The flags in force. */
  get flags(): bigint {
    return this.#connection.connected.flags
  }

  /** Of the connection that stands, or stood last. */
  get counters(): ConnectionCounters & { readonly callsPending: number } {
    return {
      ...this.#connection.counters,
      callsPending: this.#calls.pending + this.#waiting.size,
    }
  }

  /**
   * Calls a function on the node and returns what it returns. Giving up (time-out, signal) does not
   * stop the function. While the node is being connected again, calls wait for that.
   *
   * @throws {RemoteThrowError | RemoteExitError | RemoteExceptionError | RemoteSignalError} what the
   *   function raised, or what ended it
   * @throws {RemoteCallError} when the node could not make the call
   * @throws {UnexpectedReplyError} when the answer is none
   * @throws {ConnectionLostError | NotConnectedError}
   * @throws {TimeoutError} after the time-out, default 10 s; with a signal, its reason
   */
  async call(
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: CallOptions = {},
  ): Promise<Term> {
    return termOf(await this.#call(erpcExchange, module, name, args, options))
  }

  /**
   * The same, but what the function returns is not decoded: for those who read little of much. A reason to
   * fail is still decoded.
   *
   * @throws what {@link call} throws, but an answer that cannot be read is not noticed yet
   */
  async callEncoded(
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: CallOptions = {},
  ): Promise<EncodedTerm> {
    const result = await this.#call(encodedErpcExchange, module, name, args, options)
    return result instanceof EncodedTerm ? result : EncodedTerm.of(result)
  }

  /**
   * Calls a `gen_server` on the node, by its pid or its registered name, as `gen_server:call/3` does. The
   * server is monitored meanwhile; giving up does not stop it.
   *
   * @throws {RemoteExitError} when the server is not there (`noproc`) or ends before it answers
   * @throws {ConnectionLostError | NotConnectedError}
   * @throws {TimeoutError} after the time-out, default 10 s; with a signal, its reason
   */
  async genServerCall(server: Pid | Atom, request: Term, waiting: Waiting = {}): Promise<Term> {
    const { identity } = this.#options.processes
    return termOf(
      await this.#startConnected(
        () => genServerExchange(identity, this.name, server, request),
        waiting,
      ),
    )
  }

  /**
   * Closes the connection: calls in flight end with `NotConnectedError`, and what was sent before is
   * handed to the peer, within the time-out (default 5 s). Harmless when repeated.
   */
  async close(waiting: Waiting = {}): Promise<void> {
    this.#options.closed()
    if (this.#waiting.size > 0) this.#notify(new NotConnectedError(this.name))
    await this.#connection.close(waiting)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal The node is connected again. */
  open(connection: Connection): void {
    this.#connection = connection
    this.#notify(undefined)
  }

  /** @internal Resolves when the connection that stands, or stood last, has left nothing behind. */
  get finished(): Promise<void> {
    return this.#connection.finished
  }

  /** @internal The connection is gone. */
  lost(error: ConnectionLostError | NotConnectedError): void {
    this.#calls.fail(error)
  }

  /** @internal Cuts the connection. */
  abort(cause: Error): void {
    this.#connection.abort(cause)
  }

  /** @internal */
  keepAlive(yes: boolean): void {
    this.#connection.keepAlive(yes)
  }

  /** @internal */
  send({ control, payload }: Outgoing, sender?: object): void {
    this.#connection.send(control, payload, sender)
  }

  /** @internal */
  async start(exchange: Exchange, waiting: Waiting): Promise<Term> {
    return termOf(await this.#calls.start(exchange, waiting))
  }

  /** @internal */
  message(control: ControlMessage, payload: Payload | undefined): void {
    switch (control.type) {
      case 'spawn_reply':
        this.#calls.spawnReply(control)
        break
      case 'spawn_request':
        this.#refuseToSpawn(control)
        break
      default: {
        const signal = readSignal(control, payload)
        if (signal !== undefined) this.#take(signal)
      }
    }
  }

  #take(signal: Signal<UnreadBody>): void {
    const { processes } = this.#options
    if (signal.to instanceof Pid && processes.identity.isCaller(signal.to)) this.#toCaller(signal)
    else processes.receive(this.name, signal)
  }

  /** A signal to the process that calls come from, which is also the group leader of what is called. */
  #toCaller(signal: Signal<UnreadBody>): void {
    switch (signal.type) {
      case 'message':
        this.#receive(signal.message)
        break
      case 'down':
        this.#calls.processExit(signal.ref, signal.reason)
        break
      case 'unlink':
        if (signal.id !== undefined) this.#acknowledge(signal.from, signal.to, signal.id)
        break
      default:
        // Whoever prints monitors its group leader first; this one never ends.
        break
    }
  }

  #acknowledge(toPid: Pid, fromPid: Pid, id: number | bigint): void {
    this.#connection.send({ type: 'unlink_id_ack', id, fromPid, toPid })
  }

  /** An answer of `rex` or of a `gen_server`, or what a called function prints. */
  #receive(body: UnreadBody): void {
    const message = tryRead(body, { binaries: 'view' })
    if (message === undefined) {
      const tag = readTag(body)
      if (tag !== undefined) this.#calls.unreadableReply(tag, body)
      return
    }
    if (isTuple(message, 2)) {
      const [tag, reply] = message.elements
      if (tag instanceof Reference && reply !== undefined && this.#calls.reply(tag, reply)) return
    }
    const io = replyToIoRequest(message)
    if (io === undefined) return
    this.#connection.send({ type: 'send', toPid: io.to }, io.message)
  }

  /** Nothing is carried out here for others: the answer of a node that cannot spawn. */
  #refuseToSpawn({ reqId, from }: SpawnRequest): void {
    this.#connection.send({ type: 'spawn_reply', reqId, to: from, flags: 0, result: NOTSUP })
  }

  #call(
    overErpc: typeof erpcExchange,
    module: string,
    name: string,
    args: readonly Term[],
    options: CallOptions,
  ): Promise<Result> {
    const { identity } = this.#options.processes
    return this.#startConnected(() => {
      const protocol = options.protocol ?? (hasFlags(this.flags, flag.SPAWN) ? 'erpc' : 'rpc')
      const exchange = protocol === 'erpc' ? overErpc : rpcExchange
      return exchange(identity, this.name, module, name, args)
    }, options)
  }

  /** Makes a call once the node is connected; only then it is known what the node can do. */
  #startConnected(makeExchange: () => Exchange, waiting: Waiting): Promise<Result> {
    return this.isConnected
      ? this.#calls.start(makeExchange(), waiting)
      : this.#startLater(makeExchange, waiting)
  }

  async #startLater(makeExchange: () => Exchange, waiting: Waiting): Promise<Result> {
    const { what } = makeExchange()
    const start = performance.now()
    try {
      await this.#untilConnected(waiting)
    } catch (error) {
      tellOfCall(this.name, what, start, error)
      throw error
    }
    const { timeout = DEFAULT_TIMEOUT, signal } = waiting
    const left = Math.max(1, Math.ceil(timeout - (performance.now() - start)))
    return this.#calls.start(makeExchange(), { timeout: left, signal })
  }

  #untilConnected({ timeout = DEFAULT_TIMEOUT, signal }: Waiting): Promise<void> {
    return new Promise((resolve, reject) => {
      checkTimeout('timeout', timeout)
      signal?.throwIfAborted()
      if (!this.#options.comesBack()) throw new NotConnectedError(this.name)
      if (this.#waiting.size >= MAX_CALLS) throw new TooManyCallsError(this.name, MAX_CALLS)
      const wake = (error: Error | undefined): void => {
        stop()
        this.#waiting.delete(wake)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#waiting.add(wake)
      const stop = startDeadline(`connecting to ${this.name} again`, timeout, signal, (reason) => {
        this.#waiting.delete(wake)
        reject(reason)
      })
    })
  }

  #notify(error: Error | undefined): void {
    for (const wake of [...this.#waiting]) wake(error)
  }
}

/** The reference in `{Reference, Reply}`, where no more of it can be read; whose else it is stays unknown. */
function readTag(body: UnreadBody): Reference | undefined {
  try {
    const cursor = new TermCursor(body.encoded())
    const tag = cursor.enterTuple() === 2 ? cursor.term() : undefined
    return tag instanceof Reference ? tag : undefined
  } catch (error) {
    if (error instanceof DecodeError || error instanceof MessageTooLargeError) return undefined
    throw error
  }
}

/** What was not asked for encoded is a term already. */
function termOf(result: Result): Term {
  return result instanceof EncodedTerm ? result.decode() : result
}
