/**
 * Atoms found again by their bytes, so that a name that stood on the wire before costs no new string.
 */
import { Atom } from './terms.ts'

/** A power of two. A snapshot holds some 150 different atoms, an rpc reply rarely more. */
const SLOTS = 4096

/**
 * A direct-mapped table: an atom whose slot is taken replaces the one that was there, so the table
 * never grows. Looking up by a hash of the bytes is what makes decoding a snapshot fast: most of its
 * terms are atoms.
 */
export class AtomTable {
  readonly #slots: (Atom | undefined)[] = new Array<Atom | undefined>(SLOTS).fill(undefined)

  /** The atom whose name is the ASCII bytes of `view` from `start`, or `undefined` if one is not ASCII. */
  find(view: DataView, start: number, length: number): Atom | undefined {
    let hash = length
    let seen = 0
    for (let i = start; i < start + length; i++) {
      const byte = view.getUint8(i)
      seen |= byte
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    if (seen > 0x7f) return undefined
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const candidate = this.#slots[slot]
    if (candidate !== undefined && isNamed(candidate.name, view, start, length)) return candidate
    let name = ''
    for (let i = start; i < start + length; i++) name += String.fromCharCode(view.getUint8(i))
    const atom = new Atom(name)
    this.#slots[slot] = atom
    return atom
  }
}

function isNamed(name: string, view: DataView, start: number, length: number): boolean {
  if (name.length !== length) return false
  for (let i = 0; i < length; i++) {
    if (name.charCodeAt(i) !== view.getUint8(start + i)) return false
  }
  return true
}
