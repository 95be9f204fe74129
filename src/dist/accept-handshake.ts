/**
 * The handshake of the side that is connected to, as a state machine without a socket.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#the-handshake-in-detail
 */
import { generateChallenge } from './challenge.ts'
import type { Cookie } from './cookie.ts'
import { flag, flagNames, flagsInForce, MANDATORY_25, missingFlags } from './flags.ts'
import type { HandshakeStep, LocalNode, PeerNode } from './handshake.ts'
import {
  AlreadyConnectedError,
  HandshakeClosedError,
  HandshakeError,
  type HandshakeMessageName,
  HandshakeProtocolError,
  MissingFlagsError,
  OldHandshakeError,
  PeerRefusedError,
  WrongCookieError,
} from './handshake-errors.ts'
import {
  asksForName,
  decodeAliveAnswer,
  decodeChallengeReply,
  decodeName,
  encodeChallenge,
  encodeChallengeAck,
  encodeStatus,
  type HandshakeStatus,
  type NameMessage,
} from './handshake-messages.ts'
import { InvalidNodeNameError, type NodeName, parseNodeName } from './node-name.ts'

/** Who wants to connect, before a status was given. */
export interface Introduction {
  /** `undefined` for a node that asks for a name, which only a {@link NamedStatus} can answer. */
  readonly name: NodeName | undefined
  readonly host: string
  readonly creation: number
  readonly advertisedFlags: bigint
}

/** As on the other side, and the one place where the caller has to decide: {@link AcceptHandshake.answer}. */
export type AcceptStep =
  | HandshakeStep
  | {
      readonly type: 'introduced'
      readonly send: readonly Uint8Array[]
      readonly introduction: Introduction
    }

export interface AcceptHandshakeOptions {
  readonly self: LocalNode
  readonly cookie: Cookie
  /** What the peer must be able to do. Default: what every node since OTP 23 can. */
  readonly required?: bigint
  /** Random by default; given by tests. */
  readonly challenge?: number
}

/** The message that is due, and what is known by then. */
type State =
  | { readonly due: 'nothing' | 'name' }
  | { readonly due: 'answer'; readonly introduction: Introduction }
  | { readonly due: 'alive_answer' | 'reply'; readonly peer: PeerNode }

/** Messages go in and out without their length, which stands before each on the wire. */
export class AcceptHandshake {
  readonly #options: AcceptHandshakeOptions
  readonly #challenge: number
  #state: State = { due: 'name' }

  constructor(options: AcceptHandshakeOptions) {
    this.#options = options
    this.#challenge = options.challenge ?? generateChallenge()
  }

  /** Takes the peer's next message. What is wrong with it is the error of a `failed` step. */
  receive(message: Uint8Array): AcceptStep {
    const state = this.#state
    try {
      switch (state.due) {
        case 'name':
          return this.#receiveName(message)
        case 'alive_answer':
          return this.#receiveAliveAnswer(message, state.peer)
        case 'reply':
          return this.#receiveReply(message, state.peer)
        case 'answer':
        case 'nothing':
          throw this.#protocolError(undefined, 'a message came when none was due')
      }
    } catch (error) {
      if (error instanceof HandshakeError) return this.#fail(error)
      throw error
    }
  }

  /**
   * Answers the peer that a step `introduced`: goes on with `ok` or `ok_simultaneous`, asks with `alive`
   * whether it replaces the connection that is there, names it, or refuses it.
   *
   * @throws {RangeError} when nobody was introduced, when one that asked for a name gets none, or when
   *   one that did not ask gets one
   */
  answer(status: HandshakeStatus): HandshakeStep {
    if (this.#state.due !== 'answer') throw new RangeError('there is nobody to answer')
    const { introduction } = this.#state
    if (status === 'nok' || status === 'not_allowed') {
      const error = new PeerRefusedError(nodeOf(introduction), status)
      return this.#fail(error, [encodeStatus(status)])
    }
    const peer = admit(introduction, status)
    const send = [encodeStatus(status)]
    if (status === 'alive') {
      this.#state = { due: 'alive_answer', peer }
      return { type: 'continue', send }
    }
    return this.#sendChallenge(peer, send)
  }

  /** What it means that the peer closed the connection before the handshake was done. */
  end(cause?: unknown): HandshakeError {
    const { due } = this.#state
    const node = this.#node()
    this.#state = { due: 'nothing' }
    switch (due) {
      case 'reply':
        return new HandshakeClosedError(node, 'send_challenge_reply', {
          cause,
          hint: 'it dialled another name, demands flags that are not offered, or gave up',
        })
      case 'alive_answer':
        return new HandshakeClosedError(node, 'send_status', { cause })
      default:
        return new HandshakeClosedError(node, 'send_name', { cause })
    }
  }

  #receiveName(message: Uint8Array): AcceptStep {
    let introduction: Introduction
    try {
      introduction = introduce(decodeName(message))
    } catch (error) {
      // The one answer that a node before OTP 23 understands as well.
      if (error instanceof OldHandshakeError) return this.#fail(error, [notAllowed])
      throw error
    }
    const { required = MANDATORY_25 } = this.#options
    const missing = missingFlags(required, introduction.advertisedFlags)
    if (missing !== 0n) {
      const error = new MissingFlagsError(nodeOf(introduction), 'peer', flagNames(missing))
      return this.#fail(error, [notAllowed])
    }
    this.#state = { due: 'answer', introduction }
    return { type: 'introduced', send: [], introduction }
  }

