/**
 * Messages to frames, in the form that the flags in force prescribe.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { type Term, TermWriter } from '../etf/index.ts'
import { join } from './chunk-list.ts'
import { type ControlMessage, controlTerm, hasPayload } from './control.ts'
import { flag, hasFlags } from './flags.ts'
import { encodeFrame } from './frames.ts'
import { firstFragmentHeader, nextFragmentHeader, wholeHeader } from './header.ts'
import { PASS_THROUGH } from './message-decoder.ts'

/** The BEAM's own size, `ERTS_DIST_FRAGMENT_SIZE` in `erts/emulator/beam/dist.h`. */
const FRAGMENT_SIZE = 64 * 1024

/** Up to this size, one copy costs less than one more chunk to write. */
const COPIED_SIZE = 4096

/** A message that is ready to be sent. */
export interface EncodedMessage {
  /** Bytes, but for what its headers take. */
  readonly size: number
  /** Each as the chunks that are to be written together; they can be gone through once. */
  readonly frames: Iterable<readonly Uint8Array[]>
}

/** The sending side of one connection. It announces no atoms, which is always allowed. */
export class MessageEncoder {
  readonly #header: boolean
  readonly #fragments: boolean
  #sequence = 0

  /** `flags`: those in force on the connection. */
  constructor(flags: bigint) {
    this.#fragments = hasFlags(flags, flag.FRAGMENTS)
    this.#header = this.#fragments || hasFlags(flags, flag.DIST_HDR_ATOM_CACHE)
  }

  /**
   * The bytes of a message, frames and all, to be written in this order with nothing in between.
   *
   * @throws as {@link encodeFrames}
   */
  encode(control: ControlMessage, payload?: Term): Uint8Array[] {
    return [...this.encodeFrames(control, payload).frames].flat()
  }

  /**
   * The frames of a message, each as the chunks to be written together. Frames of other messages may
   * stand between those of a large one.
   *
   * @throws {EncodeError} when the payload, or a field, is no term
   * @throws {FrameTooLargeError} when the message needs more than 4 GiB in one frame
   * @throws {TypeError} when `payload` is missing, or given where none belongs
   */
  encodeFrames(control: ControlMessage, payload?: Term): EncodedMessage {
    if (hasPayload(control.type) !== (payload !== undefined)) {
      throw new TypeError(`${control.type} has ${payload === undefined ? 'a' : 'no'} payload`)
    }
    const writer = new TermWriter()
    const write = (term: Term) => (this.#header ? writer.write(term) : writer.writeVersioned(term))
    write(controlTerm(control))
    const controlSize = writer.bytes().length
    if (payload !== undefined) write(payload)
    const body = writer.bytes()
    const size = body.length
    if (!this.#header) return { size, frames: [frame([Uint8Array.of(PASS_THROUGH), body])] }
    const fragments = Math.ceil((body.length - controlSize) / FRAGMENT_SIZE)
    if (fragments <= 1 || !this.#fragments) return { size, frames: [frame([wholeHeader(), body])] }
    this.#sequence += 1
    return { size, frames: fragment(this.#sequence, body, controlSize, fragments) }
  }
}

/** The control message stands in the first fragment, whatever its size. */
function* fragment(
  sequence: number,
  body: Uint8Array,
  controlSize: number,
  fragments: number,
): Generator<Uint8Array[]> {
  let end = controlSize + FRAGMENT_SIZE
  yield frame([firstFragmentHeader(sequence, fragments), body.subarray(0, end)])
  for (let left = fragments - 1; left > 0; left--) {
    const data = body.subarray(end, end + FRAGMENT_SIZE)
    end += FRAGMENT_SIZE
    yield frame([nextFragmentHeader(sequence, left), data])
  }
}

function frame(parts: readonly Uint8Array[]): Uint8Array[] {
  const chunks = encodeFrame(parts, 4)
  let size = 0
  for (const chunk of chunks) size += chunk.length
  return size <= COPIED_SIZE ? [join(chunks)] : chunks
}
