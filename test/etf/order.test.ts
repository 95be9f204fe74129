import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  atom,
  BitString,
  binary,
  compareTerms,
  ExportFun,
  equals,
  Float,
  Fun,
  float,
  ImproperList,
  LocalTerm,
  map,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from './arbitrary-term.ts'

/** Every term comes after the one before it, and before the one behind it. */
function expectAscending(...terms: readonly Term[]): void {
  for (const [i, a] of terms.entries()) {
    for (const [j, b] of terms.entries()) {
      expect(compareTerms(a, b), `${i} and ${j}`).toBe(Math.sign(i - j))
    }
  }
}

function expectEqual(a: Term, b: Term): void {
  expect(compareTerms(a, b)).toBe(0)
  expect(compareTerms(b, a)).toBe(0)
}

const node = atom('a@b')
const pid = new Pid(node, 1, 2, 3)

function fun(fields: Partial<ConstructorParameters<typeof Fun>[0]>): Fun {
  return new Fun({
    arity: 1,
    uniq: new Uint8Array(16),
    index: 5,
    module: atom('m'),
    oldIndex: 5,
    oldUniq: 7,
    pid,
    freeVariables: [],
    ...fields,
  })
}

function record(exported: boolean, fields: Readonly<Record<string, Term>>, name = 'n'): Term {
  const pairs = Object.entries(fields).map(([key, value]) => [atom(key), value] as const)
  return new NativeRecord(atom('m'), atom(name), exported, pairs)
}

