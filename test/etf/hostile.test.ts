import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  atom,
  DecodeError,
  type DecodeOptions,
  decode,
  encode,
  equals,
  InvalidTermError,
  map,
  type Term,
  TermLimitError,
  TermReader,
  TruncatedTermError,
  tuple,
} from '../../src/etf/index.ts'
import * as tags from '../../src/etf/tags.ts'
import { vectors } from './vectors.ts'

const MIB = 1024 * 1024

function bytes(...parts: readonly (number | readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    Buffer.concat(parts.map((part) => Uint8Array.from(typeof part === 'number' ? [part] : part))),
  )
}

/** The term in these bytes, behind the version byte. */
function decodeTerm(...parts: readonly (number | readonly number[] | Uint8Array)[]): Term {
  return decode(bytes(tags.VERSION, ...parts))
}

function uint32(value: number): readonly number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

/** `131 80 Size Zlib`, with a size that need not be true. */
function compressed(inflated: Uint8Array, size = inflated.length): Uint8Array {
  const zlib = deflateSync(inflated, { level: 1 })
  return bytes(tags.VERSION, /* COMPRESSED */ 80, uint32(size), zlib)
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

/** Milliseconds, and bytes of memory that came on top. */
function cost(run: () => void): { readonly time: number; readonly memory: number } {
  const before = process.memoryUsage.rss()
  const start = performance.now()
  run()
  return { time: performance.now() - start, memory: process.memoryUsage.rss() - before }
}

const a = [/* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97]
const pid = [/* NEW_PID_EXT */ 88, ...a, ...uint32(1), ...uint32(2), ...uint32(3)]
const uniq = new Array<number>(16).fill(0)

describe('a count of 2^32 - 1', () => {
  const most = uint32(0xffff_ffff)
  const counted: readonly (readonly [string, readonly number[]])[] = [
    ['LARGE_TUPLE_EXT', [105, ...most]],
    ['LIST_EXT', [108, ...most]],
    ['LIST_EXT in a tail', [108, 0, 0, 0, 1, /* NIL_EXT */ 106, 108, ...most]],
    ['MAP_EXT', [116, ...most]],
    ['BINARY_EXT', [109, ...most]],
    ['BIT_BINARY_EXT', [77, ...most, 8]],
    ['LARGE_BIG_EXT', [111, ...most, 0]],
    ['RECORD_EXT', [67, ...most, 0]],
    ['FUN_EXT', [117, ...most]],
    ['NEW_FUN_EXT, its size', [112, ...most]],
    ['NEW_FUN_EXT, its free variables', [112, ...uint32(50), 1, ...uniq, ...uint32(0), ...most]],
    ['COMPRESSED', [80, ...most]],
    ['STRING_EXT', [107, 0xff, 0xff]],
    ['ATOM_EXT', [100, 0xff, 0xff]],
    ['ATOM_UTF8_EXT', [118, 0xff, 0xff]],
    ['NEW_REFERENCE_EXT', [114, 0xff, 0xff, ...a, 0]],
    ['NEWER_REFERENCE_EXT', [90, 0xff, 0xff, ...a, 0, 0, 0, 0]],
    ['SMALL_TUPLE_EXT', [104, 0xff]],
    ['SMALL_BIG_EXT', [110, 0xff, 0]],
  ]

  test.each(counted)('in %s is refused before anything is allocated', (_, head) => {
    // A thousand bytes behind it: there is something to read, only not so much.
    const input = bytes(
      tags.VERSION,
      head,
      new Uint8Array(head[0] === 110 || head[0] === 104 ? 9 : 1000).fill(106),
    )
    const { time, memory } = cost(() => {
      expect(thrownBy(() => decode(input))).toBeInstanceOf(DecodeError)
    })
    expect(time).toBeLessThan(1000)
    expect(memory).toBeLessThan(50 * MIB)
  })

  test.each(counted)('in %s, and the ones around it, is never taken as signed', (_, head) => {
    for (const high of [0x7f, 0x80, 0xff]) {
      const input = bytes(tags.VERSION, head, 1, 2, 3)
      input[2] = high
      expect(thrownBy(() => decode(input))).toBeInstanceOf(DecodeError)
    }
  })
})

describe('nested counts', () => {
  /** Each tuple announces all the bytes that are left as its elements. */
  const nested = (size: number): Uint8Array => {
    const input = new Uint8Array(size)
    input[0] = tags.VERSION
    for (let at = 1; at + 5 < size; at += 5) {
      input.set([/* LARGE_TUPLE_EXT */ 105, ...uint32(size - at - 5)], at)
    }
    return input
  }

  test('that would each fit, but not together, are refused at the second', () => {
    const { time, memory } = cost(() => {
      const error = thrownBy(() => decode(nested(4 * MIB), { maxDepth: 1e9 }))
      expect(error).toBeInstanceOf(TruncatedTermError)
      expect(error).toMatchObject({ offset: 6 })
    })
    expect(time).toBeLessThan(10_000)
    expect(memory).toBeLessThan(200 * MIB)
  })

  test('that halve each time stay within the bytes together', () => {
    const size = MIB
    const input = new Uint8Array(size)
    input[0] = tags.VERSION
    let count = size >>> 1
    for (let at = 1; count > 10; at += 5, count = (count * 0.99) >>> 0) {
      input.set([/* LARGE_TUPLE_EXT */ 105, ...uint32(count)], at)
    }
    const { time, memory } = cost(() => {
      expect(thrownBy(() => decode(input, { maxDepth: 1e9 }))).toBeInstanceOf(DecodeError)
    })
    expect(time).toBeLessThan(10_000)
    expect(memory).toBeLessThan(100 * MIB)
  })
})

describe('depth', () => {
  const levels = 100_000
  const nestings: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['SMALL_TUPLE_EXT', [104, 1], []],
    ['LARGE_TUPLE_EXT', [105, 0, 0, 0, 1], []],
    ['LIST_EXT', [108, 0, 0, 0, 1], [/* NIL_EXT */ 106]],
    [
      'LIST_EXT, in its tail',
      [108, 0, 0, 0, 1, /* NIL_EXT */ 106, /* SMALL_TUPLE_EXT */ 104, 1],
      [],
    ],
    ['MAP_EXT, in its keys', [116, 0, 0, 0, 1], [/* NIL_EXT */ 106]],
    ['MAP_EXT, in its values', [116, 0, 0, 0, 1, /* NIL_EXT */ 106], []],
    ['RECORD_EXT', [67, 0, 0, 0, 1, 0, ...a, ...a, ...a], []],
    ['FUN_EXT', [117, 0, 0, 0, 1, ...pid, ...a, /* SMALL_INTEGER_EXT */ 97, 0, 97, 0], []],
  ]
  const nested = (open: readonly number[], end: readonly number[]): Uint8Array => {
    const input = new Uint8Array(2 + levels * (open.length + end.length))
    input[0] = tags.VERSION
    for (let i = 0; i < levels; i++) {
      input.set(open, 1 + i * open.length)
      input.set(end, 2 + levels * open.length + i * end.length)
    }
    input[1 + levels * open.length] = /* NIL_EXT */ 106
    return input
  }

  test.each(nestings)(`of ${levels} levels of %s is over the limit`, (_, open, end) => {
    const error = thrownBy(() => decode(nested(open, end)))
    expect(error).toBeInstanceOf(TermLimitError)
    expect(error).toMatchObject({ limit: 10_000 })
  })

  test.each(nestings)(`of ${levels} levels of %s is decoded if that is wanted`, (_, open, end) => {
    const { time } = cost(() => decode(nested(open, end), { maxDepth: 2 * levels }))
    expect(time).toBeLessThan(10_000)
  })

  test.each([0, 1, 2, 10])('of %d levels is the last that a limit of so many allows', (limit) => {
    const input = (depth: number): Uint8Array =>
      bytes(
        tags.VERSION,
        ...Array.from({ length: depth }, () => [/* SMALL_TUPLE_EXT */ 104, 1]),
        106,
      )
    expect(thrownBy(() => decode(input(limit), { maxDepth: limit }))).toBeUndefined()
    expect(thrownBy(() => decode(input(limit + 1), { maxDepth: limit }))).toBeInstanceOf(
      TermLimitError,
    )
  })

  test('counts in a compressed term too', () => {
    const deep = nested([104, 1], []).subarray(1)
    expect(thrownBy(() => decode(compressed(deep)))).toBeInstanceOf(TermLimitError)
  })

  test('is none for a term beside another one', () => {
    const input = bytes(
      tags.VERSION,
      /* SMALL_TUPLE_EXT */ 104,
      200,
      ...new Array(200).fill([104, 0]),
    )
    expect(thrownBy(() => decode(input, { maxDepth: 2 }))).toBeUndefined()
  })

  test('of two chains of maps as keys, the same up to the innermost, is compared', () => {
    const levels = 9_000
    const chain = (innermost: number): Uint8Array => {
      const input = new Uint8Array(levels * 7 + 2)
      for (let i = 0; i < levels; i++) input.set([/* MAP_EXT */ 116, 0, 0, 0, 1], i * 5)
      input.set([/* SMALL_INTEGER_EXT */ 97, innermost], levels * 5)
      for (let i = 0; i < levels; i++) input.set([97, 0], levels * 5 + 2 + i * 2)
      return input
    }
    const { time } = cost(() => {
      const term = decodeTerm(/* MAP_EXT */ 116, uint32(2), chain(1), 106, chain(2), 106)
      expect(term).toMatchObject({ size: 2 })
      expect(
        thrownBy(() => decodeTerm(/* MAP_EXT */ 116, uint32(2), chain(1), 106, chain(1), 106)),
      ).toBeInstanceOf(InvalidTermError)
    })
    expect(time).toBeLessThan(10_000)
  })
})

