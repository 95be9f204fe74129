/**
 * Transports over TCP: the one place that knows `node:net`.
 */
import { connect, createServer, type OnReadOpts, type Server, type Socket } from 'node:net'
import { checkTimeout, startDeadline, type Waiting } from './deadline.ts'
import { ConnectionRefusedError, HostNotFoundError, type NetError, SocketError } from './errors.ts'
import type { Listener, Receiver, Transport } from './transport.ts'

/** How long a peer may take to end its side of a stream that was ended here, in milliseconds. */
const PATIENCE = 5_000

/** Up to this size, what leaves together is copied into one chunk: each costs the system more than that. */
const JOINED_SIZE = 64 * 1024

/** Where to connect to, or to listen. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Of connecting, in milliseconds. */
export const DEFAULT_TIMEOUT = 5_000

/**
 * Opens a connection.
 *
 * @throws {ConnectionRefusedError} when nobody listens there
 * @throws {HostNotFoundError} when the name of the host resolves to nothing
 * @throws {SocketError} when it fails for another reason
 * @throws {TimeoutError} when nobody answers within the time-out (default 5 s)
 */
export function connectTcp(endpoint: Endpoint & Waiting): Promise<Transport> {
  let transport: SocketTransport | undefined
  const onread = {
    buffer: readBuffer(),
    callback: (size: number, buffer: Uint8Array): boolean => {
      transport?.deliver(buffer.subarray(0, size))
      return true
    },
  }
  const adopt = (socket: Socket, remote: string): Transport => {
    transport = new SocketTransport(socket, remote)
    return transport
  }
  return openSocket(endpoint, adopt, onread)
}

/**
 * What is read from a socket at once, at most: half of the processor time for reading 100 MB that it takes in
 * the 64 KiB that Node.js allocates for each read, and a tenth less of the time of a call there and back
 * (`npm run bench -- --only large --only call`). As all sockets share it and nothing waits in it, it costs an
 * idle connection nothing; a system gives out the memory only as it is filled.
 */
const READ_SIZE = 1024 * 1024

let shared: Uint8Array | undefined

function readBuffer(): Uint8Array {
  shared ??= new Uint8Array(READ_SIZE)
  return shared
}

/** `connectTcp`, for whoever puts another layer on the socket; `adopt` takes charge of its errors. */
export function openSocket(
  endpoint: Endpoint & Waiting,
  adopt: (socket: Socket, remote: string) => Transport | Promise<Transport>,
  onread?: OnReadOpts,
): Promise<Transport> {
  const { host, port, signal } = endpoint
  const timeout = endpoint.timeout ?? DEFAULT_TIMEOUT
  const remote = formatEndpoint(endpoint)
  return new Promise((resolve, reject) => {
    checkTimeout('timeout', timeout)
    signal?.throwIfAborted()
    // Calls are small and wait for each other's answers: Nagle's algorithm would only delay them.
    const socket = connect({ host, port, noDelay: true, ...(onread && { onread }) })
    // Nothing is read before somebody takes it.
    if (onread !== undefined) socket.pause()
    const stop = startDeadline(`connecting to ${remote}`, timeout, signal, (reason) => {
      socket.destroy()
      reject(reason)
    })
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      stop()
      socket.destroy()
      reject(connectError(cause, host, remote))
    })
    socket.once('connect', () => {
      stop()
      socket.removeAllListeners('error')
      resolve(adopt(socket, remote))
    })
  })
}

/**
 * Listens on a port; 0 takes a free one.
 *
 * @throws {SocketError} when the port cannot be had
 */
export function listenTcp(
  endpoint: Endpoint,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const server = createServer(ACCEPTING, (socket) => accept(acceptedTransport(socket)))
  return startListening(server, endpoint)
}

/** Of servers: as when connecting, and whoever takes a socket reads it when it is ready to. */
export const ACCEPTING = { noDelay: true, pauseOnConnect: true } as const

/** A socket that a server took. */
export function acceptedTransport(socket: Socket): Transport {
  const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket
  return new SocketTransport(socket, formatEndpoint({ host, port }))
}

