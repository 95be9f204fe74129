/**
 * Results as JSON: recon's names for the keys, and nothing that JSON cannot say.
 */

/** What `JSON.stringify` writes without loss. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** What results and snapshots are made of. */
export type Plain =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Plain[]
  | ReadonlyMap<string | number, Plain>
  | { readonly [key: string]: Plain }

/**
 * The JSON of a result, in the shape that recon's answers have in this project's documents.
 *
 * | result | JSON |
 * | --- | --- |
 * | a field, `mbcsBlockSize` | a key, `mbcs_block_size` |
 * | a map | an object with the map's keys as they are |
 * | an integer beyond 2^53 | a string of decimal digits |
 * | `Infinity` | `"infinity"` |
 * | `undefined`, NaN | `null` |
 */
export function toJson(value: Plain): Json {
  switch (typeof value) {
    case 'undefined':
      return null
    case 'bigint':
      return value.toString()
    case 'number':
      return jsonNumber(value)
    case 'boolean':
    case 'string':
      return value
    case 'object': {
      if (value === null) return null
      if (isArray(value)) return value.map(toJson)
      if (isMap(value)) {
        return Object.fromEntries(Array.from(value, ([key, part]) => [String(key), toJson(part)]))
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [snakeCase(key), toJson(part)]),
      )
    }
  }
}

function jsonNumber(value: number): Json {
  if (value === Number.POSITIVE_INFINITY) return 'infinity'
  if (value === Number.NEGATIVE_INFINITY) return '-infinity'
  return Number.isNaN(value) ? null : value
}

/** `Array.isArray` does not narrow a readonly array; this does. */
function isArray(value: object): value is readonly Plain[] {
  return Array.isArray(value)
}

function isMap(value: object): value is ReadonlyMap<string | number, Plain> {
  return value instanceof Map
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
