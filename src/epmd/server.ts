/**
 * A small port mapper: for nodes of our own, where none else runs.
 *
 * It answers look-ups, lists names and takes registrations; it does not dump, stop or kill.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 */
import { randomInt } from 'node:crypto'
import { formatEndpoint, isLoopback, listenTcp } from '../net/tcp.ts'
import type { Transport } from '../net/transport.ts'
import { EpmdProtocolError, RegistrationRefusedError } from './errors.ts'
import {
  DISTRIBUTION_VERSION,
  decodeRequest,
  type EpmdRequest,
  encodeAlive2Response,
  encodeNamesResponse,
  encodePort2Response,
  type NodeEntry,
  type RegisteredName,
} from './messages.ts'

export interface EpmdServerOptions {
  /** Default 127.0.0.1, which nobody reaches from outside. */
  readonly host?: string
  /** Default 0, any free port. */
  readonly port?: number
  /** How many may be connected, registered nodes among them; more are cut off. Default 256. */
  readonly maxConnections?: number
  /** Milliseconds that a connection may live without a registration. Default 10 s. */
  readonly idleTimeout?: number
}

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_MAX_CONNECTIONS = 256
const DEFAULT_IDLE_TIMEOUT = 10_000

/** A running port mapper. Disposal ends it and every connection to it. */
export interface EpmdServer extends AsyncDisposable {
  readonly port: number
  /** Who is registered, in the order in which they came. */
  names(): RegisteredName[]
  /**
   * Registers a node of this process, without a connection.
   *
   * @throws {RegistrationRefusedError} when the name is taken
   */
  register(entry: NodeEntry): LocalRegistration
  /** Harmless when repeated. */
  close(): Promise<void>
}

export interface LocalRegistration {
  readonly creation: number
  /** Harmless when repeated. */
  unregister(): void
}

/**
 * Starts a port mapper.
 *
 * @throws {SocketError} when the port cannot be had
 */
export async function startEpmdServer(options: EpmdServerOptions = {}): Promise<EpmdServer> {
  const { host = DEFAULT_HOST, port = 0 } = options
  const registry = new Registry()
  const connections = new Connections(registry, options)
  const listener = await listenTcp({ host, port }, (transport) => {
    connections.accept(transport, listener.port)
  })
  const address = formatEndpoint({ host, port: listener.port })
  const close = async (): Promise<void> => {
    await listener.close()
    connections.destroy()
  }
  return {
    port: listener.port,
    names: () => registry.list(),
    register: (entry) => {
      const registration = registry.add(entry)
      if (registration === undefined) throw new RegistrationRefusedError(entry.name, address)
      return registration
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Who is registered. */
class Registry {
  readonly #entries = new Map<string, NodeEntry>()
  /** So that two lives of a node are told apart; 0 to 3 are those of before OTP 23. */
  #creation = randomInt(4, 0xffff_ffff)

  /** `undefined` when the name is taken. */
  add(entry: NodeEntry): LocalRegistration | undefined {
    if (this.#entries.has(entry.name)) return undefined
    const own = { ...entry }
    this.#entries.set(own.name, own)
    this.#creation = this.#creation === 0xffff_ffff ? 4 : this.#creation + 1
    return {
      creation:
        own.highestVersion >= DISTRIBUTION_VERSION ? this.#creation : (this.#creation % 3) + 1,
      unregister: () => {
        // Another node may have the name by now.
        if (this.#entries.get(own.name) === own) this.#entries.delete(own.name)
      },
    }
  }

  find(name: string): NodeEntry | undefined {
    return this.#entries.get(name)
  }

  list(): RegisteredName[] {
    return Array.from(this.#entries.values(), ({ name, port }) => ({ name, port }))
  }
}

/** Who is connected. */
class Connections {
  readonly #registry: Registry
  readonly #maxConnections: number
  readonly #idleTimeout: number
  readonly #transports = new Set<Transport>()

  constructor(registry: Registry, options: EpmdServerOptions) {
    this.#registry = registry
    this.#maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
    this.#idleTimeout = options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT
  }

  /** @param port ours, with which a list of names begins */
  accept(transport: Transport, port: number): void {
    if (this.#transports.size >= this.#maxConnections) {
      transport.destroy()
      return
    }
    this.#transports.add(transport)
    const idle = setTimeout(() => transport.destroy(), this.#idleTimeout)
    let bytes: Uint8Array = new Uint8Array()
    let registered: LocalRegistration | undefined
    let answered = false
    transport.start({
      data: (chunk) => {
        // A registered node has nothing more to say; EPMD takes its name back, too.
        if (registered !== undefined) {
          transport.destroy()
          return
        }
        if (answered) return
        // No longer than a request and a chunk: a longer request is none.
        bytes = Buffer.concat([bytes, chunk])
        const request = readRequest(bytes, transport)
        if (request === undefined) return
        answered = true
        registered = this.#answer(request, transport, port)
        if (registered === undefined) transport.close()
        else clearTimeout(idle)
      },
      end: () => {
        clearTimeout(idle)
        this.#transports.delete(transport)
        registered?.unregister()
      },
    })
  }

  destroy(): void {
    for (const transport of this.#transports) transport.destroy()
  }

  /** Sends the answer; what was registered by it. */
  #answer(request: EpmdRequest, transport: Transport, port: number): LocalRegistration | undefined {
    switch (request.type) {
      case 'names':
        transport.write(encodeNamesResponse(port, this.#registry.list()))
        return undefined
      case 'port_please2':
        transport.write(encodePort2Response(this.#registry.find(request.name)))
        return undefined
      case 'alive2': {
        // As EPMD: who is elsewhere could only take names away.
        if (!isLoopback(transport.remote)) return undefined
        const { entry } = request
        const registration = isListable(entry.name) ? this.#registry.add(entry) : undefined
        transport.write(encodeAlive2Response(entry, registration?.creation))
        return registration
      }
    }
  }
}

/** `undefined` while more is needed, and when it is no request, which ends the connection. */
function readRequest(bytes: Uint8Array, transport: Transport): EpmdRequest | undefined {
  try {
    return decodeRequest(bytes, transport.remote)
  } catch (error) {
    if (!(error instanceof EpmdProtocolError)) throw error
    transport.destroy()
    return undefined
  }
}

/** A name with a line break would forge a line in the list of names. */
function isListable(name: string): boolean {
  return !/\p{Cc}/u.test(name)
}
