/**
 * Whether a peer read what is there. Each has values of its own for terms; what is asked is whether the
 * value can be told from them, not how they look.
 */
import type { Term } from '../src/etf/terms.ts'
import type { Etf } from './product.ts'

/** What is read wrong, in a few words; `undefined` if nothing is. */
export function findDifference(etf: Etf, term: Term, read: unknown): string | undefined {
  const value = unwrap(read)
  if (typeof term === 'number' || typeof term === 'bigint') {
    const isExact = typeof value !== 'number' || Number.isSafeInteger(value)
    const isSame = isExact && isScalar(value) && String(value) === String(term)
    return isSame ? undefined : `the integer ${term} as ${show(value)}`
  }
  if (term instanceof Uint8Array) {
    return bytesOf(value)?.equals(term) ? undefined : `a binary of ${term.length} bytes`
  }
  if (etf.isList(term)) {
    // Bytes are a list of small integers.
    const elements = typeof value === 'string' ? [...Buffer.from(value)] : arrayOf(value)
    return findInElements(etf, 'list', term, elements)
  }
  switch (term.type) {
    case 'float':
      return value === term.value ? undefined : `the float ${term.value} as ${show(value)}`
    case 'atom':
      return isAtomOf(term.name, value) ? undefined : `the atom ${term.name} as ${show(value)}`
    case 'tuple':
      return findInElements(etf, 'tuple', term.elements, arrayOf(value))
    case 'map':
      return findInMap(etf, [...term], value)
    case 'pid':
      return isObjectWith(value, ['node', 'id', 'serial', 'creation']) ? undefined : 'a pid'
    case 'reference':
      return isObjectWith(value, ['node', 'id', 'creation']) ? undefined : 'a reference'
    default:
      return `a ${term.type}`
  }
}

function findInElements(
  etf: Etf,
  kind: string,
  terms: readonly Term[],
  values: readonly unknown[] | undefined,
): string | undefined {
  if (values?.length !== terms.length) return `a ${kind} of ${terms.length} elements`
  for (const [index, term] of terms.entries()) {
    const difference = findDifference(etf, term, values[index])
    if (difference !== undefined) return difference
  }
  return undefined
}

function findInMap(
  etf: Etf,
  entries: readonly (readonly [Term, Term])[],
  value: unknown,
): string | undefined {
  if (typeof value !== 'object' || value === null) return 'a map'
  const found = new Map(
    [...(value instanceof Map ? value : Object.entries(value))].map(([key, it]) => [
      String(unwrap(key)),
      it,
    ]),
  )
  if (found.size !== entries.length) return `a map of ${entries.length} entries`
  for (const [key, term] of entries) {
    const name = etf.isAtom(key) ? key.name : etf.stringValue(key)
    const difference = findDifference(etf, term, found.get(name ?? ''))
    if (difference !== undefined) return difference
  }
  return undefined
}

/** erlang_js wraps atoms, binaries, lists and maps in objects of one field `value`. */
function unwrap(value: unknown): unknown {
  const isWrapped =
    typeof value === 'object' &&
    value !== null &&
    'value' in value &&
    value.constructor.name.startsWith('OtpErlang')
  return isWrapped ? value.value : value
}

function isScalar(value: unknown): value is number | bigint | string {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
}

/** Every peer has values of JavaScript for some atoms. */
function isAtomOf(name: string, value: unknown): boolean {
  switch (name) {
    case 'true':
    case 'false':
      return String(value) === name
    case 'nil':
    case 'null':
    case 'undefined':
      return value === null || value === name
    default:
      return value === name
  }
}

function arrayOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  return value instanceof Uint8Array ? [...value] : undefined
}

function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value)
  return value instanceof Uint8Array ? Buffer.from(value) : undefined
}

function isObjectWith(value: unknown, fields: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && fields.every((field) => field in value)
}

function show(value: unknown): string {
  return typeof value === 'object' ? 'an object' : String(value)
}
