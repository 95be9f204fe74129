/**
 * Terms as JSON and MessagePack have them, in the same shape: a list or tuple is an array, an atom a string,
 * a map an object. What they have not is written as text: integers beyond 2^53 in decimal, bytes in Base64.
 */
import type { Term } from '../src/etf/terms.ts'
import type { Etf } from './product.ts'

export type Plain = string | number | readonly Plain[] | { readonly [key: string]: Plain }

export function toPlain(etf: Etf, term: Term): Plain {
  const plain = (it: Term): Plain => toPlain(etf, it)
  if (typeof term === 'number') return term
  if (typeof term === 'bigint') return term.toString()
  if (term instanceof Uint8Array) return textOf(term) ?? Buffer.from(term).toString('base64')
  if (etf.isList(term)) return term.map(plain)
  switch (term.type) {
    case 'float':
      return term.value
    case 'atom':
      return term.name
    case 'tuple':
      return term.elements.map(plain)
    case 'map':
      return Object.fromEntries([...term].map(([key, value]) => [keyOf(plain(key)), plain(value)]))
    case 'pid':
      return { node: term.node.name, id: term.id, serial: term.serial, creation: term.creation }
    case 'reference':
      return { node: term.node.name, creation: term.creation, words: term.words }
    default:
      throw new Error(`no payload has a ${term.type}`)
  }
}

function keyOf(key: Plain): string {
  return typeof key === 'string' ? key : JSON.stringify(key)
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
