/**
 * Messages put together from fragments, several at a time.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header-for-fragmented-messages
 */
import { BeamscopeError } from '../errors.ts'
import type { Atom } from '../etf/index.ts'
import { Assembly } from './assembly.ts'
import type { Header } from './header.ts'
import { keep } from './keep.ts'
import { ProtocolError } from './protocol-error.ts'

export interface FragmentLimits {
  /** The largest message that is put together, in bytes. Default 128 MiB. */
  readonly maxMessageSize?: number
  /** What all messages under way may hold together, in bytes. Default 256 MiB. */
  readonly maxTotalSize?: number
  /** How many messages may be under way at once. Default 1024. */
  readonly maxSequences?: number
}

const MIB = 1024 * 1024
const DEFAULT_MAX_MESSAGE_SIZE = 128 * MIB
const DEFAULT_MAX_TOTAL_SIZE = 256 * MIB
/** The BEAM has at most one under way for each process that sends. */
const DEFAULT_MAX_SEQUENCES = 1024

/**
 * A fragment that is not the next one of its message. Fragments come in order and each message has
 * its own sequence, so the BEAM cuts the link, and nothing sensible can follow.
 */
export class FragmentError extends ProtocolError {
  readonly code = 'ERR_FRAGMENT'
  readonly sequence: number | bigint
  readonly fragment: number
  constructor(problem: string, header: Header) {
    super(`fragment ${header.fragment} of sequence ${header.sequence} ${problem}`)
    this.sequence = header.sequence
    this.fragment = header.fragment
  }
}

/** A message that is larger than allowed. It alone is lost: the connection can go on. */
export class MessageTooLargeError extends BeamscopeError {
  readonly code = 'ERR_MESSAGE_TOO_LARGE'
  /** How many bytes had arrived. */
  readonly size: number
  readonly limit: number
  constructor(size: number, limit: number) {
    super(`a fragmented message has come to ${size} bytes, over the limit of ${limit}`, {
      hint: 'raise the limit, or ask for less at once',
    })
    this.size = size
    this.limit = limit
  }
}

/** The bytes behind the header of a message. */
export interface Assembled {
  readonly atoms: readonly Atom[]
  /** All there are, or those of the first fragment when the rest was refused; in memory of their own. */
  readonly bytes: Uint8Array
  readonly refusal: MessageTooLargeError | undefined
}

/** A message under way. */
interface Sequence {
  readonly atoms: readonly Atom[]
  /** How many fragments are still to come. */
  left: number
  size: number
  /** What has come; `undefined` once the message was refused. */
  assembly: Assembly | undefined
}

/** Puts fragments together. What it holds at most is set by the limits, whatever a peer announces. */
export class FragmentAssembler {
  readonly #maxMessageSize: number
  readonly #maxTotalSize: number
  readonly #maxSequences: number
  readonly #sequences = new Map<number | bigint, Sequence>()
  #totalSize = 0
  #reserved = 0

  constructor(limits: FragmentLimits = {}) {
    this.#maxMessageSize = limits.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE
    this.#maxTotalSize = limits.maxTotalSize ?? DEFAULT_MAX_TOTAL_SIZE
    this.#maxSequences = limits.maxSequences ?? DEFAULT_MAX_SEQUENCES
  }

  /** How many bytes are held for messages that are not complete. */
  get size(): number {
    return this.#totalSize
  }

  /** How many messages are under way. */
  get sequences(): number {
    return this.#sequences.size
  }

  /**
   * Adds the first fragment of a message, or a later one, and copies what has to be kept. Returns the
   * message when this completes it; one that grows too large is returned at that moment, refused, and what
   * comes of it later is dropped.
   *
   * @throws {FragmentError} when the fragment is not the next one of its message, the sequence of
   *   another message is used again, or too many messages are under way
   */
  add(header: Header, frame: Uint8Array): Assembled | undefined {
    const data = frame.subarray(header.end)
    const sequence = header.kind === 'first' ? this.#begin(header) : this.#find(header)
    sequence.left -= 1
    const assembled = this.#append(sequence, data)
    if (sequence.left === 0) this.#end(header, sequence)
    return assembled
  }

  #begin(header: Header): Sequence {
    if (this.#sequences.has(header.sequence)) {
      throw new FragmentError('begins a message while another one is under way there', header)
    }
    if (this.#sequences.size >= this.#maxSequences) {
      throw new FragmentError(`begins one more message than ${this.#maxSequences}`, header)
    }
    const { atoms, fragment } = header
    const sequence = { atoms, left: fragment, size: 0, assembly: new Assembly() }
    this.#sequences.set(header.sequence, sequence)
    return sequence
  }

  #find(header: Header): Sequence {
    const sequence = this.#sequences.get(header.sequence)
    if (sequence === undefined) throw new FragmentError('belongs to no message', header)
    if (sequence.left !== header.fragment) {
      throw new FragmentError(`came where ${sequence.left} was to come`, header)
    }
    return sequence
  }

  #append(sequence: Sequence, data: Uint8Array): Assembled | undefined {
    const { atoms, assembly, left } = sequence
    if (assembly === undefined) return undefined
    sequence.size += data.length
    this.#totalSize += data.length
    const refusal = this.#refusal(sequence.size)
    if (refusal !== undefined) {
      this.#forget(sequence)
      return { atoms, bytes: assembly.first ?? keep(data), refusal }
    }
    // A message of one fragment needs nothing put together.
    if (left === 0 && assembly.first === undefined) {
      return { atoms, bytes: keep(data), refusal: undefined }
    }
    this.#reserved -= assembly.reserved
    const room = Math.min(this.#maxMessageSize, this.#maxTotalSize - this.#reserved)
    assembly.add(data, left, room)
    this.#reserved += assembly.reserved
    return left > 0 ? undefined : { atoms, bytes: assembly.take(), refusal: undefined }
  }

  #refusal(size: number): MessageTooLargeError | undefined {
    if (size > this.#maxMessageSize) return new MessageTooLargeError(size, this.#maxMessageSize)
    if (this.#totalSize > this.#maxTotalSize) {
      return new MessageTooLargeError(size, this.#maxTotalSize)
    }
    return undefined
  }

  /** Drops what a message holds; its fragments are still counted. */
  #forget(sequence: Sequence): void {
    this.#totalSize -= sequence.size
    this.#reserved -= sequence.assembly?.reserved ?? 0
    sequence.size = 0
    sequence.assembly = undefined
  }

  #end(header: Header, sequence: Sequence): void {
    this.#forget(sequence)
    this.#sequences.delete(header.sequence)
  }
}
