/**
 * Atoms found again by their bytes, so that a name that stood on the wire before costs no new string.
 */
import { KnownAtom } from './known-atom.ts'
import { Atom } from './terms.ts'

/** A power of two. A snapshot holds some 150 different atoms, an rpc reply rarely more. */
const SLOTS = 4096

/** What an atom can have, each a byte. */
const MAX_CHARACTERS = 255

class Slot extends KnownAtom {
  readonly bytes: DataView
  /** Of the bytes: a view takes long to tell. None has the length of one that lost its place. */
  length: number
  /** What came after it the last time. */
  next: Slot | undefined
  constructor(atom: Atom, bytes: DataView, length: number) {
    super(atom)
    this.bytes = bytes
    this.length = length
  }
}

/**
 * A direct-mapped table: an atom whose slot is taken replaces the one that was there, so the table
 * never grows. Most of a snapshot's terms are atoms, so looking up is what makes decoding it fast: bytes
 * are hashed, and compared with those of the slot, four at a time. Before, they are compared with the atom that
 * came after the one before the last time, which most of a snapshot's are: that saves the hash. All bytes that are
 * asked for must be there.
 */
export class AtomTable {
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOTS).fill(undefined)

  /** The one that was found or added last; always one that has a place. */
  #last: Slot | undefined

  /** The atom whose name is the bytes of `view` from `start` to `end`, if it is there. */
  find(view: DataView, start: number, end: number): Atom | undefined {
    return this.findKnown(view, start, end)?.atom
  }

  /** The same, with the tuples that began with it. */
  findKnown(view: DataView, start: number, end: number): KnownAtom | undefined {
    const last = this.#last
    const guess = last?.next
    if (guess !== undefined && isOf(guess, view, start, end)) {
      this.#last = guess
      return guess
    }
    const slot = this.#slots[hash(view, start, end) & (SLOTS - 1)]
    if (slot === undefined || !isOf(slot, view, start, end)) return undefined
    if (last !== undefined) last.next = slot
    this.#last = slot
    return slot
  }

  /** Puts it there, and returns it, if the bytes are ASCII and no more than an atom has. */
  add(view: DataView, start: number, end: number): Atom | undefined {
    const length = end - start
    if (length > MAX_CHARACTERS) return undefined
    const bytes = new DataView(new ArrayBuffer(length))
    const codes: number[] = []
    for (let i = 0; i < length; i++) {
      const byte = view.getUint8(start + i)
      if (byte > 0x7f) return undefined
      bytes.setUint8(i, byte)
      codes.push(byte)
    }
    // Not put together letter by letter: V8 would keep it in parts.
    const atom = new Atom(String.fromCharCode(...codes))
    const index = hash(view, start, end) & (SLOTS - 1)
    const former = this.#slots[index]
    if (former !== undefined) {
      // Others may still guess at it: it must not keep more of its kind, whose number would have no end.
      former.length = -1
      former.next = undefined
    }
    const slot = new Slot(atom, bytes, length)
    this.#slots[index] = slot
    this.#last = slot
    return atom
  }
}

/** 2^32 through the golden ratio, as Knuth has it (The Art of Computer Programming, 6.4). */
const MULTIPLIER = 0x9e37_79b1

/** Of words, and the last of them, which may overlap with the one before. */
function hash(view: DataView, start: number, end: number): number {
  let state = end - start
  if (state >= 4) {
    const last = end - 4
    for (let i = start; i < last; i += 4) state = Math.imul(state, MULTIPLIER) ^ view.getInt32(i)
    state = Math.imul(state, MULTIPLIER) ^ view.getInt32(last)
  } else {
    for (let i = start; i < end; i++) state = Math.imul(state, MULTIPLIER) ^ view.getUint8(i)
  }
  state = Math.imul(state ^ (state >>> 15), MULTIPLIER)
  return state ^ (state >>> 15)
}

function isOf({ bytes, length }: Slot, view: DataView, start: number, end: number): boolean {
  if (length !== end - start) return false
  if (length >= 4) {
    const last = length - 4
    for (let i = 0; i < last; i += 4) {
      if (bytes.getInt32(i) !== view.getInt32(start + i)) return false
    }
    return bytes.getInt32(last) === view.getInt32(start + last)
  }
  for (let i = 0; i < length; i++) {
    if (bytes.getUint8(i) !== view.getUint8(start + i)) return false
  }
  return true
}
