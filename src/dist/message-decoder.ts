/**
 * Frames to messages, in the form that the flags in force prescribe.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { type Atom, DecodeError, type Term, TermReader } from '../etf/index.ts'
import { AtomCache } from './atom-cache.ts'
import { type ControlMessage, ControlMessageError, hasPayload, readControl } from './control.ts'
import { flag, hasFlags } from './flags.ts'
import { FragmentAssembler, type FragmentLimits, type MessageTooLargeError } from './fragments.ts'
import { readHeader } from './header.ts'
import { HeaderError } from './header-error.ts'
import { keep, SMALL } from './keep.ts'
import { Payload } from './payload.ts'

/** Stands before the terms where neither atom cache nor fragments are in force. */
export const PASS_THROUGH = 112

/** What a frame brought. */
export type Received =
  | { readonly kind: 'tick' }
  /** A part of a message whose end is still to come, or the rest of one that was refused. */
  | { readonly kind: 'fragment' }
  | Message

/** A control message, and the term that goes with it where there is one. */
export interface Message {
  readonly kind: 'message'
  readonly control: ControlMessage
  readonly payload: Payload | undefined
}

const NO_OPTIONS = {}

const RECEIVED_TICK: Received = { kind: 'tick' }
const RECEIVED_FRAGMENT: Received = { kind: 'fragment' }

/** The receiving side of one connection: its atom cache, and its messages under way. */
export class MessageDecoder {
  /** `undefined` where messages have no distribution header. */
  readonly #cache: AtomCache | undefined
  /** `undefined` where messages come whole. */
  readonly #fragments: FragmentAssembler | undefined

  /** `flags`: those in force on the connection. */
  constructor(flags: bigint, limits: FragmentLimits = {}) {
    const fragments = hasFlags(flags, flag.FRAGMENTS)
    const header = fragments || hasFlags(flags, flag.DIST_HDR_ATOM_CACHE)
    this.#cache = header ? new AtomCache() : undefined
    this.#fragments = fragments ? new FragmentAssembler(limits) : undefined
  }

  /**
   * Reads a frame. It may be lent: what is kept of it is copied.
   *
   * @throws {HeaderError} when it does not begin as the flags in force say; the connection is lost
   * @throws {FragmentError} when it is a fragment out of its place; the connection is lost
   * @throws {ControlMessageError} when the control message is none; frames that follow can be read
   */
  decode(frame: Uint8Array): Received {
    if (frame.length === 0) return RECEIVED_TICK
    if (this.#cache === undefined) return passedThrough(frame)
    const header = readHeader(frame, this.#cache)
    if (header.kind === 'whole') {
      return readMessage(frame.subarray(header.end), header.atoms, 'lent')
    }
    if (this.#fragments === undefined) {
      throw new HeaderError('belongs to a fragment, which was not agreed on', 1)
    }
    const assembled = this.#fragments.add(header, frame)
    if (assembled === undefined) return RECEIVED_FRAGMENT
    return readMessage(assembled.bytes, assembled.atoms, 'kept', assembled.refusal)
  }
}

function passedThrough(frame: Uint8Array): Message {
  if (frame[0] !== PASS_THROUGH) {
    throw new HeaderError(`was not agreed on: the frame begins with ${frame[0]}`, 0)
  }
  return readMessage(frame.subarray(1), undefined, 'lent')
}

/** Without `atoms` there is no header, and each term has its version byte. */
function readMessage(
  bytes: Uint8Array,
  atoms: readonly Atom[] | undefined,
  memory: 'lent' | 'kept',
  refusal?: MessageTooLargeError,
): Message {
  const isSmall = memory === 'lent' && bytes.length <= SMALL
  const body = isSmall ? keep(bytes) : bytes
  const reader = new TermReader(body, atoms === undefined ? NO_OPTIONS : { atomCacheRefs: atoms })
  let term: Term
  try {
    term = atoms === undefined ? reader.readVersioned() : reader.read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ControlMessageError(`cannot be decoded: ${cause.message}`, { cause })
  }
  const control = readControl(term)
  const rest = body.subarray(reader.position)
  if (hasPayload(control.type)) {
    const isLent = memory === 'lent' && !isSmall
    const left = isSmall && atoms !== undefined ? reader : undefined
    const payload = new Payload(isLent ? keep(rest) : rest, atoms, refusal, left)
    return { kind: 'message', control, payload }
  }
  if (rest.length > 0) {
    throw new ControlMessageError(`(${control.type}) is followed by ${rest.length} bytes`)
  }
  return { kind: 'message', control, payload: undefined }
}
