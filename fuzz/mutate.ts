/**
 * Bytes changed by chance, whatever they mean.
 */
import type { Random } from './random.ts'

/** Beyond, nothing is added any more: input that grows by itself would measure no decoder. */
const MAX_SIZE = 256 * 1024

/** A few changes to a copy of `bytes`; `other` is what parts may come from. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  // Not by slice(), which copies nothing of a Buffer.
  let mutated: Uint8Array = new Uint8Array(bytes)
  for (let left = 1 + random.small(6); left > 0; left--)
    mutated = mutateOnce(mutated, other, random)
  return mutated
}

function mutateOnce(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  if (at === bytes.length || bytes.length > MAX_SIZE) return bytes.subarray(0, at)
  switch (random.below(9)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      return bytes
    case 1:
      bytes[at] = random.below(256)
      return bytes
    case 2:
      return overwriteInteger(bytes, at, random)
    case 3:
      return splice(bytes, at, at, someBytes(random))
    case 4:
      return splice(bytes, at, at + 1 + random.small(16), new Uint8Array())
    case 5: {
      const part = bytes.slice(at, at + 1 + random.small(64))
      return splice(bytes, at, at, part)
    }
    case 6:
      return bytes.subarray(0, at)
    case 7: {
      // The beginning of one, the end of another.
      const from = random.below(other.length + 1)
      return splice(bytes, at, bytes.length, other.subarray(from))
    }
    default: {
      const from = random.below(other.length + 1)
      const part = other.subarray(from, from + 1 + random.small(64))
      return splice(bytes, at, random.oneIn(2) ? at : at + part.length, part)
    }
  }
}

function overwriteInteger(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const left = bytes.length - at
  const value = random.interesting()
  if (left >= 4 && random.oneIn(2)) view.setUint32(at, value)
  else if (left >= 2 && random.oneIn(2)) view.setUint16(at, value)
  else view.setUint8(at, value)
  return bytes
}

function someBytes(random: Random): Uint8Array {
  const part = new Uint8Array(1 + random.small(8))
  const same = random.oneIn(2) ? random.below(256) : undefined
  for (let i = 0; i < part.length; i++) part[i] = same ?? random.below(256)
  return part
}

function splice(bytes: Uint8Array, start: number, end: number, part: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(end, bytes.length))
  const spliced = new Uint8Array(start + part.length + rest.length)
  spliced.set(bytes.subarray(0, start))
  spliced.set(part, start)
  spliced.set(rest, start + part.length)
  return spliced
}
