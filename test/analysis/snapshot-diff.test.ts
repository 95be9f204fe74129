import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { snapshotDiff } from '../../src/analysis/index.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'
import { carriers, instance, MiB, pool, resident, snapshot } from './made-snapshots.ts'

const before = snapshot({
  node: 'a@host',
  takenAt: '2026-01-31T12:00:00.000Z',
  allocators: [
    instance({ mbcs: carriers({ allocated: 100 * MiB, used: 95 * MiB }) }),
    instance({ allocator: 'ets_alloc', mbcs: carriers({ allocated: 10 * MiB, used: 9 * MiB }) }),
    instance({ allocator: 'std_alloc', mbcs: carriers({ allocated: MiB, used: MiB }) }),
  ],
  memory: { total: 105 * MiB, binary: 95 * MiB, ets: 9 * MiB },
  os: resident(120 * MiB),
})

const after = snapshot({
  ...before,
  takenAt: '2026-01-31T12:01:30.000Z',
  allocators: [
    instance({
      mbcs: carriers({ allocated: 40 * MiB, used: 5 * MiB }),
      mbcsPool: pool(50 * MiB, 3 * MiB),
    }),
    instance({ allocator: 'ets_alloc', mbcs: carriers({ allocated: 30 * MiB, used: 28 * MiB }) }),
    instance({ allocator: 'std_alloc', mbcs: carriers({ allocated: MiB, used: MiB }) }),
  ],
  memory: { total: 36 * MiB, binary: 8 * MiB, ets: 28 * MiB },
  os: resident(125 * MiB),
})

describe('the difference of two snapshots', () => {
  const diff = snapshotDiff(before, after)

  test('has what grew most first, be it allocated or unused, with the pool', () => {
    expect(diff.allocators.map(({ allocator }) => allocator)).toEqual([
      'binary_alloc',
      'ets_alloc',
      'std_alloc',
    ])
    expect(diff.allocators[0]).toEqual({
      allocator: 'binary_alloc',
      allocated: { before: 100 * MiB, after: 90 * MiB, change: -10 * MiB },
      used: { before: 95 * MiB, after: 8 * MiB, change: -87 * MiB },
      unused: { before: 5 * MiB, after: 82 * MiB, change: 77 * MiB },
      usage: { before: 0.95, after: 8 / 90 },
    })
    expect(diff.total.allocated).toEqual({ before: 111 * MiB, after: 121 * MiB, change: 10 * MiB })
  })

  test('has the kinds of memory, and what the system reports', () => {
    expect(diff.memory.map(({ kind }) => kind)).toEqual(['ets', 'total', 'binary'])
    expect(diff.lines[0]).toMatchObject({ id: 'resident', change: 5 * MiB })
    expect(diff).toMatchObject({ isSameNode: true, seconds: 90, settings: [] })
  })

  test('says that two nodes are two, and does not know it where one is not named', () => {
    expect(snapshotDiff(before, { ...after, node: 'b@host' }).isSameNode).toBe(false)
    expect(snapshotDiff(before, { ...after, node: undefined }).isSameNode).toBeUndefined()
  })

  test('is in the unit that was chosen', () => {
    const { allocated } = snapshotDiff(before, after, 'megabyte').total
    expect(allocated).toEqual({ before: 111, after: 121, change: 10 })
  })

  test('leaves open what one of the two does not know', () => {
    const blind = snapshotDiff(
      { ...before, os: undefined, memory: undefined, takenAt: undefined },
      { ...after, allocators: after.allocators.slice(1) },
    )
    expect(blind.lines[0]).toMatchObject({ before: undefined, after: 125 * MiB, change: undefined })
    expect(blind.allocators.at(-1)).toMatchObject({
      allocator: 'binary_alloc',
      allocated: { before: 100 * MiB, after: undefined, change: undefined },
      usage: { before: 0.95, after: undefined },
    })
    expect(blind.memory[0]).toMatchObject({ before: undefined, change: undefined })
    expect(blind.seconds).toBeUndefined()
  })

  test('names settings that changed', () => {
    const { settings } = snapshotDiff(
      known('binary-live', 'otp25-s2'),
      known('binary-fragmented-aobf', 'otp25-s2'),
    )
    expect(settings).toContainEqual({
      allocator: 'binary_alloc',
      name: 'lmbcs',
      before: 5 * MiB,
      after: MiB / 2,
      flagBefore: '+MBlmbcs 5120',
      flagAfter: '+MBlmbcs 512',
    })
    expect(settings.map(({ name }) => name)).toEqual(['lmbcs', 'acul', 'acnl', 'cp', 'as'])
  })

  test('of a snapshot and itself is nothing', () => {
    for (const { snapshot: same } of knownStates) {
      const { allocators, lines, memory, settings, total } = snapshotDiff(same, same)
      expect(settings).toEqual([])
      for (const { change } of [...lines, ...memory, ...allocators.map((each) => each.unused)]) {
        expect(change ?? 0).toBe(0)
      }
      expect(total.allocated.change ?? 0).toBe(0)
    }
  })

  test('adds up over the allocators', () => {
    const any = fc.constantFrom(
      ...knownStates.filter(({ snapshot: it }) => it.disabled.length === 0),
    )
    fc.assert(
      fc.property(any, any, (first, second) => {
        const { allocators, total } = snapshotDiff(first.snapshot, second.snapshot)
        const sum = allocators.reduce(
          (left, { allocated }) => left + BigInt(allocated.change ?? 0),
          0n,
        )
        expect(sum).toBe(BigInt(total.allocated.change ?? 0))
      }),
    )
  })
})
