import { describe, expect, test } from 'vitest'
import {
  atom,
  BitString,
  binary,
  decode,
  EncodeError,
  ErlangMap,
  ExportFun,
  encode,
  equals,
  Float,
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
  TermWriter,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'
import { localVector, vectors } from './vectors.ts'

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

/** The bytes behind the version byte. */
function encodeTerm(term: Term): readonly number[] {
  const [version, ...bytes] = encode(term)
  expect(version).toBe(131)
  return bytes
}

/** A value that no compiler would let pass, as a JavaScript caller may give it. */
function notATerm(value: unknown): Term {
  const terms: Term[] = []
  Reflect.set(terms, 0, value)
  for (const term of terms) return term
  throw new Error('there is one')
}

describe('the vectors', () => {
  test.each(vectors)('$name is written as the BEAM does', ({ bytes, term, rewritten }) => {
    expect(encode(term)).toStrictEqual(rewritten ?? bytes)
  })

  test('LOCAL_EXT is written as it came', () => {
    expect(encode(decode(localVector))).toStrictEqual(localVector)
  })
})

describe('integers', () => {
  test.each<[string, number | bigint, readonly number[]]>([
    ['0', 0, [/* SMALL_INTEGER_EXT */ 97, 0]],
    ['255', 255, [/* SMALL_INTEGER_EXT */ 97, 255]],
    ['256', 256, [/* INTEGER_EXT */ 98, 0, 0, 1, 0]],
    ['-1', -1, [/* INTEGER_EXT */ 98, 255, 255, 255, 255]],
    ['2^27 - 1', 2 ** 27 - 1, [/* INTEGER_EXT */ 98, 7, 255, 255, 255]],
    ['2^27', 2 ** 27, [/* INTEGER_EXT */ 98, 8, 0, 0, 0]],
    ['-2^27', -(2 ** 27), [/* INTEGER_EXT */ 98, 248, 0, 0, 0]],
    ['-2^27 - 1', -(2 ** 27) - 1, [/* INTEGER_EXT */ 98, 247, 255, 255, 255]],
    ['2^31 - 1', 2 ** 31 - 1, [/* INTEGER_EXT */ 98, 127, 255, 255, 255]],
    ['2^31', 2 ** 31, [/* SMALL_BIG_EXT */ 110, 4, 0, 0, 0, 0, 128]],
    ['-2^31', -(2 ** 31), [/* INTEGER_EXT */ 98, 128, 0, 0, 0]],
    ['-2^31 - 1', -(2 ** 31) - 1, [/* SMALL_BIG_EXT */ 110, 4, 1, 1, 0, 0, 128]],
    ['2^32', 2 ** 32, [/* SMALL_BIG_EXT */ 110, 5, 0, 0, 0, 0, 0, 1]],
    ['2^53 - 1', 2 ** 53 - 1, [/* SMALL_BIG_EXT */ 110, 7, 0, 255, 255, 255, 255, 255, 255, 31]],
    ['2^53', 2n ** 53n, [/* SMALL_BIG_EXT */ 110, 7, 0, 0, 0, 0, 0, 0, 0, 32]],
    ['2^53 + 1', 2n ** 53n + 1n, [/* SMALL_BIG_EXT */ 110, 7, 0, 1, 0, 0, 0, 0, 0, 32]],
    ['-2^53 - 1', -(2n ** 53n) - 1n, [/* SMALL_BIG_EXT */ 110, 7, 1, 1, 0, 0, 0, 0, 0, 32]],
    ['2^63', 2n ** 63n, [/* SMALL_BIG_EXT */ 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128]],
    [
      '2^64 - 1',
      2n ** 64n - 1n,
      [/* SMALL_BIG_EXT */ 110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    ],
    ['2^64', 2n ** 64n, [/* SMALL_BIG_EXT */ 110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['-2^64', -(2n ** 64n), [/* SMALL_BIG_EXT */ 110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('%s has the bytes that the BEAM gives it, as a bigint too', (_, value, bytes) => {
    expect(encodeTerm(value)).toStrictEqual(bytes)
    expect(encodeTerm(BigInt(value))).toStrictEqual(bytes)
  })

  test('of each width are as long as they must be, and come back', () => {
    for (let bits = 32; bits <= 600; bits++) {
      for (const value of [
        2n ** BigInt(bits) - 1n,
        -(2n ** BigInt(bits)),
        2n ** BigInt(bits - 1),
      ]) {
        const magnitude = value < 0n ? -value : value
        const width = Math.ceil(magnitude.toString(2).length / 8)
        const number = Number(value)
        const term = Number.isSafeInteger(number) ? number : value
        const bytes = encodeTerm(term)
        if (width > 4 || magnitude >= 2n ** 31n) {
          expect(bytes.slice(0, 3)).toStrictEqual([
            ...[/* SMALL_BIG_EXT */ 110, width],
            value < 0n ? 1 : 0,
          ])
        }
        expect(decode(encode(term))).toBe(term)
        expect(encodeTerm(value)).toStrictEqual(bytes)
      }
    }
  })

  test('of 255 and of 256 bytes have different tags', () => {
    const ones = new Array<number>(255).fill(255)
    expect(encodeTerm(2n ** 2040n - 1n)).toStrictEqual([/* SMALL_BIG_EXT */ 110, 255, 0, ...ones])
    expect(encodeTerm(1n - 2n ** 2048n)).toStrictEqual([
      /* LARGE_BIG_EXT */ 111,
      0,
      0,
      1,
      0,
      1,
      ...ones,
      255,
    ])
  })

  test('of 8 MiB come back', () => {
    const value = -(1n << BigInt(8 * 8 * 1024 * 1024 - 1))
    expect(decode(encode(value)) === value).toBe(true)
  })

  test('may be minus zero, which is zero', () => {
    expect(encodeTerm(-0)).toStrictEqual([/* SMALL_INTEGER_EXT */ 97, 0])
    expect(encodeTerm([-0])).toStrictEqual([/* STRING_EXT */ 107, 0, 1, 0])
  })

  test('that a number cannot hold exactly are refused, with the way out', () => {
    expect(() => encode(2 ** 53)).toThrow(/use a bigint/)
    expect(() => encode(-(2 ** 53))).toThrow(EncodeError)
    expect(() => encode(1e300)).toThrow(EncodeError)
  })
})

describe('floats', () => {
  test.each<[number, readonly number[]]>([
    [0, [0, 0, 0, 0, 0, 0, 0, 0]],
    [-0, [128, 0, 0, 0, 0, 0, 0, 0]],
    [Number.MIN_VALUE, [0, 0, 0, 0, 0, 0, 0, 1]],
    [Number.MAX_VALUE, [127, 239, 255, 255, 255, 255, 255, 255]],
    [1, [63, 240, 0, 0, 0, 0, 0, 0]],
  ])('%d keeps its bits', (value, bytes) => {
    expect(encodeTerm(float(value))).toStrictEqual([/* NEW_FLOAT_EXT */ 70, ...bytes])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d, which Erlang does not have, is refused',
    (value) => {
      expect(() => encode(new Float(value))).toThrow(EncodeError)
    },
  )

  test('are Floats: a number with a fraction is refused, with the way out', () => {
    expect(() => encode(1.5)).toThrow(/use a Float/)
    expect(() => encode([1, 1.5])).toThrow(EncodeError)
    expect(() => encode(Number.NaN)).toThrow(EncodeError)
    expect(() => encode(Number.POSITIVE_INFINITY)).toThrow(EncodeError)
  })
})

describe('atoms', () => {
  test('have a long tag from 256 bytes on', () => {
    expect(encodeTerm(atom('é'.repeat(127)))).toStrictEqual([
      /* SMALL_ATOM_UTF8_EXT */ 119,
      254,
      ...binary('é'.repeat(127)),
    ])
    expect(encodeTerm(atom(`${'é'.repeat(127)}a`))).toStrictEqual([
      /* SMALL_ATOM_UTF8_EXT */ 119,
      255,
      ...binary(`${'é'.repeat(127)}a`),
    ])
    expect(encodeTerm(atom('é'.repeat(128)))).toStrictEqual([
      /* ATOM_UTF8_EXT */ 118,
      1,
      0,
      ...binary('é'.repeat(128)),
    ])
  })

  test('have up to 255 characters, of four bytes each too', () => {
    expect(encodeTerm(atom('😀'.repeat(255)))).toStrictEqual([
      /* ATOM_UTF8_EXT, 1020 bytes */ 118,
      3,
      252,
      ...binary('😀'.repeat(255)),
    ])
    expect(() => encode(atom('😀'.repeat(256)))).toThrow(EncodeError)
    expect(() => encode(atom('a'.repeat(256)))).toThrow(EncodeError)
    expect(() => encode(tuple(atom('é'.repeat(256))))).toThrow(EncodeError)
  })

  test('with half a surrogate pair are refused, since UTF-8 has no bytes for it', () => {
    expect(() => encode(atom('a\ud83d'))).toThrow(EncodeError)
    expect(() => encode(atom('\ude00\ud83d'))).toThrow(EncodeError)
    expect(() => encode(atom(`\udc00${'é'.repeat(200)}`))).toThrow(EncodeError)
  })

  test.each(['', 'a', 'ab', 'abc', 'abcd', 'a'.repeat(254), 'a'.repeat(255), 'é', 'aé'])(
    'are written alike however often, wherever: %s',
    (name) => {
      const it = atom(name)
      const first = encodeTerm(it)
      for (let before = 500; before <= 515; before++) {
        const writer = new TermWriter()
        writer.write(new Uint8Array(before - 5))
        writer.write(it)
        writer.write(255)
        expect([...writer.bytes().subarray(before)]).toStrictEqual([
          ...first,
          .../* SMALL_INTEGER_EXT */ [97, 255],
        ])
      }
    },
  )

  test('may hold a zero byte and a byte order mark', () => {
    expect(encodeTerm(atom('\0\ufeff'))).toStrictEqual([
      /* SMALL_ATOM_UTF8_EXT */ 119, 4, 0, 0xef, 0xbb, 0xbf,
    ])
  })
})

describe('lists', () => {
  test('of bytes are strings', () => {
    expect(encodeTerm([0, 255])).toStrictEqual([/* STRING_EXT */ 107, 0, 2, 0, 255])
    expect(encodeTerm(string('é'))).toStrictEqual([/* STRING_EXT */ 107, 0, 1, 233])
  })

  test('of something else are lists', () => {
    expect(encodeTerm([256])).toStrictEqual([
      ...[/* LIST_EXT */ 108, 0, 0, 0, 1],
      ...[/* INTEGER_EXT */ 98, 0, 0, 1, 0, /* NIL_EXT */ 106],
    ])
    expect(encodeTerm([1, -1])).toStrictEqual([
      ...[/* LIST_EXT */ 108, 0, 0, 0, 2, /* SMALL_INTEGER_EXT */ 97, 1],
      ...[/* INTEGER_EXT */ 98, 255, 255, 255, 255, /* NIL_EXT */ 106],
    ])
    expect(encodeTerm([[]])).toStrictEqual([
      ...[/* LIST_EXT */ 108, 0, 0, 0, 1, /* NIL_EXT */ 106, /* NIL_EXT */ 106],
    ])
  })

  test('of more bytes than a string can hold are lists', () => {
    const longest = new Array<number>(65_535).fill(7)
    expect(encodeTerm(longest).slice(0, 4)).toStrictEqual([/* STRING_EXT */ 107, 255, 255, 7])
    const longer = encodeTerm([...longest, 7])
    expect(longer.slice(0, 7)).toStrictEqual([
      ...[/* LIST_EXT */ 108, 0, 1, 0, 0, /* SMALL_INTEGER_EXT */ 97, 7],
    ])
    expect(longer.length).toBe(5 + 2 * 65_536 + 1)
  })

  test('that are improper are no strings', () => {
    expect(encodeTerm(new ImproperList([1], 2))).toStrictEqual([
      ...[/* LIST_EXT */ 108, 0, 0, 0, 1],
      ...[/* SMALL_INTEGER_EXT */ 97, 1, /* SMALL_INTEGER_EXT */ 97, 2],
    ])
  })

  test('that are improper in the type alone are written as they are', () => {
    expect(decode(encode(new ImproperList([1], [2])))).toStrictEqual([1, 2])
    expect(decode(encode(new ImproperList([], 2)))).toBe(2)
    expect(decode(encode(new ImproperList([1], new ImproperList([2], 3))))).toStrictEqual(
      new ImproperList([1, 2], 3),
    )
  })
})

describe('tuples', () => {
  test('have a long tag from 256 elements on', () => {
    const ones = new Array<number>(255).fill(1)
    expect(encodeTerm(new Tuple(ones)).slice(0, 4)).toStrictEqual([
      ...[/* SMALL_TUPLE_EXT */ 104, 255, /* SMALL_INTEGER_EXT */ 97, 1],
    ])
    expect(encodeTerm(new Tuple([...ones, 1])).slice(0, 7)).toStrictEqual([
      ...[/* LARGE_TUPLE_EXT */ 105, 0, 0, 1, 0, /* SMALL_INTEGER_EXT */ 97, 1],
    ])
  })
})

describe('ports', () => {
  test('of at most 28 bits keep the tag that OTP 23 knows', () => {
    const creation = [0, 0, 0, 3]
    const node = [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 97]
    expect(encodeTerm(new Port(a, 2 ** 28 - 1, 3))).toStrictEqual([
      ...[/* NEW_PORT_EXT */ 89, ...node, 15, 255, 255, 255, ...creation],
    ])
    expect(encodeTerm(new Port(a, 2 ** 28, 3))).toStrictEqual([
      ...[/* V4_PORT_EXT */ 120, ...node, 0, 0, 0, 0, 16, 0, 0, 0, ...creation],
    ])
    expect(encodeTerm(new Port(a, 5n, 3))).toStrictEqual([
      ...[/* NEW_PORT_EXT */ 89, ...node, 0, 0, 0, 5, ...creation],
    ])
    expect(encodeTerm(new Port(a, 2n ** 64n - 1n, 3))).toStrictEqual([
      ...[/* V4_PORT_EXT */ 120, ...node, ...new Array(8).fill(255), ...creation],
    ])
  })
})

describe('funs', () => {
  test('say their size, also one within the other', () => {
    const inner = new Fun(funFields)
    const outer = new Fun({ ...funFields, freeVariables: [inner, binary('x'), inner] })
    const bytes = encode(tuple(outer, outer))
    expect(decode(bytes)).toStrictEqual(tuple(outer, outer))
    const [single] = [encode(inner)]
    expect(new DataView(single.buffer, single.byteOffset).getUint32(2)).toBe(single.length - 2)
  })

  test('of which a free variable is large say their size', () => {
    const fun = new Fun({ ...funFields, freeVariables: [new Uint8Array(100_000)] })
    expect(decode(encode(fun))).toStrictEqual(fun)
  })
})

describe('what is no term', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['text', 'text'],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['an object', {}],
    ['an object without a prototype', Object.create(null)],
    ['a date', new Date(0)],
    ['an object of an unknown type', { type: 'nothing' }],
    ['an ArrayBuffer', new ArrayBuffer(1)],
  ]

  const places: readonly (readonly [string, (term: Term) => Term])[] = [
    ['itself', (term) => term],
    ['an element of a tuple', (term) => new Tuple([1, term])],
    ['an element of a list', (term) => [1, term]],
    ['an element of an improper list', (term) => new ImproperList([term], 1)],
    ['the tail of a list', (term) => new ImproperList([1], term)],
    ['the tail of a list among others', (term) => tuple(1, new ImproperList([1], term), 2)],
    ['a value of a map', (term) => new ErlangMap([1], [term])],
    ['a free variable', (term) => new Fun({ ...funFields, freeVariables: [term] })],
    ['a free variable of an old fun', (term) => new OldFun(pid, a, 1, 2, [term])],
    ['a field of a record', (term) => new NativeRecord(a, a, true, [[a, term]])],
  ]

  for (const [name, value] of values) {
    test.each(places)(`is refused: ${name} as %s`, (_, around) => {
      expect(() => encode(around(notATerm(value)))).toThrow(EncodeError)
    })
  }

  test('is named in the message, with what to do', () => {
    expect(() => encode(notATerm('text'))).toThrow(/string text/)
    try {
      encode(notATerm(true))
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'ERR_TERM_NOT_ENCODABLE',
        hint: expect.stringMatching(/atom/),
      })
    }
  })

  test('is named briefly', () => {
    try {
      encode(notATerm('x'.repeat(100_000)))
      expect.unreachable()
    } catch (error) {
      expect(error instanceof EncodeError && error.message.length).toBeLessThan(200)
    }
  })

  test.each<[string, Term]>([
    ['a pid with an id of 33 bits', new Pid(a, 2 ** 32, 0, 0)],
    ['a pid with a negative id', new Pid(a, -1, 0, 0)],
    ['a pid with a serial of 33 bits', new Pid(a, 0, 2 ** 32, 0)],
    ['a pid with a creation of 33 bits', new Pid(a, 0, 0, 2 ** 32)],
    ['a pid with half an id', new Pid(a, 0.5, 0, 0)],
    ['a pid without an id', new Pid(a, Number.NaN, 0, 0)],
    ['a port with an id of 65 bits', new Port(a, 2n ** 64n, 0)],
    ['a port with a negative id', new Port(a, -1, 0)],
    ['a port with a negative bigint', new Port(a, -(2n ** 60n), 0)],
    ['a port with half an id', new Port(a, 0.5, 0)],
    ['a port with a large id that is not exact', new Port(a, 2 ** 60, 0)],
    ['a port with a creation of 33 bits', new Port(a, 0, 2 ** 32)],
    ['a reference without words', new Reference(a, 0, [])],
    ['a reference of six words', new Reference(a, 0, [1, 2, 3, 4, 5, 6])],
    ['a reference with a word of 33 bits', new Reference(a, 0, [2 ** 32])],
    ['a reference with a creation of 33 bits', new Reference(a, 2 ** 32, [1])],
    ['an export of 256 arguments', new ExportFun(a, a, 256)],
    ['an export of -1 arguments', new ExportFun(a, a, -1)],
    ['a fun of 256 arguments', new Fun({ ...funFields, arity: 256 })],
    ['a fun with an index of 33 bits', new Fun({ ...funFields, index: 2 ** 32 })],
    ['a fun with 15 bytes of uniq', new Fun({ ...funFields, uniq: new Uint8Array(15) })],
    ['a fun with half an old index', new Fun({ ...funFields, oldIndex: 0.5 })],
    ['a bitstring without bytes', new BitString(new Uint8Array(), 3)],
    ['a bitstring of 0 bits in its last byte', new BitString(Uint8Array.of(0), 0)],
    ['a bitstring of 8 bits in its last byte', new BitString(Uint8Array.of(0), 8)],
  ])('is refused where no bytes can hold it: %s', (_, term) => {
    expect(() => encode(term)).toThrow(EncodeError)
  })

  test('is refused where it belongs alone: a term in the encoding of one node', () => {
    const local = new LocalTerm(Uint8Array.of(1, 2))
    expect(() => encode(tuple(local))).toThrow(EncodeError)
    expect(() => encode([local])).toThrow(EncodeError)
    expect(() => new TermWriter().write(local)).toThrow(EncodeError)
  })
})

describe('depth', () => {
  test.each<[string, (term: Term) => Term]>([
    ['tuples', (term) => tuple(term)],
    ['lists', (term) => [term]],
    ['tails', (term) => new ImproperList([1], tuple(term))],
    ['values of maps', (term) => map([[1, term]])],
    ['keys of maps', (term) => map([[term, 1]])],
    ['free variables', (term) => new Fun({ ...funFields, freeVariables: [term] })],
    ['fields of records', (term) => new NativeRecord(a, a, true, [[a, term]])],
  ])(`of ${DEEP} levels of %s is written and read again`, (_, around) => {
    let term: Term = 1
    for (let i = 0; i < DEEP; i++) term = around(term)
    expect(equals(decode(encode(term), { maxDepth: 2 * DEEP }), term)).toBe(true)
  })
})

describe('a writer', () => {
  test('gives bytes that the next encoding leaves alone', () => {
    const first = encode(tuple(1, 2))
    const before = first.slice()
    encode(tuple(3, 4))
    expect(first).toStrictEqual(before)
  })

  test('gives bytes that are not parts of others', () => {
    for (const length of [1, 1000, 100_000]) {
      const bytes = encode(new Uint8Array(length))
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })

  test('begins anew after a term that could not be written', () => {
    expect(() => encode(tuple(1, 2, float(Number.NaN)))).toThrow(EncodeError)
    expect(encodeTerm(1)).toStrictEqual([/* SMALL_INTEGER_EXT */ 97, 1])
  })

  test('is not disturbed by one that begins while it writes', () => {
    const values: Term[] = [1, 2]
    Object.defineProperty(values, 0, { get: () => encode(tuple(7, 8)).length })
    expect(decode(encode(tuple(tuple(), new Tuple(values), 3)))).toStrictEqual(
      tuple(tuple(), tuple(7, 2), 3),
    )
  })

  test('writes one term behind the other', () => {
    const writer = new TermWriter()
    writer.write(tuple(a))
    writer.write(1)
    writer.writeVersioned([])
    expect([...writer.bytes()]).toStrictEqual([
      ...[/* SMALL_TUPLE_EXT */ 104, 1, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97],
      ...[/* SMALL_INTEGER_EXT */ 97, 1],
      ...[131, /* NIL_EXT */ 106],
    ])
  })

  test('grows at any byte of any term', () => {
    for (const { name, term, bytes, rewritten } of vectors) {
      const expected = (rewritten ?? bytes).subarray(1)
      for (let before = 500; before <= 512; before++) {
        const writer = new TermWriter()
        // BINARY_EXT and its length take five bytes; 512 is where the memory grows.
        writer.write(new Uint8Array(before - 5))
        writer.write(term)
        expect(Buffer.compare(writer.bytes().subarray(before), expected), name).toBe(0)
      }
    }
  })

  test('takes a binary of 64 MiB in little time', () => {
    const start = performance.now()
    expect(encode(new Uint8Array(64 * 1024 * 1024)).length).toBe(6 + 64 * 1024 * 1024)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})

describe('compressed', () => {
  const term = new Array<Term>(1000).fill(tuple(a, binary('text')))

  test('a term comes back from every level, and is shorter', () => {
    for (let level = 1; level <= 9; level++) {
      const bytes = encode(term, { compressed: level })
      expect(bytes[1]).toBe(/* COMPRESSED */ 80)
      expect(bytes.length).toBeLessThan(encode(term).length / 10)
      expect(decode(bytes)).toStrictEqual(term)
    }
  })

  test('a term that would be longer is left as it is', () => {
    expect(encode(1, { compressed: 9 })).toStrictEqual(encode(1))
    expect(encode(term, { compressed: 0 })).toStrictEqual(encode(term))
  })
})
