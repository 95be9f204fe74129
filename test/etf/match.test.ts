import { describe, expect, test } from 'vitest'
import {
  atom,
  binary,
  float,
  ImproperList,
  isAtom,
  isInteger,
  isList,
  isTuple,
  keyfind,
  map,
  property,
  string,
  stringValue,
  type Term,
  tuple,
} from '../../src/etf/index.ts'

const a = atom('a')
const b = atom('b')

describe('kinds', () => {
  const terms: readonly (Term | undefined)[] = [
    a,
    1,
    2n ** 64n,
    float(1),
    binary('a'),
    [],
    [1],
    new ImproperList([1], 2),
    tuple(),
    map([]),
    undefined,
  ]
  const indices = (question: (term: Term | undefined) => boolean): readonly number[] =>
    terms.flatMap((term, index) => (question(term) ? [index] : []))

  test('are told apart', () => {
    expect(indices((term) => isAtom(term))).toStrictEqual([0])
    expect(indices(isInteger)).toStrictEqual([1, 2])
    expect(indices(isList)).toStrictEqual([5, 6])
    expect(indices((term) => isTuple(term))).toStrictEqual([8])
  })

  test('of atoms may be asked for by name, of tuples by arity', () => {
    expect(isAtom(atom('ok'), 'ok')).toBe(true)
    expect(isAtom(atom('ok'), 'error')).toBe(false)
    expect(isAtom(atom(''), '')).toBe(true)
    expect(isAtom(binary('ok'), 'ok')).toBe(false)
    expect(isTuple(tuple(1, 2), 2)).toBe(true)
    expect(isTuple(tuple(1, 2), 3)).toBe(false)
    expect(isTuple(tuple(), 0)).toBe(true)
    expect(isTuple([1, 2], 2)).toBe(false)
  })
})

describe('keyfind', () => {
  test('gives the first tuple that begins with the atom, of any arity', () => {
    const list = [1, a, tuple(), tuple(b, 0), tuple(a), tuple(a, 1), tuple(a, 1, 2)]
    expect(keyfind('a', list)).toStrictEqual(tuple(a))
    expect(keyfind('b', list)).toStrictEqual(tuple(b, 0))
  })

  test('gives nothing where there is none, and from what is no list', () => {
    expect(keyfind('a', [])).toBeUndefined()
    expect(keyfind('a', [tuple(binary('a'), 1), tuple(1, a), [a, 1]])).toBeUndefined()
    for (const term of [undefined, a, tuple(tuple(a, 1)), map([[a, 1]]), binary('a')]) {
      expect(keyfind('a', term)).toBeUndefined()
    }
    expect(keyfind('a', new ImproperList([tuple(a, 1)], a))).toBeUndefined()
  })
})

describe('property', () => {
  test('gives the value of the first pair', () => {
    const list = [a, tuple(a), tuple(a, 1, 2), tuple(b, 0), tuple(a, 3), tuple(a, 4)]
    expect(property('a', list)).toBe(3)
    expect(property('b', list)).toBe(0)
    expect(property('a', [tuple(a, [])])).toStrictEqual([])
  })

  test('gives nothing where there is none, and from what is no list', () => {
    expect(property('a', [])).toBeUndefined()
    expect(property('a', [a, tuple(a), tuple(a, 1, 2)])).toBeUndefined()
    for (const term of [undefined, a, tuple(tuple(a, 1)), map([[a, 1]])]) {
      expect(property('a', term)).toBeUndefined()
    }
  })
})

describe('the text of a string', () => {
  test('is made of its code points', () => {
    expect(stringValue(string('aé€😀'))).toBe('aé€😀')
    expect(stringValue([])).toBe('')
    expect(stringValue([0, 0x10ffff])).toBe('\0\u{10ffff}')
  })

  test('of a million characters is there in little time', () => {
    const start = performance.now()
    expect(stringValue(new Array<number>(1_000_000).fill(97))).toHaveLength(1_000_000)
    expect(performance.now() - start).toBeLessThan(10_000)
  })

  test('is none of what is no string', () => {
    for (const term of [
      undefined,
      a,
      binary('a'),
      tuple(97),
      [a],
      [-1],
      [0x110000],
      [2n ** 64n],
      [float(97)],
      [97, [98]],
      new ImproperList([97], 98),
    ]) {
      expect(stringValue(term)).toBeUndefined()
    }
  })
})
