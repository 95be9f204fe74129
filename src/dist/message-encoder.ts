/**
 * Messages to frames, in the form that the flags in force prescribe.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { type Term, TermWriter } from '../etf/index.ts'
import { type ControlMessage, controlTerm, hasPayload } from './control.ts'
import { flag, hasFlags } from './flags.ts'
import { encodeFrame } from './frames.ts'
import { firstFragmentHeader, nextFragmentHeader, wholeHeader } from './header.ts'
import { PASS_THROUGH } from './message-decoder.ts'
import { NO_REFS, SentAtoms } from './sent-atoms.ts'

/** The BEAM's own size, `ERTS_DIST_FRAGMENT_SIZE` in `erts/emulator/beam/dist.h`. */
const FRAGMENT_SIZE = 64 * 1024

/** Up to this size, one copy costs less than memory of its own, and one more chunk to write. */
const COPIED_SIZE = 4096

const PASSED_THROUGH = Uint8Array.of(PASS_THROUGH)

/** Memory for the next message: that of a small one can be used again. */
let spare: TermWriter | undefined

/** A message that is ready to be sent. */
export interface EncodedMessage {
  /** Bytes, but for what its headers take. */
  readonly size: number
  /** Each as the chunks that are to be written together; they can be gone through once. */
  readonly frames: Iterable<readonly Uint8Array[]>
}

/** The sending side of one connection: the atoms that it has announced, and the numbers of its messages. */
export class MessageEncoder {
  readonly #header: boolean
  readonly #fragments: boolean
  /** `undefined` where atoms are always written. */
  readonly #atoms: SentAtoms | undefined
  #sequence = 0

  /** `flags`: those in force on the connection. */
  constructor(flags: bigint) {
    this.#fragments = hasFlags(flags, flag.FRAGMENTS)
    const cache = hasFlags(flags, flag.DIST_HDR_ATOM_CACHE)
    this.#header = this.#fragments || cache
    this.#atoms = cache ? new SentAtoms() : undefined
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
   * `isNext`: whether its first frame leaves before whatever is encoded later; only then it may announce atoms.
   *
   * @throws {EncodeError} when the payload, or a field, is no term
   * @throws {FrameTooLargeError} when the message needs more than 4 GiB in one frame
   * @throws {TypeError} when `payload` is missing, or given where none belongs
   */
  encodeFrames(control: ControlMessage, payload?: Term, isNext = false): EncodedMessage {
    if (hasPayload(control.type) !== (payload !== undefined)) {
      throw new TypeError(`${control.type} has ${payload === undefined ? 'a' : 'no'} payload`)
    }
    const writer = spare ?? new TermWriter()
    // Until it is free again: what the payload is made of might encode something itself.
    spare = undefined
    this.#atoms?.begin(isNext)
    writer.clear(this.#atoms)
    this.#write(writer, controlTerm(control))
    const controlSize = writer.bytes().length
    if (payload !== undefined) this.#write(writer, payload)
    const body = writer.bytes()
    const size = body.length
    const refs = this.#atoms?.end() ?? NO_REFS
    if (size <= COPIED_SIZE) {
      const frame = copiedFrame(this.#header ? wholeHeader(refs) : PASSED_THROUGH, body)
      // It must not keep the atoms of a connection that may end.
      writer.clear()
      spare = writer
      return { size, frames: [[frame]] }
    }
    if (!this.#header) return { size, frames: [encodeFrame([PASSED_THROUGH, body], 4)] }
    const fragments = Math.ceil((size - controlSize) / FRAGMENT_SIZE)
    if (fragments <= 1 || !this.#fragments) {
      return { size, frames: [encodeFrame([wholeHeader(refs), body], 4)] }
    }
    this.#sequence += 1
    return { size, frames: fragment(this.#sequence, refs, body, controlSize, fragments) }
  }

  #write(writer: TermWriter, term: Term): void {
    if (this.#header) writer.write(term)
    else writer.writeVersioned(term)
  }
}

/** The frame of a small message, in memory of its own. */
function copiedFrame(header: Uint8Array, body: Uint8Array): Uint8Array {
  const length = header.length + body.length
  const frame = Buffer.allocUnsafe(4 + length)
  frame.writeUInt32BE(length, 0)
  frame.set(header, 4)
  frame.set(body, 4 + header.length)
  return frame
}

/** The control message stands in the first fragment, whatever its size. */
function* fragment(
  sequence: number,
  refs: Uint8Array,
  body: Uint8Array,
  controlSize: number,
  fragments: number,
): Generator<Uint8Array[]> {
  let end = controlSize + FRAGMENT_SIZE
  yield encodeFrame([firstFragmentHeader(sequence, fragments, refs), body.subarray(0, end)], 4)
  for (let left = fragments - 1; left > 0; left--) {
    const data = body.subarray(end, end + FRAGMENT_SIZE)
    end += FRAGMENT_SIZE
    yield encodeFrame([nextFragmentHeader(sequence, left), data], 4)
  }
}
