import { describe, expect, test } from 'vitest'
import {
  Atom,
  atom,
  binary,
  EncodedTerm,
  formatTerm,
  string,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { RemoteExceptionError } from '../../src/node/remote-error.ts'
import { type Callee, probe } from '../../src/probe/probe.ts'
import { takeSnapshot } from '../../src/probe/take-snapshot.ts'

const NODE = 'old@host'

/** A node that answers by a table: what a real one cannot be made to say. */
function callee(answers: Readonly<Record<string, (args: readonly Term[]) => Term>>): Callee {
  return {
    name: NODE,
    async call(module, name, args) {
      const answer = answers[`${module}:${name}`]
      if (answer === undefined) throw new RemoteExceptionError(NODE, atom('undef'), [])
      return answer(args)
    },
  }
}

const isAllocatorRequest = (term: Term | undefined): boolean =>
  typeof term === 'object' && 'type' in term && term.type === 'tuple'

describe('a probe', () => {
  test('asks for the list of allocators where a release does not know one of ours', async () => {
    const asked: Term[] = []
    const raw = await probe(
      callee({
        'erlang:system_info': ([item]) => {
          if (!isAllocatorRequest(item)) {
            return [atom('std_alloc')]
          }
          asked.push(item ?? [])
          if (asked.length === 1) throw new RemoteExceptionError(NODE, atom('badarg'), [])
          return [tuple(atom('std_alloc'), atom('false'))]
        },
      }),
    )
    expect(asked[1]).toEqual(
      tuple(atom('allocator'), ['std_alloc', 'sys_alloc', 'mseg_alloc', 'erts_mmap'].map(atom)),
    )
    expect(raw.allocators).toEqual([tuple(atom('std_alloc'), atom('false'))])
  })

  test('takes the allocators as they came from a node that hands them over', async () => {
    const asked: Term[] = []
    const node: Callee = {
      ...callee({ 'erlang:system_info': () => string('27') }),
      async callEncoded(_module, _name, [item]) {
        asked.push(item ?? [])
        return EncodedTerm.of([tuple(atom('ll_alloc'), atom('false'))])
      },
    }
    expect((await probe(node)).allocators).toEqual([tuple(atom('ll_alloc'), atom('false'))])
    expect((await takeSnapshot(node)).disabled).toEqual(['ll_alloc'])
    expect(asked.map(isAllocatorRequest)).toEqual([true, true])
  })

  test('does not believe allocators that cannot be read', async () => {
    const broken = (bytes: readonly number[]): Callee => ({
      ...callee({ 'erlang:system_info': () => string('27') }),
      callEncoded: async () => new EncodedTerm(Uint8Array.from(bytes)),
    })
    for (const bytes of [[], [108, 0, 0, 0, 1, 104, 2], [108, 0, 0, 0, 1]]) {
      await expect(takeSnapshot(broken(bytes))).rejects.toMatchObject({
        code: 'ERR_NODE_UNEXPECTED_REPLY',
        node: NODE,
      })
      await expect(probe(broken(bytes))).rejects.toMatchObject({
        code: 'ERR_NODE_UNEXPECTED_REPLY',
      })
    }
  })

  test('asks one process for all that no node fails to tell', async () => {
    const asked: string[] = []
    const text = (lines: string): Term => tuple(atom('ok'), binary(lines))
    const absent = tuple(atom('error'), atom('enoent'))
    const limits = [absent, text('1048576\n'), text('MemTotal: 2048 kB\n')]
    const raw = await probe(
      callee({
        'erlang:memory': () => [],
        'erlang:system_info': () => [],
        'lists:zipwith': ([apply, functions, args]) => {
          asked.push(formatTerm([apply ?? [], functions ?? [], args ?? []]))
          return [string('27'), 8, 4, text('Rss: 7 kB\n'), text('VmHWM: 9 kB\n'), ...limits]
        },
      }),
    )
    expect(asked).toEqual([
      '[fun erlang:apply/2,[fun erlang:system_info/1,fun erlang:system_info/1,' +
        'fun erlang:system_info/1,fun prim_file:read_file/1,fun prim_file:read_file/1,' +
        'fun prim_file:read_file/1,fun prim_file:read_file/1,fun prim_file:read_file/1],' +
        '[[otp_release],[schedulers],[schedulers_online],' +
        '[<<"/proc/self/smaps_rollup">>],[<<"/proc/self/status">>],[<<"/sys/fs/cgroup/memory.max">>],' +
        '[<<"/sys/fs/cgroup/memory/memory.limit_in_bytes">>],[<<"/proc/meminfo">>]]]',
    ])
    expect(raw).toMatchObject({
      otpRelease: '27',
      schedulers: 8,
      schedulersOnline: 4,
      os: { resident: 7 * 1024, peakResident: 9 * 1024, limit: { bytes: 2 ** 20 } },
      missing: [],
    })
  })

  test.each([
    ['fails', undefined],
    ['answers too little', [string('27')]],
  ])('asks each by itself where that %s', async (_, together) => {
    const raw = await probe(
      callee({
        'erlang:memory': () => [],
        'erlang:system_info': ([item]) => {
          if (isAllocatorRequest(item)) return []
          if (item instanceof Atom && item.name === 'schedulers_online') return 4
          throw new RemoteExceptionError(NODE, atom('badarg'), [])
        },
        'prim_file:read_file': () => tuple(atom('ok'), binary('VmRSS: 7 kB\n')),
        ...(together === undefined ? {} : { 'lists:zipwith': () => together }),
      }),
    )
    expect(raw).toMatchObject({
      otpRelease: undefined,
      schedulersOnline: 4,
      os: { resident: 7 * 1024 },
    })
    expect(raw.missing.map(({ what }) => what)).toEqual(['otp_release', 'schedulers'])
  })

  test('names what it could not have, and why', async () => {
    const raw = await probe(
      callee({
        'erlang:system_info': ([item]) => (isAllocatorRequest(item) ? [] : string('27')),
        'prim_file:read_file': () => tuple(atom('error'), atom('eacces')),
      }),
    )
    expect(raw.memory).toBeUndefined()
    expect(raw.os).toBeUndefined()
    expect(raw.missing.map(({ what }) => what)).toEqual(['erlang:memory()', 'resident size'])
  })

  test('rejects an answer about the allocators that is no list', async () => {
    const node = callee({ 'erlang:system_info': () => atom('maybe') })
    await expect(probe(node)).rejects.toMatchObject({
      code: 'ERR_NODE_UNEXPECTED_REPLY',
      node: NODE,
    })
  })

  test('ends with whatever else ends one of its calls', async () => {
    const node = callee({
      'erlang:memory': () => {
        throw new TimeoutError('erlang:memory/0', 1)
      },
      'erlang:system_info': () => [],
    })
    await expect(probe(node)).rejects.toBeInstanceOf(TimeoutError)
  })
})
