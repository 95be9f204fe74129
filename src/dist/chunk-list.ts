/**
 * Bytes that arrive in pieces: kept as they came, and joined only where what is asked for spans two.
 */

/** Shorter pieces than this are gathered, so that a peer who sends single bytes costs no more memory. */
const SMALL = 256

/** How many short pieces are gathered before they become one. */
const GATHERED = 256

const NOTHING = new Uint8Array(0)

/**
 * A queue of bytes. Taking what lies whole within one piece gives a view of it; the rest is copied
 * once. Pieces belong to the list from then on: they must not be written to any more.
 */
export class ChunkList {
  /** Those before `#first` are used up. */
  readonly #chunks: Uint8Array[] = []
  #first = 0
  /** How much of the first one is used up. */
  #offset = 0
  /** Short pieces that come after all the others. */
  #small: Uint8Array[] = []
  #length = 0

  /** How many bytes are there to be taken. */
  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#length += chunk.length
    // A plain Uint8Array over the same memory: what is taken must not depend on who pushed it.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (bytes.length < SMALL) {
      this.#small.push(bytes)
      if (this.#small.length === GATHERED) this.#gather()
    } else {
      this.#gather()
      this.#chunks.push(bytes)
    }
  }

  /** The big-endian number in the next `size` bytes, which stay; at most 4, and they must be there. */
  peekUint(size: number): number {
    this.#gather()
    let value = 0
    let index = this.#first
    let position = this.#offset
    for (let i = 0; i < size; i++) {
      let chunk = this.#chunk(index)
      if (position === chunk.length) {
        chunk = this.#chunk(++index)
        position = 0
      }
      value = value * 256 + (chunk[position++] ?? 0)
    }
    return value
  }

  /**
   * Takes the next `count` bytes.
   *
   * @throws {RangeError} when there are fewer
   */
  take(count: number): Uint8Array {
    if (count > this.#length) throw new RangeError(`${count} of ${this.#length} bytes`)
    if (count === 0) return NOTHING
    this.#gather()
    const chunk = this.#chunk(this.#first)
    const end = this.#offset + count
    if (end <= chunk.length) {
      const view = chunk.subarray(this.#offset, end)
      this.#advance(count)
      return view
    }
    const joined = new Uint8Array(count)
    for (let filled = 0; filled < count; ) {
      const next = this.#chunk(this.#first)
      const part = next.subarray(this.#offset, this.#offset + count - filled)
      joined.set(part, filled)
      filled += part.length
      this.#advance(part.length)
    }
    return joined
  }

  /** Drops the next `count` bytes, which must be there. */
  skip(count: number): void {
    this.#gather()
    for (let left = count; left > 0; ) {
      const part = Math.min(left, this.#chunk(this.#first).length - this.#offset)
      this.#advance(part)
      left -= part
    }
  }

  #chunk(index: number): Uint8Array {
    const chunk = this.#chunks[index]
    if (chunk === undefined) throw new RangeError('no bytes are left')
    return chunk
  }

  /** Uses up `count` bytes of the first piece. */
  #advance(count: number): void {
    this.#length -= count
    this.#offset += count
    if (this.#offset < this.#chunk(this.#first).length) return
    this.#offset = 0
    // Nothing that is used up may be kept alive.
    this.#chunks[this.#first++] = NOTHING
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0
      this.#first = 0
    } else if (this.#first >= 64 && this.#first * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#first)
      this.#first = 0
    }
  }

  /** Makes one piece of the short ones. */
  #gather(): void {
    const [only] = this.#small
    if (only === undefined) return
    this.#chunks.push(this.#small.length === 1 ? only : join(this.#small))
    this.#small = []
  }
}

/** One copy of all parts, one behind the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let position = 0
  for (const part of parts) {
    joined.set(part, position)
    position += part.length
  }
  return joined
}
