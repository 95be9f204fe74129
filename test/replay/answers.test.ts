/** What a recording answers, without a socket. */
import { describe, expect, test } from 'vitest'
import type { OsMemory } from '../../src/analysis/index.ts'
import { type Callee, probe } from '../../src/probe/probe.ts'
import { Answers } from '../../src/replay/answers.ts'
import { rawSnapshotOf } from '../analysis/snapshots.ts'

function replayed(os: OsMemory | undefined): Callee {
  const answers = new Answers({ ...rawSnapshotOf([]), os })
  return {
    name: 'shop@host',
    async call(module, name, args) {
      const outcome = answers.answer(module, name, args)
      return outcome.type === 'return' ? outcome.value : []
    },
  }
}

describe('what Linux said of the memory of a node', () => {
  const os: OsMemory = {
    source: '/proc/self/smaps_rollup',
    resident: 2 ** 30,
    lazyFree: 4096,
    swapped: 0,
    peakResident: 2 ** 31,
  }

  test.each([
    '/sys/fs/cgroup/memory.max',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes',
    '/proc/meminfo',
  ])('is said again, with the limit of %s', async (source) => {
    const limited = { ...os, limit: { bytes: 2 ** 32, source } }
    expect((await probe(replayed(limited))).os).toEqual(limited)
  })

  test('is said again without one, also where a file of that name was never asked for', async () => {
    expect((await probe(replayed(os))).os).toEqual(os)
    const odd = { ...os, limit: { bytes: 2 ** 32, source: '/etc/passwd' } }
    expect((await probe(replayed(odd))).os).toEqual(os)
    expect((await probe(replayed(undefined))).os).toBeUndefined()
  })
})
