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

/** What results and snapshots are made of; an object is an array, a map or a record of the same. */
export type Plain = undefined | null | boolean | number | bigint | string | object

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
    case 'object':
      return value === null ? null : jsonObject(value)
  }
}

function jsonObject(value: object): Json {
  if (Array.isArray(value)) {
    const elements: readonly Plain[] = value
    return elements.map(toJson)
  }
  if (value instanceof Map) {
    const entries: ReadonlyMap<string | number, Plain> = value
    return Object.fromEntries(Array.from(entries, ([key, part]) => [key, toJson(part)]))
  }
  const entries: readonly (readonly [string, Plain])[] = Object.entries(value)
  return Object.fromEntries(entries.map(([key, part]) => [snakeCase(key), toJson(part)]))
}

function jsonNumber(value: number): Json {
  if (value === Number.POSITIVE_INFINITY) return 'infinity'
  if (value === Number.NEGATIVE_INFINITY) return '-infinity'
  return Number.isNaN(value) ? null : value
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
