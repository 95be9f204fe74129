/**
 * What can go wrong with a connection to a node, beyond the network and the handshake.
 */
import { BeamscopeError } from '../errors.ts'

/** The connection ended; every call in flight ends with this. */
export class ConnectionLostError extends BeamscopeError {
  readonly code = 'ERR_NODE_CONNECTION_LOST'
  readonly node: string
  constructor(node: string, cause?: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    super(`the connection to ${node} was lost${why}`, {
      cause,
      hint: 'the node ended, was restarted, or cut the link; try again',
    })
    this.node = node
  }
}

/** The connection was closed on this side. */
export class NotConnectedError extends BeamscopeError {
  readonly code = 'ERR_NODE_NOT_CONNECTED'
  readonly node: string
  constructor(node: string) {
    super(`the connection to ${node} is closed`)
    this.node = node
  }
}

/** The peer sent nothing, not even ticks, for the whole net tick time. */
export class SilentPeerError extends BeamscopeError {
  readonly code = 'ERR_NODE_SILENT'
  readonly node: string
  /** Milliseconds. */
  readonly netTickTime: number
  constructor(node: string, netTickTime: number) {
    super(`${node} has been silent for ${netTickTime} ms`)
    this.node = node
    this.netTickTime = netTickTime
  }
}

/** More calls are in flight than the connection keeps. */
export class TooManyCallsError extends BeamscopeError {
  readonly code = 'ERR_NODE_TOO_MANY_CALLS'
  readonly node: string
  readonly limit: number
  constructor(node: string, limit: number) {
    super(`${limit} calls to ${node} are in flight`, { hint: 'await some before you make more' })
    this.node = node
    this.limit = limit
  }
}

/** An answer came that is none: not of the shape that the protocol of the call demands. */
export class UnexpectedReplyError extends BeamscopeError {
  readonly code = 'ERR_NODE_UNEXPECTED_REPLY'
  readonly node: string
  constructor(node: string, what: string, options?: { readonly cause?: unknown }) {
    super(`${node} answered ${what}`, options)
    this.node = node
  }
}

/** The node is registered, or its port was given, and nobody listens there. */
export class NodeNotListeningError extends BeamscopeError {
  readonly code = 'ERR_NODE_NOT_LISTENING'
  readonly node: string
  /** `host:port`. */
  readonly address: string
  constructor(node: string, address: string, cause: unknown) {
    super(`${node} should listen on ${address}, and nobody does`, {
      cause,
      hint: 'the port may not be reachable from here: --map HOST=ADDRESS:PORT names another way to it',
    })
    this.node = node
    this.address = address
  }
}

/** So much waits to be sent that nothing more is taken: the peer does not read. */
export class SendQueueFullError extends BeamscopeError {
  readonly code = 'ERR_NODE_SEND_QUEUE_FULL'
  readonly node: string
  /** Bytes. */
  readonly limit: number
  constructor(node: string, limit: number) {
    super(`${limit} bytes wait to be sent to ${node}`, {
      hint: 'await answers before you send more',
    })
    this.node = node
    this.limit = limit
  }
}