/** `listenTcp`, for whoever puts another layer on the sockets. */
export function startListening(server: Server, endpoint: Endpoint): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const remote = formatEndpoint(endpoint)
    // Later there may be one of accept(2), such as too many open files: the next one may be taken again.
    server.on('error', (cause) => {
      reject(new SocketError(`cannot listen on ${remote}: ${cause.message}`, remote, { cause }))
    })
    server.listen(endpoint.port, endpoint.host, () => resolve(new SocketListener(server)))
  })
}

/** `host:port`, an IPv6 address in brackets. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether a transport's `remote` is on this machine: 127.0.0.0/8 or `::1`. */
export function isLoopback(remote: string): boolean {
  return /^(127\.|\[::1\]|\[::ffff:127\.)/.test(remote)
}

function connectError(cause: NodeJS.ErrnoException, host: string, remote: string): Error {
  switch (cause.code) {
    case 'ECONNREFUSED':
      return new ConnectionRefusedError(remote, cause)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new HostNotFoundError(host, remote, cause)
    default:
      return new SocketError(
        `cannot connect to ${remote}: ${cause.code ?? cause.message}`,
        remote,
        { cause },
      )
  }
}

/** A connected socket as a transport. */
export class SocketTransport implements Transport {
  readonly remote: string
  readonly #socket: Socket
  #receiver: Receiver | undefined
  #cause: Error | undefined
  #isEnding = false
  /** What is collected. */
  #corked: Uint8Array[] | undefined
  #corkedSize = 0

  constructor(socket: Socket, remote: string) {
    this.#socket = socket
    this.remote = remote
    // An error is always followed by 'close', which is where it is told of.
    socket.on('error', (cause) => {
      this.#cause = cause
    })
  }

  /** What the end of the socket means, given its error, if it had one. */
  protected explain(cause: Error | undefined): NetError | undefined {
    if (cause === undefined) return undefined
    return new SocketError(`${this.remote}: ${cause.message}`, this.remote, { cause })
  }

  get queued(): number {
    return this.#corkedSize + this.#socket.writableLength
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
    // Not of a socket that reads into memory of ours.
    this.#socket.on('data', (chunk) => this.deliver(chunk))
    if (receiver.drain !== undefined) this.#socket.on('drain', () => receiver.drain?.())
    const end = (): void => receiver.end(this.explain(this.#cause))
    if (this.#socket.closed) queueMicrotask(end)
    else this.#socket.once('close', end)
    this.#socket.resume()
  }

  /** Takes what was read. */
  deliver(chunk: Uint8Array): void {
    if (!this.#isEnding) this.#receiver?.data(chunk)
  }

  write(chunk: Uint8Array): void {
    if (!this.#socket.writable) return
    if (this.#corked === undefined) {
      this.#socket.write(chunk)
    } else {
      this.#corked.push(chunk)
      this.#corkedSize += chunk.length
    }
  }

  cork(): void {
    this.#corked ??= []
  }

  uncork(): void {
    const chunks = this.#corked ?? []
    const size = this.#corkedSize
    this.#corked = undefined
    this.#corkedSize = 0
    const [only] = chunks
    if (only === undefined) return
    if (chunks.length === 1) {
      this.write(only)
    } else if (size <= JOINED_SIZE) {
      this.write(Buffer.concat(chunks, size))
    } else {
      this.#socket.cork()
      for (const chunk of chunks) this.write(chunk)
      this.#socket.uncork()
    }
  }

  close(patience: number = PATIENCE): void {
    if (this.#isEnding) return
    this.uncork()
    this.#isEnding = true
    // The peer was first, and no 'close' would call off what follows.
    if (this.#socket.closed) return
    // As long as the system has something to send, a socket that is closed with something unread, or that
    // something comes for, resets the connection and drops what it has (RFC 2525, 2.17).
    this.#socket.resume()
    this.#socket.end(() => {
      // From here on the system goes on by itself, if the program ends.
      this.#socket.unref()
      const timer = setTimeout(() => this.#socket.destroy(), patience).unref()
      this.#socket.once('close', () => clearTimeout(timer))
    })
  }

  destroy(): void {
    this.#isEnding = true
    this.#socket.destroy()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}

class SocketListener implements Listener {
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async close(): Promise<void> {
    // Its callback would wait for every connection to end, which is not for a listener to do.
    this.#server.close()
  }

  ref(): void {
    this.#server.ref()
  }

  unref(): void {
    this.#server.unref()
  }
}
