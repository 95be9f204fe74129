/**
 * The messages of the handshake, version 6, without the length that stands before each on the wire.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#the-handshake-in-detail
 */
import { flag } from './flags.ts'
import {
  type HandshakeMessageName,
  HandshakeProtocolError,
  OldHandshakeError,
} from './handshake-errors.ts'
import {
  InvalidNodeNameError,
  type NodeName,
  parseNodeName,
  quoteForeignText,
} from './node-name.ts'

const NAME = 0x4e // 'N': send_name and send_challenge
const OLD_NAME = 0x6e // 'n': the same in version 5
const STATUS = 0x73 // 's'
const CHALLENGE_REPLY = 0x72 // 'r'
const CHALLENGE_ACK = 0x61 // 'a'

const DIGEST_SIZE = 16

/** What the acceptor thinks of the name: to go on, to give up, or under which name to go on. */
export type HandshakeStatus = PlainStatus | NamedStatus

type PlainStatus = 'ok' | 'ok_simultaneous' | 'nok' | 'not_allowed' | 'alive'

/** The name that a node gets which asked for one with `NAME_ME`. */
export interface NamedStatus {
  readonly named: NodeName
  readonly creation: number
}

const PLAIN_STATUSES: readonly PlainStatus[] = [
  'ok',
  'ok_simultaneous',
  'nok',
  'not_allowed',
  'alive',
]

const NAMED_PREFIX = 'named:'

/** `send_name`. */
export interface NameMessage {
  readonly flags: bigint
  readonly creation: number
  /** A node's name, or with `NAME_ME` only its host. */
  readonly name: string
}

/** `send_challenge`. */
export interface ChallengeMessage extends NameMessage {
  readonly challenge: number
}

/** `send_challenge_reply`. */
export interface ChallengeReplyMessage {
  readonly challenge: number
  readonly digest: Uint8Array
}

// Names travel in Latin-1, which is what `dist_util` makes of the atom; only that of a status is UTF-8.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `'N' Flags:64 Creation:32 Nlen:16 Name`. */
export function encodeName({ flags, creation, name }: NameMessage): Uint8Array {
  const bytes = Buffer.from(name, 'latin1')
  const message = Buffer.alloc(15 + bytes.length)
  message.writeUInt8(NAME, 0)
  message.writeBigUInt64BE(flags, 1)
  message.writeUInt32BE(creation, 9)
  message.writeUInt16BE(bytes.length, 13)
  message.set(bytes, 15)
  return message
}

/**
 * Reads what a node begins with; more may follow the name in later releases.
 *
 * @throws {OldHandshakeError} when it is of version 5
 * @throws {HandshakeProtocolError}
 */
export function decodeName(message: Uint8Array): NameMessage {
  if (message[0] === OLD_NAME) throw new OldHandshakeError(oldName(message))
  const reader = new MessageReader(message, undefined, 'send_name', NAME)
  const flags = reader.uint64()
  const creation = reader.uint32()
  return { flags, creation, name: reader.latin1(reader.uint16()) }
}

/** The name in `'n' Version:16 Flags:32 Name`, for the message that refuses it. */
function oldName(message: Uint8Array): string | undefined {
  try {
    return parseNodeName(Buffer.from(message.subarray(7)).toString('latin1')).full
  } catch (error) {
    if (error instanceof InvalidNodeNameError) return undefined
    throw error
  }
}

/** `'s' Status`; a name follows as `named:Nlen:16 Name Creation:32`. */
export function encodeStatus(status: HandshakeStatus): Uint8Array {
  if (typeof status === 'string') return Buffer.from(`s${status}`, 'latin1')
  const name = Buffer.from(status.named.full, 'utf8')
  const start = 1 + NAMED_PREFIX.length
  const message = Buffer.alloc(start + 2 + name.length + 4)
  message.write(`s${NAMED_PREFIX}`, 'latin1')
  message.writeUInt16BE(name.length, start)
  message.set(name, start + 2)
  message.writeUInt32BE(status.creation, start + 2 + name.length)
  return message
}

/** @throws {HandshakeProtocolError} */
export function decodeStatus(message: Uint8Array, node: string): HandshakeStatus {
  const reader = new MessageReader(message, node, 'send_status', STATUS)
  const text = Buffer.from(message.subarray(1)).toString('latin1')
  if (text.startsWith(NAMED_PREFIX)) {
    reader.bytes(NAMED_PREFIX.length)
    const name = reader.utf8(reader.uint16())
    const creation = reader.uint32()
    return { named: reader.nodeName(name), creation }
  }
  const status = PLAIN_STATUSES.find((it) => it === text)
  if (status === undefined) throw reader.error(`its status is ${quoteForeignText(text)}`)
  return status
}

/** What the initiator says to `alive`: whether it goes on, in place of the connection that is there. */
export function encodeAliveAnswer(goesOn: boolean): Uint8Array {
  return Buffer.from(`s${goesOn}`, 'latin1')
}

