import { describe, expect, test } from 'vitest'
import { readOsMemory, SMAPS_ROLLUP, STATUS } from '../../src/probe/os-memory.ts'

/** Of an OTP 27 node under Linux 6. */
const SMAPS_TEXT = `557ff8800000-7fff6e7c1000 ---p 00000000 00:00 0                          [rollup]
Rss:               48240 kB
Pss:               41077 kB
Swap:                 12 kB
LazyFree:           1024 kB
`
const STATUS_TEXT = `Name:\tbeam.smp
VmPeak:\t 3160724 kB
VmHWM:\t   50000 kB
VmRSS:\t   48000 kB
VmSwap:\t       0 kB
Threads:\t12
`

describe('what Linux says of the memory of a process', () => {
  test('comes from smaps_rollup, the peak from status', () => {
    expect(readOsMemory(SMAPS_TEXT, STATUS_TEXT)).toEqual({
      source: SMAPS_ROLLUP,
      resident: 48240 * 1024,
      lazyFree: 1024 * 1024,
      swapped: 12 * 1024,
      peakResident: 50_000 * 1024,
    })
  })

  test('comes from status alone where smaps_rollup cannot be read', () => {
    expect(readOsMemory(undefined, STATUS_TEXT)).toEqual({
      source: STATUS,
      resident: 48_000 * 1024,
      lazyFree: undefined,
      swapped: 0,
      peakResident: 50_000 * 1024,
    })
  })

  test('is undefined where no file tells the resident size', () => {
    expect(readOsMemory(undefined, undefined)).toBeUndefined()
    expect(readOsMemory('Rss: many kB\n', 'VmRSS\n')).toBeUndefined()
  })

  test('has no figure that no machine can have, which would not be exact either', () => {
    for (const figure of ['9007199254740991', '9'.repeat(400)]) {
      expect(readOsMemory(`Rss: ${figure} kB\n`, undefined)).toBeUndefined()
      expect(readOsMemory(`Rss: 1 kB\nSwap: ${figure} kB\n`, undefined)).toMatchObject({
        resident: 1024,
        swapped: undefined,
      })
    }
  })
})
