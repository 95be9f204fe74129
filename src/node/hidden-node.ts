/**
 * A hidden node: what joins a cluster, calls its nodes, and is seen in `nodes(hidden)` alone.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#hidden-nodes
 */
import type { ControlMessage } from '../dist/control.ts'
import type { Cookie } from '../dist/cookie.ts'
import { flag, hasFlags } from '../dist/flags.ts'
import type { Connected } from '../dist/handshake.ts'
import { type NodeName, parseNodeName } from '../dist/node-name.ts'
import type { Payload } from '../dist/payload.ts'
import { ProtocolError } from '../dist/protocol-error.ts'
import { Atom, DecodeError, isTuple, Pid, Reference, type Term } from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import { ConnectionRefusedError } from '../net/errors.ts'
import { connectTcp, type Endpoint, formatEndpoint } from '../net/tcp.ts'
import { connectTls, type TlsOptions } from '../net/tls.ts'
import type { Transport } from '../net/transport.ts'
import { Calls } from './calls.ts'
import type { Connection, ConnectionCounters, ConnectionOptions } from './connection.ts'
import { publish } from './diagnostics.ts'
import { erpcExchange } from './erpc.ts'
import { type ConnectionLostError, NodeNotListeningError, NotConnectedError } from './errors.ts'
import { initiate } from './establish.ts'
import { genServerExchange } from './gen-server.ts'
import { Identity, makeLocalName } from './identity.ts'
import { replyToIoRequest } from './io-requests.ts'
import { type ResolveOptions, resolveNode } from './resolve.ts'
import { rpcExchange } from './rpc.ts'

const DEFAULT_TIMEOUT = 10_000

const NOPROC = new Atom('noproc')

export interface HiddenNodeOptions extends ResolveOptions, ConnectionOptions {
  readonly cookie: Cookie
  /** Our own node name. Default: one that nobody else has, of the peer's kind, long or short. */
  readonly name?: string | undefined
  /**
   * Connects over TLS, as to nodes with `-proto_dist inet_tls`. The node proves by its certificate that
   * it is on the host of its name. EPMD is asked without TLS, as every node does.
   */
  readonly tls?: TlsOptions | undefined
}

/** How a call is made: over which protocol, and how long it may take (default 10 s). */
export interface CallOptions extends Waiting {
  /** Default `erpc`, where the node has it. */
  readonly protocol?: 'erpc' | 'rpc'
}

/** Connections of one client to any number of nodes. */
export class HiddenNode implements AsyncDisposable {
  readonly #options: HiddenNodeOptions
  readonly #remotes = new Set<RemoteNode>()

  /** @throws {InvalidNodeNameError} when `name` is no node name */
  constructor(options: HiddenNodeOptions) {
    if (options.name !== undefined) parseNodeName(options.name)
    this.#options = options
  }

  /**
   * Connects to a node: port from EPMD unless it is known, then the handshake. The time-out (default
   * 10 s) holds for all of it.
   *
   * @throws {InvalidNodeNameError} when `name` is no node name
   * @throws {EpmdError} when EPMD cannot be reached or does not know the name
   * @throws {NodeNotListeningError} when nobody listens on the node's port
   * @throws {NetError} when the network does not carry the connection
   * @throws {TlsError | TlsOptionsError} when TLS does not come about, see `connectTls`
   * @throws {HandshakeError} when the node refuses: cookie, flags, name
   * @throws {TimeoutError}
   */
  async connect(name: string, waiting: Waiting = {}): Promise<RemoteNode> {
    const start = performance.now()
    const tell = (address: string | undefined, error: unknown): void =>
      publish('beamscope:connect', () => ({
        node: name,
        address,
        duration: performance.now() - start,
        error,
      }))
    try {
      const remote = await this.#connect(parseNodeName(name), waiting)
      tell(remote.address, undefined)
      return remote
    } catch (error) {
      tell(undefined, error)
      throw error
    }
  }

