import { describe, expect, test } from 'vitest'
import {
  type Atom,
  atom,
  BitString,
  binary,
  type DecodeOptions,
  decode,
  ExportFun,
  encode,
  Float,
  float,
  ImproperList,
  InvalidTermError,
  LocalTerm,
  map,
  Pid,
  Port,
  Reference,
  type Term,
  TermLimitError,
  TermReader,
  TruncatedTermError,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'
import * as tags from '../../src/etf/tags.ts'
import { compressedLocalVector, localVector, type Vector, vectors } from './vectors.ts'

/** The term in these bytes, behind the version byte. */
function decodeTerm(...bytes: readonly number[]): Term {
  return decode(Uint8Array.of(tags.VERSION, ...bytes))
}

function optionsOf(vector: Vector): DecodeOptions {
  return vector.atomCacheRefs === undefined ? {} : { atomCacheRefs: vector.atomCacheRefs }
}

function uint32(value: number): readonly number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

function elapsed(run: () => void): number {
  const start = performance.now()
  run()
  return performance.now() - start
}

describe('the vectors', () => {
  test('stand for every tag there is', () => {
    const { VERSION: _, LOCAL: __, ...all } = tags
    expect(new Set(vectors.map(({ bytes }) => bytes[1]))).toEqual(
      // Atoms of a header stand within a tuple: alone, each would be a term of its own.
      new Set(Object.values(all).filter((tag) => tag !== tags.ATOM_CACHE_REF)),
    )
    expect(vectors.some(({ bytes }) => bytes.includes(tags.ATOM_CACHE_REF))).toBe(true)
    expect(localVector[1]).toBe(tags.LOCAL)
  })

  describe.for(vectors)('$name', (vector) => {
    const { bytes, term } = vector
    const options = optionsOf(vector)

    test('is decoded', () => {
      expect(decode(bytes, options)).toStrictEqual(term)
    })

    test('is decoded from the middle of a larger buffer', () => {
      const larger = new Uint8Array(bytes.length + 20).fill(0xff)
      larger.set(bytes, 7)
      expect(decode(larger.subarray(7, 7 + bytes.length), options)).toStrictEqual(term)
    })

    test('is decoded from a Buffer of the pool', () => {
      expect(decode(Buffer.from(bytes), options)).toStrictEqual(term)
    })

    test('is decoded alike with binaries as views', () => {
      expect(decode(bytes, { ...options, binaries: 'view' })).toStrictEqual(term)
    })

    test('is rejected wherever its bytes end early', () => {
      for (let length = 0; length < bytes.length; length++) {
        const error = thrownBy(() => decode(bytes.subarray(0, length), options))
        expect(error, `${length} bytes`).toBeInstanceOf(TruncatedTermError)
      }
    })

    test('is rejected with a byte behind it', () => {
      const error = thrownBy(() => decode(Uint8Array.of(...bytes, 0), options))
      expect(error).toBeInstanceOf(InvalidTermError)
    })

    test('is the same when it was read alone, between two others', () => {
      const reader = new TermReader(
        Uint8Array.of(...bytes.subarray(1), ...bytes, ...bytes.subarray(1)),
        options,
      )
      // Only the version byte announces a compressed term.
      if (bytes[1] === tags.COMPRESSED) return
      expect(reader.read()).toStrictEqual(term)
      expect(reader.readVersioned()).toStrictEqual(term)
      expect(reader.position).toBe(2 * bytes.length - 1)
      expect(reader.atEnd).toBe(false)
      expect(reader.read()).toStrictEqual(term)
      expect(reader.atEnd).toBe(true)
    })
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('errors', () => {
  test('say where the bytes are wrong', () => {
    const error = thrownBy(() =>
      decodeTerm(/* SMALL_TUPLE_EXT */ 104, 2, /* NIL_EXT */ 106, /* no tag */ 66),
    )
    expect(error).toBeInstanceOf(InvalidTermError)
    expect(error).toMatchObject({ code: 'ERR_TERM_INVALID', offset: 4 })
  })

  test('of the three kinds have codes of their own', () => {
    expect(thrownBy(() => decodeTerm())).toMatchObject({ code: 'ERR_TERM_TRUNCATED' })
    expect(thrownBy(() => decodeTerm(/* no tag */ 0))).toMatchObject({ code: 'ERR_TERM_INVALID' })
    expect(thrownBy(() => decode(encode([[]]), { maxDepth: 0 }))).toMatchObject({
      code: 'ERR_TERM_LIMIT',
      limit: 0,
    })
  })

  test('name another version', () => {
    expect(() => decode(Uint8Array.of(130, 106))).toThrow(/131, not with 130/)
  })

  test('are those of a truncated term for no bytes at all', () => {
    expect(() => decode(new Uint8Array())).toThrow(TruncatedTermError)
  })

  test('come for each tag that is none', () => {
    const known = new Set<number>(Object.values(tags))
    for (let tag = 0; tag <= 0xff; tag++) {
      if (known.has(tag) && tag !== tags.VERSION) continue
      expect(() => decodeTerm(tag, 0, 0, 0, 0, 0, 0, 0, 0, 0)).toThrow(InvalidTermError)
    }
  })
})

describe('binaries', () => {
  const input = (): Uint8Array => Uint8Array.of(131, /* BINARY_EXT */ 109, 0, 0, 0, 3, 97, 98, 99)
  const bits = (): Uint8Array =>
    Uint8Array.of(131, /* BIT_BINARY_EXT */ 77, 0, 0, 0, 2, 3, 1, 0b101_00000)

  test('that are copied keep their bytes when the input changes', () => {
    const bytes = input()
    const term = decode(bytes)
    bytes.fill(0)
    expect(term).toStrictEqual(binary('abc'))
  })

  test('that are copied own their memory, from a Buffer too', () => {
    for (const bytes of [input(), Buffer.from(input())]) {
      const term = decode(bytes)
      expect(term instanceof Uint8Array && term.buffer.byteLength).toBe(3)
    }
  })

  test('that are views share the memory of the input', () => {
    const bytes = input()
    const term = decode(bytes, { binaries: 'view' })
    expect(term instanceof Uint8Array && term.buffer).toBe(bytes.buffer)
    bytes.fill(120)
    expect(term).toStrictEqual(binary('xxx'))
  })

  test('are plain Uint8Arrays, whatever the input is', () => {
    const term = decode(Buffer.from(input()), { binaries: 'view' })
    expect(Object.getPrototypeOf(term)).toBe(Uint8Array.prototype)
  })

  test('that are bitstrings are copied or shared alike', () => {
    const bytes = bits()
    const copy = decode(bytes)
    const view = decode(bytes, { binaries: 'view' })
    bytes[7] = 9
    expect(copy).toStrictEqual(new BitString(Uint8Array.of(1, 0b101_00000), 3))
    expect(view).toStrictEqual(new BitString(Uint8Array.of(9, 0b101_00000), 3))
  })

  test('of a compressed term own their memory', () => {
    const term = decode(encode(tuple(new Uint8Array(1000), binary('abc')), { compressed: 9 }))
    const last = term instanceof Tuple ? term.elements[1] : undefined
    expect(last).toStrictEqual(binary('abc'))
    expect(last instanceof Uint8Array && last.buffer.byteLength).toBe(3)
  })

  test('keep the identity of a fun apart from the input', () => {
    const fun = vectors.find(({ name }) => name === 'NEW_FUN_EXT')
    const bytes = Uint8Array.from(fun?.bytes ?? [])
    const term = decode(bytes, { binaries: 'view' })
    bytes.fill(0)
    expect(term).toStrictEqual(fun?.term)
  })
})

describe('a fun', () => {
  const { bytes = [], term } = vectors.find(({ name }) => name === 'NEW_FUN_EXT') ?? {}
  const withSize = (size: number) => Uint8Array.from(bytes).with(5, size)

  test('may be larger than it says: OTP 23 leaves out its binaries', () => {
    expect(bytes[5]).toBe(67)
    expect(decode(withSize(60))).toStrictEqual(term)
  })

  test('is neither smaller than it says nor than its own fields', () => {
    expect(() => decode(Uint8Array.of(...withSize(68), 0))).toThrow(InvalidTermError)
    expect(() => decode(withSize(24))).toThrow(InvalidTermError)
  })
})

describe('bitstrings', () => {
  test('lose the bits behind their end', () => {
    const bytes = Uint8Array.of(131, /* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 3, 0b101_11111)
    const expected = new BitString(Uint8Array.of(0b101_00000), 3)
    expect(decode(bytes)).toStrictEqual(expected)
    expect(decode(bytes, { binaries: 'view' })).toStrictEqual(expected)
    // The input, which others may read, is left as it was.
    expect(bytes.at(-1)).toBe(0b101_11111)
  })

  test('hold each number of bits from 1 to 7', () => {
    for (let bits = 1; bits <= 7; bits++) {
      const last = (0xff << (8 - bits)) & 0xff
      expect(decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, bits, 0xff)).toStrictEqual(
        new BitString(Uint8Array.of(last), bits),
      )
    }
  })

  test('are binaries when the last byte is whole, or there is none', () => {
    expect(decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 8, 97)).toStrictEqual(binary('a'))
    expect(decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 0, 0)).toStrictEqual(binary(''))
  })

  test('are rejected with more than 8 bits, with none in a byte, and with some in no byte', () => {
    expect(() => decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 9, 97)).toThrow(InvalidTermError)
    expect(() => decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 0, 97)).toThrow(InvalidTermError)
    expect(() => decodeTerm(/* BIT_BINARY_EXT */ 77, 0, 0, 0, 0, 3)).toThrow(InvalidTermError)
  })
})

describe('integers', () => {
  test.each<[string, number | bigint, readonly number[]]>([
    ['0', 0, [/* SMALL_INTEGER_EXT */ 97, 0]],
    ['2^31 - 1', 2 ** 31 - 1, [/* INTEGER_EXT */ 98, 127, 255, 255, 255]],
    ['-2^31', -(2 ** 31), [/* INTEGER_EXT */ 98, 128, 0, 0, 0]],
    ['-1', -1, [/* INTEGER_EXT */ 98, 255, 255, 255, 255]],
    ['2^31', 2 ** 31, [/* SMALL_BIG_EXT */ 110, 4, 0, 0, 0, 0, 128]],
    ['2^32', 2 ** 32, [/* SMALL_BIG_EXT */ 110, 5, 0, 0, 0, 0, 0, 1]],
    ['2^53 - 1', 2 ** 53 - 1, [/* SMALL_BIG_EXT */ 110, 7, 0, 255, 255, 255, 255, 255, 255, 31]],
    ['-2^53 + 1', 1 - 2 ** 53, [/* SMALL_BIG_EXT */ 110, 7, 1, 255, 255, 255, 255, 255, 255, 31]],
    ['2^53', 2n ** 53n, [/* SMALL_BIG_EXT */ 110, 7, 0, 0, 0, 0, 0, 0, 0, 32]],
    ['2^53 + 1', 2n ** 53n + 1n, [/* SMALL_BIG_EXT */ 110, 7, 0, 1, 0, 0, 0, 0, 0, 32]],
    ['-2^53', -(2n ** 53n), [/* SMALL_BIG_EXT */ 110, 7, 1, 0, 0, 0, 0, 0, 0, 32]],
    ['2^63', 2n ** 63n, [/* SMALL_BIG_EXT */ 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128]],
    [
      '2^64 - 1',
      2n ** 64n - 1n,
      [/* SMALL_BIG_EXT */ 110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    ],
    ['2^64', 2n ** 64n, [/* SMALL_BIG_EXT */ 110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['-2^64', -(2n ** 64n), [/* SMALL_BIG_EXT */ 110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('%s is exact', (_, value, bytes) => {
    expect(decodeTerm(...bytes)).toBe(value)
  })

  test('of 255 and of 256 bytes are exact', () => {
    const ones = new Array<number>(256).fill(0xff)
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 255, 0, ...ones.slice(1))).toBe(2n ** 2040n - 1n)
    expect(decodeTerm(/* LARGE_BIG_EXT */ 111, 0, 0, 1, 0, 1, ...ones)).toBe(1n - 2n ** 2048n)
  })

  test('are numbers while safe, however many bytes they take', () => {
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 1, 1, 7)).toBe(-7)
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 12, 0, 7, ...new Array(11).fill(0))).toBe(7)
    expect(decodeTerm(/* LARGE_BIG_EXT */ 111, 0, 0, 0, 2, 0, 1, 1)).toBe(257)
    expect(decodeTerm(/* INTEGER_EXT */ 98, 0, 0, 0, 7)).toBe(7)
  })

  test('are zero, never minus zero, without a magnitude', () => {
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 0, 1)).toBe(0)
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 1, 1, 0)).toBe(0)
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 9, 1, ...new Array(9).fill(0))).toBe(0)
    expect(decodeTerm(/* LARGE_BIG_EXT */ 111, 0, 0, 0, 0, 1)).toBe(0)
  })

  test('are negative for every sign but 0', () => {
    expect(decodeTerm(/* SMALL_BIG_EXT */ 110, 1, 255, 7)).toBe(-7)
  })

  test('are read from the place where they stand', () => {
    const nine = [/* SMALL_BIG_EXT */ 110, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    expect(decodeTerm(/* SMALL_TUPLE_EXT */ 104, 2, ...nine, ...nine)).toStrictEqual(
      tuple(0x09_0807_0605_0403_0201n, 0x09_0807_0605_0403_0201n),
    )
  })

  test('leave the input as it was', () => {
    const bytes = Uint8Array.of(131, /* SMALL_BIG_EXT */ 110, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    const before = bytes.slice()
    decode(bytes)
    expect(bytes).toStrictEqual(before)
  })

  test('go up to 8 MiB, in little time, and no further', () => {
    const size = 8 * 1024 * 1024
    const bytes = new Uint8Array(7 + size)
    bytes.set([131, /* LARGE_BIG_EXT */ 111, ...uint32(size), 0])
    bytes[bytes.length - 1] = 1
    const time = elapsed(() => {
      expect(decode(bytes) === 1n << BigInt(8 * (size - 1))).toBe(true)
    })
    expect(time).toBeLessThan(10_000)

    const larger = new Uint8Array(8 + size)
    larger.set([131, /* LARGE_BIG_EXT */ 111, ...uint32(size + 1), 0])
    expect(() => decode(larger)).toThrow(TermLimitError)
  })
})

describe('floats', () => {
  test.each<[number, readonly number[]]>([
    [0, [0, 0, 0, 0, 0, 0, 0, 0]],
    [-0, [128, 0, 0, 0, 0, 0, 0, 0]],
    [Number.MIN_VALUE, [0, 0, 0, 0, 0, 0, 0, 1]],
    [Number.MAX_VALUE, [127, 239, 255, 255, 255, 255, 255, 255]],
    [-Number.MAX_VALUE, [255, 239, 255, 255, 255, 255, 255, 255]],
    [0.1, [63, 185, 153, 153, 153, 153, 153, 154]],
    [1, [63, 240, 0, 0, 0, 0, 0, 0]],
  ])('%d keeps its bits', (value, bytes) => {
    expect(decodeTerm(/* NEW_FLOAT_EXT */ 70, ...bytes)).toStrictEqual(new Float(value))
  })

  test.each<[string, readonly number[]]>([
    ['infinity', [127, 240, 0, 0, 0, 0, 0, 0]],
    ['minus infinity', [255, 240, 0, 0, 0, 0, 0, 0]],
    ['a NaN', [127, 248, 0, 0, 0, 0, 0, 0]],
  ])('%s is rejected', (_, bytes) => {
    expect(() => decodeTerm(/* NEW_FLOAT_EXT */ 70, ...bytes)).toThrow(InvalidTermError)
  })

  const oldFloat = (text: string): Term =>
    decodeTerm(
      /* FLOAT_EXT */ 99,
      ...Buffer.from(text, 'latin1'),
      ...new Array(31 - text.length).fill(0),
    )

  test.each([
    ['-1.00000000000000005551e-01', -0.1],
    ['0.00000000000000000000e+00', 0],
    ['-0.00000000000000000000e+00', -0],
    ['4.94065645841246544177e-324', Number.MIN_VALUE],
    ['1.79769313486231570815e+308', Number.MAX_VALUE],
  ])('%s is read as text', (text, value) => {
    expect(oldFloat(text)).toStrictEqual(new Float(value))
  })

  test('of text end at the first zero byte', () => {
    expect(oldFloat('1.5\0e+10')).toStrictEqual(new Float(1.5))
  })

  test.each(['', '1', '.5', '1.', '1e5', ' 1.5', '1.5 ', '0x1.0', 'nan', 'inf', '1.0e', '\xa01.5'])(
    'of the text "%s" are rejected, as by the BEAM',
    (text) => {
      expect(() => oldFloat(text)).toThrow(InvalidTermError)
    },
  )

  test('of text that is over the largest one are rejected', () => {
    expect(() => oldFloat('1.0e+309')).toThrow(InvalidTermError)
  })
})

describe('atoms', () => {
  test('hold é under each of the four tags', () => {
    const expected = atom('é')
    expect(decodeTerm(/* ATOM_EXT */ 100, 0, 1, 0xe9)).toStrictEqual(expected)
    expect(decodeTerm(/* SMALL_ATOM_EXT */ 115, 1, 0xe9)).toStrictEqual(expected)
    expect(decodeTerm(/* ATOM_UTF8_EXT */ 118, 0, 2, 0xc3, 0xa9)).toStrictEqual(expected)
    expect(decodeTerm(/* SMALL_ATOM_UTF8_EXT */ 119, 2, 0xc3, 0xa9)).toStrictEqual(expected)
  })

  test('are Latin-1 under the old tags, in all 256 characters, not windows-1252', () => {
    for (let code = 0; code <= 0xff; code++) {
      expect(decodeTerm(/* SMALL_ATOM_EXT */ 115, 1, code)).toStrictEqual(
        atom(String.fromCharCode(code)),
      )
    }
    expect(decodeTerm(/* ATOM_EXT */ 100, 0, 2, 0x80, 0x9f)).toStrictEqual(atom('\u0080\u009f'))
  })

  test('may be empty', () => {
    expect(decodeTerm(/* ATOM_EXT */ 100, 0, 0)).toStrictEqual(atom(''))
    expect(decodeTerm(/* SMALL_ATOM_EXT */ 115, 0)).toStrictEqual(atom(''))
    expect(decodeTerm(/* ATOM_UTF8_EXT */ 118, 0, 0)).toStrictEqual(atom(''))
  })

  test('have up to 255 characters, of four bytes each too', () => {
    const emoji = [...binary('😀')]
    const bytes = (count: number): readonly number[] =>
      new Array<readonly number[]>(count).fill(emoji).flat()
    expect(decodeTerm(/* ATOM_UTF8_EXT, 1020 bytes */ 118, 3, 252, ...bytes(255))).toStrictEqual(
      atom('😀'.repeat(255)),
    )
    expect(() => decodeTerm(/* ATOM_UTF8_EXT, 1024 bytes */ 118, 4, 0, ...bytes(256))).toThrow(
      TermLimitError,
    )
  })

  test('of 256 characters are rejected under each long tag', () => {
    const ascii = new Array<number>(256).fill(97)
    expect(() => decodeTerm(/* ATOM_EXT */ 100, 1, 0, ...ascii)).toThrow(TermLimitError)
    expect(() => decodeTerm(/* ATOM_UTF8_EXT */ 118, 1, 0, ...ascii)).toThrow(TermLimitError)
    const accented = [...binary('é'.repeat(256))]
    expect(() => decodeTerm(/* ATOM_UTF8_EXT */ 118, 2, 0, ...accented)).toThrow(TermLimitError)
  })

  test('of 255 ASCII characters are good under each long tag', () => {
    const ascii = new Array<number>(255).fill(97)
    const expected = atom('a'.repeat(255))
    expect(decodeTerm(/* ATOM_EXT */ 100, 0, 255, ...ascii)).toStrictEqual(expected)
    expect(decodeTerm(/* ATOM_UTF8_EXT */ 118, 0, 255, ...ascii)).toStrictEqual(expected)
  })

  test.each<[string, readonly number[]]>([
    ['a lone continuation byte', [0x80]],
    ['a cut sequence', [0xc3]],
    ['an overlong sequence', [0xc0, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('with %s are rejected', (_, bytes) => {
    expect(() => decodeTerm(/* SMALL_ATOM_UTF8_EXT */ 119, bytes.length, ...bytes)).toThrow(
      InvalidTermError,
    )
  })

  test('keep a byte order mark and a zero byte', () => {
    expect(decodeTerm(/* SMALL_ATOM_UTF8_EXT */ 119, 4, 0xef, 0xbb, 0xbf, 0)).toStrictEqual(
      atom('\ufeff\0'),
    )
  })

  test('that share a place in the table of atoms stay apart', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `atom_${i}`)
    const bytes = encode(names.map(atom))
    for (let i = 0; i < 2; i++) expect(decode(bytes)).toStrictEqual(names.map(atom))
  })

  test('are read in whatever order they come, more of them than the table holds', () => {
    const names = Array.from({ length: 6000 }, (_, index) => atom(`atom ${index}`))
    const orders = [names, names, names.toReversed(), names.filter((_, index) => index % 7 < 3)]
    for (const few of [names.slice(0, 3), names.slice(1, 4), names.slice(0, 3)]) orders.push(few)
    // Each twice in a row, so that every one has followed itself, and one that has lost its place.
    orders.push(names.flatMap((name) => [name, name]))
    for (const order of orders) expect(decode(encode(order))).toStrictEqual(order)
  })

  test('of one name under two tags are one, though their bytes differ', () => {
    // The same two bytes: é as UTF-8, Ã© as Latin-1.
    const bytes = [2, 0xc3, 0xa9]
    for (let i = 0; i < 2; i++) {
      expect(decodeTerm(/* SMALL_ATOM_UTF8_EXT */ 119, ...bytes)).toStrictEqual(atom('é'))
      expect(decodeTerm(/* SMALL_ATOM_EXT */ 115, ...bytes)).toStrictEqual(atom('Ã©'))
    }
  })

  describe('of a distribution header', () => {
    const refs: readonly Atom[] = [atom('a'), atom('é')]
    const read = (...bytes: readonly number[]): Term =>
      new TermReader(Uint8Array.from(bytes), { atomCacheRefs: refs }).read()

    test('are found by their number', () => {
      expect(read(/* ATOM_CACHE_REF */ 82, 1)).toStrictEqual(atom('é'))
    })

    test('name the node of a pid', () => {
      expect(
        read(/* NEW_PID_EXT */ 88, /* ATOM_CACHE_REF */ 82, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3),
      ).toStrictEqual(new Pid(atom('a'), 1, 2, 3))
    })

    test('are rejected where the header has none of that number', () => {
      expect(() => read(/* ATOM_CACHE_REF */ 82, 2)).toThrow(InvalidTermError)
      expect(() => decodeTerm(/* ATOM_CACHE_REF */ 82, 0)).toThrow(InvalidTermError)
    })
  })
})

describe('lists', () => {
  test('go on in a tail that is a list', () => {
    expect(
      decodeTerm(
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 1],
        .../* LIST_EXT */ [108, 0, 0, 0, 2, /* SMALL_INTEGER_EXT */ 97, 2, /* NIL_EXT */ 106],
        /* NIL_EXT */ 106,
      ),
    ).toStrictEqual([1, 2, []])
  })

  test('go on in a tail that is a string', () => {
    expect(
      decodeTerm(
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* NIL_EXT */ 106],
        .../* STRING_EXT */ [107, 0, 2, 97, 98],
      ),
    ).toStrictEqual([[], 97, 98])
  })

  test('may have a tail that is an empty string', () => {
    expect(
      decodeTerm(/* LIST_EXT */ 108, 0, 0, 0, 1, /* NIL_EXT */ 106, /* STRING_EXT */ 107, 0, 0),
    ).toStrictEqual([[]])
  })

  test('with a tail that is an improper list are one improper list', () => {
    expect(
      decodeTerm(
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 1],
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 2],
        .../* SMALL_INTEGER_EXT */ [97, 3],
      ),
    ).toStrictEqual(new ImproperList([1, 2], 3))
  })

  test('without elements are their tail', () => {
    expect(decodeTerm(/* LIST_EXT */ 108, 0, 0, 0, 0, /* NIL_EXT */ 106)).toStrictEqual([])
    expect(decodeTerm(/* LIST_EXT */ 108, 0, 0, 0, 0, /* SMALL_INTEGER_EXT */ 97, 1)).toStrictEqual(
      1,
    )
    expect(
      decodeTerm(
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 1],
        .../* LIST_EXT */ [108, 0, 0, 0, 0],
        .../* SMALL_INTEGER_EXT */ [97, 2],
      ),
    ).toStrictEqual(new ImproperList([1], 2))
  })

  test('may have a tail that holds terms itself', () => {
    expect(
      decodeTerm(
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 1],
        .../* SMALL_TUPLE_EXT */ [104, 1, /* SMALL_INTEGER_EXT */ 97, 2],
      ),
    ).toStrictEqual(new ImproperList([1], tuple(2)))
  })

  test('as strings may be empty', () => {
    expect(decodeTerm(/* STRING_EXT */ 107, 0, 0)).toStrictEqual([])
  })

  test('that are chains of tails take time in proportion, and one level', () => {
    const chain = (length: number): Uint8Array => {
      const bytes = new Uint8Array(2 + length * 6)
      bytes[0] = 131
      for (let i = 0; i < length; i++) {
        bytes.set([/* LIST_EXT */ 108, 0, 0, 0, 1, /* NIL_EXT */ 106], 1 + i * 6)
      }
      bytes[bytes.length - 1] = /* NIL_EXT */ 106
      return bytes
    }
    const bytes = chain(1_000_000)
    const time = elapsed(() => {
      const term = decode(bytes, { maxDepth: 2 })
      expect(Array.isArray(term) && term.length).toBe(1_000_000)
    })
    expect(time).toBeLessThan(10_000)
  })

  test('that are chains of empty lists take time in proportion, and no level', () => {
    const bytes = new Uint8Array(2 + 1_000_000 * 5)
    bytes[0] = 131
    for (let i = 0; i < 1_000_000; i++) bytes[1 + i * 5] = /* LIST_EXT */ 108
    bytes[bytes.length - 1] = /* NIL_EXT */ 106
    const time = elapsed(() => {
      expect(decode(bytes, { maxDepth: 0 })).toStrictEqual([])
    })
    expect(time).toBeLessThan(10_000)
  })
})

