/** Terms about as deep as is read and written by a function that calls itself, where a stack takes over. */
import { describe, expect, it } from 'vitest'
import {
  atom,
  decode,
  ExportFun,
  encode,
  equals,
  Float,
  ImproperList,
  map,
  type Term,
  TermLimitError,
  TruncatedTermError,
  tuple,
} from '../../src/etf/index.ts'

/** Each puts a term into another, among neighbours of all kinds. */
const WRAPPERS: Readonly<Record<string, (inner: Term) => Term>> = {
  'tuples of one': (inner) => tuple(inner),
  'tuples of two': (inner) => tuple(atom('key'), inner),
  'tuples of three': (inner) => tuple(inner, new Float(0.5), 2 ** 40),
  'tuples of four': (inner) => tuple(1, -1, inner, []),
  'tuples of five': (inner) => tuple(1, 2, inner, 4, new ExportFun(atom('m'), atom('f'), 1)),
  lists: (inner) => [atom('a'), inner, atom('é')],
  'improper lists': (inner) => new ImproperList([1, inner], atom('tail')),
  tails: (inner) => new ImproperList([1], tuple(inner)),
  'values of maps': (inner) => map([[atom('key'), inner]]),
  'keys of maps': (inner) => map([[inner, Uint8Array.of(1, 2, 3)]]),
}

function nested(wrap: (inner: Term) => Term, levels: number): Term {
  let term: Term = atom('innermost')
  for (let level = 0; level < levels; level++) term = wrap(term)
  return term
}

describe.each(Object.entries(WRAPPERS))('%s', (_, wrap) => {
  it.each([1, 62, 63, 64, 65, 66, 130])('are read at %d levels', (levels) => {
    const term = nested(wrap, levels)
    expect(equals(decode(encode(term)), term)).toBe(true)
  })

  it('are truncated wherever their bytes end', () => {
    const bytes = encode(nested(wrap, 66))
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(TruncatedTermError)
    }
  })
})

it('refuses terms one level beyond the limit, on whichever side of it', () => {
  for (const levels of [10, 64, 65, 100]) {
    const bytes = encode(nested((inner) => tuple(inner), levels))
    expect(() => decode(bytes, { maxDepth: levels - 1 })).toThrow(TermLimitError)
    expect(decode(bytes, { maxDepth: levels })).toBeDefined()
  }
})

it('reads lists that are their own tails, however many', () => {
  // [| [| … []]], each of five bytes, and none of them a level.
  const levels = 100_000
  const bytes = new Uint8Array(1 + 5 * levels + 1)
  bytes[0] = 131
  for (let level = 0; level < levels; level++) bytes[1 + 5 * level] = 108
  bytes[bytes.length - 1] = 106
  expect(decode(bytes)).toEqual([])
})
