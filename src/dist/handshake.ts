/**
 * The handshake of the side that connects, as a state machine without a socket.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#the-handshake-in-detail
 */
import { generateChallenge } from './challenge.ts'
import type { Cookie } from './cookie.ts'
import { flag, flagNames, flagsInForce, MANDATORY_25, MANDATORY_26, missingFlags } from './flags.ts'
import {
  AlreadyConnectedError,
  HandshakeClosedError,
  HandshakeError,
  type HandshakeMessageName,
  HandshakeProtocolError,
  MissingFlagsError,
  NoNameGivenError,
  NotAllowedError,
  PeerNotAuthenticatedError,
  WrongCookieError,
  WrongNodeNameError,
} from './handshake-errors.ts'
import {
  decodeChallenge,
  decodeChallengeAck,
  decodeStatus,
  encodeAliveAnswer,
  encodeChallengeReply,
  encodeName,
  type HandshakeStatus,
} from './handshake-messages.ts'
import { type NodeName, quoteForeignText } from './node-name.ts'

/** What a node says of itself. */
export interface LocalNode {
  /** With `NAME_ME` among the flags only its host counts; the peer chooses the rest. */
  readonly name: NodeName
  /** Tells this life of the node from those before under the same name; 32 bits, 0 with `NAME_ME`. */
  readonly creation: number
  readonly flags: bigint
}

/** What the peer said of itself. */
export interface PeerNode {
  readonly name: NodeName
  readonly creation: number
  /** As it sent them. */
  readonly advertisedFlags: bigint
}

/** A connection that stands: frames follow. */
export interface Connected {
  readonly peer: PeerNode
  /** Who we are to the peer: with `NAME_ME` the name and the creation that it chose. */
  readonly self: Pick<LocalNode, 'name' | 'creation'>
  /** The flags in force: what both advertise. */
  readonly flags: bigint
}

/**
 * What to do next. In every case the messages are to be sent first, in order; a failed handshake may
 * have a last word too, after which the connection is to be closed.
 */
export type HandshakeStep =
  | { readonly type: 'continue'; readonly send: readonly Uint8Array[] }
  | { readonly type: 'done'; readonly send: readonly Uint8Array[]; readonly connected: Connected }
  | {
      readonly type: 'failed'
      readonly send: readonly Uint8Array[]
      readonly error: HandshakeError
    }

export interface HandshakeOptions {
  readonly self: LocalNode
  /** Whom we dial; another that answers is an error. */
  readonly peer: NodeName
  readonly cookie: Cookie
  /** What the peer must be able to do. Default: what every node since OTP 23 can. */
  readonly required?: bigint
  /**
   * What to answer when the peer has a connection under our name already. Default: `replace`, since it
   * should be one that died unseen. Nodes of OTP 25 and later then cut the old one; those before wait
   * some seconds for its end, and else close the new one. `yield` gives up.
   */
  readonly onAlive?: 'replace' | 'yield' | undefined
  /** Random by default; given by tests. */
  readonly challenge?: number
}

/** The message that is due, and what is known by then. */
type State =
  | { readonly due: 'nothing' | 'status' | 'challenge' }
  | { readonly due: 'ack'; readonly peer: PeerNode }

/** Messages go in and out without their length, which stands before each on the wire. */
export class Handshake {
  readonly #options: HandshakeOptions
  readonly #challenge: number
  #state: State = { due: 'nothing' }
  #status: HandshakeStatus | undefined
  #self: Pick<LocalNode, 'name' | 'creation'>

  constructor(options: HandshakeOptions) {
    this.#options = options
    this.#challenge = options.challenge ?? generateChallenge()
    this.#self = options.self
  }

  /** The peer's answer to our name, `undefined` until it came. */
  get status(): HandshakeStatus | undefined {
    return this.#status
  }

  /** The message to begin with. */
  start(): Uint8Array {
    this.#state = { due: 'status' }
    const { name, creation, flags } = this.#options.self
    return this.#isDynamic()
      ? encodeName({ flags, creation: 0, name: name.host })
      : encodeName({ flags, creation, name: name.full })
  }

  /** Takes the peer's next message. What is wrong with it is the error of a `failed` step. */
  receive(message: Uint8Array): HandshakeStep {
    try {
      switch (this.#state.due) {
        case 'status':
          return this.#receiveStatus(message)
        case 'challenge':
          return this.#receiveChallenge(message)
        case 'ack':
          return this.#receiveAck(message, this.#state.peer)
        case 'nothing':
          throw this.#protocolError(undefined, 'a message came when none was due')
      }
    } catch (error) {
      if (error instanceof HandshakeError) return this.#fail(error)
      throw error
    }
  }

