/**
 * A hash whose values nobody can foretell without its key: HalfSipHash-1-3 over 32-bit words.
 *
 * What mixes each word on its own, as FNV does, has collisions for every key that can be worked out
 * beforehand: a map of terms so chosen would take a time that grows with the square of its size.
 *
 * @see https://github.com/veorq/SipHash
 */

let key: Uint32Array | undefined

/** Differs from process to process. Made for the first hash: most programs need none, and it takes 2 ms. */
function theKey(): Uint32Array {
  key ??= crypto.getRandomValues(new Uint32Array(2))
  return key
}

/** One hash in the making. What is put in must tell by itself where it ends. */
export class KeyedHash {
  #v0: number
  #v1: number
  #v2: number
  #v3: number

  constructor() {
    const [key0 = 0, key1 = 0] = theKey()
    this.#v0 = key0 | 0
    this.#v1 = key1 | 0
    this.#v2 = 0x6c79_6765 ^ key0
    this.#v3 = 0x7465_6462 ^ key1
  }

  word(value: number): void {
    this.#v3 ^= value
    this.#round()
    this.#v0 ^= value
  }

  text(value: string): void {
    const { length } = value
    this.word(length)
    // Two code units at a time; beyond the end stands NaN, which is 0 here.
    for (let i = 0; i < length; i += 2) {
      this.word(value.charCodeAt(i) | (value.charCodeAt(i + 1) << 16))
    }
  }

  bytes(value: Uint8Array): void {
    const { length } = value
    this.word(length)
    const whole = length - (length % 4)
    for (let i = 0; i < whole; i += 4) {
      this.word(
        at(value, i) |
          (at(value, i + 1) << 8) |
          (at(value, i + 2) << 16) |
          (at(value, i + 3) << 24),
      )
    }
    let last = 0
    for (let i = whole; i < length; i++) last = (last << 8) | at(value, i)
    if (whole < length) this.word(last)
  }

  /** The hash of all that was put in, as a signed 32-bit integer. */
  finish(): number {
    this.#v2 ^= 0xff
    this.#round()
    this.#round()
    this.#round()
    return this.#v1 ^ this.#v3
  }

  #round(): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    v0 = (v0 + v1) | 0
    v1 = (v1 << 5) | (v1 >>> 27)
    v1 ^= v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = (v3 << 8) | (v3 >>> 24)
    v3 ^= v2
    v0 = (v0 + v3) | 0
    v3 = (v3 << 7) | (v3 >>> 25)
    v3 ^= v0
    v2 = (v2 + v1) | 0
    v1 = (v1 << 13) | (v1 >>> 19)
    v1 ^= v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
