import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashTerm } from '../../src/etf/equality.ts'
import {
  type Atom,
  atom,
  BitString,
  binary,
  DuplicateKeyError,
  decode,
  ErlangMap,
  ExportFun,
  encode,
  equals,
  Fun,
  type FunFields,
  float,
  ImproperList,
  LocalTerm,
  map,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  string,
  type Term,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from './arbitrary-term.ts'
import { vectors } from './vectors.ts'

const DEEP = 100_000

const a = atom('a')
const pid = new Pid(a, 1, 2, 3)
const funFields: FunFields = {
  arity: 1,
  uniq: new Uint8Array(16),
  index: 2,
  module: atom('m'),
  oldIndex: 3,
  oldUniq: 4,
  pid,
  freeVariables: [5],
}

/** Terms of which each differs from every other, in one place only where it can. */
const different: readonly Term[] = [
  0,
  1,
  -1,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 1,
  -(2 ** 32),
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n),
  2n ** 64n,
  float(0),
  float(-0),
  float(1),
  float(-1),
  float(2 ** 53),
  a,
  atom('b'),
  atom('ab'),
  atom(''),
  binary(''),
  binary('a'),
  binary('ab'),
  Uint8Array.of(0),
  Uint8Array.of(0, 0),
  new BitString(Uint8Array.of(0), 1),
  new BitString(Uint8Array.of(0), 2),
  new BitString(Uint8Array.of(128), 1),
  [],
  [[]],
  [[], []],
  [1],
  [a],
  string('a'),
  string('ab'),
  new ImproperList([1], 2),
  new ImproperList([1], 3),
  new ImproperList([1, 2], 3),
  new ImproperList([2], 2),
  tuple(),
  tuple(1),
  tuple(a),
  tuple(float(1)),
  tuple(1, 2),
  tuple([1, 2]),
  tuple(tuple()),
  new ErlangMap([], []),
  map([[1, 2]]),
  map([[2, 1]]),
  map([[1, 3]]),
  map([[float(1), 2]]),
  map([
    [1, 2],
    [3, 4],
  ]),
  map([
    [1, 4],
    [3, 2],
  ]),
  map([[map([[1, 2]]), 3]]),
  map([[1, map([[2, 3]])]]),
  pid,
  new Pid(atom('b'), 1, 2, 3),
  new Pid(a, 2, 2, 3),
  new Pid(a, 1, 3, 3),
  new Pid(a, 1, 2, 4),
  new Port(a, 1, 3),
  new Port(a, 2n ** 60n, 3),
  new Port(a, 1, 4),
  new Port(atom('b'), 1, 3),
  new Reference(a, 1, [2, 3]),
  new Reference(a, 1, [3, 2]),
  new Reference(a, 1, [2]),
  new Reference(a, 2, [2, 3]),
  new Reference(atom('b'), 1, [2, 3]),
  new ExportFun(a, a, 1),
  new ExportFun(a, a, 2),
  new ExportFun(a, atom('b'), 1),
  new ExportFun(atom('b'), a, 1),
  new Fun(funFields),
  new Fun({ ...funFields, arity: 2 }),
  new Fun({ ...funFields, uniq: new Uint8Array(16).fill(1) }),
  new Fun({ ...funFields, index: 3 }),
  new Fun({ ...funFields, module: a }),
  new Fun({ ...funFields, oldIndex: 4 }),
  new Fun({ ...funFields, oldUniq: 5 }),
  new Fun({ ...funFields, pid: new Pid(a, 1, 2, 4) }),
  new Fun({ ...funFields, freeVariables: [6] }),
  new Fun({ ...funFields, freeVariables: [] }),
  new OldFun(pid, a, 1, 2, [3]),
  new OldFun(new Pid(a, 1, 2, 4), a, 1, 2, [3]),
  new OldFun(pid, atom('b'), 1, 2, [3]),
  new OldFun(pid, a, 2, 2, [3]),
  new OldFun(pid, a, 1, 3, [3]),
  new OldFun(pid, a, 1, 2, [4]),
  new NativeRecord(a, a, true, [[a, 1]]),
  new NativeRecord(a, a, false, [[a, 1]]),
  new NativeRecord(atom('b'), a, true, [[a, 1]]),
  new NativeRecord(a, atom('b'), true, [[a, 1]]),
  new NativeRecord(a, a, true, [[atom('b'), 1]]),
  new NativeRecord(a, a, true, [[a, 2]]),
  new NativeRecord(a, a, true, [[a, [1]]]),
  new NativeRecord(a, a, true, []),
  new LocalTerm(Uint8Array.of(1)),
  new LocalTerm(Uint8Array.of(2)),
]

