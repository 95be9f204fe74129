/**
 * Bytes in the making, with sizes and counts that may lie.
 */
import type { Random } from './random.ts'

const utf8 = new TextEncoder()

export class ByteWriter {
  readonly random: Random
  /** One count or length in so many is another number than it should be; 0: all are true. */
  readonly lies: number
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  constructor(random: Random, lies = 0) {
    this.random = random
    this.lies = lies
  }

  get length(): number {
    return this.#length
  }

  /** A copy of all that was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  uint8(value: number): void {
    const at = this.#grow(1)
    this.#view.setUint8(at, value)
  }

  uint16(value: number): void {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
  }

  uint32(value: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
  }

  uint64(value: bigint): void {
    const at = this.#grow(8)
    this.#view.setBigUint64(at, BigInt.asUintN(64, value))
  }

  float64(value: number): void {
    const at = this.#grow(8)
    this.#view.setFloat64(at, value)
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
  }

  text(value: string): void {
    this.bytes(utf8.encode(value))
  }

  /** So many bytes of any value. */
  noise(length: number): void {
    for (let i = 0; i < length; i++) this.uint8(this.random.below(256))
  }

  /** A count or a length, or a lie about it. */
  count(value: number): number {
    if (this.lies === 0 || !this.random.oneIn(this.lies)) return value
    const near = this.random.below(4)
    return near < 2 ? Math.max(0, value + (near === 0 ? 1 : -1)) : this.random.interesting()
  }

  /** Sets 32 bits that were written before. */
  patchUint32(at: number, value: number): void {
    this.#view.setUint32(at, value)
  }

  /** Sets 16 bits that were written before. */
  patchUint16(at: number, value: number): void {
    this.#view.setUint16(at, value)
  }

  /** Makes room, maybe in other memory: to be called before that is looked at. */
  #grow(size: number): number {
    const start = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return start
  }
}