  /** What it means that the peer closed the connection before the handshake was done. */
  end(cause?: unknown): HandshakeError {
    const { due } = this.#state
    this.#state = { due: 'nothing' }
    const node = this.#options.peer.full
    switch (due) {
      case 'ack':
        return new WrongCookieError(node, 'peer', { cause })
      case 'challenge':
        if (this.#status === 'alive') return new AlreadyConnectedError(node, 'alive', { cause })
        return new HandshakeClosedError(node, 'send_challenge', {
          cause,
          hint: 'the log of the node says why',
        })
      default:
        return new HandshakeClosedError(node, 'send_status', {
          cause,
          hint:
            'the node may want TLS (--tls), or be at its limit of processes or ports, which its log says; ' +
            'or what listens there is no Erlang node',
        })
    }
  }

  #receiveStatus(message: Uint8Array): HandshakeStep {
    const node = this.#options.peer.full
    const status = decodeStatus(message, node)
    this.#status = status
    if (typeof status === 'object') {
      this.#takeName(status.named, status.creation)
      return this.#proceed({ due: 'challenge' }, [])
    }
    if (status === 'not_allowed') throw this.#notAllowed()
    if (this.#isDynamic()) throw new NoNameGivenError(node)
    switch (status) {
      case 'ok':
      case 'ok_simultaneous':
        return this.#proceed({ due: 'challenge' }, [])
      case 'nok':
        throw new AlreadyConnectedError(node, status)
      case 'alive': {
        const goesOn = this.#options.onAlive !== 'yield'
        const answer = encodeAliveAnswer(goesOn)
        if (goesOn) return this.#proceed({ due: 'challenge' }, [answer])
        return this.#fail(new AlreadyConnectedError(node, status), [answer])
      }
    }
  }

  /** Takes the name that the peer chose for us, if we asked for one and it is on our host. */
  #takeName(name: NodeName, creation: number): void {
    if (!this.#isDynamic()) {
      throw this.#protocolError('send_status', 'it gave us a name that we did not ask for')
    }
    if (name.host !== this.#options.self.name.host) {
      throw this.#protocolError('send_status', `it gave us the name ${name.full} on another host`)
    }
    this.#self = { name, creation }
  }

  /** A node names no flag that it misses; what we know of the releases tells which it may be. */
  #notAllowed(): HandshakeError {
    const { peer, self } = this.#options
    const cause = new NotAllowedError(peer.full)
    // Not by missingFlags: nodes before OTP 25 do not know what the digest stands for.
    const missing = MANDATORY_26 & ~self.flags
    if (missing === 0n) return cause
    return new MissingFlagsError(peer.full, 'us', flagNames(missing), { cause })
  }

  #receiveChallenge(message: Uint8Array): HandshakeStep {
    const { peer, required = MANDATORY_25, cookie } = this.#options
    const { flags, challenge, creation, name } = decodeChallenge(message, peer.full)
    if (name !== peer.full) throw new WrongNodeNameError(peer.full, name, quoteForeignText(name))
    const missing = missingFlags(required, flags)
    if (missing !== 0n) throw new MissingFlagsError(peer.full, 'peer', flagNames(missing))
    const reply = encodeChallengeReply({
      challenge: this.#challenge,
      digest: cookie.digest(challenge),
    })
    const state: State = { due: 'ack', peer: { name: peer, creation, advertisedFlags: flags } }
    return this.#proceed(state, [reply])
  }

  #receiveAck(message: Uint8Array, peer: PeerNode): HandshakeStep {
    const { self, cookie } = this.#options
    const digest = decodeChallengeAck(message, peer.name.full)
    if (!cookie.verify(this.#challenge, digest)) throw new PeerNotAuthenticatedError(peer.name.full)
    this.#state = { due: 'nothing' }
    const flags = flagsInForce(self.flags, peer.advertisedFlags)
    return { type: 'done', send: [], connected: { peer, self: this.#self, flags } }
  }

  #isDynamic(): boolean {
    return (this.#options.self.flags & flag.NAME_ME) !== 0n
  }

  #proceed(state: State, send: readonly Uint8Array[]): HandshakeStep {
    this.#state = state
    return { type: 'continue', send }
  }

  #fail(error: HandshakeError, send: readonly Uint8Array[] = []): HandshakeStep {
    this.#state = { due: 'nothing' }
    return { type: 'failed', send, error }
  }

  #protocolError(due: HandshakeMessageName | undefined, what: string): HandshakeProtocolError {
    return new HandshakeProtocolError(this.#options.peer.full, due, what)
  }
}