function elapsed(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

function nest(depth: number, innermost: Term, around: (term: Term) => Term): Term {
  let term = innermost
  for (let i = 0; i < depth; i++) term = around(term)
  return term
}

/** Each of the two ways to nest, and what stands in the middle. */
const nestings: readonly (readonly [string, (term: Term) => Term])[] = [
  ['tuples', (term) => tuple(term)],
  ['lists', (term) => [term]],
  ['improper lists', (term) => new ImproperList([term], 1)],
  ['tails that are tuples', (term) => new ImproperList([1], tuple(term))],
  ['values of maps', (term) => map([[1, term]])],
  ['keys of maps', (term) => map([[term, 1]])],
  ['free variables', (term) => new Fun({ ...funFields, freeVariables: [term] })],
  ['free variables of old funs', (term) => new OldFun(pid, a, 1, 2, [term])],
  ['fields of records', (term) => new NativeRecord(a, a, true, [[a, term]])],
]

describe('equality', () => {
  test('holds for terms decoded twice from the same bytes', () => {
    for (const { name, bytes, atomCacheRefs = [] } of vectors) {
      const [one, other] = [decode(bytes, { atomCacheRefs }), decode(bytes, { atomCacheRefs })]
      expect(equals(one, other), name).toBe(true)
      expect(hashTerm(one), name).toBe(hashTerm(other))
    }
  })

  test('tells every two terms apart that differ anywhere', () => {
    for (const [i, one] of different.entries()) {
      for (const [j, other] of different.entries()) {
        expect(equals(one, other), `${i} and ${j}`).toBe(i === j)
        expect(equals(tuple(one), tuple(other)), `within tuples, ${i} and ${j}`).toBe(i === j)
        expect(equals(map([[one, a]]), map([[other, a]])), `as keys, ${i} and ${j}`).toBe(i === j)
      }
    }
  })

  test('sees 1 and 1.0, and 0.0 and -0.0, as different', () => {
    expect(equals(1, float(1))).toBe(false)
    expect(equals(float(0), float(-0))).toBe(false)
  })

  test('takes a small integer as a number and as a bigint for the same', () => {
    for (const [number, bigint] of [
      [0, 0n],
      [-0, 0n],
      [7, 7n],
      [-7, -7n],
      [2 ** 40, 2n ** 40n],
      [-(2 ** 53) + 1, -(2n ** 53n) + 1n],
    ] as const) {
      expect(equals(number, bigint)).toBe(true)
      expect(equals(bigint, number)).toBe(true)
      expect(equals([number], [bigint])).toBe(true)
      expect(hashTerm(number)).toBe(hashTerm(bigint))
      expect(hashTerm([number])).toBe(hashTerm([bigint]))
    }
    expect(equals(7, 8n)).toBe(false)
    expect(equals(new Port(a, 7, 1), new Port(a, 7n, 1))).toBe(true)
    expect(hashTerm(new Port(a, 7, 1))).toBe(hashTerm(new Port(a, 7n, 1)))
  })

  test('does not care for the order of the entries of a map', () => {
    for (const size of [2, 8, 9, 100]) {
      const entries = Array.from({ length: size }, (_, i): [Term, Term] => [i, atom(`${i}`)])
      const one = map(entries)
      const other = map(entries.toReversed())
      expect(equals(one, other)).toBe(true)
      expect(hashTerm(one)).toBe(hashTerm(other))
      expect(equals(map([[one, 1]]), map([[other, 1]]))).toBe(true)
      expect(map([[one, 1]]).get(other)).toBe(1)
    }
  })

  test('sees a Buffer and a Uint8Array of the same bytes as the same', () => {
    expect(equals(Buffer.from('abc'), binary('abc'))).toBe(true)
    expect(hashTerm(Buffer.from('abc'))).toBe(hashTerm(binary('abc')))
  })

  test.each(nestings)(`reaches through ${DEEP} levels of %s`, (_, around) => {
    const one = nest(DEEP, 1, around)
    const time = elapsed(() => {
      expect(equals(one, nest(DEEP, 1, around))).toBe(true)
      expect(equals(one, nest(DEEP, 2, around))).toBe(false)
      expect(equals(one, nest(DEEP - 1, 1, around))).toBe(false)
      expect(hashTerm(one)).toBe(hashTerm(nest(DEEP, 1, around)))
      expect(hashTerm(one)).not.toBe(hashTerm(nest(DEEP, 2, around)))
    })
    expect(time).toBeLessThan(10_000)
  })

  test('agrees with a plain comparison of the terms written down', () => {
    fc.assert(
      fc.property(arbitrarySmallTerm, arbitrarySmallTerm, (one, other) => {
        const same = written(one) === written(other)
        expect(equals(one, other)).toBe(same)
        expect(equals(other, one)).toBe(same)
        if (same) expect(hashTerm(one)).toBe(hashTerm(other))
      }),
      { numRuns: 5000 },
    )
  })

  test('and the hash agree for any term and its copy, whatever the order of maps', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        const copy = reversingMaps(decode(encode(term)))
        expect(equals(term, copy)).toBe(true)
        expect(hashTerm(term)).toBe(hashTerm(copy))
      }),
      { numRuns: 500 },
    )
  })
})

