/**
 * Why a connection could not be had, or was lost.
 */
import { BeamscopeError } from '../errors.ts'

/** A failure at an address. */
export abstract class NetError extends BeamscopeError {
  /** `host:port`. */
  readonly address: string
  constructor(
    message: string,
    address: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(message, options)
    this.address = address
  }
}

/** The host is there, and nobody listens on the port. */
export class ConnectionRefusedError extends NetError {
  readonly code = 'ERR_NET_REFUSED'
  constructor(address: string, cause?: unknown) {
    super(`nobody listens on ${address}`, address, { cause })
  }
}

/** The name of the host resolves to nothing. */
export class HostNotFoundError extends NetError {
  readonly code = 'ERR_NET_HOST_NOT_FOUND'
  readonly host: string
  constructor(host: string, address: string, cause?: unknown) {
    super(`the host ${host} cannot be resolved`, address, {
      cause,
      hint: `try an address: --map ${host}=ADDRESS`,
    })
    this.host = host
  }
}

/** Any other failure of a socket: unreachable, reset, no more file descriptors. */
export class SocketError extends NetError {
  readonly code = 'ERR_NET_SOCKET'
}

/** The peer closed the connection. */
export class ConnectionClosedError extends NetError {
  readonly code = 'ERR_NET_CLOSED'
  constructor(address: string) {
    super(`${address} closed the connection`, address)
  }
}

/** Something took longer than the caller allowed. */
export class TimeoutError extends BeamscopeError {
  readonly code = 'ERR_TIMEOUT'
  /** What was waited for. */
  readonly what: string
  /** Milliseconds. */
  readonly timeout: number
  constructor(what: string, timeout: number) {
    super(`${what}: no answer within ${timeout} ms`, { hint: 'allow more with --timeout' })
    this.what = what
    this.timeout = timeout
  }
}
