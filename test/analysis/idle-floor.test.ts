import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { idleFloor } from '../../src/analysis/idle-floor.ts'
import { carriers, instance, KiB, MiB, pool } from './made-snapshots.ts'

const UNLIMITED = 2n ** 64n - 1n

describe('the floor of an instance', () => {
  test('is what its main carrier does not use, if it has no other', () => {
    const idle = instance({ mbcs: carriers({ allocated: 64 * KiB, used: 10 * KiB }) })
    expect(idleFloor(idle, 54 * KiB)).toBe(54 * KiB)
  })

  test('has one carrier of the smallest size on top, if there are others', () => {
    const busy = instance({ mbcs: carriers({ allocated: 8 * MiB, used: 0, count: 4 }) })
    expect(idleFloor(busy, 8 * MiB)).toBe((64 + 512) * KiB)
  })

  test('counts carriers in the pool among the others', () => {
    const abandoned = instance({
      mbcs: carriers({ allocated: 64 * KiB }),
      mbcsPool: pool(8 * MiB, 0, 3),
    })
    expect(idleFloor(abandoned, 8 * MiB)).toBe((64 + 512) * KiB)
  })

  test('is never more than what is unused', () => {
    const full = instance({ mbcs: carriers({ allocated: 8 * MiB, used: 8 * MiB - 100, count: 4 }) })
    expect(idleFloor(full, 100)).toBe(100)
  })

  test('is 0 where a release counts more blocks than carriers hold', () => {
    expect(idleFloor(instance(), -5)).toBe(0)
  })

  test('is all that was unused at the peak as well, where blocks have no upper limit', () => {
    const tables = instance({
      allocator: 'll_alloc',
      options: { mmbcs: MiB, smbcs: 512 * KiB, sbct: UNLIMITED },
      mbcs: carriers({ allocated: 4096 * MiB, used: 2052 * MiB, count: 3 }),
    })
    expect(idleFloor(tables, 2044 * MiB)).toBe(2044 * MiB)
  })

  test('leaves out what such an instance used at its peak and has lost since', () => {
    const purged = instance({
      allocator: 'll_alloc',
      options: { mmbcs: MiB, smbcs: 512 * KiB, sbct: UNLIMITED },
      mbcs: carriers({
        allocated: 400 * MiB,
        used: 100 * MiB,
        maxAllocated: 400 * MiB,
        maxUsed: 380 * MiB,
        count: 9,
      }),
    })
    expect(idleFloor(purged, 300 * MiB)).toBe(20 * MiB)
  })

  test('takes a single carrier for the main one where options were not told', () => {
    const untold = instance({ options: {}, mbcs: carriers({ allocated: 2 * MiB }) })
    expect(idleFloor(untold, 2 * MiB)).toBe(2 * MiB)
  })

  test('lies between 0 and what is unused, whatever the instance says', () => {
    const size = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n }))
    fc.assert(
      fc.property(size, size, size, size, fc.nat(5), (unused, main, smallest, limit, count) => {
        const floor = idleFloor(
          instance({
            options: { mmbcs: main, smbcs: smallest, sbct: limit },
            mbcs: carriers({ allocated: unused, count }),
          }),
          unused,
        )
        expect(floor >= 0 && floor <= unused).toBe(true)
      }),
    )
  })
})
