/**
 * Bytes that are only lent, such as those of a socket that are read over at its next turn, in memory of ours.
 */

/** Most messages are smaller; they share memory, since what is allocated costs more than what is copied. */
export const SMALL = 1024

/** What they share, in bytes, as `Buffer.poolSize`: as long as one of them is kept, so is all of it. */
const SLAB_SIZE = 8 * 1024

let slab = new Uint8Array(0)
let used = 0

/** A copy, which nobody writes to. */
export function keep(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  // Not `slice()`, which is no copy where it is a Buffer's.
  if (length > SMALL) return new Uint8Array(bytes)
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB_SIZE)
    used = 0
  }
  slab.set(bytes, used)
  used += length
  return slab.subarray(used - length, used)
}
