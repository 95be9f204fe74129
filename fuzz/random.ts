/**
 * Chance that can be had again: every input is a function of a seed, its target's name and its index.
 *
 * @see https://prng.di.unimi.it/ xoshiro128**, seeded by splitmix32
 */

/** The integers at which code that counts goes wrong. */
const INTERESTING: readonly number[] = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 65, 127, 128, 254, 255, 256, 257, 1023, 1024, 4095,
  4096, 4097, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x1_0000, 0x7f_ffff, 0x80_0000, 0xff_ffff, 0x100_0000,
  0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
]

export class Random {
  #a = 0
  #b = 0
  #c = 0
  #d = 0

  /** `words`: 32 bits each, all of which count. */
  constructor(...words: readonly number[]) {
    let state = 0x9e37_79b9
    const next = (): number => {
      state = (state + 0x9e37_79b9) | 0
      let mixed = state ^ (state >>> 16)
      mixed = Math.imul(mixed, 0x21f0_aaad)
      mixed ^= mixed >>> 15
      mixed = Math.imul(mixed, 0x735a_2d97)
      return mixed ^ (mixed >>> 15)
    }
    for (const word of words) state = next() ^ word
    this.#a = next()
    this.#b = next()
    this.#c = next()
    // All zeros would stay zeros.
    this.#d = next() | 1
  }

  /** What makes an input. */
  static forInput(seed: number, target: string, index: number): Random {
    return new Random(seed, hashText(target), index, Math.floor(index / 2 ** 32))
  }

  uint32(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** From 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * limit)
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** Mostly small, at most `limit - 1`: half of all are in the lowest part of what is possible. */
  small(limit: number): number {
    return this.below(1 + this.below(limit))
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new RangeError('nothing to pick from')
    return value
  }

  /** An integer of 32 bits of the kind that is got wrong. */
  interesting(): number {
    return this.oneIn(4) ? this.uint32() : this.pick(INTERESTING)
  }
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  return hash
}
