/**
 * The atoms that the other side of a connection has announced, and the section of a distribution header that
 * announces them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header
 */
import { atoms as known } from '../etf/decode-atom.ts'
import { Atom, DecodeError, decode, type Term } from '../etf/index.ts'
import * as tag from '../etf/tags.ts'
import { HeaderError } from './header-error.ts'

export const SLOTS_OF_SEGMENT = 256
/** Of eight segments. */
export const SLOTS: number = 8 * SLOTS_OF_SEGMENT

/** In a reference's four bits: whether the atom is new, and the segment of its slot. */
export const NEW_ENTRY = 0b1000
const SEGMENT = 0b0111
/** In the four bits behind the last reference: whether the lengths of atoms take two bytes. */
const LONG_ATOMS = 0b0001

const NO_ATOMS: readonly Atom[] = []

/** The section as it was read. */
export interface AtomRefs {
  /** The atom behind each `ATOM_CACHE_REF` of the terms that follow. */
  readonly atoms: readonly Atom[]
  /** Where the section ends. */
  readonly end: number
}

/** The receiving side's cache. Each connection has one of its own. */
export class AtomCache {
  /** Each from when it has an atom: most connections use few, and a cluster has thousands of connections. */
  readonly #segments: (Atom | undefined)[][] = []

  /**
   * Reads `NumberOfAtomCacheRefs`, `Flags` and `AtomCacheRefs` from `start`, and keeps the new atoms.
   *
   * @throws {HeaderError} when the bytes end too early, an atom is none, or a slot was never filled
   */
  readRefs(bytes: Uint8Array, start: number): AtomRefs {
    const count = byteAt(bytes, start)
    if (count === 0) return { atoms: NO_ATOMS, end: start + 1 }
    const flags = start + 1
    // Half a byte for each reference, and one for all.
    let position = flags + (count >> 1) + 1
    const lengthSize = (nibble(bytes, flags, count) & LONG_ATOMS) === 0 ? 1 : 2
    const atoms: Atom[] = []
    let view: DataView | undefined
    for (let index = 0; index < count; index++) {
      const bits = nibble(bytes, flags, index)
      const segment = bits & SEGMENT
      const slot = byteAt(bytes, position)
      position += 1
      if ((bits & NEW_ENTRY) === 0) {
        const atom = this.#segments[segment]?.[slot]
        if (atom === undefined) {
          const where = `slot ${segment * SLOTS_OF_SEGMENT + slot}`
          throw new HeaderError(`refers to the atom in ${where}, which is empty`, position - 1)
        }
        atoms.push(atom)
        continue
      }
      let length = byteAt(bytes, position)
      if (lengthSize === 2) length = length * 256 + byteAt(bytes, position + 1)
      position += lengthSize
      if (length > bytes.length - position) throw new HeaderError('ends within an atom', position)
      view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      const end = position + length
      // To a sweep, each connection's atoms are new, and the same as those of the one before.
      const atom =
        known.find(view, position, end) ?? readAtom(bytes.subarray(position, end), position)
      position = end
      this.#put(segment, slot, atom)
      atoms.push(atom)
    }
    return { atoms, end: position }
  }

  #put(segment: number, slot: number, atom: Atom): void {
    const slots =
      this.#segments[segment] ?? new Array<Atom | undefined>(SLOTS_OF_SEGMENT).fill(undefined)
    slots[slot] = atom
    this.#segments[segment] = slots
  }
}

/** The low half of a byte comes first. */
function nibble(bytes: Uint8Array, start: number, index: number): number {
  const byte = byteAt(bytes, start + (index >> 1))
  return index % 2 === 0 ? byte & 0xf : byte >> 4
}

/** What was never seen is rare, so it may take the way of every other atom: as the term that it is. */
function readAtom(name: Uint8Array, start: number): Atom {
  const term = new Uint8Array(4 + name.length)
  term.set([tag.VERSION, tag.ATOM_UTF8, name.length >> 8, name.length & 0xff])
  term.set(name, 4)
  let atom: Term
  try {
    atom = decode(term)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new HeaderError('announces what is no atom', start, { cause })
  }
  if (atom instanceof Atom) return atom
  throw new HeaderError('announces what is no atom', start)
}

function byteAt(bytes: Uint8Array, position: number): number {
  const byte = bytes[position]
  if (byte === undefined) throw new HeaderError('ends too early', position)
  return byte
}
