/**
 * Terms by chance, of every kind there is, for property tests.
 */
import fc from 'fast-check'
import {
  Atom,
  BitString,
  ErlangMap,
  ExportFun,
  equals,
  Float,
  Fun,
  ImproperList,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
} from '../../src/etf/index.ts'

export interface ArbitraryTermOptions {
  /**
   * `data`: only what Erlang text can hold without a node: numbers, atoms, binaries, bitstrings, lists,
   * tuples, maps, and `fun M:F/A`. `all`, the default, adds identifiers, funs and native records.
   */
  readonly kinds?: 'all' | 'data'
}

/**
 * Any term in the form that `decode` gives it: integers are numbers while they are safe, the tail of
 * an improper list is no list, the unused bits of a bitstring are zero. Without {@link LocalTerm},
 * which only stands alone.
 */
export function arbitraryTerm(options: ArbitraryTermOptions = {}): fc.Arbitrary<Term> {
  const all = options.kinds !== 'data'
  const { term } = fc.letrec<{ term: Term; list: readonly Term[]; improper: ImproperList }>(
    (tie) => {
      const identifiers = all ? [arbitraryPid, arbitraryPort, arbitraryReference] : []
      const term = tie('term')
      const few = fc.array(term, { maxLength: 4 })
      const funs = all ? [arbitraryFun(few), arbitraryOldFun(few), arbitraryRecord(term)] : []
      return {
        term: fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          arbitraryInteger,
          arbitraryAtom,
          arbitraryFloat,
          arbitraryBinary,
          arbitraryBitString,
          arbitraryString,
          arbitraryExportFun,
          ...identifiers,
          tie('list'),
          tie('improper'),
          fc.array(term).map((elements) => new Tuple(elements)),
          arbitraryMap(term),
          ...funs,
        ),
        list: fc.array(term),
        improper: fc
          .tuple(fc.array(term, { minLength: 1 }), term)
          .filter(([, tail]) => !(Array.isArray(tail) || tail instanceof ImproperList))
          .map(([elements, tail]) => new ImproperList(elements, tail)),
      }
    },
  )
  return term
}

const uint8 = fc.nat({ max: 0xff })
const uint32 = fc.nat({ max: 0xffff_ffff })

/** From small ones to some that take hundreds of bytes. */
export const arbitraryInteger: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(exact),
  fc.bigInt({ min: -(2n ** 2100n), max: 2n ** 2100n }).map(exact),
)

export const arbitraryFloat: fc.Arbitrary<Float> = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    // The magnitudes at which the text of a float changes its form.
    fc
      .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: -30, max: 30 }))
      .map(([digits, exponent]) => Number(`${digits}e${exponent}`)),
  )
  .map((value) => new Float(value))

/** Plain names, names that need quotes, and any characters at all. */
export const arbitraryAtom: fc.Arbitrary<Atom> = fc
  .oneof(
    fc.stringMatching(/^[a-z][a-zA-Z0-9_@]{0,12}$/),
    fc.constantFrom('', 'end', 'after', 'maybe', 'else', 'ok', 'true', 'é', 'ß1', 'Ünicode', 'øl'),
    fc.string({ maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 255 }),
  )
  .map((name) => new Atom(name))

export const arbitraryBinary: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array(),
  fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
)

export const arbitraryBitString: fc.Arbitrary<BitString> = fc
  .tuple(fc.uint8Array(), uint8, fc.integer({ min: 1, max: 7 }))
  .map(
    ([bytes, last, bits]) =>
      new BitString(Uint8Array.of(...bytes, last & -(1 << (8 - bits))), bits),
  )

/** Erlang's strings: lists of code points. */
export const arbitraryString: fc.Arbitrary<readonly number[]> = fc
  .oneof(fc.string(), fc.string({ unit: 'binary' }))
  .map((text) => Array.from(text, (character) => character.codePointAt(0) ?? 0))

const arbitraryNode = fc
  .oneof(fc.constantFrom('a@localhost', 'nonode@nohost', 'rabbit@hôte', 'B@10.0.0.1'))
  .map((name) => new Atom(name))

export const arbitraryPid: fc.Arbitrary<Pid> = fc
  .tuple(arbitraryNode, uint32, uint32, uint32)
  .map(([node, id, serial, creation]) => new Pid(node, id, serial, creation))

export const arbitraryPort: fc.Arbitrary<Port> = fc
  .tuple(arbitraryNode, fc.oneof(uint32, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), uint32)
  .map(([node, id, creation]) => new Port(node, exact(BigInt(id)), creation))

export const arbitraryReference: fc.Arbitrary<Reference> = fc
  .tuple(arbitraryNode, uint32, fc.array(uint32, { minLength: 1, maxLength: 5 }))
  .map(([node, creation, words]) => new Reference(node, creation, words))

export const arbitraryExportFun: fc.Arbitrary<ExportFun> = fc
  .tuple(arbitraryAtom, arbitraryAtom, uint8)
  .map(([module, name, arity]) => new ExportFun(module, name, arity))

function arbitraryFun(freeVariables: fc.Arbitrary<readonly Term[]>): fc.Arbitrary<Fun> {
  return fc
    .record({
      arity: uint8,
      uniq: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      index: uint32,
      module: arbitraryAtom,
      oldIndex: fc.integer(),
      oldUniq: fc.integer(),
      pid: arbitraryPid,
      freeVariables,
    })
    .map((fields) => new Fun(fields))
}

function arbitraryOldFun(freeVariables: fc.Arbitrary<readonly Term[]>): fc.Arbitrary<OldFun> {
  return fc
    .tuple(arbitraryPid, arbitraryAtom, fc.integer(), fc.integer(), freeVariables)
    .map(([pid, module, index, uniq, variables]) => new OldFun(pid, module, index, uniq, variables))
}

function arbitraryRecord(value: fc.Arbitrary<Term>): fc.Arbitrary<NativeRecord> {
  const fields = fc.uniqueArray(fc.tuple(arbitraryAtom, value), {
    selector: ([name]) => name.name,
    maxLength: 4,
  })
  return fc
    .tuple(arbitraryAtom, arbitraryAtom, fc.boolean(), fields)
    .map(([module, name, exported, all]) => new NativeRecord(module, name, exported, all))
}

function arbitraryMap(term: fc.Arbitrary<Term>): fc.Arbitrary<ErlangMap> {
  return fc.uniqueArray(fc.tuple(term, term), { selector: ([key]) => key, comparator: equals }).map(
    (entries) =>
      new ErlangMap(
        entries.map(([key]) => key),
        entries.map(([, value]) => value),
      ),
  )
}

/** The one form of an integer: a number while it is safe. */
function exact(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
