import { describe, expect, it } from 'vitest'
import {
  allocators,
  cacheHitRates,
  fragmentation,
  memory,
  sbcsToMbcs,
} from '../../src/analysis/index.ts'
import { answer, msegInstance, utilInstance } from '../probe/answers.ts'
import { snapshotOf } from './snapshots.ts'

describe('sums', () => {
  const blocks = (size: number) => ({ blocks: { ets_alloc: { count: 1, size } }, carriersSize: 1 })

  it('are exact in bytes beyond 2^53', () => {
    const snapshot = snapshotOf(
      answer('ets_alloc', [
        utilInstance(0, { mbcs: blocks(Number.MAX_SAFE_INTEGER), sbcs: blocks(2) }),
      ]),
    )
    expect(memory(snapshot, 'used')).toBe(2n ** 53n + 1n)
  })

  it('round in kilobytes where recon rounds: after the pool and own blocks are together', () => {
    // Doubles about 2^63 are 2^11 apart: two sums of 2^10 each stay only if they are added first.
    const snapshot = snapshotOf(
      answer('ets_alloc', [
        utilInstance(0, {
          sbcs: { blocks: { ets_alloc: { count: 1, size: 2n ** 73n } } },
          mbcs: { blocks: { ets_alloc: { count: 1, size: 2 ** 20 } } },
          mbcsPool: { blocks: { ets_alloc: { count: 1, size: 2 ** 20 } } },
        }),
      ]),
    )
    expect(memory(snapshot, 'used', 'current', 'kilobyte')).toBe(2 ** 63 + 2 ** 11)
  })

  it('round in kilobytes where recon rounds: each figure is divided before it is added', () => {
    // Doubles about 2^43 are 2^-9 apart: one byte more is lost, two together would not be.
    const snapshot = snapshotOf(
      answer('ets_alloc', [
        utilInstance(0, {
          mbcs: { carriersSize: 1 },
          mbcsPool: { carriersSize: 2n ** 53n + 1n },
        }),
      ]),
    )
    expect(memory(snapshot, 'allocated')).toBe(2n ** 53n + 2n)
    expect(memory(snapshot, 'allocated', 'current', 'kilobyte')).toBe(2 ** 43)
  })

  it('leave out literal_alloc and allocators that recon does not know', () => {
    const snapshot = snapshotOf(
      answer('literal_alloc', [utilInstance(0, { mbcs: blocks(1) })]),
      answer('test_alloc', [utilInstance(0, { mbcs: blocks(1) })]),
    )
    expect(memory(snapshot, 'allocated')).toBe(0)
    expect(allocators(snapshot).map(({ allocator }) => allocator)).toEqual([
      'literal_alloc',
      'test_alloc',
    ])
  })

  it('count the pool now, and not at the peak', () => {
    const snapshot = snapshotOf(
      answer('ets_alloc', [
        utilInstance(1, { mbcs: { carriersSize: 10 }, mbcsPool: { carriersSize: 5 } }),
      ]),
    )
    expect(memory(snapshot, 'allocated', 'current')).toBe(15)
    expect(memory(snapshot, 'allocated', 'max')).toBe(10)
  })
})

describe('ties', () => {
  it('are sorted by allocator and instance, both descending', () => {
    const snapshot = snapshotOf(
      answer('sl_alloc', [utilInstance(0), utilInstance(10), utilInstance(9)]),
      answer('ets_alloc', [utilInstance(0)]),
      answer('std_alloc', [utilInstance(1)]),
    )
    const order = [
      ['std_alloc', 1],
      ['sl_alloc', 10],
      ['sl_alloc', 9],
      ['sl_alloc', 0],
      ['ets_alloc', 0],
    ]
    expect(fragmentation(snapshot).map((it) => [it.allocator, it.instance])).toEqual(order)
    expect(sbcsToMbcs(snapshot).map((it) => [it.allocator, it.instance])).toEqual(order)
  })

  it('of one instance that occurs twice are sorted by their figures', () => {
    const half = { mbcs: { blocks: { ets_alloc: { count: 1, size: 4 } }, carriersSize: 4 } }
    const snapshot = snapshotOf(answer('ets_alloc', [utilInstance(0, half), utilInstance(0)]))
    expect(fragmentation(snapshot).map((it) => it.mbcsBlockSize)).toEqual([4, 0])
    expect(memory(snapshot, 'allocated_instances')).toEqual(new Map([[0, 4]]))
  })

  it('stand below infinity', () => {
    const one = { ets_alloc: { count: 1, size: 1 } }
    const snapshot = snapshotOf(
      answer('ets_alloc', [
        utilInstance(0, { sbcs: { blocks: one, carriersSize: 1 } }),
        utilInstance(1, { sbcs: { blocks: one }, mbcs: { blocks: one } }),
      ]),
    )
    expect(sbcsToMbcs(snapshot).map((it) => [it.instance, it.ratio])).toEqual([
      [0, Number.POSITIVE_INFINITY],
      [1, 1],
    ])
  })
})

describe('calls', () => {
  it('are giga and ones in one exact integer', () => {
    const snapshot = snapshotOf(
      answer('mseg_alloc', [msegInstance(0, [{ giga: 10_000_000, calls: 1, cacheHits: 0 }])]),
    )
    expect(cacheHitRates(snapshot)).toEqual([
      { instance: 0, hitRate: 0, hits: 0, calls: 10_000_000_000_000_001n },
    ])
  })
})
