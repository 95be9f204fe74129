/**
 * The term behind a control message, not decoded yet.
 */
import {
  type Atom,
  type DecodeOptions,
  decode,
  EncodedTerm,
  type Term,
  type TermReader,
} from '../etf/index.ts'
import * as tag from '../etf/tags.ts'
import type { MessageTooLargeError } from './fragments.ts'

/**
 * A message, a reason or a list of arguments, as it arrived. That it is decoded apart from its control
 * message is what lets one bad reply fail one call: the control message tells which.
 */
export class Payload {
  readonly #bytes: Uint8Array
  readonly #atoms: readonly Atom[] | undefined
  readonly #refusal: MessageTooLargeError | undefined
  #reader: TermReader | undefined

  /**
   * `atoms`: those of the header; without one, the term has a version byte of its own. `reader`: where one
   * has come to the term already, which is then decoded with copies of its binaries; where most messages are
   * small, to make another reader would take longer than to read.
   */
  constructor(
    bytes: Uint8Array,
    atoms: readonly Atom[] | undefined,
    refusal: MessageTooLargeError | undefined,
    reader?: TermReader,
  ) {
    this.#bytes = bytes
    this.#atoms = atoms
    this.#refusal = refusal
    this.#reader = reader
  }

  /** The size on the wire; of a refused payload, what is known of it. */
  get byteLength(): number {
    return this.#bytes.length
  }

  /**
   * Decodes the term. Binaries are copies unless `binaries: 'view'` lets them share the memory that
   * the payload arrived in; of a small one they are copies all the same.
   *
   * @throws {DecodeError} when the bytes hold no term, or more than one
   * @throws {MessageTooLargeError} when the payload was not even kept
   */
  decode(options: Pick<DecodeOptions, 'binaries'> = {}): Term {
    if (this.#refusal !== undefined) throw this.#refusal
    const reader = this.#reader
    if (reader !== undefined) {
      this.#reader = undefined
      const term = reader.read()
      reader.expectEnd()
      return term
    }
    if (this.#atoms === undefined) return decode(this.#bytes, options)
    return new EncodedTerm(this.#bytes, this.#atoms).decode(options)
  }

  /**
   * The term as it came, which shares the memory that the payload arrived in. Nothing is known of it yet.
   *
   * @throws {DecodeError} when it is compressed or has no version byte where it should, and is no term
   * @throws {MessageTooLargeError} when the payload was not even kept
   */
  encoded(): EncodedTerm {
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#atoms !== undefined) return new EncodedTerm(this.#bytes, this.#atoms)
    const [version, next] = this.#bytes
    const isPlain = version === tag.VERSION && next !== tag.COMPRESSED && next !== tag.LOCAL
    return isPlain ? new EncodedTerm(this.#bytes.subarray(1)) : EncodedTerm.of(decode(this.#bytes))
  }
}
