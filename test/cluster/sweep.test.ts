import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MAX_CONCURRENCY } from '../../src/cluster/bounds.ts'
import { NotInClusterError, SeedLostError } from '../../src/cluster/errors.ts'
import { type Sweep, type SweepOptions, type SweepResult, sweep } from '../../src/cluster/sweep.ts'
import { Atom, atom, isAtom, isList, type Term, tuple } from '../../src/etf/index.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import type { Callee } from '../../src/probe/probe.ts'
import { toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import {
  type Answerer,
  type Behaviour,
  COOKIE,
  failing,
  hanging,
  itself,
  Raised,
  ScriptedCluster,
} from './scripted-cluster.ts'

/** Milliseconds; of what must not be cut short on a slow machine. */
const LONG = 20_000

const askWho = async (node: Callee, left: () => { readonly timeout?: number }): Promise<Term> =>
  node.call('erlang', 'node', [], left())

function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `n${index}@127.0.0.1`)
}

function allOf(names: readonly string[], behaviour: Behaviour): Record<string, Behaviour> {
  return Object.fromEntries(names.map((name) => [name, behaviour]))
}

function sweepOf(
  cluster: ScriptedCluster,
  names: Iterable<string>,
  options: SweepOptions = {},
): Sweep<Term> {
  return sweep(names, { ...cluster.options, nodeTimeout: LONG, ...options, ask: askWho })
}

async function all<Answer>(results: AsyncIterable<SweepResult<Answer>>) {
  const list: SweepResult<Answer>[] = []
  for await (const result of results) list.push(result)
  return list
}

