import { describe, expect, test } from 'vitest'
import { atom, EncodedTerm, InvalidTermError, tuple } from '../../src/etf/index.ts'
import * as tags from '../../src/etf/tags.ts'

describe('a term that is not decoded', () => {
  test('becomes the term that it was made of', () => {
    const term = tuple(atom('ok'), [1, 2n ** 70n])
    expect(EncodedTerm.of(term).decode()).toEqual(term)
  })

  test('has no version byte', () => {
    expect([...EncodedTerm.of(7).bytes]).toEqual([tags.SMALL_INTEGER, 7])
  })

  test('takes its atoms from the header', () => {
    const encoded = new EncodedTerm(Uint8Array.of(tags.ATOM_CACHE_REF, 0), [atom('here')])
    expect(encoded.decode()).toEqual(atom('here'))
  })

  test('is one term', () => {
    const two = new EncodedTerm(Uint8Array.of(tags.NIL, tags.NIL))
    expect(() => two.decode()).toThrow(InvalidTermError)
  })
})