/** From so few that two are often the same. */
const arbitrarySmallTerm: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { depthSize: 'medium', maxDepth: 3 },
    fc.constantFrom<Term>(0, 1, 1n, float(1), float(-0), a, binary('a'), [], tuple()),
    fc.array(tie('term'), { maxLength: 2 }),
    fc.array(tie('term'), { maxLength: 2 }).map((elements) => new Tuple(elements)),
    fc.tuple(tie('term'), fc.constantFrom<Term>(0, a)).map(([x, y]) => new ImproperList([x], y)),
    fc
      .uniqueArray(fc.tuple(tie('term'), tie('term')), {
        maxLength: 3,
        selector: ([key]) => written(key),
      })
      .map(map),
  ),
})).term

/** A text that is the same for the same terms only. */
function written(term: Term): string {
  if (typeof term !== 'object') return `${term}`
  if (term instanceof Uint8Array) return `<${term}>`
  if (term instanceof ErlangMap) {
    const entries = [...term].map(([key, value]) => `${written(key)}=>${written(value)}`)
    return `#{${entries.sort()}}`
  }
  if (term instanceof ImproperList) return `[${term.elements.map(written)}|${written(term.tail)}]`
  if (term instanceof Tuple) return `{${term.elements.map(written)}}`
  if ('type' in term && term.type === 'atom') return term.name
  if ('type' in term && term.type === 'float')
    return Object.is(term.value, -0) ? '-0.0' : `${term.value}.0`
  if ('type' in term) throw new Error(`no text for a ${term.type}`)
  return `[${term.map(written)}]`
}

function reversingMaps(term: Term): Term {
  if (term instanceof ErlangMap) {
    return map(
      [...term].toReversed().map(([key, value]) => [reversingMaps(key), reversingMaps(value)]),
    )
  }
  if (term instanceof Tuple) return new Tuple(term.elements.map(reversingMaps))
  if (term instanceof ImproperList) {
    return new ImproperList(term.elements.map(reversingMaps), reversingMaps(term.tail))
  }
  return Array.isArray(term) ? term.map(reversingMaps) : term
}

describe('the hash', () => {
  test('differs wherever terms do', () => {
    expect(new Set(different.map(hashTerm)).size).toBe(different.length)
  })

  test('of a pair differs from that of the pair turned round', () => {
    expect(hashTerm([1, 2])).not.toBe(hashTerm([2, 1]))
    expect(hashTerm(map([[1, 2]]))).not.toBe(hashTerm(map([[2, 1]])))
  })

  /**
   * Families of keys that some way to hash takes for the same, prepared without knowing its seed: each
   * pair of choices collides, so that 2^13 keys would stand in one bucket.
   */
  test.each<[string, Term, Term]>([
    ['integers with their high bit turned', 0, -(2 ** 31)],
    ['integers and lists of the same words', 1, [[]]],
    [
      'two pids with two high bits turned',
      new Pid(a, 0, 0, 0),
      new Pid(a, 2 ** 31, 0x8001_0000, 0),
    ],
    ['an atom and a binary', atom('ab'), binary('ab')],
    ['integers and floats', 1, float(1)],
    ['zeros', float(0), float(-0)],
    [
      'funs of two processes',
      new Fun(funFields),
      new Fun({ ...funFields, pid: new Pid(a, 9, 9, 9) }),
    ],
    ['old funs', new OldFun(pid, a, 1, 2, []), new OldFun(pid, a, 3, 4, [])],
    ['records', new NativeRecord(a, a, true, []), new NativeRecord(a, a, false, [])],
    ['ports', new Port(a, 1, 1), new Port(a, 1, 2)],
    ['references', new Reference(a, 1, [1]), new Reference(a, 2, [1])],
    [
      'maps with two values changed',
      map([
        [1, 2],
        [3, 4],
      ]),
      map([
        [1, 4],
        [3, 2],
      ]),
    ],
    ['bitstrings', new BitString(Uint8Array.of(0), 1), new BitString(Uint8Array.of(0), 2)],
  ])('is not the same for keys made of %s', (_, zero, one) => {
    const keys = Array.from({ length: 2 ** 13 }, (_, i) =>
      Array.from({ length: 13 }, (_, bit) => ((i >> bit) & 1 ? one : zero)),
    )
    // By chance, two of 8192 are the same with a likelihood of one in 128.
    expect(new Set(keys.map(hashTerm)).size).toBeGreaterThan(keys.length - 5)
    expect(elapsed(() => new ErlangMap(keys, keys))).toBeLessThan(10_000)
  })
})

