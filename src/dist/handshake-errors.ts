/**
 * Why two nodes did not come together, one class for each cause.
 */
import { BeamscopeError } from '../errors.ts'

/** A handshake that failed. */
export abstract class HandshakeError extends BeamscopeError {
  /** The peer, `undefined` while it has not said who it is. */
  readonly node: string | undefined
  constructor(
    message: string,
    node: string | undefined,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(message, options)
    this.node = node
  }
}

/** The messages of a handshake, under their names in the documentation; `complement` has none here. */
export type HandshakeMessageName =
  | 'send_name'
  | 'send_status'
  | 'send_challenge'
  | 'send_challenge_reply'
  | 'send_challenge_ack'

/** The peer sent what is no message of the handshake, or not the one that is due. */
export class HandshakeProtocolError extends HandshakeError {
  readonly code = 'ERR_DIST_HANDSHAKE_PROTOCOL'
  /** The message that was due. */
  readonly due: HandshakeMessageName | undefined
  constructor(
    node: string | undefined,
    due: HandshakeMessageName | undefined,
    what: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`the handshake with ${node ?? 'a peer'} failed: ${what}`, node, {
      ...options,
      hint: 'what answers at this address may be no Erlang node',
    })
    this.due = due
  }
}

/** The peer closed the connection while a message was due, without saying why. */
export class HandshakeClosedError extends HandshakeError {
  readonly code = 'ERR_DIST_HANDSHAKE_CLOSED'
  /** The message that was due. */
  readonly due: HandshakeMessageName
  constructor(
    node: string | undefined,
    due: HandshakeMessageName,
    options: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(
      `${node ?? 'the peer'} closed the connection in the handshake, when ${due} was due`,
      node,
      options,
    )
    this.due = due
  }
}

const COOKIE_HINT =
  'compare with erlang:get_cookie() on the node; give its cookie by --cookie-file FILE, ' +
  '--cookie-stdin, or the variable BEAMSCOPE_COOKIE'

/**
 * The two cookies differ. A node never says so: it closes the connection when it sees the digest, and
 * writes `Invalid challenge reply` to its own log.
 */
export class WrongCookieError extends HandshakeError {
  readonly code = 'ERR_DIST_WRONG_COOKIE'
  /** Who found out. */
  readonly rejectedBy: 'peer' | 'us'
  constructor(
    node: string | undefined,
    rejectedBy: 'peer' | 'us',
    options?: { readonly cause?: unknown },
  ) {
    super(
      rejectedBy === 'peer'
        ? `${node ?? 'the peer'} closed the connection when it saw our proof of the cookie: the cookie is wrong`
        : `${node ?? 'the peer'} has another cookie`,
      node,
      {
        ...options,
        hint:
          rejectedBy === 'peer'
            ? `${COOKIE_HINT}. A node that ends just then looks the same`
            : COOKIE_HINT,
      },
    )
    this.rejectedBy = rejectedBy
  }
}

/** The peer took our cookie, and could not prove that it knows the cookie itself. */
export class PeerNotAuthenticatedError extends HandshakeError {
  readonly code = 'ERR_DIST_PEER_NOT_AUTHENTICATED'
  constructor(node: string | undefined) {
    super(`${node ?? 'the peer'} could not prove that it knows the cookie`, node, {
      hint: 'another program may answer in place of the node: check the address and the port',
    })
  }
}

/** The node answered `not_allowed`. */
export class NotAllowedError extends HandshakeError {
  readonly code = 'ERR_DIST_NOT_ALLOWED'
  constructor(node: string | undefined) {
    super(`${node ?? 'the peer'} does not allow the connection`, node, {
      hint: 'it takes only the nodes that were given to net_kernel:allow/1: choose one by --name',
    })
  }
}

/** One side lacks flags that the other demands. */
export class MissingFlagsError extends HandshakeError {
  readonly code = 'ERR_DIST_MISSING_FLAGS'
  readonly lackedBy: 'peer' | 'us'
  /** Their names in the documentation, without `DFLAG_`. */
  readonly flags: readonly string[]
  constructor(
    node: string | undefined,
    lackedBy: 'peer' | 'us',
    flags: readonly string[],
    options?: { readonly cause?: unknown },
  ) {
    const list = flags.join(', ')
    super(
      lackedBy === 'peer'
        ? `${node ?? 'the peer'} cannot do what a connection needs: it lacks ${list}`
        : `${node ?? 'the peer'} does not allow the connection, and its release may demand what we do not offer: ${list}`,
      node,
      {
        ...options,
        hint:
          lackedBy === 'peer'
            ? 'nodes of OTP 23 and later have these flags'
            : 'offer these flags as well: every node of OTP 26 and later demands them',
      },
    )
    this.lackedBy = lackedBy
    this.flags = flags
  }
}

/** Another node answers than the one that was dialled. */
export class WrongNodeNameError extends HandshakeError {
  readonly code = 'ERR_DIST_WRONG_NODE_NAME'
  /** The name that the peer gave. */
  readonly answered: string
  constructor(node: string, answered: string, quotedAnswer: string) {
    super(`${node} was dialled, and ${quotedAnswer} answered`, node, {
      hint: 'a node is dialled by the very name that node() gives there, host included',
    })
    this.answered = answered
  }
}

/** We asked the peer for a name, and it goes on without giving one. */
export class NoNameGivenError extends HandshakeError {
  readonly code = 'ERR_DIST_NO_NAME_GIVEN'
  constructor(node: string | undefined, options?: { readonly cause?: unknown }) {
    super(`${node ?? 'the peer'} gives no names to nodes that ask for one`, node, {
      ...options,
      hint: 'OTP 23.2 and later do: choose a name by --name',
    })
  }
}

/** The peer has a connection under the same name already, or is making one. */
export class AlreadyConnectedError extends HandshakeError {
  readonly code = 'ERR_DIST_ALREADY_CONNECTED'
  /** `alive`: there is a connection; `nok`: there will be, since the peer is dialling too. */
  readonly status: 'alive' | 'nok'
  constructor(
    node: string | undefined,
    status: 'alive' | 'nok',
    options?: { readonly cause?: unknown },
  ) {
    super(
      status === 'alive'
        ? `a connection between ${node ?? 'the peer'} and this name is there already`
        : `${node ?? 'the peer'} is connecting to this name itself`,
      node,
      { ...options, hint: 'two programs may use the same node name: choose another by --name' },
    )
    this.status = status
  }
}

/** The peer speaks only the handshake from before OTP 23, version 5. */
export class OldHandshakeError extends HandshakeError {
  readonly code = 'ERR_DIST_OLD_HANDSHAKE'
  constructor(node: string | undefined) {
    super(`${node ?? 'the peer'} began with the handshake from before OTP 23`, node, {
      hint:
        'OTP 22 cannot connect here; OTP 23 and 24 can when EPMD tells them that this node speaks ' +
        'version 6',
    })
  }
}

/** We refused a peer, by the status that the caller chose. */
export class PeerRefusedError extends HandshakeError {
  readonly code = 'ERR_DIST_PEER_REFUSED'
  readonly status: 'nok' | 'not_allowed'
  constructor(node: string | undefined, status: 'nok' | 'not_allowed') {
    super(`${node ?? 'the peer'} was refused with the status ${status}`, node)
    this.status = status
  }
}
