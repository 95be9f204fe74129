/**
 * Where other nodes connect to: a port, the name under which EPMD knows it, and the handshakes there.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#register-a-node-in-epmd
 */
import type { NodeName } from '../dist/node-name.ts'
import type { EpmdOptions, Registrant } from '../epmd/client.ts'
import { EPMD_PORT } from '../epmd/default-port.ts'
import { anySignal } from '../net/any-signal.ts'
import { checkTimeout, type Waiting } from '../net/deadline.ts'
import { listenTcp } from '../net/tcp.ts'
import type { TlsOptions } from '../net/tls.ts'
import type { Listener, Transport } from '../net/transport.ts'
import { AlreadyListeningError, NodeClosedError } from './errors.ts'
import { keepRegistered } from './registration.ts'

/** Handshakes under way. */
const MAX_HANDSHAKES = 1_000

/** The time-out is that of registering in EPMD: 5 s by default. */
export interface ListenOptions extends Waiting {
  /**
   * The address to listen on. Default 127.0.0.1: only nodes on this machine. With one of IPv6 the name is
   * registered in the EPMD at ::1, with any other in that at 127.0.0.1.
   */
  readonly host?: string | undefined
  /** Default: a free one. */
  readonly port?: number | undefined
  /** Whether EPMD on this machine is to know the node, now and whenever it is restarted. Default `true`. */
  readonly register?: boolean | undefined
  /** The only nodes that may connect, as with `net_kernel:allow/1`. Default: all that know the cookie. */
  readonly allow?: readonly string[] | undefined
}

export interface ReceptionOptions {
  readonly tls?: TlsOptions | undefined
  readonly epmdPort?: number | undefined
}

export class Reception {
  readonly #options: ReceptionOptions
  readonly #shakeHands: (transport: Transport) => Promise<void>
  readonly #transports = new Set<Transport>()
  readonly #closing = new AbortController()
  /** From when it is begun. */
  #opening: Promise<void> | undefined
  #listener: Listener | undefined
  #registration: AsyncDisposable | undefined
  #allow: ReadonlySet<string> | undefined

  /** `shakeHands` settles when the handshake has ended, and tells itself how. */
  constructor(options: ReceptionOptions, shakeHands: (transport: Transport) => Promise<void>) {
    this.#options = options
    this.#shakeHands = shakeHands
  }

  /** `undefined` when nobody can connect. */
  get port(): number | undefined {
    return this.#listener?.port
  }

  /** Whether a node may connect; `undefined` stands for one that asks for a name. */
  allows(node: string | undefined): boolean {
    return this.#allow === undefined || (node !== undefined && this.#allow.has(node))
  }

  /** @throws as `HiddenNode.listen` */
  async open(name: NodeName, options: ListenOptions): Promise<void> {
    if (this.#opening !== undefined) throw new AlreadyListeningError(name.full)
    this.#opening = this.#open(name, options)
    try {
      await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** For good. Whoever is in the middle of a handshake is cut off. */
  async close(): Promise<void> {
    this.#closing.abort(new NodeClosedError())
    for (const transport of this.#transports) transport.destroy()
    // It takes back itself what it has done so far.
    await this.#opening?.catch(() => {})
    if (this.#listener !== undefined) await this.#shut(this.#listener)
  }

  async #open(name: NodeName, options: ListenOptions): Promise<void> {
    const { host = '127.0.0.1', port = 0, register = true, allow, timeout } = options
    if (timeout !== undefined) checkTimeout('timeout', timeout)
    const { tls, epmdPort = EPMD_PORT } = this.#options
    this.#allow = allow === undefined ? undefined : new Set(allow)
    const arrive = (transport: Transport): void => this.#arrive(transport)
    const endpoint = { host, port }
    const listener =
      tls === undefined
        ? await listenTcp(endpoint, arrive)
        : await (await import('../net/tls.ts')).listenTls({ ...endpoint, ...tls }, arrive)
    try {
      this.#closing.signal.throwIfAborted()
      this.#listener = listener
      if (!register) return
      const registrant = { name: name.alive, port: listener.port, kind: 'hidden' } as const
      // A mapper takes registrations from its own machine alone, and shows them to both families; where
      // nodes are on IPv6, it may be on that alone.
      const mapper = { host: host.includes(':') ? '::1' : '127.0.0.1', port: epmdPort }
      await this.#register(registrant, { ...options, ...mapper })
      this.#closing.signal.throwIfAborted()
    } catch (error) {
      await this.#shut(listener)
      throw error
    }
  }

  async #register(registrant: Registrant, options: EpmdOptions): Promise<void> {
    using any = anySignal([this.#closing.signal, options.signal])
    this.#registration = await keepRegistered(registrant, { ...options, signal: any.signal })
  }

  async #shut(listener: Listener): Promise<void> {
    const registration = this.#registration
    this.#registration = undefined
    this.#listener = undefined
    await Promise.all([registration?.[Symbol.asyncDispose](), listener.close()])
  }

  #arrive(transport: Transport): void {
    if (this.#closing.signal.aborted || this.#transports.size >= MAX_HANDSHAKES) {
      transport.destroy()
      return
    }
    this.#transports.add(transport)
    void this.#shakeHands(transport).finally(() => this.#transports.delete(transport))
  }
}