describe('many parts', () => {
  const units: readonly (readonly [string, readonly number[]])[] = [
    ['empty lists', [106]],
    ['empty tuples', [104, 0]],
    ['tuples of one', [104, 1, 106]],
    ['empty binaries', [109, 0, 0, 0, 0]],
    ['binaries of one byte', [109, 0, 0, 0, 1, 0]],
    ['empty maps', [116, 0, 0, 0, 0]],
    ['maps of one', [116, 0, 0, 0, 1, 106, 106]],
    ['strings', [107, 0, 1, 0]],
    ['lists of one', [108, 0, 0, 0, 1, 106, 106]],
    ['floats', [70, 0, 0, 0, 0, 0, 0, 0, 0]],
  ]
  const listOf = (unit: readonly number[], size: number): Uint8Array => {
    const count = Math.floor((size - 6) / unit.length)
    const list = Buffer.alloc(6 + count * unit.length, Uint8Array.from(unit))
    list.copy(list, 5, 0, count * unit.length)
    list.set([/* LIST_EXT */ 108, ...uint32(count)])
    list[list.length - 1] = /* NIL_EXT */ 106
    return list
  }

  test.each(units)('are refused in a compressed term that holds 64 MiB of %s', (_, unit) => {
    const bomb = compressed(listOf(unit, 64 * MIB))
    expect(bomb.length).toBeLessThan(MIB)
    const { time, memory } = cost(() => {
      const error = thrownBy(() => decode(bomb))
      expect(error).toBeInstanceOf(TermLimitError)
      expect(error).toMatchObject({ limit: 5_000_000 })
    })
    expect(time).toBeLessThan(10_000)
    expect(memory).toBeLessThan(1500 * MIB)
  })

  test('are counted in all, whatever they stand in', () => {
    const limited = (term: Term, maxTerms: number): unknown =>
      thrownBy(() => decode(encode(term), { maxTerms }))
    for (const [term, count] of [
      [1, 0],
      [[], 0],
      [tuple(), 0],
      [tuple(1, 2), 2],
      [[256, 257], 2],
      [[1, 2], 2],
      [map([[1, 2]]), 2],
      [tuple(tuple(1), [2, tuple()], map([])), 3 + 1 + 2],
    ] as const) {
      expect(limited(term, count)).toBeUndefined()
      if (count > 0) expect(limited(term, count - 1)).toBeInstanceOf(TermLimitError)
    }
  })

  test('are no more than are wanted', () => {
    const list = encode(new Array<Term>(1000).fill(atom('a')))
    expect(thrownBy(() => decode(list, { maxTerms: 999 }))).toMatchObject({ limit: 999 })
    expect(thrownBy(() => decode(list, { maxTerms: 1000 }))).toBeUndefined()
  })
})