describe('short tuples', () => {
  /** Read with `refs` for their names, and again with the names in full. */
  const readBoth = (tuples: readonly Tuple[]): readonly Term[] => {
    const body = tuples.flatMap(({ elements: [, ...rest] }) => [
      .../* SMALL_TUPLE_EXT */ [104, 1 + rest.length, /* ATOM_CACHE_REF */ 82, 0],
      ...rest.flatMap((term) => [...encode(term).subarray(1)]),
    ])
    const list = [.../* LIST_EXT */ [108, ...uint32(tuples.length)], ...body, /* NIL_EXT */ 106]
    const reader = new TermReader(Uint8Array.from(list), { atomCacheRefs: [atom('shared')] })
    return [reader.read(), decode(encode(tuples))]
  }

  test.each<[string, ...Term[]]>([
    ['two', 1],
    ['two with a wide number', 2 ** 40],
    ['two atoms', atom('shared')],
    ['three', 0, atom('other')],
    ['four', 0, -1, 2 ** 31],
  ])('that say the same are one: %s', (_, ...rest) => {
    const written = tuple(atom('shared'), ...rest)
    for (const term of readBoth([written, written, written])) {
      expect(term).toStrictEqual([written, written, written])
      // Of the first the name may have been new.
      if (Array.isArray(term)) expect(term[2]).toBe(term[1])
    }
  })

  test('that differ in any part stay apart', () => {
    const parts: readonly Term[] = [
      0,
      1,
      256,
      -1,
      2 ** 31,
      2n ** 64n,
      float(0),
      atom('a'),
      [],
      tuple(),
    ]
    const tuples = parts.flatMap((part) => [
      tuple(atom('shared'), part),
      tuple(atom('shared'), part, 0),
      tuple(atom('shared'), 0, part),
      tuple(atom('shared'), part, 0, 0),
      tuple(atom('shared'), 0, part, 0),
      tuple(atom('shared'), 0, 0, part),
    ])
    for (const term of readBoth(tuples)) expect(term).toStrictEqual(tuples)
  })

  test('of a name in a tuple within it are not mixed up with that', () => {
    const inner = tuple(atom('inner'), 1)
    const terms = [tuple(inner, 2), tuple(inner, 1), tuple(atom('inner'), 2), tuple(inner, 2)]
    expect(decode(encode([terms, terms]))).toStrictEqual([terms, terms])
  })
})