/** Who answered, and the code of the error of who did not. */
function outcomes(results: readonly SweepResult<unknown>[]): [string, unknown][] {
  return results.map((it) => [it.node, it.status === 'answered' ? 'answered' : codeOf(it.error)])
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

/** A gate that nodes answer behind, one call at a time. */
class Gate {
  readonly #waiting: (() => void)[] = []
  readonly answerer: Answerer = () =>
    new Promise((resolve) => this.#waiting.push(() => resolve(atom('itself'))))

  get waiting(): number {
    return this.#waiting.length
  }

  async opened(count: number): Promise<void> {
    await expect.poll(() => this.#waiting.length).toBeGreaterThanOrEqual(count)
    for (const answer of this.#waiting.splice(0, count)) answer()
  }
}

/** What keeps this process alive now: sockets, and timers. */
function resources(): { readonly sockets: number; readonly timers: number } {
  const types = process.getActiveResourcesInfo()
  const count = (...names: readonly string[]): number =>
    types.filter((type) => names.includes(type)).length
  return { sockets: count('TCPSocketWrap', 'TCPConnectWrap'), timers: count('Timeout') }
}

/** Holds what runs in between to leaving nothing behind: no socket on either side, and no timer. */
async function leavingNothing(cluster: ScriptedCluster, run: () => Promise<void>): Promise<void> {
  // Those of the cluster with its port mapper.
  const { sockets } = resources()
  await run()
  const left = () => ({ ...resources(), open: cluster.open })
  const nothing = { sockets, timers: 0, open: [] }
  // Vitest's own poll would be a timer.
  for (const end = performance.now() + 5_000; performance.now() < end; await delay(5)) {
    if (isDeepStrictEqual(left(), nothing)) return
  }
  expect(left()).toEqual(nothing)
}

describe('a sweep', () => {
  test('asks each node once, however often it stands in the list', async () => {
    const names = nodeNames(3)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    const results = await all(sweepOf(cluster, [...names, ...names, ...names.toReversed()]))
    expect(outcomes(results).toSorted()).toEqual(names.map((name) => [name, 'answered']))
    expect(cluster.connected.toSorted()).toEqual(names)
    for (const it of results) {
      expect(it).toMatchObject({ answer: atom('itself') })
      expect(it.duration).toBeGreaterThan(0)
    }
  })

  test('is empty for no nodes, and takes any iterable', async () => {
    await using cluster = await ScriptedCluster.start({ 'a@127.0.0.1': itself })
    expect(await all(sweepOf(cluster, []))).toEqual([])
    const generated = (function* () {
      yield 'a@127.0.0.1'
    })()
    expect(outcomes(await all(sweepOf(cluster, generated)))).toEqual([['a@127.0.0.1', 'answered']])
  })

  test('takes a snapshot where it is not told what to ask', async () => {
    const { raw } = await readSnapshotFile(binarySpikeFile)
    await using node = await startReplayNode({ recording: raw, name: 'shop', cookie: 'secret' })
    const results = await all(sweep([node.name], { cookie: COOKIE, epmdPort: node.epmdPort }))
    const { otpRelease, allocators } = toSnapshot(raw)
    expect(results).toMatchObject([
      { status: 'answered', node: node.name, answer: { node: node.name, otpRelease, allocators } },
    ])
  })

  test('hands out answers in the order in which they come', async () => {
    const first = new Gate()
    const second = new Gate()
    await using cluster = await ScriptedCluster.start({
      'late@127.0.0.1': second.answerer,
      'early@127.0.0.1': first.answerer,
      'at-once@127.0.0.1': itself,
    })
    const names = ['late@127.0.0.1', 'early@127.0.0.1', 'at-once@127.0.0.1']
    const iterator = sweepOf(cluster, names)[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toMatchObject({ node: 'at-once@127.0.0.1' })
    await first.opened(1)
    expect((await iterator.next()).value).toMatchObject({ node: 'early@127.0.0.1' })
    await second.opened(1)
    expect((await iterator.next()).value).toMatchObject({ node: 'late@127.0.0.1' })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test.each([1, 3, 16])('asks %i at once, and never more', async (concurrency) => {
    const names = nodeNames(40)
    const waiting: (() => void)[] = []
    let seen = 0
    // One is answered when as many wait as may, and all when no more are to come.
    const answerer: Answerer = () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(atom('itself')))
        seen++
        const isLast = seen === names.length
        if (isLast || waiting.length === concurrency) {
          for (const answer of waiting.splice(0, isLast ? names.length : 1)) answer()
        }
      })
    await using cluster = await ScriptedCluster.start(allOf(names, answerer))
    expect(await all(sweepOf(cluster, names, { concurrency }))).toHaveLength(40)
    expect(cluster.most).toBe(concurrency)
  })

  test('begins no more nodes than it may while nobody takes the results', async () => {
    const names = nodeNames(12)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    const sweeping = sweepOf(cluster, names, { concurrency: 4 })
    const iterator = sweeping[Symbol.asyncIterator]()
    expect(cluster.connected).toEqual([])
    await iterator.next()
    await expect.poll(() => sweeping.progress.answered).toBe(4)
    await delay(50)
    expect(cluster.connected).toHaveLength(4)
    expect(sweeping.progress.running).toBe(0)
    await iterator.next()
    await expect.poll(() => sweeping.progress.answered).toBe(5)
    await delay(50)
    expect(cluster.connected).toHaveLength(5)
    await iterator.return?.()
  })

  test('says how far it is', async () => {
    const gate = new Gate()
    await using cluster = await ScriptedCluster.start({
      'slow@127.0.0.1': gate.answerer,
      'good@127.0.0.1': itself,
      'bad@127.0.0.1': failing,
    })
    const sweeping = sweepOf(cluster, ['slow@127.0.0.1', 'good@127.0.0.1', 'bad@127.0.0.1'])
    expect(sweeping.progress).toEqual({ answered: 0, failed: 0, running: 0, slowest: undefined })
    const iterator = sweeping[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.next()
    expect(sweeping.progress).toEqual({
      answered: 1,
      failed: 1,
      running: 1,
      slowest: { node: 'slow@127.0.0.1', duration: expect.any(Number) },
    })
    await gate.opened(1)
    await iterator.next()
    expect(sweeping.progress).toEqual({ answered: 2, failed: 1, running: 0, slowest: undefined })
  })

  test('begins anew, and counts anew, when it is iterated again', async () => {
    const names = nodeNames(3)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    const sweeping = sweepOf(cluster, names)
    await all(sweeping)
    expect(await all(sweeping)).toHaveLength(3)
    expect(sweeping.progress).toMatchObject({ answered: 3, failed: 0, running: 0 })
  })

  test('prints no warning of listeners that were forgotten', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error): void => {
      warnings.push(warning)
    }
    process.on('warning', warn)
    onTestFinished(() => {
      process.off('warning', warn)
    })
    const names = nodeNames(60)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    const { signal } = new AbortController()
    for (let round = 0; round < 2; round++) {
      const results = await all(sweepOf(cluster, names, { signal, concurrency: 60, timeout: LONG }))
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['answered']))
    }
    await delay(10)
    expect(warnings).toEqual([])
  })
})

describe('the names of ours in a sweep', () => {
  const names = nodeNames(3)

  test('are the same on each node, and the next time', async () => {
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    await all(sweepOf(cluster, names))
    await all(sweepOf(cluster, names))
    const clients = names.flatMap((name) => cluster.clients.get(name) ?? [])
    expect(clients).toHaveLength(6)
    expect(new Set(clients)).toEqual(new Set([expect.stringMatching(/^0-beamscope-1@[^@]+$/)]))
  })

  test('are one where it is given, or is that of a node of ours', async () => {
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    await all(sweepOf(cluster, names, { name: 'we@127.0.0.1' }))
    await using from = new HiddenNode({ ...cluster.options, name: 'from@127.0.0.1' })
    await all(sweepOf(cluster, names, { from }))
    for (const name of names) {
      expect(cluster.clients.get(name)).toEqual(['we@127.0.0.1', 'from@127.0.0.1'])
    }
  })
})

describe('what goes wrong in a sweep', () => {
  test('is of one node, with its own error', async () => {
    const nodes = {
      'good@127.0.0.1': itself,
      'failing@127.0.0.1': failing,
      'absent@127.0.0.1': 'absent',
      'deaf@127.0.0.1': 'deaf',
      'babbling@127.0.0.1': 'babbling',
      'broken@127.0.0.1': 'broken',
      'foreign@127.0.0.1': 'foreign',
      'cutting@127.0.0.1': 'cutting',
    } as const
    await using cluster = await ScriptedCluster.start(nodes)
    const results = await all(sweepOf(cluster, [...Object.keys(nodes), 'no name']))
    expect(Object.fromEntries(outcomes(results))).toEqual({
      'good@127.0.0.1': 'answered',
      'failing@127.0.0.1': 'ERR_REMOTE_EXCEPTION',
      'absent@127.0.0.1': 'ERR_EPMD_NAME_NOT_REGISTERED',
      'deaf@127.0.0.1': 'ERR_NODE_NOT_LISTENING',
      'babbling@127.0.0.1': 'ERR_FRAME_TOO_LARGE',
      'broken@127.0.0.1': 'ERR_NODE_CONNECTION_LOST',
      'foreign@127.0.0.1': 'ERR_DIST_WRONG_COOKIE',
      'cutting@127.0.0.1': 'ERR_NODE_CONNECTION_LOST',
      'no name': 'ERR_NODE_NAME',
    })
    await expect.poll(() => cluster.open).toEqual([])
  })

  test.each([
    [
      'throws at once',
      () => {
        throw new Error('oops')
      },
    ],
    [
      'fails',
      async () => {
        throw new Error('oops')
      },
    ],
  ] as const)('is what the question did that %s', async (_, ask) => {
    const names = nodeNames(3)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    const results = await all(
      sweep(names, {
        ...cluster.options,
        ask: async (node) => (node.name === names[1] ? ask() : node.name),
      }),
    )
    expect(results.map(({ status }) => status).toSorted()).toEqual([
      'answered',
      'answered',
      'failed',
    ])
    expect(results.find(({ node }) => node === names[1])).toMatchObject({
      error: { message: 'oops' },
    })
  })

  test.each(['silent', hanging] as const)('keeps nobody else: %s', async (behaviour) => {
    const names = nodeNames(6)
    await using cluster = await ScriptedCluster.start({
      ...allOf(names, itself),
      'bad@127.0.0.1': behaviour,
    })
    const sweeping = sweepOf(cluster, ['bad@127.0.0.1', ...names], {
      nodeTimeout: 1_500,
      concurrency: 2,
    })
    const results = await all(sweeping)
    expect(outcomes(results)).toEqual([
      ...names.map((name) => [name, 'answered']),
      ['bad@127.0.0.1', 'ERR_TIMEOUT'],
    ])
    // Of what was left for the last step nobody knows anything.
    expect(results.at(-1)).toMatchObject({ error: { timeout: 1_500 } })
    await expect.poll(() => cluster.open).toEqual([])
  })

  test('is a time-out even if the question minds none', async () => {
    await using cluster = await ScriptedCluster.start({
      'hanging@127.0.0.1': hanging,
      'good@127.0.0.1': itself,
    })
    await leavingNothing(cluster, async () => {
      const results = await all(
        sweep(['hanging@127.0.0.1', 'good@127.0.0.1'], {
          ...cluster.options,
          nodeTimeout: 300,
          ask: async (node) => {
            await node.call('erlang', 'node', [], {})
            return node.name === 'good@127.0.0.1' ? new Promise<never>(() => {}) : undefined
          },
        }),
      )
      expect(outcomes(results).toSorted()).toEqual([
        ['good@127.0.0.1', 'ERR_TIMEOUT'],
        ['hanging@127.0.0.1', 'ERR_TIMEOUT'],
      ])
      for (const result of results) expect(result).toMatchObject({ error: { timeout: 300 } })
    })
  })

  test('is named as it is where the question set a shorter time-out', async () => {
    await using cluster = await ScriptedCluster.start({ 'hanging@127.0.0.1': hanging })
    const [result] = await all(
      sweep(['hanging@127.0.0.1'], {
        ...cluster.options,
        nodeTimeout: LONG,
        ask: (node) => node.call('erlang', 'node', [], { timeout: 50 }),
      }),
    )
    expect(result).toMatchObject({ error: { code: 'ERR_TIMEOUT', timeout: 50 } })
  })

  test('is a connection that ends while its node is asked', async () => {
    const gate = new Gate()
    await using cluster = await ScriptedCluster.start({
      'a@127.0.0.1': gate.answerer,
      'b@127.0.0.1': gate.answerer,
    })
    const iterator = sweepOf(cluster, ['a@127.0.0.1', 'b@127.0.0.1'])[Symbol.asyncIterator]()
    const first = iterator.next()
    await expect.poll(() => gate.waiting).toBe(2)
    cluster.cut('a@127.0.0.1')
    expect((await first).value).toMatchObject({
      node: 'a@127.0.0.1',
      error: { code: 'ERR_NODE_CONNECTION_LOST', node: 'a@127.0.0.1' },
    })
    await gate.opened(2)
    expect((await iterator.next()).value).toMatchObject({ status: 'answered', node: 'b@127.0.0.1' })
    await iterator.return?.()
  })
})

describe('a sweep that ends early', () => {
  /** Two that answer, and more that hang than are asked at a time. */
  const startCluster = (): Promise<ScriptedCluster> =>
    ScriptedCluster.start({
      'a@127.0.0.1': itself,
      'b@127.0.0.1': itself,
      ...allOf(nodeNames(6), hanging),
      'silent@127.0.0.1': 'silent',
    })
  const NAMES = ['a@127.0.0.1', 'b@127.0.0.1', 'silent@127.0.0.1', ...nodeNames(6)]
  const FOUR = { concurrency: 4 }

  test('by a break leaves no sockets and no timers', async () => {
    await using cluster = await startCluster()
    await leavingNothing(cluster, async () => {
      const sweeping = sweepOf(cluster, NAMES, FOUR)
      for await (const { node } of sweeping) if (node === 'b@127.0.0.1') break
      expect(sweeping.progress.running).toBe(0)
    })
    expect(cluster.connected.length).toBeLessThan(NAMES.length)
  })

  test('by a throw leaves no sockets and no timers', async () => {
    await using cluster = await startCluster()
    await leavingNothing(cluster, async () => {
      await expect(async () => {
        for await (const _ of sweepOf(cluster, NAMES, FOUR)) throw new Error('enough')
      }).rejects.toThrow('enough')
    })
  })

  test('by its signal throws the reason, and leaves no sockets and no timers', async () => {
    await using cluster = await startCluster()
    await leavingNothing(cluster, async () => {
      const controller = new AbortController()
      const sweeping = sweepOf(cluster, NAMES, {
        ...FOUR,
        signal: controller.signal,
        timeout: LONG,
      })
      const seen: string[] = []
      await expect(async () => {
        for await (const { node } of sweeping) {
          seen.push(node)
          if (seen.length === 2) setImmediate(() => controller.abort(new Error('called off')))
        }
      }).rejects.toThrow('called off')
      expect(seen.toSorted()).toEqual(['a@127.0.0.1', 'b@127.0.0.1'])
    })
  })

  test('by its signal closes all at once, though nobody takes the results any more', async () => {
    await using cluster = await startCluster()
    const controller = new AbortController()
    const options = { ...FOUR, signal: controller.signal }
    await leavingNothing(cluster, async () => {
      const iterator = sweepOf(cluster, NAMES, options)[Symbol.asyncIterator]()
      await iterator.next()
      await expect.poll(() => cluster.open.length).toBeGreaterThan(0)
      controller.abort(new Error('called off'))
      await expect.poll(() => cluster.open).toEqual([])
    })
  })

  test('by a signal that is aborted before it begins connects to nobody', async () => {
    await using cluster = await startCluster()
    const signal = AbortSignal.abort(new Error('never'))
    await expect(all(sweepOf(cluster, NAMES, { signal }))).rejects.toThrow('never')
    expect(cluster.connected).toEqual([])
  })

  test('by its time-out hands out the rest as failed, and leaves nothing', async () => {
    await using cluster = await startCluster()
    await leavingNothing(cluster, async () => {
      const results = await all(sweepOf(cluster, NAMES, { ...FOUR, timeout: 1_500 }))
      expect(results).toHaveLength(NAMES.length)
      const failed = results.slice(2)
      expect(results.slice(0, 2).map(({ status }) => status)).toEqual(['answered', 'answered'])
      const [one] = failed
      expect(one).toMatchObject({ error: { what: 'the whole sweep', timeout: 1_500 } })
      for (const it of failed) {
        expect(it.status === 'failed' && it.error instanceof TimeoutError && it.error.what).toBe(
          'the whole sweep',
        )
      }
    })
    // Nobody is connected only to be told that there is no time.
    expect(cluster.connected).toHaveLength(6)
  })
})

describe('a sweep from a node of ours', () => {
  test('leaves it open, and its connections that stood', async () => {
    const names = nodeNames(3)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    await using from = new HiddenNode(cluster.options)
    const [standing = ''] = names
    const remote = await from.connect(standing)
    expect(await all(sweepOf(cluster, names, { from }))).toHaveLength(3)
    await expect.poll(() => cluster.open).toEqual([standing])
    expect(from.remotes).toEqual([remote])
    expect(await remote.call('erlang', 'node')).toEqual(atom('itself'))
    expect((await from.connect('n1@127.0.0.1')).isConnected).toBe(true)
  })

  test('shares its connections with another sweep at the same time', async () => {
    const gate = new Gate()
    let calls = 0
    const answerer: Answerer = (...call) =>
      calls++ === 0 ? gate.answerer(...call) : itself(...call)
    await using cluster = await ScriptedCluster.start({ 'a@127.0.0.1': answerer })
    await using from = new HiddenNode(cluster.options)
    const slow = all(sweepOf(cluster, ['a@127.0.0.1'], { from }))
    await expect.poll(() => gate.waiting).toBe(1)
    const quick = await all(sweepOf(cluster, ['a@127.0.0.1'], { from }))
    expect(outcomes(quick)).toEqual([['a@127.0.0.1', 'answered']])
    await gate.opened(1)
    expect(outcomes(await slow)).toEqual([['a@127.0.0.1', 'answered']])
    expect(cluster.connected).toEqual(['a@127.0.0.1'])
    await expect.poll(() => cluster.open).toEqual([])
  })

  test('begun together connects once, and closes with the last', async () => {
    const names = nodeNames(5)
    await using cluster = await ScriptedCluster.start(allOf(names, itself))
    await using from = new HiddenNode(cluster.options)
    const sweeps = await Promise.all(
      [1, 2, 3].map((concurrency) => all(sweepOf(cluster, names, { from, concurrency }))),
    )
    for (const results of sweeps) {
      expect(outcomes(results).toSorted()).toEqual(names.map((name) => [name, 'answered']))
    }
    await expect.poll(() => cluster.open).toEqual([])
  })

  test('needs no cookie, and leaves the node open when it is called off', async () => {
    const names = nodeNames(3)
    await using cluster = await ScriptedCluster.start(allOf(names, hanging))
    await using from = new HiddenNode(cluster.options)
    const remote = await from.connect('n0@127.0.0.1')
    vi.stubEnv('HOME', '/nowhere')
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const controller = new AbortController()
    const sweeping = sweep(names, { from, signal: controller.signal, ask: askWho })
    const swept = all(sweeping)
    await expect.poll(() => cluster.open).toHaveLength(3)
    controller.abort(new Error('called off'))
    await expect(swept).rejects.toThrow('called off')
    await expect.poll(() => cluster.open).toEqual(['n0@127.0.0.1'])
    expect(from.remotes).toEqual([remote])
  })
})

describe('the cookie of a sweep', () => {
  async function homeWith(cookie: string | undefined): Promise<void> {
    const home = await mkdtemp(join(tmpdir(), 'beamscope-'))
    const file = join(home, '.erlang.cookie')
    if (cookie !== undefined) {
      await writeFile(file, cookie)
      await chmod(file, 0o400)
    }
    vi.stubEnv('HOME', home)
    vi.stubEnv('XDG_CONFIG_HOME', home)
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await rm(home, { recursive: true })
    })
  }

  test('is that of the user, where none is given', async () => {
    await homeWith('secret')
    await using cluster = await ScriptedCluster.start({ 'a@127.0.0.1': itself })
    const { epmdPort } = cluster.options
    const results = await all(sweep(['a@127.0.0.1'], { epmdPort, ask: askWho }))
    expect(outcomes(results)).toEqual([['a@127.0.0.1', 'answered']])
  })

  test('is missed before anybody is connected', async () => {
    await homeWith(undefined)
    await using cluster = await ScriptedCluster.start({ 'a@127.0.0.1': itself })
    const { epmdPort } = cluster.options
    await expect(all(sweep(['a@127.0.0.1'], { epmdPort }))).rejects.toMatchObject({
      code: 'ERR_COOKIE_MISSING',
    })
    expect(cluster.connected).toEqual([])
  })
})

