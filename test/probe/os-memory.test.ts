import { describe, expect, test } from 'vitest'
import type { MemoryLimit } from '../../src/analysis/index.ts'
import {
  LIMIT_IN_BYTES,
  MEMINFO,
  MEMORY_MAX,
  type OsFiles,
  readOsMemory,
  SMAPS_ROLLUP,
  STATUS,
} from '../../src/probe/os-memory.ts'

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
    expect(readOsMemory({ smapsRollup: SMAPS_TEXT, status: STATUS_TEXT })).toEqual({
      source: SMAPS_ROLLUP,
      resident: 48240 * 1024,
      lazyFree: 1024 * 1024,
      swapped: 12 * 1024,
      peakResident: 50_000 * 1024,
    })
  })

  test('comes from status alone where smaps_rollup cannot be read', () => {
    expect(readOsMemory({ status: STATUS_TEXT })).toEqual({
      source: STATUS,
      resident: 48_000 * 1024,
      lazyFree: undefined,
      swapped: 0,
      peakResident: 50_000 * 1024,
    })
  })

  test('is undefined where no file tells the resident size', () => {
    expect(readOsMemory({})).toBeUndefined()
    expect(readOsMemory({ smapsRollup: 'Rss: many kB\n', status: 'VmRSS\n' })).toBeUndefined()
  })

  test('has no figure that no machine can have, which would not be exact either', () => {
    for (const figure of ['9007199254740991', '9'.repeat(400)]) {
      expect(readOsMemory({ smapsRollup: `Rss: ${figure} kB\n` })).toBeUndefined()
      expect(readOsMemory({ smapsRollup: `Rss: 1 kB\nSwap: ${figure} kB\n` })).toMatchObject({
        resident: 1024,
        swapped: undefined,
      })
    }
  })

  describe('limits it to', () => {
    const limit = (files: Omit<OsFiles, 'status'>) =>
      readOsMemory({ status: STATUS_TEXT, ...files })?.limit
    const meminfo = 'MemTotal:       16384000 kB\nMemFree:         1000000 kB\n'
    const machine = { bytes: 16_384_000 * 1024, source: MEMINFO }

    test.each<[string, Omit<OsFiles, 'status'>, MemoryLimit | undefined]>([
      [
        'what a control group may take',
        { memoryMax: '536870912\n', meminfo },
        { bytes: 2 ** 29, source: MEMORY_MAX },
      ],
      [
        'the same in version 1',
        { limitInBytes: '536870912\n', meminfo },
        { bytes: 2 ** 29, source: LIMIT_IN_BYTES },
      ],
      [
        'what the machine has, where a group has no limit',
        { memoryMax: 'max\n', meminfo },
        machine,
      ],
      ['the same in version 1', { limitInBytes: '9223372036854771712\n', meminfo }, machine],
      [
        'the same with pages of 64 KiB',
        { limitInBytes: '9223372036854710272\n', meminfo },
        machine,
      ],
      ['no more than the machine has', { memoryMax: '1099511627776\n', meminfo }, machine],
      ['the machine alone', { meminfo }, machine],
      ['nothing, where no file tells', {}, undefined],
      ['nothing, by what is no limit', { memoryMax: '0\n', limitInBytes: '-1\n' }, undefined],
      ['nothing, by nonsense', { memoryMax: '1 2\n', meminfo: 'MemTotal: 1.5 kB\n' }, undefined],
    ])('%s', (_, files, expected) => {
      expect(limit(files)).toEqual(expected)
    })
  })
})