  async #connect(peer: NodeName, waiting: Waiting): Promise<RemoteNode> {
    const { signal } = waiting
    const end = performance.now() + (waiting.timeout ?? DEFAULT_TIMEOUT)
    const left = (): Waiting => ({ timeout: Math.max(1, end - performance.now()), signal })
    const endpoint = await resolveNode(peer, this.#options, left())
    const transport = await this.#open(peer, { ...endpoint, ...left() }).catch((cause: unknown) => {
      if (!(cause instanceof ConnectionRefusedError)) throw cause
      throw new NodeNotListeningError(peer.full, formatEndpoint(endpoint), cause)
    })
    const identity = new Identity(this.#ownName(peer))
    const remote = new RemoteNode(peer.full, identity, () => this.#remotes.delete(remote))
    const { cookie, flags, netTickTime, maxFrameSize, tls } = this.#options
    const handshakeHeaderSize = tls === undefined ? 2 : 4
    const options = { identity, peer, cookie, flags, netTickTime, maxFrameSize, ...left() }
    await initiate(transport, remote, { ...options, handshakeHeaderSize })
    this.#remotes.add(remote)
    return remote
  }

  #open(peer: NodeName, endpoint: Endpoint & Waiting): Promise<Transport> {
    const { tls } = this.#options
    return tls === undefined
      ? connectTcp(endpoint)
      : connectTls({ ...endpoint, ...tls, serverName: peer.host })
  }

  #ownName(peer: NodeName): NodeName {
    return this.#options.name === undefined
      ? makeLocalName(peer)
      : parseNodeName(this.#options.name)
  }

  /** Closes all connections; calls in flight end with `NotConnectedError`. */
  async close(): Promise<void> {
    for (const remote of [...this.#remotes]) await remote.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A node that is connected. */
export class RemoteNode implements AsyncDisposable {
  readonly name: string
  readonly #identity: Identity
  readonly #calls: Calls
  readonly #ended: () => void
  #connection: Connection | undefined

  /** Only `HiddenNode.connect` makes one, and opens it with a connection. */
  constructor(name: string, identity: Identity, ended: () => void) {
    this.name = name
    this.#identity = identity
    this.#ended = ended
    this.#calls = new Calls(identity, name, (control, payload) => this.#send(control, payload))
  }

  /** @internal */
  open(connection: Connection): void {
    this.#connection = connection
  }

  /** Where the node was reached: `host:port`. */
  get address(): string {
    return this.#opened().address
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen ?? false
  }

  /** Who both sides are, and the flags in force. */
  get connected(): Connected {
    return this.#opened().connected
  }

  get counters(): ConnectionCounters & { readonly callsPending: number } {
    return { ...this.#opened().counters, callsPending: this.#calls.pending }
  }

  /**
   * Calls a function on the node and returns what it returns. Giving up (time-out, signal) does not
   * stop the function.
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
    const { flags } = this.#opened().connected
    const protocol = options.protocol ?? (hasFlags(flags, flag.SPAWN) ? 'erpc' : 'rpc')
    const exchange = protocol === 'erpc' ? erpcExchange : rpcExchange
    return this.#calls.start(exchange(this.#identity, this.name, module, name, args), options)
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
    this.#opened()
    const exchange = genServerExchange(this.#identity, this.name, server, request)
    return this.#calls.start(exchange, waiting)
  }

  /** Closes the connection; calls in flight end with `NotConnectedError`. Harmless when repeated. */
  async close(): Promise<void> {
    this.#connection?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal */
  end(error: ConnectionLostError | NotConnectedError): void {
    this.#ended()
    this.#calls.fail(error)
  }

  /** @internal */
  message(control: ControlMessage, payload: Payload | undefined): void {
    switch (control.type) {
      case 'spawn_reply':
        this.#calls.spawnReply(control.reqId, control.result)
        break
      case 'monitor_p_exit':
        this.#calls.processExit(control.ref, () => control.reason)
        break
      case 'payload_monitor_p_exit':
        this.#calls.processExit(control.ref, () => decodePayload(payload))
        break
      case 'send':
      case 'send_sender':
        if (this.#identity.owns(control.toPid)) this.#receive(payload)
        break
      case 'monitor_p':
        // Whoever prints monitors its group leader first; no other process lives here.
        if (control.toProc instanceof Pid && this.#identity.owns(control.toProc)) break
        this.#send({
          type: 'monitor_p_exit',
          fromProc: control.toProc,
          toPid: control.fromPid,
          ref: control.ref,
          reason: NOPROC,
        })
        break
      default:
        break
    }
  }

  /** A message to our process: an answer of `rex`, or what a called function prints. */
  #receive(payload: Payload | undefined): void {
    let message: Term
    try {
      message = decodePayload(payload)
    } catch (error) {
      // It does not tell whose it was.
      if (error instanceof DecodeError || error instanceof ProtocolError) return
      throw error
    }
    if (isTuple(message, 2)) {
      const [tag, reply] = message.elements
      if (tag instanceof Reference && reply !== undefined && this.#calls.reply(tag, reply)) return
    }
    const io = replyToIoRequest(message)
    if (io !== undefined) this.#send({ type: 'send', toPid: io.to }, io.message)
  }

  #opened(): Connection {
    if (this.#connection === undefined) throw new NotConnectedError(this.name)
    return this.#connection
  }

  #send(control: ControlMessage, payload?: Term): void {
    this.#opened().send(control, payload)
  }
}

/** Frames are never written to after they came, so what is decoded may share their memory. */
function decodePayload(payload: Payload | undefined): Term {
  return payload?.decode({ binaries: 'view' }) ?? []
}