describe('the options of a sweep', () => {
  test.each([
    { concurrency: 0 },
    { concurrency: -1 },
    { concurrency: 1.5 },
    { concurrency: Number.NaN },
    { concurrency: MAX_CONCURRENCY + 1 },
    { nodeTimeout: 0 },
    { nodeTimeout: -1 },
    { nodeTimeout: Number.NaN },
    // setTimeout takes these for 1 ms.
    { nodeTimeout: Number.POSITIVE_INFINITY },
    { nodeTimeout: 2 ** 31 },
    { timeout: 0 },
    { timeout: -1 },
    { timeout: Number.NaN },
    { timeout: 2 ** 31 },
  ])('are refused: %o', (options) => {
    expect(() => sweep([], options)).toThrow(RangeError)
  })

  test.each([
    { concurrency: 1 },
    { concurrency: MAX_CONCURRENCY },
    { nodeTimeout: 2 ** 31 - 1, timeout: 2 ** 31 - 1 },
  ])('may be at their limits: %o', async (options) => {
    await using cluster = await ScriptedCluster.start({ 'a@127.0.0.1': itself })
    const results = await all(sweepOf(cluster, ['a@127.0.0.1'], options))
    expect(outcomes(results)).toEqual([['a@127.0.0.1', 'answered']])
  })
})

