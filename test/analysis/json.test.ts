import { describe, expect, it } from 'vitest'
import { toJson } from '../../src/analysis/index.ts'

describe('JSON', () => {
  it('has the names of recon', () => {
    expect(toJson({ mbcsBlockSize: 1, sbcsUsage: 0.5 })).toEqual({
      mbcs_block_size: 1,
      sbcs_usage: 0.5,
    })
  })

  it('keeps the keys of a map', () => {
    expect(
      toJson(
        new Map<string | number, number>([
          ['binary_alloc', 1],
          [0, 2],
        ]),
      ),
    ).toEqual({ binary_alloc: 1, '0': 2 })
  })

  it('writes integers beyond 2^53 in decimal digits', () => {
    expect(toJson([2 ** 53 - 1, 2n ** 64n - 1n])).toEqual([
      9_007_199_254_740_991,
      '18446744073709551615',
    ])
  })

  it('writes what JSON has no number for', () => {
    expect(toJson([Number.POSITIVE_INFINITY, undefined, Number.NaN])).toEqual([
      'infinity',
      null,
      null,
    ])
  })

  it('takes no key for a prototype', () => {
    const json = toJson(new Map([['__proto__', 1]]))
    expect(Object.keys(json ?? {})).toEqual(['__proto__'])
  })
})
