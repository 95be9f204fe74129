import { describe, expect, it } from 'vitest'
import { findDifference } from '../../bench/difference.ts'
import * as etf from '../../src/etf/index.ts'

const { atom, binary, float, map, string, tuple } = etf
const find = (term: etf.Term, read: unknown): string | undefined => findDifference(etf, term, read)

describe('what a peer has read', () => {
  it('is right in whatever values the peer has for it', () => {
    expect(find(tuple(atom('ok'), 1), ['ok', 1])).toBeUndefined()
    expect(find(2n ** 70n, (2n ** 70n).toString())).toBeUndefined()
    expect(find(2 ** 40, 2n ** 40n)).toBeUndefined()
    expect(find(binary('Zoë'), 'Zoë')).toBeUndefined()
    expect(find(string('ab'), Buffer.from('ab'))).toBeUndefined()
    expect(find(atom('undefined'), null)).toBeUndefined()
    expect(find(map([[atom('a'), float(1.5)]]), { a: 1.5 })).toBeUndefined()
  })

  it.each([
    [
      'an integer that became a double',
      2n ** 64n - 1n,
      2 ** 64,
      /the integer 18446744073709551615/,
    ],
    ['a float that became another', float(1.5), 3.1e-319, /the float 1.5/],
    ['bytes that were read as UTF-8', Uint8Array.of(0xc8), '\ufffd', /a binary of 1 bytes/],
    ['an element that is missing', tuple(1, 2), [1], /a tuple of 2 elements/],
    ['an element deep inside', [[tuple(atom('a'), 1)]], [[['a', 2]]], /the integer 1 as 2/],
    ['an entry that is missing', map([[atom('a'), 1]]), {}, /a map of 1 entries/],
    ['a value of an entry', map([[atom('a'), 1]]), { a: 2 }, /the integer 1 as 2/],
    ['an atom that became another', atom('ok'), 'error', /the atom ok as error/],
    ['a pid without its parts', new etf.Pid(atom('a@b'), 1, 2, 3), 'pid', /a pid/],
  ])('is wrong: %s', (_, term, read, message) => {
    expect(find(term, read)).toMatch(message)
  })
})