describe('any sweep', () => {
  const BEHAVIOURS = {
    answering: itself,
    failing,
    hanging,
    absent: 'absent',
    deaf: 'deaf',
    silent: 'silent',
    babbling: 'babbling',
    broken: 'broken',
    foreign: 'foreign',
    cutting: 'cutting',
  } as const
  type Kind = keyof typeof BEHAVIOURS
  const EXPECTED: Readonly<Record<Kind, unknown>> = {
    answering: 'answered',
    failing: 'ERR_REMOTE_EXCEPTION',
    hanging: 'ERR_TIMEOUT',
    absent: 'ERR_EPMD_NAME_NOT_REGISTERED',
    deaf: 'ERR_NODE_NOT_LISTENING',
    silent: 'ERR_TIMEOUT',
    babbling: 'ERR_FRAME_TOO_LARGE',
    broken: 'ERR_NODE_CONNECTION_LOST',
    foreign: 'ERR_DIST_WRONG_COOKIE',
    cutting: 'ERR_NODE_CONNECTION_LOST',
  }
  const quick = fc.constantFrom<Kind>(
    'answering',
    'answering',
    'answering',
    'failing',
    'absent',
    'deaf',
    'babbling',
    'broken',
    'foreign',
    'cutting',
  )
  const slow = fc.constantFrom<Kind>('hanging', 'silent')

  async function hold(kinds: readonly Kind[], concurrency: number, nodeTimeout: number) {
    const names = kinds.map((kind, index) => `${kind}-${index}@127.0.0.1`)
    const expected = kinds.map((kind, index) => [names[index], EXPECTED[kind]])
    await using cluster = await ScriptedCluster.start(
      Object.fromEntries(kinds.map((kind, index) => [names[index], BEHAVIOURS[kind]])),
    )
    const sweeping = sweepOf(cluster, [...names, ...names], { concurrency, nodeTimeout })
    const results = await all(sweeping)
    expect(results).toHaveLength(kinds.length)
    expect(Object.fromEntries(outcomes(results))).toEqual(Object.fromEntries(expected))
    expect(cluster.most).toBeLessThanOrEqual(concurrency)
    const answered = kinds.filter((kind) => kind === 'answering').length
    expect(sweeping.progress).toEqual({
      answered,
      failed: kinds.length - answered,
      running: 0,
      slowest: undefined,
    })
    await expect.poll(() => cluster.open).toEqual([])
  }

  test('has one result for each node, whatever becomes of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(quick, { maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        (kinds, concurrency) => hold(kinds, concurrency, LONG),
      ),
      { numRuns: 40 },
    )
  })

  test('has one result for each node, though some hang', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(quick, { maxLength: 8 }),
        fc.array(slow, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 2, max: 4 }),
        (others, hangers, concurrency) => hold([...hangers, ...others], concurrency, 1_500),
      ),
      { numRuns: 4 },
    )
  })

  test('leaves nothing behind, wherever it is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: quick }, slow), { minLength: 3, maxLength: 10 }),
        fc.nat({ max: 4 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        async (kinds, after, byBreak, concurrency) => {
          const names = kinds.map((kind, index) => `${kind}-${index}@127.0.0.1`)
          await using cluster = await ScriptedCluster.start(
            Object.fromEntries(kinds.map((kind, index) => [names[index], BEHAVIOURS[kind]])),
          )
          const controller = new AbortController()
          const { signal } = controller
          const timer = setTimeout(() => controller.abort(new Error('called off')), 100)
          await leavingNothing(cluster, async () => {
            let taken = 0
            try {
              for await (const _ of sweepOf(cluster, names, { concurrency, signal })) {
                taken++
                if (taken > after && byBreak) break
                if (taken > after) controller.abort(new Error('called off'))
              }
            } catch (error) {
              expect(error).toMatchObject({ message: 'called off' })
            } finally {
              clearTimeout(timer)
            }
          })
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('a sweep through a seed', () => {
  const SEED = 'seed@127.0.0.1'

  /** What `erpc:call/5` on the seed answers, by the node that is called. */
  function seedOf(answers: Readonly<Record<string, Answerer>>, called: string[] = []): Answerer {
    return (module, name, args) => {
      const [node, inner, function_, innerArgs] = args
      if (module === 'erlang' && name === 'nodes') {
        return Object.keys(answers).map((it) => new Atom(it))
      }
      if (`${module}:${name}` !== 'erpc:call') return atom('itself')
      if (!isAtom(node) || !isAtom(inner) || !isAtom(function_) || !isList(innerArgs)) {
        throw new Raised(atom('badarg'))
      }
      called.push(node.name)
      return answers[node.name]?.(inner.name, function_.name, innerArgs) ?? atom('nobody')
    }
  }

  test('connects to the seed alone, and once', async () => {
    const names = nodeNames(20)
    const called: string[] = []
    const answers = Object.fromEntries(names.map((name) => [name, () => new Atom(name)]))
    await using cluster = await ScriptedCluster.start({
      ...allOf(names, itself),
      [SEED]: seedOf(answers, called),
    })
    await leavingNothing(cluster, async () => {
      const results = await all(sweepOf(cluster, [...names, SEED], { via: SEED, concurrency: 4 }))
      expect(outcomes(results).toSorted()).toEqual(
        [...names, SEED].toSorted().map((name) => [name, 'answered']),
      )
      for (const it of results) {
        expect(it).toMatchObject({ answer: it.node === SEED ? atom('itself') : new Atom(it.node) })
      }
    })
    expect(cluster.connected).toEqual([SEED])
    expect(called.toSorted()).toEqual(names.toSorted())
  })

  test('calls none that the seed is not connected to', async () => {
    const called: string[] = []
    const seed = seedOf({ 'a@127.0.0.1': itself }, called)
    await using cluster = await ScriptedCluster.start({ [SEED]: seed, 'b@127.0.0.1': itself })
    const results = await all(
      sweepOf(cluster, ['a@127.0.0.1', 'b@127.0.0.1', 'no name'], { via: SEED }),
    )
    expect(Object.fromEntries(outcomes(results))).toEqual({
      'a@127.0.0.1': 'answered',
      'b@127.0.0.1': 'ERR_CLUSTER_NOT_CONNECTED',
      'no name': 'ERR_NODE_NAME',
    })
    const refused = results.find(({ node }) => node === 'b@127.0.0.1')
    expect(refused?.status === 'failed' && refused.error).toBeInstanceOf(NotInClusterError)
    expect(called).toEqual(['a@127.0.0.1'])
    expect(cluster.connected).toEqual([SEED])
  })

  test('that cannot be reached throws why', async () => {
    await using cluster = await ScriptedCluster.start({ 'foreign@127.0.0.1': 'foreign' })
    for (const [via, code] of [
      ['nobody@127.0.0.1', 'ERR_EPMD_NAME_NOT_REGISTERED'],
      ['foreign@127.0.0.1', 'ERR_DIST_WRONG_COOKIE'],
    ] as const) {
      await leavingNothing(cluster, async () => {
        const swept = all(sweepOf(cluster, ['a@127.0.0.1'], { via }))
        await expect(swept).rejects.toMatchObject({ code })
      })
    }
  })

  test('that is lost fails for the rest, and ends', async () => {
    const names = nodeNames(8)
    const gate = new Gate()
    const [first = '', ...others] = names
    const answers = {
      [first]: itself,
      ...Object.fromEntries(others.map((it) => [it, gate.answerer])),
    }
    await using cluster = await ScriptedCluster.start({ [SEED]: seedOf(answers) })
    await leavingNothing(cluster, async () => {
      const iterator = sweepOf(cluster, names, { via: SEED, concurrency: 3 })[
        Symbol.asyncIterator
      ]()
      expect((await iterator.next()).value).toMatchObject({ status: 'answered', node: first })
      await expect.poll(() => gate.waiting).toBe(2)
      cluster.cut(SEED)
      for (const _ of others) {
        const { value } = await iterator.next()
        expect(value).toMatchObject({ status: 'failed', error: { seed: SEED, node: value?.node } })
        expect(value?.status === 'failed' && value.error).toBeInstanceOf(SeedLostError)
      }
      expect((await iterator.next()).done).toBe(true)
    })
  })

  test('from a node of ours leaves the connection to the seed that stood', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: seedOf({ 'a@127.0.0.1': itself }) })
    await using from = new HiddenNode(cluster.options)
    const remote = await from.connect(SEED)
    expect(await all(sweepOf(cluster, ['a@127.0.0.1'], { via: SEED, from }))).toHaveLength(1)
    expect(remote.isConnected).toBe(true)
    expect(cluster.connected).toEqual([SEED])
  })

  test('is kept for another sweep when one is called off', async () => {
    const gate = new Gate()
    await using cluster = await ScriptedCluster.start({
      [SEED]: seedOf({ 'a@127.0.0.1': gate.answerer }),
    })
    await using from = new HiddenNode(cluster.options)
    const controller = new AbortController()
    const options = { via: SEED, from }
    const kept = all(sweepOf(cluster, ['a@127.0.0.1'], options))
    const calledOff = all(
      sweepOf(cluster, ['a@127.0.0.1'], { ...options, signal: controller.signal }),
    )
    await expect.poll(() => gate.waiting).toBe(2)
    controller.abort(new Error('called off'))
    await expect(calledOff).rejects.toThrow('called off')
    await gate.opened(2)
    expect(outcomes(await kept)).toEqual([['a@127.0.0.1', 'answered']])
    await expect.poll(() => cluster.open).toEqual([])
  })

  test('that is called off leaves no sockets and no timers', async () => {
    const names = nodeNames(5)
    const answers = Object.fromEntries(names.map((it, index) => [it, index < 2 ? itself : hanging]))
    await using cluster = await ScriptedCluster.start({ [SEED]: seedOf(answers) })
    const controller = new AbortController()
    await leavingNothing(cluster, async () => {
      const options = { via: SEED, concurrency: 3, signal: controller.signal }
      await expect(async () => {
        let taken = 0
        for await (const _ of sweepOf(cluster, names, options)) {
          taken++
          if (taken === 2) setImmediate(() => controller.abort(new Error('called off')))
        }
      }).rejects.toThrow('called off')
    })
  })

  test('that is called off is left at once, though nobody takes the results any more', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: seedOf({ 'a@127.0.0.1': itself }) })
    const controller = new AbortController()
    const options = { via: SEED, signal: controller.signal }
    await leavingNothing(cluster, async () => {
      await sweepOf(cluster, ['a@127.0.0.1'], options)[Symbol.asyncIterator]().next()
      expect(cluster.open).toEqual([SEED])
      controller.abort(new Error('called off'))
      await expect.poll(() => cluster.open).toEqual([])
    })
  })

  test('hands out the rest as failed after its time-out', async () => {
    const names = nodeNames(5)
    const answers = Object.fromEntries(names.map((it, index) => [it, index < 2 ? itself : hanging]))
    await using cluster = await ScriptedCluster.start({ [SEED]: seedOf(answers) })
    await leavingNothing(cluster, async () => {
      const results = await all(
        sweepOf(cluster, names, { via: SEED, concurrency: 2, timeout: 1_500 }),
      )
      const failed = results.slice(2)
      expect(failed).toHaveLength(3)
      for (const it of failed) expect(it).toMatchObject({ error: { what: 'the whole sweep' } })
    })
  })

  test('has the time-out of the node, and names it', async () => {
    await using cluster = await ScriptedCluster.start({
      [SEED]: seedOf({ 'a@127.0.0.1': hanging, 'b@127.0.0.1': itself }),
    })
    const names = ['a@127.0.0.1', 'b@127.0.0.1']
    const results = await all(sweepOf(cluster, names, { via: SEED, nodeTimeout: 1_500 }))
    expect(outcomes(results)).toEqual([
      ['b@127.0.0.1', 'answered'],
      ['a@127.0.0.1', 'ERR_TIMEOUT'],
    ])
    expect(results[1]).toMatchObject({
      error: { timeout: 1_500, what: expect.stringContaining('a@127.0.0.1') },
    })
  })

  test('raises what the node raised', async () => {
    const reason = tuple(atom('exception'), atom('undef'), [])
    await using cluster = await ScriptedCluster.start({
      [SEED]: seedOf({
        'a@127.0.0.1': () => {
          throw new Raised(reason)
        },
      }),
    })
    const [result] = await all(sweepOf(cluster, ['a@127.0.0.1'], { via: SEED }))
    expect(result).toMatchObject({
      error: { code: 'ERR_REMOTE_EXCEPTION', node: 'a@127.0.0.1', reason: atom('undef') },
    })
  })
})