describe('maps', () => {
  test('of the same keys share them', () => {
    const maps = [1, 2, 3].map((value) =>
      map([
        [atom('key'), value],
        [atom('of'), [value]],
      ]),
    )
    const read = decode(encode(maps))
    expect(read).toStrictEqual(maps)
    const [, second, third] = Array.isArray(read) ? read : []
    expect(third.keys).toBe(second.keys)
    expect(third.get(atom('of'))).toStrictEqual([3])
  })

  test('of as many keys, but others, keep their own', () => {
    const keys: readonly Term[] = [atom('a'), atom('b'), 1, float(1), binary('a'), [], tuple(1)]
    const maps = keys.flatMap((key) => [
      map([[key, 1]]),
      map([
        [atom('first'), 2],
        [key, 3],
      ]),
      map([
        [key, 4],
        [atom('last'), 5],
      ]),
    ])
    expect(decode(encode([maps, maps]))).toStrictEqual([maps, maps])
  })

  test('are looked at for a key that occurs twice, whatever came before', () => {
    const key = (name: number): readonly number[] => [
      .../* SMALL_ATOM_UTF8_EXT */ [119, 1, name, /* SMALL_INTEGER_EXT */ 97, 1],
    ]
    const maps = (...names: readonly number[]): readonly number[] => [
      .../* LIST_EXT */ [108, 0, 0, 0, 2],
      .../* MAP_EXT */ [116, 0, 0, 0, 2, ...key(0x61), ...key(0x62)],
      .../* MAP_EXT */ [116, 0, 0, 0, 2, ...names.flatMap(key)],
      /* NIL_EXT */ 106,
    ]
    const good = map([
      [atom('a'), 1],
      [atom('b'), 1],
    ])
    expect(decodeTerm(...maps(0x61, 0x62))).toStrictEqual([good, good])
    expect(() => decodeTerm(...maps(0x61, 0x61))).toThrow(InvalidTermError)
    expect(() => decodeTerm(...maps(0x62, 0x62))).toThrow(InvalidTermError)
  })

  test('keep 1 and 1.0 apart', () => {
    const term = decodeTerm(
      .../* MAP_EXT */ [116, 0, 0, 0, 2],
      .../* SMALL_INTEGER_EXT */ [97, 1, /* SMALL_INTEGER_EXT */ 97, 10],
      .../* NEW_FLOAT_EXT 1.0 */ [70, 63, 240, 0, 0, 0, 0, 0, 0, /* SMALL_INTEGER_EXT */ 97, 20],
    )
    expect(term).toStrictEqual(
      map([
        [1, 10],
        [float(1), 20],
      ]),
    )
  })

  test.each<[string, readonly number[]]>([
    ['an integer', [/* SMALL_INTEGER_EXT */ 97, 1]],
    ['a float', [/* NEW_FLOAT_EXT 1.0 */ 70, 63, 240, 0, 0, 0, 0, 0, 0]],
    ['an atom', [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 97]],
    ['a binary', [/* BINARY_EXT */ 109, 0, 0, 0, 1, 97]],
    ['a tuple', [/* SMALL_TUPLE_EXT */ 104, 1, /* STRING_EXT */ 107, 0, 1, 97]],
    ['a map', [/* MAP_EXT */ 116, 0, 0, 0, 1, /* NIL_EXT */ 106, /* NIL_EXT */ 106]],
  ])('with %s twice among their keys are rejected', (_, key) => {
    const error = thrownBy(() =>
      decodeTerm(
        /* MAP_EXT */ 116,
        0,
        0,
        0,
        2,
        ...key,
        /* NIL_EXT */ 106,
        ...key,
        /* NIL_EXT */ 106,
      ),
    )
    expect(error).toBeInstanceOf(InvalidTermError)
    expect(error).toMatchObject({ cause: { code: 'ERR_TERM_DUPLICATE_KEY' } })
  })

  test('find a key twice however it is written', () => {
    expect(() =>
      decodeTerm(
        .../* MAP_EXT */ [116, 0, 0, 0, 2],
        .../* SMALL_ATOM_UTF8_EXT é */ [119, 2, 0xc3, 0xa9, /* NIL_EXT */ 106],
        .../* SMALL_ATOM_EXT é */ [115, 1, 0xe9, /* NIL_EXT */ 106],
      ),
    ).toThrow(InvalidTermError)
    expect(() =>
      decodeTerm(
        .../* MAP_EXT */ [116, 0, 0, 0, 2],
        .../* STRING_EXT */ [107, 0, 1, 97, /* NIL_EXT */ 106],
        .../* LIST_EXT */ [108, 0, 0, 0, 1, /* SMALL_INTEGER_EXT */ 97, 97, 106, /* NIL_EXT */ 106],
      ),
    ).toThrow(InvalidTermError)
  })

  test('of many entries find a key that comes twice', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => i)
    const bytes = encode(map(keys.map((key) => [key, []])))
    // The last key, 999, becomes 998: INTEGER_EXT of four bytes, and NIL_EXT.
    bytes[bytes.length - 2] = 998 & 0xff
    expect(() => decode(bytes)).toThrow(InvalidTermError)
  })

  test('of 100,000 entries are decoded in little time', () => {
    const entries = Array.from({ length: 100_000 }, (_, i): [Term, Term] => [tuple(i, [i]), i])
    const bytes = encode(map(entries))
    const time = elapsed(() => {
      expect(decode(bytes)).toMatchObject({ size: 100_000 })
    })
    expect(time).toBeLessThan(10_000)
  })

  test('keep keys that JavaScript gives a meaning', () => {
    const entries = [
      '__proto__',
      'constructor',
      'prototype',
      'hasOwnProperty',
      'toString',
      'length',
    ].flatMap((name): [Term, Term][] => [
      [atom(name), atom('value')],
      [binary(name), 1],
    ])
    const term = decode(encode(map(entries)))
    expect(term).toStrictEqual(map(entries))
    for (const [key, value] of entries) {
      expect(
        !Array.isArray(term) && term instanceof Object && 'get' in term && term.get(key),
      ).toStrictEqual(value)
    }
    expect(Object.hasOwn(Object.prototype, 'value')).toBe(false)
  })

  test('keep the order of the wire', () => {
    const entries: [Term, Term][] = Array.from({ length: 100 }, (_, i) => [(i * 37) % 101, i])
    const term = decode(encode(map(entries)))
    expect(typeof term === 'object' && Symbol.iterator in term && [...term]).toStrictEqual(entries)
  })
})