/** @throws {HandshakeProtocolError} */
export function decodeAliveAnswer(message: Uint8Array, node: string | undefined): boolean {
  const reader = new MessageReader(message, node, 'send_status', STATUS)
  const text = Buffer.from(message.subarray(1)).toString('latin1')
  if (text === 'true') return true
  if (text === 'false') return false
  throw reader.error(`its answer to alive is ${quoteForeignText(text)}`)
}

/** `'N' Flags:64 Challenge:32 Creation:32 Nlen:16 Name`. */
export function encodeChallenge({
  flags,
  challenge,
  creation,
  name,
}: ChallengeMessage): Uint8Array {
  const bytes = Buffer.from(name, 'latin1')
  const message = Buffer.alloc(19 + bytes.length)
  message.writeUInt8(NAME, 0)
  message.writeBigUInt64BE(flags, 1)
  message.writeUInt32BE(challenge, 9)
  message.writeUInt32BE(creation, 13)
  message.writeUInt16BE(bytes.length, 17)
  message.set(bytes, 19)
  return message
}

/**
 * More may follow the name in later releases.
 *
 * @throws {HandshakeProtocolError}
 */
export function decodeChallenge(message: Uint8Array, node: string): ChallengeMessage {
  const reader = new MessageReader(message, node, 'send_challenge', NAME)
  const flags = reader.uint64()
  const challenge = reader.uint32()
  const creation = reader.uint32()
  return { flags, challenge, creation, name: reader.latin1(reader.uint16()) }
}

/** `'r' Challenge:32 Digest:16/bytes`. */
export function encodeChallengeReply({ challenge, digest }: ChallengeReplyMessage): Uint8Array {
  const message = Buffer.alloc(5 + DIGEST_SIZE)
  message.writeUInt8(CHALLENGE_REPLY, 0)
  message.writeUInt32BE(challenge, 1)
  message.set(digest, 5)
  return message
}

/** @throws {HandshakeProtocolError} */
export function decodeChallengeReply(
  message: Uint8Array,
  node: string | undefined,
): ChallengeReplyMessage {
  const reader = new MessageReader(message, node, 'send_challenge_reply', CHALLENGE_REPLY)
  const challenge = reader.uint32()
  const digest = reader.bytes(DIGEST_SIZE)
  reader.expectEnd()
  return { challenge, digest }
}

/** `'a' Digest:16/bytes`. */
export function encodeChallengeAck(digest: Uint8Array): Uint8Array {
  const message = Buffer.alloc(1 + DIGEST_SIZE)
  message.writeUInt8(CHALLENGE_ACK, 0)
  message.set(digest, 1)
  return message
}

/**
 * The digest in it.
 *
 * @throws {HandshakeProtocolError}
 */
export function decodeChallengeAck(message: Uint8Array, node: string): Uint8Array {
  const reader = new MessageReader(message, node, 'send_challenge_ack', CHALLENGE_ACK)
  const digest = reader.bytes(DIGEST_SIZE)
  reader.expectEnd()
  return digest
}

/** Whether the name in a `send_name` is only a host, for which the acceptor chooses the rest. */
export function asksForName({ flags }: NameMessage): boolean {
  return (flags & flag.NAME_ME) !== 0n
}

/** Reads one message from its tag to its end. Its errors never show bytes: a digest is half a secret. */
class MessageReader {
  readonly #message: Uint8Array
  readonly #view: DataView
  readonly #node: string | undefined
  readonly #due: HandshakeMessageName
  #position = 1

  constructor(
    message: Uint8Array,
    node: string | undefined,
    due: HandshakeMessageName,
    expectedTag: number,
  ) {
    this.#message = message
    this.#view = new DataView(message.buffer, message.byteOffset, message.byteLength)
    this.#node = node
    this.#due = due
    const [tag] = message
    if (tag === undefined) throw this.error(`an empty message came in place of ${due}`)
    if (tag !== expectedTag) throw this.error(`a message with the tag ${tag} came, and not ${due}`)
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#advance(8))
  }

  bytes(size: number): Uint8Array {
    const start = this.#advance(size)
    return this.#message.subarray(start, start + size)
  }

  latin1(size: number): string {
    return Buffer.from(this.bytes(size)).toString('latin1')
  }

  utf8(size: number): string {
    const bytes = this.bytes(size)
    try {
      return utf8.decode(bytes)
    } catch (cause) {
      throw this.error('a name is not UTF-8', cause)
    }
  }

  nodeName(text: string): NodeName {
    try {
      return parseNodeName(text)
    } catch (cause) {
      if (!(cause instanceof InvalidNodeNameError)) throw cause
      throw this.error(cause.message, cause)
    }
  }

  expectEnd(): void {
    const rest = this.#message.length - this.#position
    if (rest > 0) throw this.error(`${this.#due} has ${rest} bytes too many`)
  }

  error(what: string, cause?: unknown): HandshakeProtocolError {
    return new HandshakeProtocolError(this.#node, this.#due, what, { cause })
  }

  /** Where the next `size` bytes begin. */
  #advance(size: number): number {
    const start = this.#position
    if (size > this.#message.length - start) throw this.error(`${this.#due} is cut short`)
    this.#position += size
    return start
  }
}
