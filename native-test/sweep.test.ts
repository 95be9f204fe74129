/** Sweeps of real clusters: directly and through a seed the same, and the cluster as it was. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose } from '../src/analysis/diagnose.ts'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import type { Question } from '../src/cluster/access.ts'
import { type SweepOptions, type SweepResult, sweep } from '../src/cluster/sweep.ts'
import { parseTerm } from '../src/etf/index.ts'
import { RemoteError } from '../src/node/remote-error.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'
import {
  expectState,
  join,
  type NodeState,
  type SweepCluster,
  settledState,
  startCluster,
} from './support/sweep-cluster.ts'

/** Milliseconds; of what is not to be cut short by a busy machine. */
const LONG = 60_000

async function all<Answer>(
  results: AsyncIterable<SweepResult<Answer>>,
): Promise<SweepResult<Answer>[]> {
  const list: SweepResult<Answer>[] = []
  for await (const result of results) list.push(result)
  return list.toSorted((left, right) => (left.node < right.node ? -1 : 1))
}

/** A call, written in Erlang: `lists:seq(1, 3)`. */
function calling(module: string, name: string, args: string): Question<unknown> {
  const parsed = parseTerm(args)
  if (!Array.isArray(parsed)) throw new Error(`${args} is no list`)
  return (node, left) => node.call(module, name, parsed, left())
}

/** What of a snapshot cannot change while the node runs. */
function fixed(snapshot: Snapshot): unknown {
  const { node, otpRelease, schedulers, schedulersOnline, disabled, missing } = snapshot
  return {
    node,
    otpRelease,
    schedulers,
    schedulersOnline,
    disabled,
    missing,
    memory: Object.keys(snapshot.memory ?? {}),
    allocators: snapshot.allocators.map(({ allocator, instance, options }) => ({
      allocator,
      instance,
      options,
    })),
    mseg: snapshot.mseg.map(({ instance, options }) => ({ instance, options })),
    sysAllocOptions: snapshot.sysAllocOptions,
    mappers: Object.entries(snapshot.mappers).map(([name, { options }]) => ({ name, options })),
    os: snapshot.os?.source,
    verdict: diagnose(snapshot).verdict,
  }
}

function fixedOfEach(results: readonly SweepResult<Snapshot>[]): readonly unknown[] {
  return results.map((it) => ('answer' in it ? fixed(it.answer) : it))
}

/** What was raised, with all of it that is not about this one call. */
function raised(results: readonly SweepResult<unknown>[]): readonly unknown[] {
  return results.map((it) => {
    if (it.status === 'answered' || !(it.error instanceof RemoteError)) return it
    const { name, code, message, node, reason } = it.error
    return { name, code, message, node, reason, stack: Reflect.get(it.error, 'remoteStack') }
  })
}

/** In abstract form, as only the process itself can say who it is. */
const KILL_ITSELF =
  '[[{call, 1, {remote, 1, {atom, 1, erlang}, {atom, 1, exit}}, [{call, 1, {atom, 1, self}, []}, {atom, 1, kill}]}], []]'

const FAILURES = [
  ['a throw', 'erlang', 'throw', '[{ball, 1}]', 'ERR_REMOTE_THROW'],
  [
    'a throw of what erpc itself raises',
    'erlang',
    'throw',
    '[{erpc, timeout}]',
    'ERR_REMOTE_THROW',
  ],
  ['an exit', 'erlang', 'exit', '[door]', 'ERR_REMOTE_EXIT'],
  ['an exit of a gen_server call', 'gen_server', 'call', '[nobody, hello]', 'ERR_REMOTE_EXIT'],
  ['an error', 'erlang', 'error', '[{badmatch, [1]}]', 'ERR_REMOTE_EXCEPTION'],
  ['an error of a BIF', 'erlang', 'atom_to_list', '[1]', 'ERR_REMOTE_EXCEPTION'],
  ['a function that is not there', 'no_such_module', 'f', '[]', 'ERR_REMOTE_EXCEPTION'],
  ['a process that is killed', 'erl_eval', 'exprs', KILL_ITSELF, 'ERR_REMOTE_SIGNAL'],
] as const

