/**
 * What can go wrong with a connection to a node, beyond the network and the handshake.
 */
import { BeamscopeError } from '../errors.ts'
import { formatTerm, type Term } from '../etf/index.ts'

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

/** A process of ours has ended; `reason` is why. */
export class ProcessExitedError extends BeamscopeError {
  readonly code = 'ERR_PROCESS_EXITED'
  /** Its registered name, or its number. */
  readonly process: string
  readonly reason: Term
  constructor(process: string, reason: Term) {
    super(`${process} has ended: ${formatTerm(reason, { maxLength: 400 })}`)
    this.process = process
    this.reason = reason
  }
}

/** A process of ours was sent more than it took, and was ended with the reason `killed`. */
export class MailboxFullError extends BeamscopeError {
  readonly code = 'ERR_PROCESS_MAILBOX_FULL'
  readonly process: string
  /** How much mail there was. */
  readonly length: number
  constructor(process: string, length: number) {
    super(`${process} was ended: ${length} messages waited in its mailbox`, {
      hint: 'receive faster, or allow more with maxMessages and maxBytes',
    })
    this.process = process
    this.length = length
  }
}

/** A process of ours has more links, monitors or aliases than are kept. */
export class TooManyRelationsError extends BeamscopeError {
  readonly code = 'ERR_PROCESS_TOO_MANY_RELATIONS'
  readonly process: string
  readonly limit: number
  constructor(process: string, limit: number) {
    super(`${process} has ${limit} links, or as many monitors`)
    this.process = process
    this.limit = limit
  }
}

/** More processes are there than a node keeps. */
export class TooManyProcessesError extends BeamscopeError {
  readonly code = 'ERR_NODE_TOO_MANY_PROCESSES'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} processes are there`, { hint: 'end some with exit()' })
    this.limit = limit
  }
}

/** Another process of ours has this name. */
export class NameTakenError extends BeamscopeError {
  readonly code = 'ERR_PROCESS_NAME_TAKEN'
  readonly process: string
  constructor(process: string) {
    super(`a process is registered as ${process} already`)
    this.process = process
  }
}

/** The node has not the capability that this takes. */
export class UnsupportedByPeerError extends BeamscopeError {
  readonly code = 'ERR_NODE_UNSUPPORTED'
  readonly node: string
  /** Its name without `DFLAG_`. */
  readonly flag: string
  constructor(node: string, flag: string) {
    super(`${node} does not know ${flag}, or it was not offered`, {
      hint: 'a newer release of OTP may be needed',
    })
    this.node = node
    this.flag = flag
  }
}

/** The node was closed on this side: it connects, listens and spawns no more. */
export class NodeClosedError extends BeamscopeError {
  readonly code = 'ERR_NODE_CLOSED'
  constructor() {
    super('this node is closed')
  }
}

/** The node is to have its name from the first node that it connects to, and has none yet. */
export class NoNameYetError extends BeamscopeError {
  readonly code = 'ERR_NODE_NO_NAME_YET'
  constructor() {
    super('this node has no name yet', { hint: 'connect to a node first: that gives it one' })
  }
}

/** The node listens already. */
export class AlreadyListeningError extends BeamscopeError {
  readonly code = 'ERR_NODE_ALREADY_LISTENING'
  readonly node: string
  constructor(node: string) {
    super(`${node} listens already`)
    this.node = node
  }
}

/** The peer connected anew, and so the connection that was there is given up. */
export class ConnectionReplacedError extends BeamscopeError {
  readonly code = 'ERR_NODE_CONNECTION_REPLACED'
  readonly node: string
  constructor(node: string) {
    super(`${node} connected anew`)
    this.node = node
  }
}
