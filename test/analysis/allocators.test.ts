import { describe, expect, it } from 'vitest'
import { allocators, allocatorTypes } from '../../src/analysis/index.ts'
import { atom, type Term, tuple } from '../../src/etf/index.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { answer, carriers, instance, msegInstance, utilInstance } from '../probe/answers.ts'
import { goldenBytes } from './golden.ts'
import { snapshotOf } from './snapshots.ts'

describe('the list of allocators', () => {
  const { snapshot } = readSnapshot(goldenBytes('otp27-mixed-supercarrier', 'snapshot.etf'))

  it('begins with the three that have no carriers, then has each instance', () => {
    const names = allocators(snapshot).map(({ allocator, instance }) => `${allocator} ${instance}`)
    expect(names.slice(0, 6)).toEqual([
      'erts_mmap 0',
      'sys_alloc 0',
      'mseg_alloc 0',
      'mseg_alloc 1',
      'mseg_alloc 2',
      'temp_alloc 0',
    ])
    expect(names).toContain('literal_alloc 0')
  })

  it('divides every size in another unit', () => {
    const find = (unit: 'byte' | 'kilobyte') =>
      snapshot.allocators.length > 0 &&
      allocators(snapshot, unit).find(
        (it) => it.allocator === 'eheap_alloc' && it.instance === 1 && 'mbcs' in it,
      )
    expect(find('byte')).toMatchObject({
      mbcs: {
        blocks: { current: 41 },
        blocksSize: { current: 6_981_776 },
        blocksByType: [{ allocator: 'eheap_alloc', size: { current: 6_981_776 } }],
        carriers: { current: 12 },
        msegAllocCarriersSize: 73_924_608,
      },
      mbcsPool: { blocksSize: 37_590_696, carriersSize: 519_045_120, carriers: 65 },
      sbcs: { carriersSize: { max: 3_526_656 } },
    })
    expect(find('kilobyte')).toMatchObject({
      mbcs: {
        blocks: { current: 41 },
        blocksSize: { current: 6_981_776 / 1024 },
        blocksByType: [{ allocator: 'eheap_alloc', size: { current: 6_981_776 / 1024 } }],
        carriers: { current: 12 },
        msegAllocCarriersSize: 73_924_608 / 1024,
      },
      mbcsPool: {
        blocksSize: 37_590_696 / 1024,
        carriersSize: 519_045_120 / 1024,
        carriers: 65,
      },
      sbcs: { carriersSize: { max: 3_526_656 / 1024 } },
    })
  })
})

describe('the allocators by type', () => {
  const called = (giga: number, ones: number): Term => [tuple(atom('ets_alloc'), giga, ones)]
  const withCalls = (number: number, calls: Term, acul: number) =>
    instance(number, {
      options: [tuple(atom('acul'), acul)],
      mbcs: carriers({ blocks: { ets_alloc: { count: 1, size: [1, 2, 3] } } }),
      sbcs: carriers(),
      calls,
    })
  const snapshot = snapshotOf(
    answer('erts_mmap', [tuple(atom('default_mmap'), [])]),
    answer('mseg_alloc', [
      msegInstance(0, [{ cacheHits: 1, watermark: 2n ** 64n - 1n, segmentsSize: [1, 2, 4] }]),
      msegInstance(1, [{ cacheHits: 2, watermark: 7, segmentsSize: [10, 20, 40] }]),
    ]),
    answer('ets_alloc', [
      withCalls(0, called(1, 999_999_999), 0),
      withCalls(1, called(9_007_199, 254_740_992), 60),
    ]),
    answer('sl_alloc', [utilInstance(0)]),
  )
  const [first, second, third, last] = allocatorTypes(snapshot)

  it('come in the order of recon', () => {
    expect(allocatorTypes(snapshot).map((it) => [it.allocator, it.instances])).toEqual([
      ['sl_alloc', [0]],
      ['ets_alloc', [1, 0]],
      ['mseg_alloc', [1, 0]],
      ['erts_mmap', [0]],
    ])
    expect(first).toMatchObject({ allocator: 'sl_alloc' })
    expect(last).toMatchObject({ mappers: { default_mmap: { options: {} } } })
  })

  it('sum call counters exactly, with 10^9 as their unit', () => {
    expect(second).toMatchObject({ calls: { ets_alloc: 9_007_201_254_740_991n } })
  })

  it('show the options of the schedulers, not those of instance 0', () => {
    expect(second).toMatchObject({ options: { acul: 60 } })
  })

  it('sum blocks, by type too', () => {
    expect(second).toMatchObject({
      mbcs: {
        blocks: { current: 2, lastMax: 2, max: 2 },
        blocksSize: { current: 2, lastMax: 4, max: 6 },
        blocksByType: [{ allocator: 'ets_alloc', size: { current: 2, lastMax: 4, max: 6 } }],
        sysAllocCarriersSize: 131_072,
      },
    })
  })

  it('sum segments, and take the highest watermark', () => {
    expect(third).toMatchObject({
      memoryKinds: [
        {
          cacheHits: 3,
          segmentsSize: { current: 11, lastMax: 22, max: 44 },
          segmentsWatermark: 2n ** 64n - 1n,
        },
      ],
    })
  })
})
