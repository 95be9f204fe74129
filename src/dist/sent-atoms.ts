/**
 * The atoms that we have announced to the other side, and the section of a distribution header that does it:
 * a name that stood in one message is one byte in those that follow, and the node need not look it up.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header
 */
import type { Atom, AtomRefs } from '../etf/index.ts'
import { NEW_ENTRY, SLOTS, SLOTS_OF_SEGMENT } from './atom-cache.ts'

/** `NumberOfAtomCacheRefs` is a byte. */
const MAX_REFS = 255

/** ASCII: what the section has of an atom is its name in UTF-8. */
const PLAIN = /^[\0-\x7f]{1,255}$/

/** A header that announces and uses nothing. */
export const NO_REFS: Uint8Array = Uint8Array.of(0)

interface Entry {
  readonly name: string
  readonly slot: number
  isAnnounced: boolean
  /** The last message that it stands in, and at which index there. */
  message: number
  index: number
}

/**
 * The sending side's cache. An atom has its slot for good; once all slots are taken, others are written as
 * they always were. Atoms of more than ASCII always are.
 */
export class SentAtoms implements AtomRefs {
  readonly #entries = new Map<string, Entry>()
  /** Of the message that is being written. */
  readonly #refs: Entry[] = []
  #message = 0
  #announces = false

  /**
   * Begins a message. What it announces must be read before any message that is begun later: one that may be
   * overtaken announces nothing.
   */
  begin(announces: boolean): void {
    this.#refs.length = 0
    this.#message += 1
    this.#announces = announces
  }

  /** The number that stands for an atom in this message, or -1 where its name has to. */
  indexOf({ name }: Atom): number {
    const entry = this.#entries.get(name) ?? this.#add(name)
    if (entry === undefined) return -1
    if (entry.message === this.#message) return entry.index
    if (!(entry.isAnnounced || this.#announces) || this.#refs.length === MAX_REFS) return -1
    entry.message = this.#message
    entry.index = this.#refs.length
    this.#refs.push(entry)
    return entry.index
  }

  /** The section for the message that was written, which is sent now. */
  end(): Uint8Array {
    const refs = this.#refs
    const { length: count } = refs
    if (count === 0) return NO_REFS
    // Half a byte for each reference, and one for all.
    const flagsSize = (count >> 1) + 1
    let size = 1 + flagsSize + count
    for (const { isAnnounced, name } of refs) if (!isAnnounced) size += 1 + name.length
    const section = new Uint8Array(size)
    section[0] = count
    let position = 1 + flagsSize
    for (let i = 0; i < count; i++) {
      const entry = refs[i]
      if (entry === undefined) break
      const { name, slot, isAnnounced } = entry
      const bits = (isAnnounced ? 0 : NEW_ENTRY) | Math.floor(slot / SLOTS_OF_SEGMENT)
      const at = 1 + (i >> 1)
      // The low half of a byte comes first.
      section[at] = (section[at] ?? 0) | (i % 2 === 0 ? bits : bits << 4)
      section[position++] = slot % SLOTS_OF_SEGMENT
      if (isAnnounced) continue
      section[position++] = name.length
      for (let c = 0; c < name.length; c++) section[position++] = name.charCodeAt(c)
      entry.isAnnounced = true
    }
    return section
  }

  #add(name: string): Entry | undefined {
    if (!this.#announces || this.#refs.length === MAX_REFS) return undefined
    if (this.#entries.size === SLOTS || !PLAIN.test(name)) return undefined
    const slot = this.#entries.size
    const entry = { name, slot, isAnnounced: false, message: 0, index: 0 }
    this.#entries.set(name, entry)
    return entry
  }
}
