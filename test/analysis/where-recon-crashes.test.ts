/**
 * Figures of which recon makes no answer at all: each is honest here, and never NaN.
 */
import { describe, expect, it } from 'vitest'
import {
  averageBlockSizes,
  cacheHitRates,
  fragmentation,
  memory,
  memoryReport,
  sbcsToMbcs,
  toJson,
} from '../../src/analysis/index.ts'
import { atom } from '../../src/etf/index.ts'
import { answer, msegInstance, utilInstance } from '../probe/answers.ts'
import { snapshotOf } from './snapshots.ts'

describe('a node without allocators', () => {
  const empty = snapshotOf()

  it('has no usage, which is neither 0 nor 1', () => {
    expect(memoryReport(empty)).toEqual({
      used: 0,
      allocated: 0,
      unused: 0,
      usage: undefined,
      allocatedTypes: new Map(),
      allocatedInstances: new Map(),
    })
    expect(toJson(memoryReport(empty, 'max', 'megabyte'))).toMatchObject({ usage: null })
  })

  it('has empty lists of everything else', () => {
    expect(fragmentation(empty)).toEqual([])
    expect(cacheHitRates(empty)).toEqual([])
    expect(averageBlockSizes(empty)).toEqual(new Map())
    expect(sbcsToMbcs(empty)).toEqual([])
  })
})

describe('blocks without carriers', () => {
  const snapshot = snapshotOf(
    answer('binary_alloc', [
      utilInstance(0),
      utilInstance(1, { mbcs: { blocks: { binary_alloc: { count: 1, size: 100 } } } }),
    ]),
    answer('ets_alloc', [utilInstance(0, { mbcs: { carriersSize: 1 } })]),
  )

  it.each(['byte', 'gigabyte'] as const)('have an infinite usage, in %ss', (unit) => {
    const entry = fragmentation(snapshot, 'current', unit).find(
      ({ allocator, instance }) => allocator === 'binary_alloc' && instance === 1,
    )
    expect(entry).toMatchObject({ mbcsUsage: Number.POSITIVE_INFINITY, sbcsUsage: 1 })
    expect(toJson(entry)).toMatchObject({ mbcs_usage: 'infinity' })
  })

  it('waste nothing: they come last', () => {
    expect(fragmentation(snapshot).map((it) => [it.allocator, it.instance])).toEqual([
      ['ets_alloc', 0],
      ['binary_alloc', 0],
      ['binary_alloc', 1],
    ])
  })

  it('make the usage of the node infinite if there are no carriers at all', () => {
    const all = snapshotOf(
      answer('binary_alloc', [
        utilInstance(1, { sbcs: { blocks: { binary_alloc: { count: 1, size: 100 } } } }),
      ]),
    )
    expect(memory(all, 'usage')).toBe(Number.POSITIVE_INFINITY)
    expect(memory(all, 'unused')).toBe(-100)
  })
})

describe('bytes without blocks', () => {
  it('have an infinite average', () => {
    const snapshot = snapshotOf(
      answer('std_alloc', [
        utilInstance(0, {
          sbcs: { blocks: { std_alloc: { count: 0, size: 8 } }, carriersSize: 8 },
        }),
      ]),
    )
    expect(averageBlockSizes(snapshot)).toEqual(
      new Map([['std_alloc', { mbcs: 0, sbcs: Number.POSITIVE_INFINITY }]]),
    )
  })
})

describe('the segment cache', () => {
  it('leaves out an instance that has no kind of memory', () => {
    const snapshot = snapshotOf(
      answer('mseg_alloc', [msegInstance(0, []), msegInstance(1, [{ cacheHits: 1, calls: 2 }])]),
    )
    expect(cacheHitRates(snapshot)).toEqual([{ instance: 1, hitRate: 0.5, hits: 1, calls: 2 }])
  })

  it('has an infinite rate for hits without calls, which come last', () => {
    const snapshot = snapshotOf(
      answer('mseg_alloc', [msegInstance(0, [{ cacheHits: 5 }]), msegInstance(1, [{}])]),
    )
    expect(cacheHitRates(snapshot)).toEqual([
      { instance: 1, hitRate: 1, hits: 0, calls: 0 },
      { instance: 0, hitRate: Number.POSITIVE_INFINITY, hits: 5, calls: 0 },
    ])
  })
})

describe('a disabled allocator', () => {
  it('is left out of the sums, and named', () => {
    const snapshot = snapshotOf(
      answer('binary_alloc', atom('false')),
      answer('ets_alloc', [utilInstance(0, { mbcs: { carriersSize: 4 } })]),
    )
    expect(snapshot.disabled).toEqual(['binary_alloc'])
    expect(memory(snapshot, 'allocated_types')).toEqual(new Map([['ets_alloc', 4]]))
  })
})