describe('identifiers', () => {
  test('of ports take 64 bits', () => {
    expect(
      decodeTerm(
        .../* V4_PORT_EXT */ [120, /* SMALL_ATOM_UTF8_EXT */ 119, 1, 97],
        .../* id */ [255, 255, 255, 255, 255, 255, 255, 255, /* creation */ 255, 255, 255, 255],
      ),
    ).toStrictEqual(new Port(atom('a'), 2n ** 64n - 1n, 0xffff_ffff))
    expect(
      decodeTerm(
        .../* V4_PORT_EXT */ [120, /* SMALL_ATOM_UTF8_EXT */ 119, 1, 97],
        .../* id */ [0, 0, 0, 1, 0, 0, 0, 0, /* creation */ 0, 0, 0, 0],
      ),
    ).toStrictEqual(new Port(atom('a'), 2 ** 32, 0))
  })

  test('of references take one to five words', () => {
    const reference = (words: number): Term =>
      decodeTerm(
        .../* NEWER_REFERENCE_EXT */ [90, 0, words],
        .../* SMALL_ATOM_UTF8_EXT */ [119, 1, 97, /* creation */ 0, 0, 0, 1],
        ...Array.from({ length: words }, () => [255, 255, 255, 255]).flat(),
      )
    for (let words = 1; words <= 5; words++) {
      expect(reference(words)).toStrictEqual(
        new Reference(atom('a'), 1, new Array(words).fill(0xffff_ffff)),
      )
    }
    expect(() => reference(0)).toThrow(InvalidTermError)
    expect(() => reference(6)).toThrow(InvalidTermError)
  })

  test('have a node that is an atom, under each of its tags', () => {
    const pid = (...node: readonly number[]): Term =>
      decodeTerm(/* NEW_PID_EXT */ 88, ...node, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3)
    const expected = new Pid(atom('é'), 1, 2, 3)
    expect(pid(/* ATOM_EXT */ 100, 0, 1, 0xe9)).toStrictEqual(expected)
    expect(pid(/* SMALL_ATOM_EXT */ 115, 1, 0xe9)).toStrictEqual(expected)
    expect(pid(/* ATOM_UTF8_EXT */ 118, 0, 2, 0xc3, 0xa9)).toStrictEqual(expected)
    expect(pid(/* SMALL_ATOM_UTF8_EXT */ 119, 2, 0xc3, 0xa9)).toStrictEqual(expected)
    expect(() => pid(/* STRING_EXT */ 107, 0, 1, 97)).toThrow(InvalidTermError)
    expect(() => pid(/* NIL_EXT */ 106)).toThrow(InvalidTermError)
  })
})

