/**
 * Frames: messages behind a length, as both the handshake and the distribution send them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { ChunkList } from './chunk-list.ts'
import { ProtocolError } from './protocol-error.ts'

/** How frames are delimited in one phase of a connection. */
export interface Framing {
  /** Bytes of the length: 2 for the handshake over TCP, 4 for all else. */
  readonly headerSize: 2 | 4
  /** The longest frame that is accepted, in bytes without the length. */
  readonly maxLength: number
}

/** A frame that is longer than allowed. Where the next one begins is lost: the connection is. */
export class FrameTooLargeError extends ProtocolError {
  readonly code = 'ERR_FRAME_TOO_LARGE'
  readonly length: number
  readonly limit: number
  constructor(length: number, limit: number) {
    super(`a frame of ${length} bytes is over the limit of ${limit}`)
    this.length = length
    this.limit = limit
  }
}

/** Of the longest header. */
const HEADER_SIZE = 4

const NOTHING = new Uint8Array(0)

/** The distribution's sign of life: an empty frame. */
export const TICK: Uint8Array = new Uint8Array(4)

/**
 * Cuts a stream of bytes into frames.
 *
 * A frame that lies whole within one chunk is a view of it, so chunks must not be written to after
 * `push`. Whoever is only lent a chunk takes the frames that are whole, and calls `release` before it
 * gives the memory back.
 */
export class FrameSplitter {
  #framing: Framing
  /** What came before the last chunk, and is not fetched. */
  readonly #before = new ChunkList()
  #chunk: Uint8Array = NOTHING
  /** How much of the last chunk is used up. */
  #position = 0
  /** How many bytes must be there before it makes sense to look at those before the last chunk again. */
  #needed: number
  #failure: FrameTooLargeError | undefined

  constructor(framing: Framing) {
    this.#framing = framing
    this.#needed = framing.headerSize
  }

  /** How many bytes wait for the rest of their frame, or to be fetched. */
  get buffered(): number {
    return this.#before.length + this.#chunk.length - this.#position
  }

  /** Adds what arrived. Fetch all frames with `next` before more is added, or nothing bounds them. */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return
    this.#setAside(this.#chunk.subarray(this.#position))
    // A plain Uint8Array over the same memory: what is taken must not depend on who pushed it.
    this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#position = 0
  }

  /** Copies what is left of the last chunk, which may be written to again, and with it the frames in it. */
  release(): void {
    const isUsedUp = this.#position === this.#chunk.length
    this.#setAside(isUsedUp ? NOTHING : this.#chunk.slice(this.#position))
  }

  /**
   * The next frame without its length, `undefined` while it is not complete. An empty one is a tick.
   *
   * @throws {FrameTooLargeError} as soon as the length is there, and from then on
   */
  next(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#before.length > 0) return this.#nextOfBoth()
    const { headerSize } = this.#framing
    const chunk = this.#chunk
    const start = this.#position + headerSize
    if (start > chunk.length) return undefined
    let length = 0
    for (let i = this.#position; i < start; i++) length = length * 256 + (chunk[i] ?? 0)
    this.#checkLength(length)
    if (start + length > chunk.length) return undefined
    this.#position = start + length
    return length === 0 ? NOTHING : chunk.subarray(start, start + length)
  }

  /** Reads what comes next, bytes that are here already included, as frames of another kind. */
  switchTo(framing: Framing): void {
    this.#framing = framing
    this.#needed = framing.headerSize
  }

  /** Takes all bytes that were not fetched as frames. */
  remainder(): Uint8Array {
    this.#needed = this.#framing.headerSize
    this.#setAside(this.#chunk.subarray(this.#position))
    return this.#before.take(this.#before.length)
  }

  /** A frame that begins before the last chunk. */
  #nextOfBoth(): Uint8Array | undefined {
    if (this.buffered < this.#needed) return undefined
    const { headerSize } = this.#framing
    // The length stays until the frame is complete, so that `switchTo` is possible at any time.
    this.#move(headerSize)
    const length = this.#before.peekUint(headerSize)
    this.#checkLength(length)
    this.#needed = headerSize + length
    if (this.buffered < this.#needed) return undefined
    this.#move(this.#needed)
    this.#needed = headerSize
    this.#before.skip(headerSize)
    return this.#before.take(length)
  }

  #checkLength(length: number): void {
    const { maxLength } = this.#framing
    if (length <= maxLength) return
    this.#failure = new FrameTooLargeError(length, maxLength)
    throw this.#failure
  }

  /** Moves as much of the last chunk as it takes for `count` bytes to be before it. */
  #move(count: number): void {
    const missing = count - this.#before.length
    if (missing <= 0) return
    const start = this.#position
    this.#position += missing
    const part = this.#chunk.subarray(start, this.#position)
    // A header may stay until more comes; what is more is taken at once.
    this.#before.push(missing < HEADER_SIZE ? part.slice() : part)
  }

  #setAside(rest: Uint8Array): void {
    this.#before.push(rest)
    this.#chunk = NOTHING
    this.#position = 0
  }
}

/**
 * The length that goes before a frame.
 *
 * @throws {FrameTooLargeError} when `headerSize` bytes cannot hold it
 */
export function frameHeader(length: number, headerSize: 2 | 4): Uint8Array {
  const limit = 2 ** (8 * headerSize) - 1
  if (length > limit) throw new FrameTooLargeError(length, limit)
  const header = new Uint8Array(headerSize)
  const view = new DataView(header.buffer)
  if (headerSize === 2) view.setUint16(0, length)
  else view.setUint32(0, length)
  return header
}

/**
 * A frame around `parts`, which are not copied: what is returned is to be written in its order.
 *
 * @throws {FrameTooLargeError} when `headerSize` bytes cannot hold the length
 */
export function encodeFrame(parts: readonly Uint8Array[], headerSize: 2 | 4): Uint8Array[] {
  let length = 0
  for (const part of parts) length += part.length
  return [frameHeader(length, headerSize), ...parts]
}
