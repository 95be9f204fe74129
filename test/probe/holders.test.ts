import { describe, expect, test } from 'vitest'
import {
  atom,
  isAtom,
  isList,
  isTuple,
  Pid,
  string,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { ConnectionLostError } from '../../src/node/errors.ts'
import { RemoteExceptionError } from '../../src/node/remote-error.ts'
import { probeHolders } from '../../src/probe/holders.ts'
import type { Callee } from '../../src/probe/probe.ts'

const NODE = 'rabbit@host'

function pid(id: number): Pid {
  return new Pid(atom(NODE), id, 0, 7)
}

interface FakeProcess {
  readonly memory?: number
  /** `[Address, Size, Count]` of each. */
  readonly binaries?: readonly (readonly [number, number, number])[]
  readonly virtualHeap?: number
  /** It ends before it is asked for this. */
  readonly endsBefore?: 'memory' | 'binary' | 'details'
  readonly details?: readonly Term[]
}

interface FakeNode {
  readonly processes?: readonly FakeProcess[]
  readonly tables?: Readonly<Record<string, Term>>
  /** Instead of an answer. */
  readonly intercept?: (call: string, args: readonly Term[]) => Term | undefined
}

/** A node with processes 0, 1 and so on, that answers what may be asked and nothing else. */
function callee({ processes = [], tables = {}, intercept }: FakeNode): Callee & {
  readonly calls: string[]
} {
  const info = (term: Term | undefined, item: Term | undefined): Term => {
    const process = term instanceof Pid ? processes[term.id] : undefined
    if (isList(item)) {
      if (process?.endsBefore !== undefined) return atom('undefined')
      return process?.details ?? []
    }
    const name = isAtom(item) ? item.name : ''
    const ended =
      process?.endsBefore === 'memory' || (process?.endsBefore === 'binary' && name !== 'memory')
    if (process === undefined || ended) return atom('undefined')
    switch (name) {
      case 'memory':
        return tuple(atom(name), process.memory ?? 100)
      case 'binary':
        return tuple(
          atom(name),
          (process.binaries ?? []).map((it) => tuple(...it)),
        )
      case 'garbage_collection_info':
        return tuple(atom(name), [
          tuple(atom('bin_vheap_size'), process.virtualHeap ?? 0),
          tuple(atom('bin_old_vheap_size'), 1),
        ])
      default:
        throw new Error(`${name} is none of our business`)
    }
  }
  const answer = (call: string, [first, second, third]: readonly Term[]): Term => {
    switch (call) {
      case 'erlang:system_info':
        return isAtom(first, 'wordsize') ? 8 : processes.length
      case 'erlang:processes':
        return processes.map((_, index) => pid(index))
      case 'erlang:process_info':
        return info(first, second)
      case 'lists:zipwith': {
        const items = isList(third) ? third : []
        return (isList(second) ? second : []).map((it, index) => info(it, items[index]))
      }
      case 'ets:all':
        return Object.keys(tables).map(atom)
      case 'lists:map':
        return (isList(second) ? second : []).map((it) =>
          isAtom(it) ? (tables[it.name] ?? atom('undefined')) : [],
        )
      default:
        throw new Error(`${call} is none of our business`)
    }
  }
  const calls: string[] = []
  return {
    name: NODE,
    calls,
    async call(module, name, args) {
      const call = `${module}:${name}`
      calls.push(call)
      return intercept?.(call, args) ?? answer(call, args)
    },
  }
}

function table(name: string, words: number, owner = 0): Term {
  return [
    tuple(atom('name'), atom(name)),
    tuple(atom('owner'), pid(owner)),
    tuple(atom('memory'), words),
    tuple(atom('size'), 3),
    tuple(atom('type'), atom('set')),
    tuple(atom('protection'), atom('private')),
  ]
}

/** Whether a batch is asked for this item. */
function asksFor(item: string, args: readonly Term[]): boolean {
  return isList(args[2]) && isAtom(args[2][0], item)
}

describe('the holders of memory', () => {
  test('are the largest processes, with what people know them by', async () => {
    const processes = Array.from({ length: 30 }, (_, index) => ({ memory: 1000 + index }))
    const details = [
      tuple(atom('registered_name'), atom('my_server')),
      tuple(atom('initial_call'), tuple(atom('proc_lib'), atom('init_p'), 5)),
      tuple(atom('current_function'), tuple(atom('gen_server'), atom('loop'), 7)),
      tuple(atom('message_queue_len'), 12),
      tuple(
        tuple(atom('dictionary'), atom('$initial_call')),
        tuple(atom('My.Server'), atom('init'), 1),
      ),
    ]
    const node = callee({ processes: [...processes, { memory: 5000, details }] })
    const { largestProcesses, processes: coverage, missing } = await probeHolders(node)
    expect(largestProcesses).toHaveLength(10)
    expect(largestProcesses[0]).toEqual({
      pid: '<0.30.0>',
      registeredName: 'my_server',
      initialCall: "'My.Server':init/1",
      currentFunction: 'gen_server:loop/7',
      messageQueueLen: 12,
      memory: 5000,
    })
    expect(largestProcesses[1]).toMatchObject({ pid: '<0.29.0>', registeredName: undefined })
    expect(coverage).toEqual({ total: 31, lookedAt: 31 })
    expect(missing).toEqual([])
  })

  test('count a binary once in each of them, and once in all', async () => {
    const node = callee({
      processes: [
        {
          binaries: [
            [1, 1000, 2],
            [1, 1000, 2],
            [2, 500, 3],
          ],
        },
        { binaries: [[2, 500, 3]] },
        {},
      ],
    })
    const { binaryHolders, heldTogether, referredTo } = await probeHolders(node)
    expect(binaryHolders).toMatchObject([
      { pid: '<0.0.0>', bytes: 1500, alone: 1000, binaries: 2, largest: 1000, isEstimate: false },
      { pid: '<0.1.0>', bytes: 500, alone: 0, binaries: 1 },
    ])
    expect({ heldTogether, referredTo }).toEqual({ heldTogether: 1500, referredTo: 1500 })
  })

  test('too large to be listed are estimated by what their collector counts', async () => {
    const huge = { memory: 2000, virtualHeap: 99, binaries: [[1, 5, 1] as const] }
    const node = callee({ processes: [huge, { memory: 10 }] })
    const { binaryHolders, referredTo } = await probeHolders(node, { maxListed: 1000 })
    expect(binaryHolders).toMatchObject([
      { bytes: 800, isEstimate: true, alone: undefined, binaries: undefined },
    ])
    expect(referredTo).toBeUndefined()
  })

  test('are tables too, whose memory is counted in words', async () => {
    const tables = {
      rows: table('rows', 1000, 4),
      gone: atom('undefined'),
      small: table('small', 9),
    }
    const { largestTables, tables: coverage } = await probeHolders(callee({ tables }))
    expect(largestTables).toEqual([
      {
        name: 'rows',
        type: 'set',
        protection: 'private',
        owner: '<0.4.0>',
        rows: 3,
        bytes: 8000,
      },
      expect.objectContaining({ name: 'small', bytes: 72 }),
    ])
    expect(coverage).toEqual({ total: 3, lookedAt: 3 })
  })

  test('may end while they are looked for', async () => {
    const processes = (['memory', 'binary', 'details'] as const).map((endsBefore) => ({
      endsBefore,
      binaries: [[1, 5, 1] as const],
    }))
    const holders = await probeHolders(callee({ processes }))
    expect(holders).toMatchObject({
      processes: { total: 3, lookedAt: 3 },
      binaryProcesses: { total: 3, lookedAt: 3 },
      binaryHolders: [{ pid: '<0.2.0>', bytes: 5, registeredName: undefined }],
      missing: [],
    })
    expect(holders.largestProcesses.map(({ pid: text }) => text).sort()).toEqual([
      '<0.1.0>',
      '<0.2.0>',
    ])
  })
})

describe('a search for holders', () => {
  const many = Array.from({ length: 5000 }, () => ({}))

  test('asks in batches and in random order', async () => {
    const orders: string[] = []
    for (const _ of [1, 2]) {
      const sizes: number[] = []
      const intercept = (call: string, args: readonly Term[]): undefined => {
        if (call !== 'lists:zipwith' || !isList(args[1])) return
        sizes.push(args[1].length)
        const [first] = args[1]
        if (first instanceof Pid) orders.push(`${first.id}`)
      }
      await probeHolders(callee({ processes: many, intercept }))
      expect(sizes).toEqual(Array.from({ length: 10 }, () => 1000))
    }
    expect(orders.slice(0, 10)).not.toEqual(orders.slice(10))
  })

  test('has no more memory in a batch than a list of binaries may take', async () => {
    const large = Array.from({ length: 6 }, () => ({ memory: 6 * 2 ** 20 }))
    const sizes: number[] = []
    const intercept = (_: string, args: readonly Term[]): undefined => {
      if (asksFor('binary', args) && isList(args[1])) sizes.push(args[1].length)
    }
    await probeHolders(callee({ processes: large, intercept }))
    expect(sizes).toEqual([2, 2, 2])
  })

  test('says how many it has looked at when time ran out', async () => {
    let batches = 0
    const intercept = (call: string, args: readonly Term[]): undefined => {
      if (call !== 'lists:zipwith') return
      if (asksFor('memory', args) && ++batches > 2) throw new TimeoutError('lists:zipwith/3', 1)
      if (asksFor('binary', args)) throw new TimeoutError('lists:zipwith/3', 1)
    }
    const holders = await probeHolders(callee({ processes: many, intercept }))
    expect(holders).toMatchObject({
      processes: { total: 5000, lookedAt: 2000 },
      binaryProcesses: { total: 5000, lookedAt: 0 },
      referredTo: 0,
    })
    expect(holders.largestProcesses).toHaveLength(10)
  })

  test('begins nothing when its time is over', async () => {
    const node = callee({ processes: many })
    const before = performance.now()
    const slow: Callee = {
      name: NODE,
      async call(module, name, args, waiting) {
        while (performance.now() < before + 20) await new Promise((wake) => setTimeout(wake, 5))
        return node.call(module, name, args, waiting)
      },
    }
    const { processes } = await probeHolders(slow, {}, { timeout: 10 })
    expect(processes).toEqual({ total: 5000, lookedAt: 0 })
  })

  test('goes on without what the node refuses, and says so once', async () => {
    const intercept = (call: string): undefined => {
      if (call === 'lists:zipwith' || call === 'ets:all') {
        throw new RemoteExceptionError(NODE, atom('badarg'), [])
      }
    }
    const { missing, processes } = await probeHolders(callee({ processes: many, intercept }))
    expect(processes.lookedAt).toBe(0)
    const why = expect.stringContaining('badarg')
    expect(missing).toEqual([
      { what: 'tables', why },
      { what: 'some processes', why },
    ])
  })

  test('finds the tables that are left among those that are gone', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `t${index}`)
    const tables = Object.fromEntries(names.map((name, index) => [name, table(name, index)]))
    const gone = new Set(['t3', 't5', 't120', 't299'])
    const intercept = (call: string, args: readonly Term[]): undefined => {
      const asked = call === 'lists:map' && isList(args[1]) ? args[1] : []
      if (asked.some((it) => isAtom(it) && gone.has(it.name))) {
        throw new RemoteExceptionError(NODE, atom('badarg'), [])
      }
    }
    const {
      largestTables,
      tables: coverage,
      missing,
    } = await probeHolders(callee({ tables, intercept }))
    expect(largestTables.map(({ name }) => name).slice(0, 3)).toEqual(['t298', 't297', 't296'])
    expect({ coverage, missing }).toEqual({ coverage: { total: 300, lookedAt: 300 }, missing: [] })
  })

  test('lists no more processes than a message holds', async () => {
    const node = callee({ processes: many })
    const { missing, processes } = await probeHolders(node, { maxProcesses: 4999 })
    expect(node.calls).not.toContain('erlang:processes')
    expect(processes).toEqual({ total: 5000, lookedAt: 0 })
    expect(missing).toEqual([{ what: 'processes', why: expect.stringContaining('5000') }])
  })

  test('ends when the connection does', async () => {
    const intercept = (call: string): undefined => {
      if (call === 'lists:zipwith') throw new ConnectionLostError(NODE)
    }
    await expect(probeHolders(callee({ processes: many, intercept }))).rejects.toBeInstanceOf(
      ConnectionLostError,
    )
  })

  test.each<readonly [what: string, Term]>([
    ['no list', atom('nothing')],
    ['a shorter list', []],
    ['pairs of something else', Array.from({ length: 1000 }, () => tuple(1, string('x')))],
  ])('passes over %s for an answer', async (_, wrong) => {
    const intercept = (call: string): Term | undefined =>
      call === 'lists:zipwith' || call === 'lists:map' ? wrong : undefined
    const tables = { rows: table('rows', 1) }
    const holders = await probeHolders(callee({ processes: many, tables, intercept }))
    expect(holders).toMatchObject({ largestProcesses: [], binaryHolders: [], largestTables: [] })
    expect(isTuple(wrong)).toBe(false)
  })
})