describe('a compressed term', () => {
  test('that announces more than the limit is not inflated', () => {
    const input = compressed(encode('x'.repeat(10).length).subarray(1), 64 * MIB + 1)
    expect(thrownBy(() => decode(input))).toBeInstanceOf(TermLimitError)
    const small = compressed(encode(new Uint8Array(100)).subarray(1))
    expect(thrownBy(() => decode(small, { maxInflatedSize: 104 }))).toMatchObject({ limit: 104 })
    expect(thrownBy(() => decode(small, { maxInflatedSize: 105 }))).toBeUndefined()
  })

  test('that inflates far over what it announces is stopped there', () => {
    const bomb = compressed(new Uint8Array(64 * MIB), 10)
    const { time, memory } = cost(() => {
      expect(thrownBy(() => decode(bomb))).toBeInstanceOf(InvalidTermError)
    })
    expect(time).toBeLessThan(10_000)
    expect(memory).toBeLessThan(50 * MIB)
  })

  test('that announces much and holds little allocates little', () => {
    const input = compressed(bytes(/* NIL_EXT */ 106), 60 * MIB)
    const { memory } = cost(() => {
      expect(thrownBy(() => decode(input))).toBeInstanceOf(InvalidTermError)
    })
    expect(memory).toBeLessThan(30 * MIB)
  })

  test.each([-1, 1])('whose size is off by %d is rejected', (by) => {
    const term = encode(tuple(1, 2)).subarray(1)
    expect(thrownBy(() => decode(compressed(term, term.length + by)))).toBeInstanceOf(
      InvalidTermError,
    )
  })

  test('of size 0 is rejected, whatever it holds', () => {
    for (const inflated of [bytes(), bytes(/* NIL_EXT */ 106)]) {
      expect(thrownBy(() => decode(compressed(inflated, 0)))).toBeInstanceOf(InvalidTermError)
    }
  })

  test('with a byte behind its term is rejected, and so is one with a byte behind its stream', () => {
    const term = encode(tuple(1, 2)).subarray(1)
    expect(thrownBy(() => decode(compressed(bytes(term, 0))))).toBeInstanceOf(InvalidTermError)
    expect(thrownBy(() => decode(bytes(compressed(term), 0)))).toMatchObject({
      code: 'ERR_TERM_INVALID',
      offset: compressed(term).length,
    })
  })

  test('lets the next term be read behind its stream', () => {
    const reader = new TermReader(bytes(compressed(encode(tuple(1)).subarray(1)), encode(7)))
    expect(reader.readVersioned()).toStrictEqual(tuple(1))
    expect(reader.readVersioned()).toBe(7)
    expect(reader.atEnd).toBe(true)
  })

  test('within another one, or within any term, is rejected', () => {
    const once = compressed(encode(1).subarray(1))
    expect(thrownBy(() => decode(compressed(once.subarray(1))))).toBeInstanceOf(InvalidTermError)
    expect(thrownBy(() => decode(compressed(once)))).toBeInstanceOf(InvalidTermError)
    expect(
      thrownBy(() => decodeTerm(/* SMALL_TUPLE_EXT */ 104, 1, once.subarray(1))),
    ).toBeInstanceOf(InvalidTermError)
  })

  test('whose checksum is wrong is rejected', () => {
    const input = compressed(encode(tuple(1, 2)).subarray(1))
    input[input.length - 1] = (input[input.length - 1] ?? 0) ^ 1
    expect(thrownBy(() => decode(input))).toBeInstanceOf(InvalidTermError)
  })

  test('of a stream that is no zlib stream is rejected', () => {
    expect(thrownBy(() => decodeTerm(/* COMPRESSED */ 80, uint32(3), 1, 2, 3))).toBeInstanceOf(
      InvalidTermError,
    )
    // FDICT: a dictionary that nobody has.
    expect(
      thrownBy(() => decodeTerm(/* COMPRESSED */ 80, uint32(3), 0x78, 0xbb, 0, 0, 0, 0, 0)),
    ).toBeInstanceOf(InvalidTermError)
  })

  test('whose term is cut is no truncated term: more bytes would not help', () => {
    const cut = compressed(bytes(/* SMALL_TUPLE_EXT */ 104, 2, /* NIL_EXT */ 106))
    expect(thrownBy(() => decode(cut))).toMatchObject({
      code: 'ERR_TERM_INVALID',
      cause: { code: 'ERR_TERM_TRUNCATED' },
    })
  })
})