describe('compareTerms', () => {
  it('puts the kinds of terms in the order of OTP 29', () => {
    expectAscending(
      99,
      atom('a'),
      new Reference(node, 1, [1]),
      fun({}),
      new ExportFun(atom('lists'), atom('map'), 2),
      new Port(node, 1, 1),
      pid,
      tuple(),
      record(false, { a: 1 }),
      map([]),
      [],
      [1],
      new Uint8Array(),
      new LocalTerm(Uint8Array.of(1)),
    )
  })

  it('compares integers and floats by their exact values', () => {
    expectEqual(1, new Float(1))
    expectEqual(2n ** 53n, new Float(2 ** 53))
    expectAscending(
      new Float(-1e300),
      -(2n ** 64n),
      -1,
      new Float(-0.5),
      0,
      new Float(0.1),
      1,
      new Float(1.5),
      2 ** 53 - 1,
      new Float(2 ** 53),
      // To a double this is the same.
      2n ** 53n + 1n,
      new Float(2 ** 60),
      2n ** 60n + 1n,
      10n ** 308n,
      new Float(Number.MAX_VALUE),
      10n ** 309n,
    )
  })

  it('knows one zero among floats', () => {
    expectEqual(float(0), float(-0))
    expectEqual(0, float(-0))
  })

  it('compares atoms by code points', () => {
    expectAscending(
      ...['', 'A', 'a', 'aa', 'ab', 'b', 'é', '日', '\u{fffd}', '\u{10000}', '\u{1f600}'].map(atom),
    )
  })

  it('compares tuples by size first', () => {
    expectAscending(tuple(9), tuple(1, 2), tuple(1, 3), tuple(2, 0), tuple(0, 0, 0))
    expectEqual(tuple(1, 2), tuple(float(1), 2))
  })

  it('compares lists element by element, their tails too', () => {
    expectAscending(
      [],
      new ImproperList([1], atom('a')),
      [1],
      [1, 1, 1],
      new ImproperList([1, 2], 0),
      new ImproperList([1, 2], atom('a')),
      [1, 2],
      new ImproperList([1, 2, 3], 0),
      [1, 2, 3],
      new ImproperList([1, 2], binary('x')),
      [1, 3],
      [2],
    )
    expectEqual([1, 2], [1, float(2)])
    expectEqual([1, 2, 3], new ImproperList([1], [2, 3]))
    expectEqual(new ImproperList([1, 2], 3), new ImproperList([1], new ImproperList([2], 3)))
  })

  it('compares maps by size, then keys, then values', () => {
    expectAscending(
      map([[atom('z'), 9]]),
      map([
        [atom('a'), 2],
        [atom('c'), 1],
      ]),
      map([
        [atom('c'), 2],
        [atom('a'), 2],
      ]),
      map([
        [atom('b'), 0],
        [atom('c'), 0],
      ]),
    )
    expectEqual(
      map([
        [1, atom('a')],
        [2, atom('b')],
      ]),
      map([
        [2, atom('b')],
        [1, atom('a')],
      ]),
    )
  })

  it('puts integers before floats among the keys of maps only', () => {
    const a = atom('a')
    expectAscending(map([[2, a]]), map([[float(1), a]]))
    expectAscending(map([[tuple(2), a]]), map([[tuple(float(1)), a]]))
    expectAscending(map([[float(-0), a]]), map([[float(0), a]]))
    expectAscending(map([[map([[a, 1]]), a]]), map([[map([[a, float(1)]]), a]]))
    expectEqual(map([[a, 1]]), map([[a, float(1)]]))
    // Back among values, the values count again.
    expectAscending(tuple(map([[1, 1]]), float(1)), tuple(map([[1, 1]]), 2))
  })

  it('compares bitstrings bit by bit', () => {
    expectAscending(
      new Uint8Array(),
      new BitString(Uint8Array.of(0b0000_0000), 1),
      Uint8Array.of(0),
      Uint8Array.of(0, 0),
      Uint8Array.of(0b0111_1111),
      new BitString(Uint8Array.of(0b1000_0000), 1),
      new BitString(Uint8Array.of(0b1000_0000), 2),
      Uint8Array.of(0b1000_0000),
      new BitString(Uint8Array.of(0b1010_0000), 3),
      Uint8Array.of(0b1010_0001),
      new BitString(Uint8Array.of(0b1100_0000), 2),
    )
  })

  it('compares pids by serial, id, node, creation', () => {
    expectAscending(
      new Pid(atom('z@z'), 0, 0, 9),
      new Pid(node, 2, 1, 3),
      new Pid(node, 1, 2, 3),
      new Pid(node, 1, 2, 4),
      new Pid(atom('a@c'), 1, 2, 0),
    )
  })

  it('compares ports and references by node, creation, then their numbers', () => {
    expectAscending(
      new Port(node, 1, 1),
      new Port(node, 2n ** 64n - 1n, 1),
      new Port(node, 0, 2),
      new Port(atom('b@b'), 0, 0),
    )
    expectAscending(
      new Reference(node, 1, [1, 2]),
      new Reference(node, 1, [2, 2]),
      new Reference(node, 1, [0, 0, 1]),
      new Reference(node, 1, [1, 0xffff_ffff, 1]),
      new Reference(node, 2, [1, 1]),
      new Reference(atom('z@b'), 0, [0]),
    )
    expectEqual(new Reference(node, 1, [1, 2]), new Reference(node, 1, [1, 2, 0]))
  })

  it('compares local funs by module, index, uniq and free variables, and exports by name', () => {
    expectAscending(
      fun({ module: atom('aa'), index: 9 }),
      fun({ module: atom('b') }),
      fun({ index: 4, oldUniq: 8 }),
      fun({ oldUniq: -1 }),
      fun({ freeVariables: [9] }),
      new OldFun(pid, atom('m'), 5, 7, [10]),
      fun({ freeVariables: [1, 2] }),
      fun({ freeVariables: [1, 3] }),
      fun({ oldUniq: 8 }),
      new ExportFun(atom('a'), atom('z'), 9),
      new ExportFun(atom('b'), atom('a'), 1),
      new ExportFun(atom('b'), atom('a'), 2),
      new ExportFun(atom('b'), atom('b'), 0),
    )
  })

  it('compares native records by name, whether exported, number of fields, fields, values', () => {
    expectAscending(
      record(false, { c: 0 }),
      record(false, { a: 1, b: 2 }),
      record(false, { a: 5, b: 1 }),
      record(false, { a: 0, c: 9 }),
      record(false, { b: 2, a: 1 }),
      record(true, { a: 1 }),
      record(false, {}, 'o'),
    )
    expectEqual(record(true, { a: 1 }), record(true, { a: float(1) }))
  })

  it('is an order: antisymmetric, transitive, zero for equal terms', () => {
    const terms = fc.tuple(arbitraryTerm(), arbitraryTerm(), arbitraryTerm())
    fc.assert(
      fc.property(terms, ([a, b, c]) => {
        expect(compareTerms(a, a)).toBe(0)
        expect(compareTerms(a, b)).toBe(0 - compareTerms(b, a))
        if (equals(a, b)) expect(compareTerms(a, b)).toBe(0)
        const [x, y, z] = [a, b, c].sort(compareTerms)
        if (x === undefined || y === undefined || z === undefined) throw new RangeError()
        expect(compareTerms(x, y)).toBeLessThanOrEqual(0)
        expect(compareTerms(y, z)).toBeLessThanOrEqual(0)
        expect(compareTerms(x, z)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('does not see in which order a map names its keys', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(arbitraryTerm(), arbitraryTerm()), {
          selector: ([key]) => key,
          comparator: equals,
        }),
        (entries) => {
          expectEqual(map(entries), map(entries.toReversed()))
        },
      ),
    )
  })

  it.each<[string, (inner: Term) => Term]>([
    ['tuples', (inner) => tuple(inner)],
    ['lists', (inner) => [inner]],
    ['tails', (inner) => new ImproperList([1], inner)],
    ['values of maps', (inner) => map([[1, inner]])],
    ['keys of maps', (inner) => map([[inner, 1]])],
  ])('compares 100,000 nested %s', (_, wrap) => {
    const nest = (core: Term): Term => {
      let term = core
      for (let i = 0; i < 100_000; i++) term = wrap(term)
      return term
    }
    const one = nest(1)
    expect(compareTerms(one, nest(2))).toBe(-1)
    expect(compareTerms(one, nest(1))).toBe(0)
  })

  it('does not look at what is behind the first difference', () => {
    const long = Array.from({ length: 100_000 }, () => 1)
    const started = performance.now()
    for (let i = 0; i < 10_000; i++) {
      expect(compareTerms(long, [2, 1])).toBe(-1)
      expect(compareTerms(tuple(1, long), tuple(2, long))).toBe(-1)
    }
    // Copying or walking the list each time would take minutes.
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