describeOnEachRelease('a sweep of a cluster', (release) => {
  let cluster: SweepCluster
  /** It could be connected, and is not. */
  let stranger: ErlangNode
  let everybody: readonly ErlangNode[]
  let before: NodeState
  let ways: readonly SweepOptions[]

  beforeAll(async () => {
    cluster = await startCluster([release, release, release])
    const [seed, ...others] = cluster.nodes
    if (seed === undefined) throw new Error('no seed')
    const { cookie, epmdPort } = seed
    stranger = await startErlangNode({ release, cookie, epmdPort })
    everybody = [...cluster.nodes, stranger]
    await join(seed, others, true)
    before = await settledState(everybody)
    ways = [cluster.options, { ...cluster.options, via: seed.name }]
  })
  afterAll(async () => {
    await stranger[Symbol.asyncDispose]()
    await cluster[Symbol.asyncDispose]()
  })

  it('says the same of each node directly and through a seed, and leaves them as they were', async () => {
    const swept: unknown[] = []
    for (const way of ways) {
      const results = await all(sweep(cluster.names, way))
      expect(results.map(({ status, node }) => [status, node])).toEqual(
        cluster.names.toSorted().map((name) => ['answered', name]),
      )
      swept.push(fixedOfEach(results))
      await expectState(everybody, before)
    }
    expect(swept[1]).toEqual(swept[0])
    expect(swept[0]).toMatchObject(
      cluster.names
        .toSorted()
        .map((node) => ({ node, otpRelease: `${release}`, verdict: 'healthy' })),
    )
  })

  it.each(FAILURES)('says the same of %s', async (_, module, name, args, code) => {
    const [direct = [], via] = await Promise.all(
      ways.map(async (way) =>
        raised(await all(sweep(cluster.names, { ...way, ask: calling(module, name, args) }))),
      ),
    )
    expect(via).toEqual(direct)
    expect(direct).toMatchObject(cluster.names.toSorted().map((node) => ({ node, code })))
  })

  it('gives up a question after its time, either way, and leaves the nodes as they were', async () => {
    const ask = calling('timer', 'sleep', '[2000]')
    const swept = await Promise.all(
      ways.map((way) => all(sweep(cluster.names, { ...way, ask, nodeTimeout: 1_000 }))),
    )
    for (const it of swept.flat()) {
      expect(it).toMatchObject({ error: { code: 'ERR_TIMEOUT', timeout: 1_000 } })
    }
    await expectState(everybody, before)
  })

  it('leaves the nodes as they were when it fails, and when it is called off', async () => {
    for (const way of ways) {
      const failed = await all(
        sweep(cluster.names, { ...way, ask: calling('erlang', 'error', '[oops]') }),
      )
      expect(failed.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
      const controller = new AbortController()
      const { signal } = controller
      const ask: Question<unknown> = (node, left) =>
        node.call('timer', 'sleep', [node.name === cluster.names[1] ? 0 : 1_000], left())
      await expect(async () => {
        for await (const { node, status } of sweep(cluster.names, { ...way, signal, ask })) {
          expect([node, status]).toEqual([cluster.names[1], 'answered'])
          controller.abort(new Error('called off'))
        }
      }).rejects.toThrow('called off')
      await expectState(everybody, before)
    }
  })

  it('connects no node to another for our sake', async () => {
    const [seed = ''] = cluster.names
    const names = [...cluster.names, stranger.name]
    const results = await all(sweep(names, { ...cluster.options, via: seed }))
    expect(results.filter(({ status }) => status === 'failed')).toMatchObject([
      {
        node: stranger.name,
        error: { code: 'ERR_CLUSTER_NOT_CONNECTED', node: stranger.name, seed },
      },
    ])
    await expectState(everybody, before)
    // Asked directly it answers, and is as far from the others as it was.
    const direct = await all(sweep(names, cluster.options))
    expect(direct.map(({ status }) => status)).toEqual(names.map(() => 'answered'))
    await expectState(everybody, before)
    expect(await stranger.evaluate('nodes()')).toBe('[]')
  })
})

// OTP 23 speaks with 25 at most, and 25 with 29.
describeOnRelease(23, 'a sweep of a cluster of several releases', () => {
  describeOnRelease(25, 'with one in the middle', () => {
    describeOnRelease(27, 'one newer', () => {
      describeOnRelease(29, 'and the newest', () => {
        it('says the same of each node directly and through the one in the middle', async () => {
          await using cluster = await startCluster([25, 23, 27, 29], {
            emulatorArguments: ['-connect_all', 'false'],
          })
          const [middle, ...others] = cluster.nodes
          if (middle === undefined) throw new Error('no node')
          await join(middle, others, false)
          const before = await settledState(cluster.nodes)
          const swept: unknown[] = []
          for (const via of [undefined, middle.name]) {
            swept.push(fixedOfEach(await all(sweep(cluster.names, { ...cluster.options, via }))))
            await expectState(cluster.nodes, before)
          }
          expect(swept[1]).toEqual(swept[0])
          expect(swept[0]).toMatchObject(
            cluster.nodes
              .toSorted((left, right) => (left.name < right.name ? -1 : 1))
              .map(({ name, release }) => ({ node: name, otpRelease: `${release}` })),
          )
          for (const [_, module, name, args, code] of FAILURES) {
            const ask = calling(module, name, args)
            const options = { ...cluster.options, nodeTimeout: LONG, ask }
            const direct = raised(await all(sweep(cluster.names, options)))
            const via = raised(await all(sweep(cluster.names, { ...options, via: middle.name })))
            expect(via).toEqual(direct)
            expect(direct).toMatchObject(cluster.names.map(() => ({ code })))
          }
          await expectState(cluster.nodes, before)
        })
      })
    })
  })
})