describe('a term of the wrong type', () => {
  const integer = [/* SMALL_INTEGER_EXT */ 97, 1]
  const float = [/* NEW_FLOAT_EXT */ 70, 0, 0, 0, 0, 0, 0, 0, 0]
  const fun = (...parts: readonly (readonly number[])[]): readonly number[] => {
    const body = parts.flat()
    return [
      112,
      ...uint32(29 + body.length),
      1,
      ...uniq,
      ...uint32(0),
      ...uint32(parts.length - 4),
      ...body,
    ]
  }

  test.each<[string, readonly number[]]>([
    ['an export whose module is no atom', [113, ...integer, ...a, ...integer]],
    ['an export whose function is no atom', [113, ...a, ...integer, ...integer]],
    ['an export whose arity is no integer', [113, ...a, ...a, ...a]],
    ['an export whose arity is negative', [113, ...a, ...a, 98, 255, 255, 255, 255]],
    ['an export whose arity is a float', [113, ...a, ...a, ...float]],
    ['a fun whose module is no atom', fun(integer, integer, integer, pid)],
    ['a fun whose old index is no integer', fun(a, float, integer, pid)],
    ['a fun whose old uniq is no integer', fun(a, integer, a, pid)],
    ['a fun whose pid is none', fun(a, integer, integer, a)],
    ['an old fun whose pid is none', [117, 0, 0, 0, 0, ...a, ...a, ...integer, ...integer]],
    [
      'an old fun whose module is no atom',
      [117, 0, 0, 0, 0, ...pid, ...integer, ...integer, ...integer],
    ],
    ['an old fun whose index is no integer', [117, 0, 0, 0, 0, ...pid, ...a, ...a, ...integer]],
    ['an old fun whose uniq is no integer', [117, 0, 0, 0, 0, ...pid, ...a, ...integer, ...float]],
    ['a record whose module is no atom', [67, 0, 0, 0, 0, 0, ...integer, ...a]],
    ['a record whose name is no atom', [67, 0, 0, 0, 0, 0, ...a, ...integer]],
    ['a record whose field is no atom', [67, 0, 0, 0, 1, 0, ...a, ...a, ...integer, ...a]],
    ['a pid whose node is no atom', [88, ...integer, ...new Array(12).fill(0)]],
    ['an old pid whose node is a binary', [103, 109, 0, 0, 0, 1, 97, ...new Array(9).fill(0)]],
    ['a port whose node is a string', [89, 107, 0, 1, 97, ...new Array(8).fill(0)]],
    ['a V4 port whose node is a pid', [120, ...pid, ...new Array(12).fill(0)]],
    ['a reference whose node is no atom', [90, 0, 1, ...integer, ...new Array(8).fill(0)]],
    [
      'a fun of a wrong size',
      [112, ...uint32(100), ...fun(a, integer, integer, pid).slice(5), ...new Array(100).fill(0)],
    ],
    ['a fun too small for its head', [112, 0, 0, 0, 4, ...fun(a, integer, integer, pid).slice(5)]],
    ['a fun of no size', [112, 0, 0, 0, 0, ...fun(a, integer, integer, pid).slice(5)]],
  ])('is rejected: %s', (_, input) => {
    expect(thrownBy(() => decodeTerm(input))).toBeInstanceOf(InvalidTermError)
  })

  test('is none where the right one stands', () => {
    expect(thrownBy(() => decodeTerm(fun(a, integer, integer, pid)))).toBeUndefined()
    expect(thrownBy(() => decodeTerm(fun(a, integer, integer, pid, float)))).toBeUndefined()
  })
})