describe('exports', () => {
  test('have an arity of one byte', () => {
    const a = [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 97]
    expect(
      decodeTerm(/* EXPORT_EXT */ 113, ...a, ...a, /* SMALL_INTEGER_EXT */ 97, 255),
    ).toStrictEqual(new ExportFun(atom('a'), atom('a'), 255))
    expect(() =>
      decodeTerm(/* EXPORT_EXT */ 113, ...a, ...a, /* INTEGER_EXT */ 98, 0, 0, 1, 0),
    ).toThrow(InvalidTermError)
  })
})

describe('records', () => {
  const r = [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 114]
  const x = [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 120]

  test('with flags that no release has defined are rejected, as by OTP 29', () => {
    for (const flags of [2, 3, 128]) {
      expect(() => decodeTerm(/* RECORD_EXT */ 67, 0, 0, 0, 0, flags, ...r, ...r)).toThrow(
        InvalidTermError,
      )
    }
  })

  test('with the same field twice are rejected, as by OTP 29', () => {
    expect(() =>
      decodeTerm(/* RECORD_EXT */ 67, 0, 0, 0, 2, 1, ...r, ...r, ...x, ...x, 106, 106),
    ).toThrow(InvalidTermError)
  })
})

describe('terms of one node alone', () => {
  test('keep all bytes there are', () => {
    expect(decode(localVector)).toStrictEqual(new LocalTerm(localVector.slice(2)))
  })

  test('may be compressed', () => {
    const term = decode(compressedLocalVector)
    expect(term).toBeInstanceOf(LocalTerm)
    // The hash, LIST_EXT of sixty, and NIL_EXT at the end.
    expect(term).toMatchObject({ bytes: { length: 430, 0: 209, 4: 108, 8: 60, 429: 106 } })
  })

  test('stand within no other term', () => {
    expect(() => decodeTerm(/* SMALL_TUPLE_EXT */ 104, 1, /* LOCAL_EXT */ 121, 97, 1)).toThrow(
      InvalidTermError,
    )
  })

  test('do not share memory with the input', () => {
    const bytes = localVector.slice()
    const term = decode(bytes)
    bytes.fill(0)
    expect(term).toStrictEqual(new LocalTerm(localVector.slice(2)))
  })
})
