import { describe, expect, it } from 'vitest'
import { type Carrier, type CarrierScan, carrierReports } from '../../src/analysis/carriers.ts'

/** Bytes of each carrier, so that parts of it are whole numbers. */
const SIZE = 1_000_000

function carrier(used: number, parts: Partial<Carrier> = {}): Carrier {
  return {
    allocator: 'binary_alloc',
    inPool: false,
    size: SIZE,
    unscanned: 0,
    blocks: used === 0 ? [] : [{ type: 'binary_alloc', count: 2, size: used }],
    freeBlocks: [0, 0, 0, 0],
    ...parts,
  }
}

function scan(carriers: readonly Carrier[], parts: Partial<CarrierScan> = {}): CarrierScan {
  return {
    otpRelease: '27',
    ran: [],
    histogramStart: 512,
    histogramWidth: 4,
    carriers,
    counted: new Map(),
    missing: [],
    ...parts,
  }
}

describe('the carriers of an allocator', () => {
  it('are pinned by blocks that use little of them', () => {
    const [report] = carrierReports(
      scan([
        carrier(0.04 * SIZE),
        carrier(0.3 * SIZE, {
          inPool: true,
          blocks: [
            { type: 'driver_alloc', count: 1, size: 0.2 * SIZE },
            { type: 'binary_alloc', count: 5, size: 0.1 * SIZE },
          ],
        }),
        carrier(0.6 * SIZE),
        carrier(SIZE),
        carrier(0),
      ]),
    )
    expect(report).toMatchObject({
      allocator: 'binary_alloc',
      carriers: 5,
      size: 5 * SIZE,
      pool: { carriers: 1, size: SIZE },
      empty: { carriers: 1, size: SIZE },
      pinned: { below: 0.6, carriers: 2, size: 2 * SIZE, blocks: 8 },
    })
    expect(report?.pinned.byType.map(({ type, count }) => [type, count])).toEqual([
      ['driver_alloc', 1],
      ['binary_alloc', 7],
    ])
    const filled = report?.usageHistogram.filter(({ carriers }) => carriers > 0)
    expect(filled?.map(({ from, to }) => [from, to])).toEqual([
      [0, 0.05],
      [0.3, 0.35],
      [0.6, 0.65],
      [0.95, 1],
    ])
  })

  it('with heaps are sparse below a half', () => {
    const heap = carrier(0.55 * SIZE, { allocator: 'eheap_alloc' })
    expect(carrierReports(scan([heap]))[0]?.pinned).toMatchObject({ below: 0.5, carriers: 0 })
  })

  it('are neither used nor empty where they were not scanned', () => {
    const half = carrier(0.4 * SIZE, { unscanned: SIZE / 2 })
    const unseen = carrier(0, { unscanned: SIZE })
    const [report] = carrierReports(scan([half, unseen]))
    expect(report).toMatchObject({ unscanned: 1.5 * SIZE, usage: 0.8 })
    expect(report?.empty.carriers).toBe(0)
    expect(report?.pinned.carriers).toBe(0)
  })

  it('come with the most idle first, and with how many there should be', () => {
    const carriers = [carrier(0.1 * SIZE), carrier(0.01 * SIZE, { allocator: 'ets_alloc' })]
    const reports = carrierReports(scan(carriers, { counted: new Map([['ets_alloc', 4]]) }))
    expect(reports.map(({ allocator, counted }) => [allocator, counted])).toEqual([
      ['ets_alloc', 4],
      ['binary_alloc', undefined],
    ])
  })

  it('add up exactly beyond 2^53', () => {
    const size = 2n ** 60n
    const blocks = [{ type: 'binary_alloc', count: 1, size: size - 1n }]
    const [report] = carrierReports(scan([carrier(0, { size, blocks }), carrier(0)]))
    expect(report?.size).toBe(size + BigInt(SIZE))
    expect(report?.used).toBe(size - 1n)
  })
})

describe('the sizes of free blocks', () => {
  const bounds = (otpRelease: string | undefined, freeBlocks: readonly number[]) =>
    carrierReports(scan([carrier(1, { freeBlocks })], { otpRelease }))[0]?.freeBlocks

  it('end at 2, 6 and 14 times the start until OTP 25', () => {
    for (const release of ['23', '25']) {
      expect(bounds(release, [1, 2, 3, 4])).toEqual([
        { from: 0, to: 1024, count: 1 },
        { from: 1024, to: 3072, count: 2 },
        { from: 3072, to: 7168, count: 3 },
        { from: 7168, to: undefined, count: 4 },
      ])
    }
  })

  it('double from OTP 27 on, where the first place stays empty', () => {
    for (const release of ['27', '29', '26', undefined]) {
      expect(bounds(release, [0, 2, 3, 4])).toEqual([
        { from: 0, to: 1024, count: 2 },
        { from: 1024, to: 2048, count: 3 },
        { from: 2048, to: undefined, count: 4 },
      ])
    }
  })

  it('are told by what stands there where the release is not', () => {
    expect(bounds(undefined, [1, 0, 0, 0])?.map(({ to }) => to)).toEqual([
      1024,
      3072,
      7168,
      undefined,
    ])
  })

  it('are one where only one is told apart', () => {
    const one = scan([carrier(1, { freeBlocks: [5] })], { histogramWidth: 1 })
    expect(carrierReports(one)[0]?.freeBlocks).toEqual([{ from: 0, to: undefined, count: 5 }])
  })
})
