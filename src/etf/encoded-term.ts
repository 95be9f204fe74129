/**
 * A term as it came, not decoded.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { TermReader } from './decode.ts'
import { encode } from './encode.ts'
import type { DecodeOptions } from './input.ts'
import type { Atom, Term } from './terms.ts'

const NO_ATOMS: readonly Atom[] = []

/** The bytes of one term, without a version byte, and the atoms that its references mean. */
export class EncodedTerm {
  readonly bytes: Uint8Array
  readonly atomCacheRefs: readonly Atom[]

  constructor(bytes: Uint8Array, atomCacheRefs: readonly Atom[] = NO_ATOMS) {
    this.bytes = bytes
    this.atomCacheRefs = atomCacheRefs
  }

  /** @throws {EncodeError} when it is no term */
  static of(term: Term): EncodedTerm {
    return new EncodedTerm(encode(term).subarray(1))
  }

  /** @throws {DecodeError} when the bytes hold no term, or more than one */
  decode(options: Omit<DecodeOptions, 'atomCacheRefs'> = {}): Term {
    const { atomCacheRefs } = this
    const reader = new TermReader(this.bytes, { ...options, atomCacheRefs })
    const term = reader.read()
    reader.expectEnd()
    return term
  }
}
