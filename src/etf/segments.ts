/**
 * Bits put together as the segments of `<<...>>` say.
 *
 * @see https://www.erlang.org/doc/system/expressions.html#bit-syntax-expressions
 */
import { BitString } from './terms.ts'

/** What stands behind the value of a segment, defaults filled in. */
export interface SegmentType {
  readonly type: 'integer' | 'float' | 'utf8' | 'utf16' | 'utf32'
  /** In bits; nothing for the UTF types, which know it by themselves. */
  readonly size: number
  readonly little: boolean
}

/** Collects bits, the high ones first. */
export class BitBuilder {
  #bytes = new Uint8Array(32)
  /** How many bits are there. */
  #length = 0

  /** `value` modulo `2 ** size`, as Erlang takes it. */
  integer(value: number | bigint, size: number, little: boolean): void {
    if (size === 0) return
    if (size <= 8 && typeof value === 'number') {
      this.#bits(value & ((1 << size) - 1), size)
      return
    }
    const width = Math.ceil(size / 8)
    const hex = BigInt.asUintN(size, BigInt(value))
      .toString(16)
      .padStart(width * 2, '0')
    const bytes = Buffer.from(hex, 'hex')
    // Where the size is not whole bytes, the byte of the highest bits is short.
    const high = bytes[0] ?? 0
    const highSize = size - (width - 1) * 8
    const low = bytes.subarray(1)
    if (little) {
      this.#wholeBytes(low.reverse())
      this.#bits(high, highSize)
    } else {
      this.#bits(high, highSize)
      this.#wholeBytes(low)
    }
  }

  /** IEEE 754 of 32 or 64 bits. */
  float(value: number, size: 32 | 64, little: boolean): void {
    const view = new DataView(new ArrayBuffer(size / 8))
    if (size === 64) view.setFloat64(0, value, little)
    else view.setFloat32(0, value, little)
    this.#wholeBytes(new Uint8Array(view.buffer))
  }

  /** A code point that is no surrogate. */
  character(code: number, encoding: 'utf8' | 'utf16' | 'utf32', little: boolean): void {
    if (encoding === 'utf32') {
      this.integer(code, 32, little)
    } else if (encoding === 'utf16') {
      const text = String.fromCodePoint(code)
      for (let i = 0; i < text.length; i++) this.integer(text.charCodeAt(i), 16, little)
    } else if (code < 0x80) {
      this.#bits(code, 8)
    } else {
      this.#wholeBytes(utf8.encode(String.fromCodePoint(code)))
    }
  }

  result(): Uint8Array | BitString {
    const bytes = this.#bytes.slice(0, Math.ceil(this.#length / 8))
    const bits = this.#length % 8
    return bits === 0 ? bytes : new BitString(bytes, bits)
  }

  /** The low `count` bits of a byte that holds no others; 8 at most. */
  #bits(value: number, count: number): void {
    const at = this.#length >>> 3
    const room = 8 - (this.#length & 7)
    this.#reserve(2)
    const byte = this.#bytes[at] ?? 0
    if (count <= room) {
      this.#bytes[at] = byte | (value << (room - count))
    } else {
      this.#bytes[at] = byte | (value >> (count - room))
      this.#bytes[at + 1] = (value << (8 - (count - room))) & 0xff
    }
    this.#length += count
  }

  #wholeBytes(bytes: Uint8Array): void {
    if (this.#length % 8 === 0) {
      this.#reserve(bytes.length)
      this.#bytes.set(bytes, this.#length / 8)
      this.#length += bytes.length * 8
    } else {
      for (const byte of bytes) this.#bits(byte, 8)
    }
  }

  /** Makes room for so many bytes behind the last whole one. */
  #reserve(count: number): void {
    const needed = (this.#length >>> 3) + count
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

const utf8 = new TextEncoder()
