/**
 * A hidden node: what joins a cluster, calls its nodes and is called, and is seen in `nodes(hidden)` alone.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#hidden-nodes
 */
import { randomInt } from 'node:crypto'
import type { Introduction } from '../dist/accept-handshake.ts'
import type { Cookie } from '../dist/cookie.ts'
import { CLIENT_FLAGS, flag } from '../dist/flags.ts'
import type { HandshakeOptions } from '../dist/handshake.ts'
import { AlreadyConnectedError, HandshakeClosedError } from '../dist/handshake-errors.ts'
import type { HandshakeStatus } from '../dist/handshake-messages.ts'
import { type NodeName, parseNodeName } from '../dist/node-name.ts'
import { checkTimeout, type Waiting } from '../net/deadline.ts'
import { ConnectionRefusedError, TimeoutError } from '../net/errors.ts'
import { connectTcp, type Endpoint, formatEndpoint } from '../net/tcp.ts'
import type { TlsOptions } from '../net/tls.ts'
import type { Transport } from '../net/transport.ts'
import { Arrivals } from './arrivals.ts'
import { ComeBacks } from './come-backs.ts'
import type { Connection, ConnectionOptions, MessageReceiver } from './connection.ts'
import { createDeferred, type Deferred, within } from './deferred.ts'
import { publish } from './diagnostics.ts'
import {
  ConnectionReplacedError,
  NodeClosedError,
  NodeNotListeningError,
  NoNameYetError,
} from './errors.ts'
import { accept, initiate } from './establish.ts'
import { Identity, makeCreation, makeLocalName } from './identity.ts'
import { checkLimit } from './limit.ts'
import { type Loan, NamePool } from './name-pool.ts'
import { startNetKernel } from './net-kernel.ts'
import type { Process, ProcessOptions } from './process.ts'
import { Processes } from './processes.ts'
import { type ListenOptions, Reception } from './reception.ts'
import { RemoteNode } from './remote-node.ts'
import { type ResolveOptions, resolveNode } from './resolve.ts'
import { takeTemporaryName } from './temporary-names.ts'

const DEFAULT_TIMEOUT = 10_000

/** Nodes that are connected, from either side. */
const MAX_REMOTES = 65_536

/**
 * Milliseconds to wait for a node that is connecting to us, before it is dialled all the same: who has not
 * proved that it knows the cookie must not keep us from the node whose name it gives.
 */
const PATIENCE = 1_000

/** Temporary names that are tried, where others have the first: each takes a handshake. */
const MAX_TRIES = 32

/** The part before the `@` that asks for a name, as with `erl -name undefined`. */
const UNDEFINED = 'undefined'

export interface HiddenNodeOptions extends ResolveOptions, ConnectionOptions {
  readonly cookie: Cookie
  /**
   * Our own node name. Default: one that nobody else has. `undefined@HOST` lets the first node that is
   * connected to choose the part before the `@` (`NAME_ME`, OTP 23.2 and later).
   */
  readonly name?: string | undefined
  /**
   * For a node that connects to one other, and goes: without a name of its own it takes one of a few when it
   * connects, the first that the other has no connection under. Every node keeps each name that it has ever met,
   * for good, so that many which nobody else has are a burden to it.
   */
  readonly temporary?: boolean | undefined
  /**
   * Connects and listens over TLS, as nodes with `-proto_dist inet_tls`. A node proves by its certificate
   * that it is on the host of its name. EPMD is asked without TLS, as every node does.
   */
  readonly tls?: TlsOptions | undefined
}

/** The time-out is for resolving, connecting and shaking hands together: 10 s by default. */
export interface ConnectOptions extends Waiting {
  /**
   * Whether to connect again, with growing pauses, whenever the connection is lost, until it is closed
   * here. Calls that were in flight end with `ConnectionLostError`; those that are made meanwhile wait.
   */
  readonly reconnect?: boolean | undefined
}

/** Who we are, from when that is known. */
interface Local {
  readonly identity: Identity
  readonly processes: Processes
}

/** An attempt to connect. */
interface Dial {
  readonly controller: AbortController
  readonly settled: Deferred
}

/** As whom we shake hands, and with whom. */
interface Introducing extends Pick<HandshakeOptions, 'peer' | 'onAlive'> {
  readonly self: Pick<Identity, 'name' | 'creation'>
  /** Whether the peer is to give us the name. */
  readonly asks?: boolean
}

