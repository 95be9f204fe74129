import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  atom,
  DecodeError,
  decode,
  encode,
  float,
  map,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import {
  applyDifference,
  DifferenceError,
  difference,
  layoutOf,
} from '../../src/history/sample-difference.ts'
import { arbitraryTerm } from '../etf/arbitrary-term.ts'

/** What it makes of a term, in the layout that it has. */
function apply(before: Term, bytes: Uint8Array): Term {
  const { term, layout } = applyDifference({ term: before, layout: layoutOf(before) }, bytes)
  expect(layout).toEqual(layoutOf(term))
  return term
}

function expectToApply(before: Term, after: Term): Uint8Array {
  const bytes = difference(before, after)
  expect(apply(before, bytes)).toEqual(after)
  return bytes
}

describe('a difference', () => {
  it('makes any term of any other', () => {
    // As a reader has them.
    const term = arbitraryTerm().map((it) => decode(encode(it)))
    fc.assert(
      fc.property(term, term, (before, after) => void expectToApply(before, after)),
      {
        interruptAfterTimeLimit: 1_000,
        numRuns: 2_000,
      },
    )
  })

  it('of nothing is a byte', () => {
    const term = [tuple(atom('a'), 2n ** 70n), float(0), map([[1, 2]])]
    expect([...expectToApply(term, structuredCopy(term))]).toEqual([0])
  })

  it.each<[string, Term, Term, number]>([
    ['an integer that grew', [1, [2, 3]], [1, [2, 4]], 3],
    ['an integer that shrank', tuple(5, 300), tuple(5, 100), 4],
    ['the value of a map', map([[atom('a'), 1]]), map([[atom('a'), 2]]), 3],
    ['an integer beyond 2^53', [2n ** 63n], [2n ** 63n + 1n], 2 + 11],
    ['an integer that came back within 2^53', [2n ** 63n], [7], 2 + 2],
    ['a list that grew', [[1], [2]], [[1, 3], [2]], 2 + 5],
    ['-0.0', [float(0)], [float(-0)], 2 + 9],
    [
      'the order of a map',
      map([
        [1, 2],
        [3, 4],
      ]),
      map([
        [3, 4],
        [1, 2],
      ]),
      2 + 13,
    ],
  ])('takes %s', (_, before, after, size) => {
    expect(expectToApply(before, after)).toHaveLength(size)
  })

  it('is exact where the integers are as far apart as can be', () => {
    const [least, most] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
    const all = [least, -(2 ** 52), -(2 ** 51) - 1, -1, 0, 1, 2 ** 51, 2 ** 51 + 1, 2 ** 52, most]
    for (const before of all) for (const after of all) expectToApply([before], [after])
  })

  it('takes terms that are nested as deeply as one likes', () => {
    const nested = (levels: number, core: Term): Term => {
      let term = core
      for (let i = 0; i < levels; i++) term = [term]
      return term
    }
    for (const levels of [30, 31, 32, 33, 5_000]) {
      const [before, after] = [nested(levels, 1), nested(levels, 2)]
      const bytes = difference(before, after)
      const applied = apply(before, bytes)
      expect(Buffer.from(encode(applied)).equals(encode(after))).toBe(true)
    }
  })

  it('leaves the same objects where nothing changed', () => {
    const before = [[1], [2]]
    const after = apply(before, difference(before, [[1], [3]]))
    expect(Array.isArray(after) && after[0] === before[0]).toBe(true)
  })

  it.each([
    ['nothing', []],
    ['fewer bytes than places', [200]],
    ['fewer places than it says', [2, 12]],
    ['a number without an end', [1, ...Array(20).fill(0xff)]],
    ['a number beyond 2^53', [1, 4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a place that is not there', [1, 100, 2]],
    ['a change of what is no integer', [1, 2, 2]],
    ['a place before the first', [1, 0, 2]],
    ['a change that leaves what is exact', [1, 4, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]],
    ['a term that is none', [1, 5, 255]],
    ['no term', [1, 5]],
    ['bytes behind it', [0, 1]],
  ])('is refused with %s', (_, bytes) => {
    let error: unknown
    try {
      apply([Number.MAX_SAFE_INTEGER], Uint8Array.from(bytes))
    } catch (thrown) {
      error = thrown
    }
    expect(error instanceof DifferenceError || error instanceof DecodeError).toBe(true)
  })
})

function structuredCopy(term: Term): Term {
  return decode(encode(term))
}