  #receiveAliveAnswer(message: Uint8Array, peer: PeerNode): HandshakeStep {
    if (!decodeAliveAnswer(message, peer.name.full)) {
      throw new AlreadyConnectedError(peer.name.full, 'alive')
    }
    return this.#sendChallenge(peer, [])
  }

  #sendChallenge(peer: PeerNode, before: readonly Uint8Array[]): HandshakeStep {
    const { name, creation } = this.#options.self
    const challenge = encodeChallenge({
      flags: this.#flagsFor(peer),
      challenge: this.#challenge,
      creation,
      name: name.full,
    })
    this.#state = { due: 'reply', peer }
    return { type: 'continue', send: [...before, challenge] }
  }

  #receiveReply(message: Uint8Array, peer: PeerNode): HandshakeStep {
    const { self, cookie } = this.#options
    const node = peer.name.full
    const { challenge, digest } = decodeChallengeReply(message, node)
    if (!cookie.verify(this.#challenge, digest)) throw new WrongCookieError(node, 'us')
    this.#state = { due: 'nothing' }
    const flags = flagsInForce(this.#flagsFor(peer), peer.advertisedFlags)
    const send = [encodeChallengeAck(cookie.digest(challenge))]
    return { type: 'done', send, connected: { peer, self, flags } }
  }

  /** `NAME_ME` echoes the peer's request, as `dist_util` does, and is no property of ours. */
  #flagsFor(peer: PeerNode): bigint {
    const own = this.#options.self.flags & ~flag.NAME_ME
    return own | (peer.advertisedFlags & flag.NAME_ME)
  }

  #fail(error: HandshakeError, send: readonly Uint8Array[] = []): HandshakeStep {
    this.#state = { due: 'nothing' }
    return { type: 'failed', send, error }
  }

  #protocolError(due: HandshakeMessageName | undefined, what: string): HandshakeProtocolError {
    return new HandshakeProtocolError(this.#node(), due, what)
  }

  #node(): string | undefined {
    const state = this.#state
    switch (state.due) {
      case 'answer':
        return nodeOf(state.introduction)
      case 'alive_answer':
      case 'reply':
        return state.peer.name.full
      default:
        return undefined
    }
  }
}

const notAllowed: Uint8Array = encodeStatus('not_allowed')

function introduce(message: NameMessage): Introduction {
  const { creation, flags: advertisedFlags } = message
  const dynamic = asksForName(message)
  try {
    // Any name on that host, to check the host.
    const name = parseNodeName(dynamic ? `undefined@${message.name}` : message.name)
    return { name: dynamic ? undefined : name, host: name.host, creation, advertisedFlags }
  } catch (cause) {
    if (!(cause instanceof InvalidNodeNameError)) throw cause
    throw new HandshakeProtocolError(undefined, 'send_name', cause.message, { cause })
  }
}

function admit(introduction: Introduction, status: HandshakeStatus): PeerNode {
  const { name, creation, advertisedFlags } = introduction
  if (typeof status === 'object') {
    if (name === undefined) {
      return { name: status.named, creation: status.creation, advertisedFlags }
    }
  } else if (name !== undefined) {
    return { name, creation, advertisedFlags }
  }
  throw new RangeError('a name is for a node that asked for one, and for no other')
}

/** For messages: a node without a name is known by its host. */
function nodeOf({ name, host }: Introduction): string {
  return name?.full ?? `a node on ${host}`
}
