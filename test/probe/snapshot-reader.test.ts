import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atom, type Term, tuple } from '../../src/etf/index.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { type RawSnapshot, toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { SnapshotReader } from '../../src/probe/snapshot-reader.ts'
import { goldenBytes, goldenFiles, goldenNames } from '../analysis/golden.ts'
import { rawSnapshotOf } from '../analysis/snapshots.ts'
import { arbitrarySeries, readBack, recordingOf } from '../history/recorded.ts'
import { answer, carriers, instance, msegInstance, utilInstance } from './answers.ts'
import { arbitraryAllocators } from './arbitrary-allocators.ts'

/** What a function makes of each, or what it throws. */
function outcomes<Value>(all: readonly RawSnapshot[], of: (raw: RawSnapshot) => Value) {
  return all.map((raw) => {
    try {
      return of(raw)
    } catch (error) {
      return error
    }
  })
}

function expectTheSame(all: readonly RawSnapshot[]): void {
  const reader = new SnapshotReader()
  expect(outcomes(all, (raw) => reader.read(raw))).toEqual(outcomes(all, toSnapshot))
}

const ets = (size: number) =>
  utilInstance(size, { mbcs: { carriers: 1, carriersSize: [size, size, size] } })

describe('a reader', () => {
  it.each(goldenNames)('reads %s, again and again, as it is read alone', (name) => {
    for (const file of goldenFiles) {
      const { raw } = readSnapshot(goldenBytes(name, file))
      expectTheSame([raw, raw, { ...raw, memory: undefined }])
    }
  })

  it('reads what a recording holds as each is read alone', () => {
    fc.assert(
      fc.property(arbitrarySeries, (series) => {
        expectTheSame(readBack(recordingOf(series).bytes).samples)
      }),
      { numRuns: 50 },
    )
  })

  it('reads lists that have some of their terms in common as each is read alone', () => {
    const lists = arbitraryAllocators({ kinds: 'any', maxBits: 80 }).chain((list) =>
      fc.array(fc.subarray([...list]), { minLength: 1, maxLength: 4 }),
    )
    fc.assert(
      fc.property(lists, (all) => expectTheSame(all.map((list) => rawSnapshotOf(list)))),
      { numRuns: 50 },
    )
  })

  const one = ets(1)
  const off = instance(3, { options: [tuple(atom('e'), atom('false'))] })
  const odd = instance(3, { options: [] })
  it.each<[string, readonly Term[]]>([
    ['disabled instances', [answer('ets_alloc', [one, off, ets(2)])]],
    ['a disabled allocator', [answer('ets_alloc', atom('false')), answer('ll_alloc', [one])]],
    ['no instance', [answer('ets_alloc', []), answer('ll_alloc', [one])]],
    ['an instance in two allocators', [answer('ets_alloc', [one]), answer('ll_alloc', [one])]],
    ['the same allocator twice', [answer('ets_alloc', [one]), answer('ets_alloc', [ets(2), one])]],
    ['one that is not known', [answer('new_alloc', [one, odd]), answer('new_alloc', [odd])]],
    ['an instance that lacks what it needs', [answer('ets_alloc', [one, odd])]],
    ['something else among instances', [answer('ets_alloc', [one, 7])]],
    ['something else among allocators', [answer('ets_alloc', [one]), 7]],
    [
      'mappers that look like instances',
      [answer('erts_mmap', [instance(1, {})]), answer('ets_alloc', [one])],
    ],
    [
      'kinds of segments and options of sys_alloc',
      [
        answer('mseg_alloc', [msegInstance(0, []), msegInstance(1, [])]),
        answer('sys_alloc', [instance(0, { options: [tuple(atom('tt'), 1)] })]),
        answer('ets_alloc', [one]),
      ],
    ],
    ['what recon keeps', [tuple(tuple(atom('ets_alloc'), 1), [tuple(atom('mbcs'), carriers())])]],
  ])('reads %s as it is read alone', (_, list) => {
    const before = rawSnapshotOf([answer('ets_alloc', [one])])
    const raw = rawSnapshotOf(list)
    expectTheSame([raw, raw])
    expectTheSame([before, raw, before, raw])
  })

  it('reads an instance once, and those that changed again', () => {
    const reader = new SnapshotReader()
    const read = (...instances: readonly Term[]) =>
      reader.read(rawSnapshotOf([answer('ets_alloc', instances)])).allocators
    const [first, second] = read(one, ets(2))
    const [again, changed] = read(one, ets(2))
    expect(again).toBe(first)
    expect(changed).toEqual(second)
    expect(changed).not.toBe(second)
  })
})
