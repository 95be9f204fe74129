/**
 * One message as its fragments come: in one piece of memory from when there is enough to believe its size.
 *
 * The number of fragments is announced by the first one, and the BEAM makes all but the first and the last
 * of the same size. Each is copied once, to where it stays.
 */
import { ChunkList } from './chunk-list.ts'
import { keep } from './keep.ts'

/**
 * What has come is at least this part of what is reserved. A system gives out memory only as it is written
 * to: a peer that announces more than it sends takes little more than what it sends.
 */
const BELIEVED = 1 / 64

export class Assembly {
  /** What came before there was room for all. */
  readonly #pieces = new ChunkList()
  #first: Uint8Array | undefined
  #room: Uint8Array | undefined
  /** Of `#room`, how much is filled. */
  #filled = 0
  /** Whether fragments came that are larger than those before, which no node sends. */
  #isIrregular = false

  /** The first fragment; `undefined` as long as there is none. */
  get first(): Uint8Array | undefined {
    return this.#first
  }

  /** How many bytes are reserved. */
  get reserved(): number {
    return this.#room?.length ?? 0
  }

  /** Adds a copy of the next fragment, which `left` others follow; up to `most` bytes may be reserved. */
  add(data: Uint8Array, left: number, most: number): void {
    if (this.#first === undefined) {
      this.#first = keep(data)
      this.#pieces.push(this.#first)
      return
    }
    if (this.#room === undefined && !this.#isIrregular) this.#reserve(data.length, left, most)
    const end = this.#filled + data.length
    if (this.#room === undefined || end > this.#room.length) {
      this.#giveUpRoom()
      this.#pieces.push(keep(data))
    } else {
      this.#room.set(data, this.#filled)
      this.#filled = end
    }
  }

  /** All of it, once. */
  take(): Uint8Array {
    const room = this.#room
    if (room === undefined) return this.#pieces.take(this.#pieces.length)
    const bytes = room.subarray(0, this.#filled)
    return bytes.length * 2 < room.length ? bytes.slice() : bytes
  }

  /** Makes room, once enough is there, for this fragment and others of its size. */
  #reserve(size: number, left: number, most: number): void {
    const come = this.#pieces.length + size
    const expected = come + left * size
    if (expected > most || come < expected * BELIEVED) return
    this.#room = new Uint8Array(expected)
    this.#filled = this.#pieces.length
    this.#room.set(this.#pieces.take(this.#filled))
  }

  #giveUpRoom(): void {
    if (this.#room === undefined) return
    this.#pieces.push(this.#room.slice(0, this.#filled))
    this.#room = undefined
    this.#filled = 0
    this.#isIrregular = true
  }
}