describe('a map', () => {
  test('finds its keys by structure', () => {
    for (const count of [different.length, 8, 1]) {
      const keys = different.slice(0, count)
      const it = new ErlangMap(
        keys,
        keys.map((_, i) => i),
      )
      expect(it.size).toBe(count)
      for (const [i, key] of keys.entries()) {
        const copy =
          key instanceof LocalTerm ? new LocalTerm(key.bytes.slice()) : decode(encode(key))
        expect(it.get(copy)).toBe(i)
        expect(it.has(copy)).toBe(true)
      }
      expect(it.get(atom('none'))).toBeUndefined()
      expect(it.has(atom('none'))).toBe(false)
    }
  })

  test('gives its entries in their order', () => {
    const entries: readonly [Atom, number][] = [
      [atom('b'), 1],
      [atom('a'), 2],
      [atom('c'), 3],
    ]
    expect([...map(entries)]).toStrictEqual(entries)
  })

  test('holds no key twice, whether it has few or many', () => {
    for (const count of [2, 8, 9, 1000]) {
      const keys: Term[] = Array.from({ length: count - 1 }, (_, i) => tuple(i))
      keys.push(tuple(0))
      expect(() => new ErlangMap(keys, keys)).toThrow(DuplicateKeyError)
    }
    for (const count of [2, 8, 9, 32, 33]) {
      const names: Term[] = Array.from({ length: count - 1 }, (_, i) => atom(`key${i}`))
      expect(new ErlangMap(names, names).get(atom(`key${count - 2}`))).toBeDefined()
      expect(new ErlangMap([...names, 1], [...names, 1]).get(1)).toBe(1)
      const twice = [...names, atom('key0')]
      expect(() => new ErlangMap(twice, twice)).toThrow(DuplicateKeyError)
    }
  })

  test('takes a small integer as a number and as a bigint for one key', () => {
    expect(() => new ErlangMap([5, 5n], [1, 2])).toThrow(DuplicateKeyError)
    expect(map([[5, a]]).get(5n)).toBe(a)
  })

  test('has a value for each key', () => {
    expect(() => new ErlangMap([1], [])).toThrow(RangeError)
    expect(() => new ErlangMap([], [1])).toThrow(RangeError)
  })

  test('of 100,000 keys is built and searched in little time', () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => tuple(atom('key'), i))
    const time = elapsed(() => {
      const it = new ErlangMap(keys, keys)
      for (let i = 0; i < keys.length; i += 1000) {
        expect(it.get(tuple(atom('key'), i))).toBe(keys[i])
      }
    })
    expect(time).toBeLessThan(10_000)
  })

  test('may be a key of a map 100,000 levels deep, with few keys and with many', () => {
    for (const more of [0, 1, 8]) {
      const others = Array.from({ length: more }, (_, i): [Term, Term] => [tuple(i), i])
      const around = (term: Term): Term => map([[term, 1], ...others])
      const depth = DEEP / (1 + more)
      let one: Term = 1
      expect(elapsed(() => (one = nest(depth, 1, around)))).toBeLessThan(10_000)
      expect(elapsed(() => map([[one, 1]]).get(nest(depth, 1, around)))).toBeLessThan(10_000)
    }
  })

  test('tells two keys apart that differ 50,000 levels deep only', () => {
    const around = (term: Term): Term => map([[term, 1]])
    const [one, other] = [nest(DEEP / 2, 1, around), nest(DEEP / 2, 2, around)]
    const it = map([
      [one, 1],
      [other, 2],
    ])
    expect(it.get(nest(DEEP / 2, 2, around))).toBe(2)
  })

  test('of maps of maps whose keys all differ in the end only takes time in proportion', () => {
    // Eight keys, each a map of eight keys, and so on: at every level the last key only differs.
    const build = (level: number, leaf: number): Term =>
      level === 0
        ? leaf
        : map(
            Array.from({ length: 8 }, (_, i) => [
              build(level - 1, i === 7 ? leaf : 1000 * level + i),
              [],
            ]),
          )
    const time = elapsed(() => {
      const keys = Array.from({ length: 8 }, (_, i) => build(5, 100 + i))
      const it = new ErlangMap(keys, keys)
      expect(it.get(build(5, 107))).toBe(keys[7])
    })
    expect(time).toBeLessThan(15_000)
  })
})