/** A node of ours, and its connections to any number of others. */
export class HiddenNode implements AsyncDisposable {
  readonly #options: HiddenNodeOptions
  readonly #remotes = new Map<string, RemoteNode>()
  readonly #dials = new Map<string, Dial>()
  /** By the name of a node that was closed: the end of what is yet to be sent to it. */
  readonly #leaving = new Map<string, Deferred>()
  readonly #arrivals = new Arrivals()
  readonly #reception: Reception
  readonly #comeBacks = new ComeBacks((node, signal) =>
    this.#connect(parseNodeName(node), { signal }),
  )
  readonly #names = new NamePool()
  #local: Local | undefined
  #isClosed = false
  #waits = 0

  /**
   * @throws {InvalidNodeNameError} when `name` is no node name
   * @throws {RangeError} when `netTickTime`, `maxFrameSize` or `flags` is none
   */
  constructor(options: HiddenNodeOptions) {
    checkOptions(options)
    this.#options = options
    this.#reception = new Reception(options, (transport) => this.#accept(transport))
    if (options.name === undefined) return
    const name = parseNodeName(options.name)
    if (name.alive !== UNDEFINED) this.#become(name)
  }

  /** `undefined` as long as it is not known: without one of its own, until it connects, listens or spawns. */
  get name(): string | undefined {
    return this.#local?.identity.name.full
  }

  /** Where it listens; `undefined` when it does not. */
  get port(): number | undefined {
    return this.#reception.port
  }

  /** The nodes that are connected, from either side. */
  get remotes(): readonly RemoteNode[] {
    return [...this.#remotes.values()].filter((remote) => remote.isConnected)
  }

  /**
   * Connects to a node: port from EPMD unless it is known, then the handshake. A node that is connected
   * already, from either side, is returned as it is.
   *
   * @throws {InvalidNodeNameError} when `name` is no node name
   * @throws {EpmdError} when EPMD cannot be reached or does not know the name
   * @throws {NodeNotListeningError} when nobody listens on the node's port
   * @throws {NetError} when the network does not carry the connection
   * @throws {TlsError | TlsOptionsError} when TLS does not come about, see `connectTls`
   * @throws {HandshakeError} when the node refuses: cookie, flags, name
   * @throws {ConnectionLostError} when it ends at once
   * @throws {NodeClosedError}
   * @throws {RangeError} when the time-out, or a port, is none
   * @throws {TimeoutError}
   */
  async connect(name: string, options: ConnectOptions = {}): Promise<RemoteNode> {
    const peer = parseNodeName(name)
    if (options.timeout !== undefined) checkTimeout('timeout', options.timeout)
    const remote = await this.#connect(peer, options)
    if (options.reconnect === true) this.#comeBacks.add(peer.full)
    return remote
  }

  /**
   * Lets other nodes connect, ping, and send to registered processes; nothing else is served to them.
   *
   * @throws {SocketError} when the port cannot be had
   * @throws {EpmdError} when the name cannot be registered
   * @throws {TlsOptionsError} when over TLS, without a certificate to show
   * @throws {AlreadyListeningError | NodeClosedError | NoNameYetError}
   * @throws {RangeError} when the time-out or the port is none
   * @throws {TimeoutError}
   */
  async listen(options: ListenOptions = {}): Promise<void> {
    await this.#reception.open(this.#known().identity.name, options)
  }

  /**
   * Starts a process: who has its pid or knows its name can send to it.
   *
   * @throws {NameTakenError | TooManyProcessesError | NodeClosedError | NoNameYetError}
   * @throws {RangeError} when a limit of the mailbox is none
   */
  spawn(options: ProcessOptions = {}): Process {
    return this.#known().processes.spawn(options)
  }

  /** The process that is registered under a name. */
  whereis(name: string): Process | undefined {
    return this.#local?.processes.whereis(name)
  }

  /**
   * Stops listening, ends all processes, and closes all connections, as `RemoteNode.close` does. Harmless
   * when repeated.
   */
  async close(waiting: Waiting = {}): Promise<void> {
    const { timeout = 0 } = waiting
    if (timeout !== 0) checkTimeout('timeout', timeout)
    this.#isClosed = true
    for (const { resolve } of this.#leaving.values()) resolve()
    for (const { controller } of this.#dials.values()) controller.abort(new NodeClosedError())
    this.#arrivals.wake()
    this.#local?.processes.close()
    await Promise.all([
      this.#reception.close(),
      ...[...this.#remotes.values()].map((remote) => remote.close(waiting)),
    ])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #connect(
    peer: NodeName,
    { timeout = DEFAULT_TIMEOUT, signal }: Waiting,
  ): Promise<RemoteNode> {
    const what = `connecting to ${peer.full}`
    const start = performance.now()
    const left = (): Waiting => ({
      timeout: Math.max(1, Math.ceil(start + timeout - performance.now())),
      signal,
    })
    let hasDialled = false
    const tell = (address: string | undefined, error: unknown): void => {
      if (!hasDialled) return
      const duration = performance.now() - start
      publish('beamscope:connect', () => ({ node: peer.full, address, duration, error }))
    }
    try {
      let isPatient = true
      for (;;) {
        this.#checkOpen()
        const standing = this.#standing(peer)
        if (standing !== undefined) {
          tell(standing.address, undefined)
          return standing
        }
        if (performance.now() - start >= timeout) throw new TimeoutError(what, timeout)
        const leaving = this.#leaving.get(peer.full)
        const before = this.#dialToWaitFor(peer)
        if (leaving !== undefined) {
          // The node would cut it off in favour of a new one.
          await within(leaving.promise, what, left())
        } else if (before !== undefined) {
          await within(before.settled.promise, what, left())
        } else if (isPatient && this.#arrivals.isUnderWay(peer.full)) {
          await this.#arrivals.next(peer.full, PATIENCE, what, left())
          isPatient = false
        } else {
          hasDialled = true
          const isThere = await this.#dial(peer, left())
          if (!isThere) await this.#arrivals.next(peer.full, PATIENCE, what, left())
        }
      }
    } catch (error) {
      tell(undefined, error)
      throw error
    }
  }

  #standing({ full }: NodeName): RemoteNode | undefined {
    const remote = this.#remotes.get(full)
    return remote?.isConnected ? remote : undefined
  }

  /** One attempt at a time for each node; and the first, if it is to name us, before any other. */
  #dialToWaitFor(peer: NodeName): Dial | undefined {
    return this.#isNamedByConnecting() ? [...this.#dials.values()][0] : this.#dials.get(peer.full)
  }

  /** Returns whether the node is connected; if not, it connects to us itself. */
  async #dial(peer: NodeName, { timeout = DEFAULT_TIMEOUT, signal }: Waiting): Promise<boolean> {
    signal?.throwIfAborted()
    const end = performance.now() + timeout
    const controller = new AbortController()
    const dial: Dial = { controller, settled: createDeferred() }
    const abort = (): void => controller.abort(signal?.reason)
    signal?.addEventListener('abort', abort)
    this.#dials.set(peer.full, dial)
    try {
      await this.#initiate(peer, dial, () => ({
        timeout: Math.max(1, Math.ceil(end - performance.now())),
        signal: controller.signal,
      }))
      return true
    } catch (error) {
      const isGivenUp = signal?.aborted || this.#isClosed
      if (isGivenUp || performance.now() >= end) throw error
      if (this.#standing(peer) !== undefined) return true
      const isComing =
        this.#arrivals.isUnderWay(peer.full) ||
        (error instanceof AlreadyConnectedError && error.status === 'nok')
      if (!isComing || this.#reception.port === undefined) throw error
      return false
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#dials.delete(peer.full)
      dial.settled.resolve()
    }
  }

  async #initiate(peer: NodeName, dial: Dial, left: () => Waiting): Promise<void> {
    const endpoint = await resolveNode(peer, this.#options, left())
    if (!this.#isNamedByConnecting()) {
      const { identity: self } = this.#known(peer.kind)
      await this.#introduce(endpoint, { peer, self }, dial, left)
    } else if (this.#options.name === undefined) {
      await this.#introduceTemporarily(endpoint, peer, dial, left)
    } else {
      const self = { name: parseNodeName(this.#options.name), creation: 0 }
      await this.#introduce(endpoint, { peer, self, asks: true }, dial, left)
    }
  }

  /** Under the first of the temporary names that the node has no connection under. */
  async #introduceTemporarily(
    endpoint: Endpoint,
    peer: NodeName,
    dial: Dial,
    left: () => Waiting,
  ): Promise<void> {
    let before: HandshakeClosedError | undefined
    let least = 1
    for (let tries = 0; ; tries++) {
      const temporary = tries < MAX_TRIES ? takeTemporaryName(peer, least) : undefined
      const name = temporary?.name ?? makeLocalName(peer.kind)
      const self = { name, creation: makeCreation() }
      try {
        const { finished } = await this.#introduce(
          endpoint,
          { peer, self, onAlive: 'yield' },
          dial,
          left,
        )
        void finished.then(() => temporary?.end())
        return
      } catch (error) {
        temporary?.end()
        // A node at its limit of processes ends of whoever connects, and it is the first who is told of that.
        if (before !== undefined && error instanceof NodeNotListeningError) throw before
        const isTaken = error instanceof AlreadyConnectedError
        const hungUp = error instanceof HandshakeClosedError && error.due === 'send_status'
        if (temporary === undefined || !(isTaken || hungUp)) throw error
        least = temporary.number + 1
        // So does a node that is just asking somebody else who came under the name: whoever else it hung up
        // on tries another name now, or then one that nobody has.
        if (!hungUp) continue
        least += before === undefined ? randomInt(MAX_TRIES) : Number.POSITIVE_INFINITY
        before = error
      }
    }
  }

  async #introduce(
    endpoint: Endpoint,
    { asks = false, ...who }: Introducing,
    dial: Dial,
    left: () => Waiting,
  ): Promise<Connection> {
    const { peer } = who
    const transport = await this.#open(peer, { ...endpoint, ...left() }).catch((cause: unknown) => {
      if (!(cause instanceof ConnectionRefusedError)) throw cause
      throw new NodeNotListeningError(peer.full, formatEndpoint(endpoint), cause)
    })
    const common = this.#establishOptions()
    const flags = asks ? common.flags | flag.NAME_ME : common.flags
    const connecting = { ...common, ...who, flags, ...left() }
    const connection = await initiate(transport, this.#receiver(dial), connecting)
    // What came right behind the handshake may have ended it.
    if (connection.error !== undefined) throw connection.error
    return connection
  }

  #establishOptions(): ConnectionOptions & {
    readonly cookie: Cookie
    readonly flags: bigint
    readonly handshakeHeaderSize: 2 | 4
  } {
    const { cookie, flags = CLIENT_FLAGS, netTickTime, maxFrameSize, tls } = this.#options
    const handshakeHeaderSize = tls === undefined ? 2 : 4
    return { cookie, flags, netTickTime, maxFrameSize, handshakeHeaderSize }
  }

  async #open(peer: NodeName, endpoint: Endpoint & Waiting): Promise<Transport> {
    const { tls } = this.#options
    if (tls === undefined) return connectTcp(endpoint)
    const { connectTls } = await import('../net/tls.ts')
    return connectTls({ ...endpoint, ...tls, serverName: peer.host })
  }

  /** That it failed is told on the channel of handshakes. */
  async #accept(transport: Transport): Promise<void> {
    const { identity: self } = this.#known()
    let settle = (): void => {}
    let loan: Loan | undefined
    const admit = (introduction: Introduction): HandshakeStatus => {
      const status = this.#admit(introduction)
      const { name, host } = introduction
      if (status === 'nok' || status === 'not_allowed') return status
      if (name !== undefined) {
        settle = this.#arrivals.begin(name.full)
        return status
      }
      loan = this.#names.lend(host, (it) => this.#remotes.has(it) || this.#arrivals.isUnderWay(it))
      return loan.status
    }
    await accept(transport, this.#receiver(), { ...this.#establishOptions(), self, admit })
      .then(
        ({ finished }) => void finished.then(() => loan?.end(true)),
        () => loan?.end(false),
      )
      .finally(() => settle())
  }

  /** What a node that connects is answered, as `net_kernel` does; `ok` to one that asks for a name. */
  #admit({ name }: Introduction): HandshakeStatus {
    const { identity } = this.#known()
    if (this.#remotes.size >= MAX_REMOTES) return 'not_allowed'
    if (!this.#reception.allows(name?.full)) return 'not_allowed'
    if (name === undefined) return 'ok'
    if (name.full === identity.name.full) return 'not_allowed'
    if (this.#standing(name) !== undefined) return 'alive'
    if (!this.#dials.has(name.full)) return 'ok'
    // Of two that dial each other, the attempt of the one with the greater name counts. Ours goes on until
    // the other has proved that it knows the cookie.
    return name.full < identity.name.full ? 'nok' : 'ok_simultaneous'
  }

  /** `dial`: the attempt of ours that makes the connection, if one does. */
  #receiver(dial?: Dial): MessageReceiver {
    let remote: RemoteNode | undefined
    return {
      open: (connection) => {
        remote = this.#opened(connection, dial)
      },
      message: (control, payload) => remote?.message(control, payload),
      end: (error) => {
        if (remote === undefined) return
        remote.lost(error)
        this.#lost(remote)
      },
    }
  }

  #opened(connection: Connection, dial: Dial | undefined): RemoteNode {
    const { peer, self } = connection.connected
    const name = peer.name.full
    const { processes } = this.#local ?? this.#become(self.name, self.creation)
    this.#remotes.get(name)?.abort(new ConnectionReplacedError(name))
    // Still there if it was to come back.
    const remote = this.#remotes.get(name) ?? this.#makeRemote(connection, processes)
    this.#remotes.set(name, remote)
    remote.open(connection)
    remote.keepAlive(this.#waits > 0)
    const other = this.#dials.get(name)
    // Another attempt of ours is of no use any more.
    if (other !== dial) other?.controller.abort(new AlreadyConnectedError(name, 'nok'))
    return remote
  }

  #makeRemote(connection: Connection, processes: Processes): RemoteNode {
    const isCurrent = (): boolean => this.#remotes.get(remote.name) === remote
    const remote: RemoteNode = new RemoteNode(connection, {
      processes,
      comesBack: () => isCurrent() && this.#comeBacks.has(remote.name),
      // Once the node has connected anew, there is another in its place.
      closed: () => {
        if (isCurrent()) this.#forget(remote)
      },
    })
    return remote
  }

  /** The connection to a node is gone: it is forgotten, or connected again. */
  #lost(remote: RemoteNode): void {
    const { name } = remote
    this.#local?.processes.nodeDown(name)
    if (this.#comeBacks.has(name)) this.#comeBacks.lost(name)
    else if (this.#remotes.get(name) === remote) this.#remotes.delete(name)
  }

  #forget({ name, finished }: RemoteNode): void {
    this.#comeBacks.delete(name)
    this.#remotes.delete(name)
    const leaving = createDeferred()
    this.#leaving.set(name, leaving)
    void finished.then(() => {
      leaving.resolve()
      if (this.#leaving.get(name) === leaving) this.#leaving.delete(name)
    })
  }

  /** Whether we have no name yet, and shall have one from whom we connect to first. */
  #isNamedByConnecting(): boolean {
    const { name, temporary } = this.#options
    return this.#local === undefined && (name !== undefined || temporary === true)
  }

  /** Who we are, which has to be known by now; `kind` is that of a name to be made. */
  #known(kind: NodeName['kind'] = 'short'): Local {
    this.#checkOpen()
    if (this.#local !== undefined) return this.#local
    if (this.#isNamedByConnecting()) throw new NoNameYetError()
    return this.#become(makeLocalName(kind))
  }

  #become(name: NodeName, creation?: number): Local {
    const identity = new Identity(name, creation)
    const processes = new Processes({
      identity,
      peer: (node) => {
        const remote = this.#remotes.get(node)
        return remote?.isConnected ? remote : undefined
      },
      beginWait: () => this.#countWaits(1),
      endWait: () => this.#countWaits(-1),
    })
    startNetKernel(processes)
    this.#local = { identity, processes }
    return this.#local
  }

  /** As long as somebody waits for mail without an end, connections keep the program alive. */
  #countWaits(change: 1 | -1): void {
    const before = this.#waits
    this.#waits += change
    if (before !== 0 && this.#waits !== 0) return
    for (const remote of this.#remotes.values()) remote.keepAlive(this.#waits > 0)
    this.#comeBacks.keepAlive(this.#waits > 0)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new NodeClosedError()
  }
}

function checkOptions({ netTickTime, maxFrameSize, flags = 0n }: HiddenNodeOptions): void {
  if (netTickTime !== undefined) checkTimeout('netTickTime', netTickTime)
  if (maxFrameSize !== undefined) checkLimit('maxFrameSize', maxFrameSize, 1)
  if (BigInt.asUintN(64, flags) !== flags)
    throw new RangeError(`flags is ${flags}, and not 64 bits`)
}
