import { describe, expect, test } from 'vitest'
import { notInForce } from '../../src/analysis/in-force.ts'
import type { AllocatorSettings, Setting, Snapshot } from '../../src/analysis/index.ts'
import { settings } from '../../src/analysis/index.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'
import { goldenBytes, goldenNames } from './golden.ts'
import { instance, snapshot } from './made-snapshots.ts'

function differing(snapshot: Snapshot): readonly (string | undefined)[] {
  return settings(snapshot).flatMap((group) =>
    group.settings.filter(({ differs }) => differs).map(({ argument }) => argument),
  )
}

function groups(snapshot: Snapshot, allocator: string): readonly AllocatorSettings[] {
  return settings(snapshot).filter((group) => group.allocator === allocator)
}

function setting(group: AllocatorSettings | undefined, name: string): Setting | undefined {
  return group?.settings.find((each) => each.name === name)
}

describe('settings in force', () => {
  test('are grouped in time, however many instances and allocators a node says it has', () => {
    // More than a call may have arguments.
    const many = Array.from({ length: 130_000 }, (_, number) =>
      instance({ allocator: `a${number % 20_000}`, instance: number, options: {} }),
    )
    expect(settings(snapshot({ allocators: many }))).toHaveLength(20_000)
  })

  test.each(['__proto__', 'constructor'])('have no default for an option called %s', (name) => {
    const options = Object.fromEntries([[name, 1]])
    const made = snapshot({ otpRelease: '27', allocators: [instance({ options })] })
    const [group] = groups(made, 'binary_alloc')
    expect(setting(group, name)).toMatchObject({ value: 1, default: undefined, differs: undefined })
  })

  test.each(['__proto__', 'constructor', 'future_alloc'])(
    'have no known default for an allocator called %s',
    (allocator) => {
      const made = snapshot({ otpRelease: '27', allocators: [instance({ allocator })] })
      const [group] = groups(made, allocator)
      expect(group?.settings.length).toBeGreaterThan(0)
      expect(group?.settings.every(({ differs }) => differs === undefined)).toBe(true)
    },
  )

  test.each(knownStates.filter(({ state }) => state === 'idle'))(
    'are the defaults on $node',
    ({ snapshot }) => {
      expect(differing(snapshot)).toEqual([])
    },
  )

  test('are compared without a release and a number of schedulers too', () => {
    const bare = { ...known('idle', 'otp23-s8'), otpRelease: undefined, schedulers: undefined }
    expect(differing(bare)).toEqual([])
    for (const name of goldenNames.filter((name) => !name.includes('supercarrier'))) {
      expect(differing(readSnapshot(goldenBytes(name, 'recon_snapshot.terms')).snapshot)).toEqual(
        [],
      )
    }
  })

  test('are shown with their flag, in bytes, beside the default', () => {
    const [global, ofSchedulers] = groups(
      known('binary-fragmented-aobf', 'otp25-s2'),
      'binary_alloc',
    )
    expect(global?.instances).toEqual([0])
    expect(ofSchedulers?.instances).toEqual([1, 2])
    expect(setting(ofSchedulers, 'lmbcs')).toEqual({
      name: 'lmbcs',
      value: 512 * 1024,
      unit: 'byte',
      default: 5 * 1024 ** 2,
      differs: true,
      flag: '+MBlmbcs',
      argument: '+MBlmbcs 512',
    })
    // Nobody asked for that: the strategy migrates no carriers.
    expect(setting(ofSchedulers, 'acul')).toMatchObject({ value: 0, default: 60, differs: true })
  })

  test('that were not asked for are seen as well', () => {
    // `+MBacul 0` and nothing else.
    expect(differing(known('binary-fragmented-no-migration', 'otp29-s2'))).toEqual([
      '+MBas bf',
      '+MBacul 0',
      '+MBacnl 0',
      // Without a pool; no flag says so.
      undefined,
      '+MBas bf',
    ])
  })

  test('show a super carrier', () => {
    expect(differing(known('idle-super-carrier', 'otp25-s2'))).toContain('+MMscs 1024')
  })

  test('are not judged on a release that was not measured', () => {
    const future = { ...known('binary-fragmented-aobf', 'otp29-s2'), otpRelease: '99' }
    const [group] = groups(future, 'binary_alloc')
    expect(setting(group, 'as')).toMatchObject({ default: undefined, differs: undefined })
  })
})

describe('what is in force already', () => {
  const aobf = known('binary-fragmented-aobf', 'otp25-s2')

  test.each([
    ['+MBas aobf +MBlmbcs 512', undefined],
    ['+MBas ageffcbf +MBlmbcs 512', '+MBas ageffcbf'],
    ['+MHas aobf +MHlmbcs 512', '+MHas aobf +MHlmbcs 512'],
    ['+MMmcs 10', undefined],
    ['+MMmcs 30', '+MMmcs 30'],
    ['erlang:system_flag(erts_alloc, {binary_alloc, sbct, 524288})', undefined],
    [
      'erlang:system_flag(erts_alloc, {binary_alloc, sbct, 1048576})',
      'erlang:system_flag(erts_alloc, {binary_alloc, sbct, 1048576})',
    ],
    ['binary:copy(Binary)', 'binary:copy(Binary)'],
    // The node does not tell.
    ['+Musac false', '+Musac false'],
    ['MALLOC_ARENA_MAX=2', 'MALLOC_ARENA_MAX=2'],
  ])('is taken out of %s', (flags, left) => {
    expect(notInForce(flags, aobf)).toBe(left)
  })
})
