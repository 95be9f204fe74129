import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/analysis/diagnose.ts'
import type { AllocatorInstance, Remedy, Snapshot } from '../../src/analysis/index.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'
import { carriers, instance, KiB, MiB, pool, snapshot } from './made-snapshots.ts'

function remediesOn(node: Snapshot): readonly Remedy[] {
  return diagnose(node).findings.flatMap(({ remedies }) => remedies)
}

function flagsOn(node: Snapshot): readonly string[] {
  return remediesOn(node).map(({ flags }) => flags)
}

/** A fragmented allocator of 100 MiB. */
function fragmented(allocator: string, parts: Partial<AllocatorInstance> = {}): Snapshot {
  const mbcs = carriers({ allocated: 100 * MiB, used: 2 * MiB, count: 20, blocks: 500 })
  return snapshot({ allocators: [instance({ allocator, mbcs, ...parts })] })
}

describe('the flags', () => {
  test.each([
    ['binary_alloc', 'B'],
    ['eheap_alloc', 'H'],
    ['ets_alloc', 'E'],
    ['ll_alloc', 'L'],
    ['sl_alloc', 'S'],
    ['temp_alloc', 'T'],
    ['fix_alloc', 'F'],
    ['std_alloc', 'D'],
    ['driver_alloc', 'R'],
    ['future_alloc', 'u'],
    // Which every object has, and no allocator.
    ['__proto__', 'u'],
    ['constructor', 'u'],
  ])('of %s have its letter', (allocator, letter) => {
    expect(flagsOn(fragmented(allocator))).toContain(`+M${letter}as aobf +M${letter}lmbcs 512`)
  })

  test('need a restart, and expressions do not', () => {
    for (const { snapshot } of knownStates) {
      for (const { flags, restart } of remediesOn(snapshot)) {
        expect(restart, flags).toBe(/^(\+|MALLOC_)/.test(flags))
      }
    }
  })
})

describe('against fragmentation', () => {
  test('what needs no restart comes first', () => {
    expect(flagsOn(known('eheap-fragmented', 'otp25-s2'))[0]).toBe(
      '[erlang:garbage_collect(P) || P <- processes()]',
    )
    expect(flagsOn(known('binary-fragmented', 'otp25-s2'))[0]).toBe('binary:copy(Binary)')
    expect(flagsOn(known('ets-fragmented', 'otp25-s2'))[0]).toContain('ets:insert(New')
  })

  test('no strategy is named that the node has already', () => {
    const flags = flagsOn(known('binary-fragmented-aobf', 'otp25-s2'))
    expect(flags.filter((each) => each.includes('aobf'))).toEqual([])
    expect(flags).toContain('+MBas aoffcbf')
  })

  test('pages of the pool are let go only where the node can do that', () => {
    const abandoned = { mbcsPool: pool(60 * MiB, MiB, 12) }
    const options = { ...instance().options, acful: 0 }
    const without = fragmented('binary_alloc', abandoned)
    const able = fragmented('binary_alloc', { ...abandoned, options })
    const done = fragmented('binary_alloc', { ...abandoned, options: { ...options, acful: 40 } })
    expect(flagsOn(without).filter((flags) => flags.includes('acful'))).toEqual([])
    expect(flagsOn(able)).toContain('+MBacful de')
    expect(flagsOn(done).filter((flags) => flags.includes('acful'))).toEqual([])
    expect(flagsOn({ ...able, otpRelease: '27' }).join()).not.toContain('+Mumadtn')
    expect(flagsOn({ ...able, otpRelease: '28' })).toContain('+MBacful de +Mumadtn true')
  })

  test('nothing is said of the pool where little lies in it', () => {
    const options = { ...instance().options, acful: 0 }
    const flags = flagsOn(fragmented('binary_alloc', { options, mbcsPool: pool(MiB, 0) }))
    expect(flags.filter((each) => each.includes('acful'))).toEqual([])
  })

  test('sbct is lowered, even at run time, where blocks are nearly as large', () => {
    const blocks = carriers({ allocated: 100 * MiB, used: 40 * MiB, count: 90, blocks: 100 })
    const flags = flagsOn(fragmented('binary_alloc', { mbcs: blocks }))
    const half = (40 * MiB) / 100 / 2
    expect(flags).toContain(
      `erlang:system_flag(erts_alloc, {binary_alloc, sbct, ${Math.round(half / KiB) * KiB}})`,
    )
    expect(flags).toContain(`+MBsbct ${Math.round(half / KiB)} +MBmmsbc 4096`)
  })

  test('sbct stays where blocks are small', () => {
    expect(flagsOn(fragmented('binary_alloc')).join()).not.toContain('system_flag')
  })
})

describe('elsewhere', () => {
  test('mmsbc is raised above the carriers that there are', () => {
    expect(flagsOn(known('single-blocks', 'otp29-s2'))).toContain('+MBmmsbc 1024')
  })

  test('a disabled allocator is enabled again', () => {
    expect(flagsOn(known('fragmented-without-eheap-alloc', 'otp27-s2'))).toContain('+MHe true')
  })

  test('nothing is promised', () => {
    for (const { snapshot } of knownStates) {
      for (const { why } of remediesOn(snapshot)) {
        expect(why).not.toMatch(/\b(will|always|solves|fixes)\b/)
      }
    }
  })
})
