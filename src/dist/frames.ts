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

/** The distribution's sign of life: an empty frame. */
export const TICK: Uint8Array = new Uint8Array(4)

/**
 * Cuts a stream of bytes into frames.
 *
 * A frame that lies whole within one chunk is a view of it, so chunks must not be written to after
 * `push`. Node's sockets keep that: every `data` event brings memory of its own.
 */
export class FrameSplitter {
  #framing: Framing
  readonly #bytes = new ChunkList()
  /** How many bytes must be there before it makes sense to look at them again. */
  #needed: number
  #failure: FrameTooLargeError | undefined

  constructor(framing: Framing) {
    this.#framing = framing
    this.#needed = framing.headerSize
  }

  /** How many bytes wait for the rest of their frame, or to be fetched. */
  get buffered(): number {
    return this.#bytes.length
  }

  /** Adds what arrived. Fetch all frames with `next` before more is added, or nothing bounds them. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#bytes.push(chunk)
  }

  /**
   * The next frame without its length, `undefined` while it is not complete. An empty one is a tick.
   *
   * @throws {FrameTooLargeError} as soon as the length is there, and from then on
   */
  next(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#bytes.length < this.#needed) return undefined
    const { headerSize, maxLength } = this.#framing
    // The length stays until the frame is complete, so that `switchTo` is possible at any time.
    const length = this.#bytes.peekUint(headerSize)
    if (length > maxLength) {
      this.#failure = new FrameTooLargeError(length, maxLength)
      throw this.#failure
    }
    this.#needed = headerSize + length
    if (this.#bytes.length < this.#needed) return undefined
    this.#needed = headerSize
    this.#bytes.skip(headerSize)
    return this.#bytes.take(length)
  }

  /** Reads what comes next, bytes that are here already included, as frames of another kind. */
  switchTo(framing: Framing): void {
    this.#framing = framing
    this.#needed = framing.headerSize
  }

  /** Takes all bytes that were not fetched as frames. */
  remainder(): Uint8Array {
    this.#needed = this.#framing.headerSize
    return this.#bytes.take(this.#bytes.length)
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
