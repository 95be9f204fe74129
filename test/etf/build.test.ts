import { describe, expect, test } from 'vitest'
import {
  Atom,
  atom,
  binary,
  DuplicateKeyError,
  ErlangMap,
  Float,
  float,
  map,
  string,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'

describe('terms written down', () => {
  test('are what their constructors make', () => {
    expect(atom('ok')).toStrictEqual(new Atom('ok'))
    expect(tuple(atom('ok'), 1)).toStrictEqual(new Tuple([new Atom('ok'), 1]))
    expect(tuple()).toStrictEqual(new Tuple([]))
    expect(float(1)).toStrictEqual(new Float(1))
    expect(map([[1, 2]])).toStrictEqual(new ErlangMap([1], [2]))
    expect(map([])).toStrictEqual(new ErlangMap([], []))
  })

  test('say of what type they are', () => {
    expect([atom('a'), tuple(), float(1), map([])].map(({ type }) => type)).toStrictEqual([
      'atom',
      'tuple',
      'float',
      'map',
    ])
  })

  test('that are binaries hold UTF-8', () => {
    expect(binary('aé€😀')).toStrictEqual(
      Uint8Array.of(0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80),
    )
    expect(binary('')).toStrictEqual(new Uint8Array())
  })

  test('that are strings hold code points, not code units', () => {
    expect(string('aé€😀')).toStrictEqual([0x61, 0xe9, 0x20ac, 0x1f600])
    expect(string('')).toStrictEqual([])
  })

  test('that are maps like another are looked at again unless they have its very keys', () => {
    const like = map([[1, 2]])
    const same = new ErlangMap(like.keys, [3], like)
    expect(same).toStrictEqual(map([[1, 3]]))
    expect(same.get(1)).toBe(3)
    expect(() => new ErlangMap(like.keys, [], like)).toThrow(RangeError)
    expect(() => new ErlangMap([1, 1], [2, 3], like)).toThrow(DuplicateKeyError)
  })

  test('that are maps take any iterable, and no key twice', () => {
    expect(map(new Map([[1, 2]]))).toStrictEqual(new ErlangMap([1], [2]))
    expect(map(map([[1, 2]]))).toStrictEqual(new ErlangMap([1], [2]))
    expect(() =>
      map([
        [tuple(1), 2],
        [tuple(1), 3],
      ]),
    ).toThrow(DuplicateKeyError)
  })
})
