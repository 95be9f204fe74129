/**
 * Bytes as they stand on the wire, written so that each one can be named in a comment.
 */

/** Joins bytes, text in UTF-8, and what other calls of this made. */
export function wire(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part]
      return [...(typeof part === 'string' ? new TextEncoder().encode(part) : part)]
    }),
  )
}

/** 4 bytes, the high one first. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** 8 bytes, the high one first. */
export function uint64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

/** Cuts `bytes` at the given places, which may repeat and come in any order. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => Math.min(place, bytes.length)), bytes.length]
  ends.sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}
