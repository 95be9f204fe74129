/**
 * A walk over an encoded term, for readers that take what they need of it and make nothing of the rest.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { TermReader } from './decode.ts'
import { taggedAtom } from './decode-atom.ts'
import { TruncatedTermError } from './decode-error.ts'
import { readLeaf } from './decode-leaf.ts'
import { EncodedTerm } from './encoded-term.ts'
import { expectEnd, Input, int32, need, uint8, uint16, uint32 } from './input.ts'
import * as tag from './tags.ts'
import type { Atom, Term } from './terms.ts'

/** What is returned for the parts of a term that has none. */
export const NONE = -1

/**
 * Stands before a term. What asks for one kind of term goes behind it or, for a tuple and a list, before the
 * first of its parts; where another kind stands, it says so and does not move.
 *
 * Sizes are checked as `decode` checks them. Of what is skipped no more is known than where it ends.
 *
 * Every method throws `TruncatedTermError` where the bytes end too early, and `InvalidTermError` where they
 * break the format.
 */
export class TermCursor {
  readonly #input: Input
  readonly #atomCacheRefs: readonly Atom[]

  constructor({ bytes, atomCacheRefs }: EncodedTerm) {
    this.#input = new Input(bytes, { atomCacheRefs })
    this.#atomCacheRefs = atomCacheRefs
  }

  /** Where the term begins. */
  get position(): number {
    return this.#input.position
  }

  /** To where a term begins, as `position` told before. */
  set position(position: number) {
    this.#input.position = position
  }

  /** The number of elements, or {@link NONE}. */
  enterTuple(): number {
    const input = this.#input
    const offset = input.position
    const next = uint8(input)
    if (next === tag.SMALL_TUPLE) return entered(input, uint8(input), offset)
    if (next === tag.LARGE_TUPLE) return entered(input, uint32(input), offset)
    input.position = offset
    return NONE
  }

  /**
   * How many elements come before the tail, or {@link NONE}. 0 is `[]`, and no tail follows; else, behind the
   * elements, this is asked again: 0 is the end, and {@link NONE} an improper list. Bytes that stand as a string
   * are no list here.
   */
  enterList(): number {
    const input = this.#input
    const offset = input.position
    for (;;) {
      const next = uint8(input)
      if (next === tag.NIL) return 0
      if (next !== tag.LIST) {
        input.position = offset
        return NONE
      }
      const count = uint32(input)
      // [| Tail] is Tail, to the BEAM too.
      if (count > 0) return entered(input, count, offset)
    }
  }

  /** An atom, else `undefined`. */
  atom(): Atom | undefined {
    const input = this.#input
    const offset = input.position
    const atom = taggedAtom(input, uint8(input), offset)
    if (atom === undefined) input.position = offset
    return atom
  }

  /** An integer, else `undefined`. */
  integer(): number | bigint | undefined {
    const input = this.#input
    const offset = input.position
    const next = uint8(input)
    switch (next) {
      case tag.SMALL_INTEGER:
        return uint8(input)
      case tag.INTEGER:
        return int32(input)
      case tag.SMALL_BIG:
      case tag.LARGE_BIG: {
        const value = readLeaf(input, next, offset)
        if (typeof value === 'number' || typeof value === 'bigint') return value
      }
    }
    input.position = offset
    return undefined
  }

  /** Whether an integer stands here. */
  get isAtInteger(): boolean {
    const { position } = this.#input
    const isInteger = this.integer() !== undefined
    this.#input.position = position
    return isInteger
  }

  /** Whatever term it is, decoded. */
  term(): Term {
    const input = this.#input
    const bytes = input.bytes.subarray(input.position)
    const reader = new TermReader(bytes, { atomCacheRefs: this.#atomCacheRefs })
    const term = reader.read()
    input.position += reader.position
    return term
  }

  /** Whatever stands here, not even looked at: the last term, if the bytes are what they should be. */
  rest(): EncodedTerm {
    const { bytes, position } = this.#input
    return new EncodedTerm(bytes.subarray(position), this.#atomCacheRefs)
  }

  /** @throws {InvalidTermError} when bytes are left */
  expectEnd(): void {
    expectEnd(this.#input)
  }

  /**
   * Goes behind the same bytes as those from `start` to `end`, or says that they do not stand here. Terms of
   * the same bytes are the same, as long as their atoms are from the same header.
   */
  skipSame(start: number, end: number): boolean {
    const { bytes, position, view } = this.#input
    const length = end - start
    if (length > bytes.length - position) return false
    let i = 0
    for (const words = length - 3; i < words; i += 4) {
      if (view.getInt32(start + i) !== view.getInt32(position + i)) return false
    }
    for (; i < length; i++) {
      if (view.getUint8(start + i) !== view.getUint8(position + i)) return false
    }
    this.#input.position = position + length
    return true
  }

  /** Goes behind so many terms. */
  skip(count: number): void {
    const input = this.#input
    let left = count
    while (left > 0) {
      left -= 1
      const offset = input.position
      const next = uint8(input)
      switch (next) {
        case tag.SMALL_INTEGER:
        case tag.ATOM_CACHE_REF:
          pass(input, 1)
          break
        case tag.INTEGER:
          pass(input, 4)
          break
        case tag.NIL:
          break
        case tag.SMALL_ATOM_UTF8:
          pass(input, uint8(input))
          break
        case tag.SMALL_TUPLE:
          left += entered(input, uint8(input), offset)
          break
        case tag.LARGE_TUPLE:
          left += entered(input, uint32(input), offset)
          break
        case tag.LIST:
          left += entered(input, uint32(input), offset) + 1
          break
        case tag.MAP:
          left += entered(input, uint32(input) * 2, offset)
          break
        case tag.STRING:
          pass(input, uint16(input))
          break
        case tag.BINARY:
          pass(input, uint32(input))
          break
        case tag.SMALL_BIG:
          pass(input, 1 + uint8(input))
          break
        default:
          // Rare, or larger than a node's figures are: told by decoding.
          input.position = offset
          this.term()
      }
    }
  }
}

/** Believes a count only if the bytes can hold that many parts; nothing is made of them yet. */
function entered(input: Input, count: number, offset: number): number {
  const left = input.bytes.length - input.position
  if (count > left) {
    throw new TruncatedTermError(`${count} parts are announced, ${left} bytes are left`, offset)
  }
  return count
}

function pass(input: Input, length: number): void {
  need(input, length)
  input.position += length
}