describe('names that JavaScript gives a meaning', () => {
  test('change nothing but the term', () => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    const names = ['__proto__', 'constructor', 'prototype', '__defineGetter__', 'toString', 'then']
    const term = map(
      names.map((name): [Term, Term] => [atom(name), tuple(atom(name), [atom(name)])]),
    )
    expect(equals(decode(encode(term)), term)).toBe(true)
    expect(Object.getOwnPropertyNames(Object.prototype)).toStrictEqual(before)
  })
})

describe('bytes changed at random', () => {
  const snapshots = [
    'otp23-binary-8-schedulers',
    'otp25-ets-2-schedulers',
    'otp27-mixed-supercarrier',
    'otp29-mixed-4-schedulers',
  ].map(
    (name): Uint8Array =>
      readFileSync(new URL(`../fixtures/golden/${name}/snapshot.etf`, import.meta.url)),
  )
  const good = tuple(atom('ok'), [1, 2n ** 70n, atom('é')], map([[1, tuple()]]))
  const goodBytes = encode(good)
  const allTags = Object.values(tags)

  /** Mulberry32: the same inputs in every run. */
  const randomOf = (seed: number): ((end: number) => number) => {
    let state = seed
    return (end) => {
      state = (state + 0x6d2b_79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * end)
    }
  }

  const mutate = (
    input: Uint8Array,
    sources: readonly Uint8Array[],
    random: (end: number) => number,
  ): Uint8Array => {
    let output: Uint8Array = Uint8Array.from(input)
    for (let times = 1 + random(3); times > 0 && output.length > 0; times--) {
      const at = random(output.length)
      switch (random(7)) {
        case 0:
          output[at] = (output[at] ?? 0) ^ (1 << random(8))
          break
        case 1:
          output[at] = random(256)
          break
        case 2:
          output[at] = allTags[random(allTags.length)] ?? 0
          break
        case 3:
          output = bytes(output.subarray(0, at), random(256), output.subarray(at))
          break
        case 4:
          output = bytes(output.subarray(0, at), output.subarray(at + 1 + random(8)))
          break
        case 5:
          output = output.slice(0, at)
          break
        default: {
          const source = sources[random(sources.length)] ?? output
          const from = random(source.length)
          const splice = source.subarray(from, from + random(40))
          output = bytes(output.subarray(0, at), splice, output.subarray(at + random(20)))
        }
      }
    }
    return output
  }

  const fuzz = (
    sources: readonly Uint8Array[],
    runs: number,
    seed: number,
    options: DecodeOptions = {},
  ): number => {
    const random = randomOf(seed)
    let decoded = 0
    for (let run = 0; run < runs; run++) {
      const input = mutate(sources[random(sources.length)] ?? goodBytes, sources, random)
      try {
        const term = decode(input, options)
        decoded++
        // What came out is a term: it can be written, and reads the same.
        if (!equals(decode(encode(term)), term)) throw new Error('reads differently')
      } catch (cause) {
        if (!(cause instanceof DecodeError)) {
          throw new Error(`run ${run} of seed ${seed}: ${Buffer.from(input).toString('base64')}`, {
            cause,
          })
        }
      }
      if (run % 100 === 0 && !equals(decode(goodBytes), good)) {
        throw new Error(`a good term is no longer decoded after run ${run} of seed ${seed}`)
      }
    }
    return decoded
  }

  test('give terms, or errors of the three kinds, and nothing else: the vectors', () => {
    const sources = vectors.map((vector) => vector.bytes)
    const decoded = fuzz(sources, 60_000, 1, { atomCacheRefs: [atom('a'), atom('ok')] })
    // Enough come through for their terms to have been tried as well.
    expect(decoded).toBeGreaterThan(3000)
  })

  test('give terms, or errors of the three kinds, and nothing else: bytes from nowhere', () => {
    const random = randomOf(2)
    const sources = Array.from({ length: 2000 }, () =>
      bytes(
        tags.VERSION,
        Array.from({ length: 1 + random(40) }, () =>
          random(2) === 0 ? (allTags[random(allTags.length)] ?? 0) : random(4),
        ),
      ),
    )
    expect(fuzz(sources, 40_000, 3)).toBeGreaterThan(300)
  })

  test('give terms, or errors of the three kinds, and nothing else: the snapshots', () => {
    // Pieces, since most changes to a whole one are of its numbers.
    expect(fuzz(snapshots, 300, 4)).toBeGreaterThan(10)
  })

  test('give terms, or errors of the three kinds, and nothing else: pieces of the snapshots', () => {
    const random = randomOf(5)
    const sources = Array.from({ length: 500 }, () => {
      const snapshot = snapshots[random(snapshots.length)] ?? goodBytes
      const tuples = snapshot.indexOf(/* SMALL_TUPLE_EXT */ 104, random(snapshot.length - 100))
      return bytes(tags.VERSION, snapshot.subarray(tuples, tuples + 400))
    })
    fuzz(sources, 20_000, 6)
  })
})
