import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clusterTotals } from '../../src/analysis/index.ts'
import { add, divide } from '../../src/analysis/integer.ts'
import { clusters, summary } from './made-summaries.ts'

describe('the totals of a cluster', () => {
  it('are those of its nodes', () => {
    const totals = clusterTotals([
      summary('a@h', { verdict: 'fragmented', allocated: 100, used: 40, waste: 50, resident: 120 }),
      summary('b@h', { allocated: 2n ** 60n, used: 10, waste: 5, resident: undefined }),
      summary('c@h', { allocated: undefined, used: undefined, waste: undefined, resident: 7 }),
    ])
    expect(totals).toEqual({
      nodes: 3,
      verdicts: {
        healthy: 2,
        fragmented: 1,
        'in-use': 0,
        'outside-allocators': 0,
        'oversized-carriers': 0,
        inconclusive: 0,
      },
      allocated: 2n ** 60n + 100n,
      used: 50,
      waste: 55,
      usage: 50 / 2 ** 60,
      resident: 127,
      withoutResident: 1,
      withoutAllocators: 1,
    })
  })

  it('waste nothing where there is no node, and know no resident size', () => {
    expect(clusterTotals([])).toMatchObject({
      nodes: 0,
      allocated: 0,
      usage: 1,
      resident: undefined,
      withoutResident: 0,
    })
  })

  it('add up, however the nodes are divided', () => {
    fc.assert(
      fc.property(clusters, fc.nat(12), (all, at) => {
        const [whole, ...halves] = [all, all.slice(0, at), all.slice(at)].map(clusterTotals)
        for (const key of ['nodes', 'withoutResident', 'withoutAllocators'] as const) {
          expect(halves.reduce((count, half) => count + half[key], 0)).toBe(whole?.[key])
        }
        for (const key of ['allocated', 'used', 'waste', 'resident'] as const) {
          const [left, right] = halves.map((half) => half[key])
          const known = left !== undefined || right !== undefined
          expect(known ? add(left ?? 0, right ?? 0) : undefined).toBe(whole?.[key])
        }
        const counts = Object.values(whole?.verdicts ?? {})
        expect(counts.reduce((count, each) => count + each, 0)).toBe(all.length)
        if (whole !== undefined && whole.allocated !== 0) {
          expect(whole.usage).toBe(divide(whole.used, whole.allocated))
        }
      }),
    )
  })
})
