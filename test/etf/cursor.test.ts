import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Atom,
  atom,
  DecodeError,
  decode,
  EncodedTerm,
  encode,
  equals,
  ImproperList,
  InvalidTermError,
  isInteger,
  isList,
  isTuple,
  NONE,
  type Term,
  TermCursor,
  TruncatedTermError,
  tuple,
} from '../../src/etf/index.ts'
import * as tags from '../../src/etf/tags.ts'
import { arbitraryTerm } from './arbitrary-term.ts'
import { vectors } from './vectors.ts'

/** A cursor before these bytes. */
function cursorAt(...bytes: readonly number[]): TermCursor {
  return new TermCursor(new EncodedTerm(Uint8Array.from(bytes)))
}

function cursorBefore(term: Term): TermCursor {
  return new TermCursor(EncodedTerm.of(term))
}

/** All that a cursor tells of a term, put together again. */
function walk(cursor: TermCursor): Term {
  const arity = cursor.enterTuple()
  if (arity !== NONE) return tuple(...Array.from({ length: arity }, () => walk(cursor)))
  const start = cursor.position
  const elements: Term[] = []
  let left = cursor.enterList()
  if (left !== NONE) {
    while (left > 0) {
      elements.push(walk(cursor))
      left = left > 1 ? left - 1 : cursor.enterList()
    }
    if (left === 0) return elements
    cursor.position = start
    return cursor.term()
  }
  return cursor.atom() ?? cursor.integer() ?? cursor.term()
}

describe('a cursor', () => {
  test('tells what stands in any term', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        const cursor = cursorBefore(term)
        expect(equals(walk(cursor), decode(encode(term)))).toBe(true)
        cursor.expectEnd()
      }),
    )
  })

  test('skips any term, and stands before the next one', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTerm(), { minLength: 1, maxLength: 4 }), (terms) => {
        const cursor = cursorBefore(tuple(...terms, atom('end')))
        expect(cursor.enterTuple()).toBe(terms.length + 1)
        cursor.skip(terms.length)
        expect(cursor.atom()?.name).toBe('end')
      }),
    )
  })

  test.each(vectors.filter(({ bytes }) => bytes[1] !== tags.COMPRESSED))(
    'skips and decodes $name',
    ({ bytes, atomCacheRefs }) => {
      const encoded = new EncodedTerm(bytes.subarray(1), atomCacheRefs)
      const skipping = new TermCursor(encoded)
      skipping.skip(1)
      skipping.expectEnd()
      const reading = new TermCursor(encoded)
      expect(equals(reading.term(), encoded.decode())).toBe(true)
      reading.expectEnd()
    },
  )

  test('does not move where another kind of term stands', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        const cursor = cursorBefore(term)
        const read = decode(encode(term))
        const isOf = (is: boolean, moved: () => unknown, none: unknown): void => {
          if (is) return
          expect(moved()).toBe(none)
          expect(cursor.position).toBe(0)
        }
        isOf(isTuple(read), () => cursor.enterTuple(), NONE)
        const isListLike = isList(read) || read instanceof ImproperList
        isOf(isListLike, () => cursor.enterList(), NONE)
        isOf(read instanceof Atom, () => cursor.atom(), undefined)
        isOf(isInteger(read), () => cursor.integer(), undefined)
        expect(cursor.isAtInteger).toBe(isInteger(read))
        expect(cursor.position).toBe(0)
      }),
    )
  })

  test('reads atoms of the header', () => {
    const encoded = new EncodedTerm(Uint8Array.of(tags.ATOM_CACHE_REF, 1), [atom('a'), atom('b')])
    expect(new TermCursor(encoded).atom()?.name).toBe('b')
    expect(() => cursorAt(tags.ATOM_CACHE_REF, 0).atom()).toThrow(InvalidTermError)
  })

  test('goes on with a list that is the tail of one', () => {
    // [1 | [2 | []]], and [| []]
    const nested = [tags.LIST, 0, 0, 0, 1, tags.SMALL_INTEGER, 2, tags.NIL]
    expect(walk(cursorAt(tags.LIST, 0, 0, 0, 1, tags.SMALL_INTEGER, 1, ...nested))).toEqual([1, 2])
    expect(cursorAt(tags.LIST, 0, 0, 0, 0, tags.NIL).enterList()).toBe(0)
    const none = cursorAt(tags.LIST, 0, 0, 0, 0, tags.SMALL_INTEGER, 1)
    expect(none.enterList()).toBe(NONE)
    expect(none.position).toBe(0)
  })

  test('knows the same bytes again', () => {
    const same = tuple(atom('calls'), [1, 2, 3])
    const cursor = cursorBefore(tuple(same, same, tuple(atom('calls'), [1, 2, 4])))
    cursor.enterTuple()
    const start = cursor.position
    cursor.skip(1)
    const end = cursor.position
    expect(cursor.skipSame(start, end)).toBe(true)
    const third = cursor.position
    expect(third).toBe(2 * end - start)
    expect(cursor.skipSame(start, end)).toBe(false)
    expect(cursor.position).toBe(third)
    cursor.skip(1)
    // Fewer bytes are left.
    expect(cursor.skipSame(start, end)).toBe(false)
  })

  test('hands over the rest as it stands', () => {
    const cursor = cursorBefore(tuple(atom('return'), [1, atom('x')]))
    cursor.enterTuple()
    cursor.skip(1)
    expect(cursor.rest().decode()).toEqual([1, atom('x')])
  })
})

describe('bytes that are no term', () => {
  test.each([
    ['nothing at all', []],
    ['a count of elements that cannot be there', [tags.LARGE_TUPLE, 0xff, 0xff, 0xff, 0xff]],
    ['a count of a list that cannot be there', [tags.LIST, 0xff, 0xff, 0xff, 0xff]],
    ['a map of more than there is', [tags.MAP, 0x80, 0, 0, 0]],
    ['an atom that breaks off', [tags.SMALL_ATOM_UTF8, 3, 0x61, 0x62]],
    ['an integer that breaks off', [tags.INTEGER, 0, 0, 0]],
    ['a large integer that breaks off', [tags.SMALL_BIG, 8, 0, 1, 2]],
    ['a binary that breaks off', [tags.BINARY, 0, 0, 0, 9, 1]],
    ['a string that breaks off', [tags.STRING, 0, 9, 1]],
  ])('%s', (_, bytes) => {
    expect(() => cursorAt(...bytes).skip(1)).toThrow(TruncatedTermError)
    expect(() => walk(cursorAt(...bytes))).toThrow(DecodeError)
  })

  test('a tag that nobody knows', () => {
    expect(() => cursorAt(0).skip(1)).toThrow(InvalidTermError)
  })

  test('whatever they are, nothing but the decoder’s errors comes out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const use of [walk, (cursor: TermCursor) => cursor.skip(1)]) {
          try {
            use(new TermCursor(new EncodedTerm(bytes)))
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a term that is cut short is never skipped', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.double({ min: 0, max: 1, noNaN: true }), (term, where) => {
        const { bytes } = EncodedTerm.of(term)
        const cut = bytes.subarray(0, Math.min(bytes.length - 1, Math.floor(where * bytes.length)))
        expect(() => new TermCursor(new EncodedTerm(cut)).skip(1)).toThrow(DecodeError)
      }),
    )
  })
})
