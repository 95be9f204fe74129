/**
 * Sweeps of real nodes when things break in the middle: the sweep ends on time, the rest is complete, and
 * each failure has its own error.
 */
import { expect, it } from 'vitest'
import { type SweepOptions, type SweepResult, sweep } from '../src/cluster/sweep.ts'
import { atom } from '../src/etf/index.ts'
import { readSnapshotFile } from '../src/history/snapshot-file.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { Answers } from '../src/replay/answers.ts'
import { binarySpikeFile } from '../src/replay/start-replay-node.ts'
import { ScriptedCluster } from '../test/cluster/scripted-cluster.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'
import { eventually } from './support/outcomes.ts'
import { expectState, join, settledState, startCluster } from './support/sweep-cluster.ts'

/** Milliseconds for a node; those that are held answer so long before it that they could have. */
const NODE_TIMEOUT = 5_000
const HELD_FOR = 3_500

/** For what takes no time but that of a busy machine. */
const SOON = 10_000

/**
 * Sweeps, and lets `fault` happen when the first result is there and all that are to be held are under
 * way: they answer with a snapshot as the others do, but not yet. What became of each node.
 */
async function sweepWithFault(
  names: readonly string[],
  held: readonly string[],
  fault: () => Promise<unknown>,
  options: SweepOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const underWay = new Set<string>()
  const sweeping = sweep(names, {
    concurrency: held.length + 1,
    nodeTimeout: NODE_TIMEOUT,
    ...options,
    ask: async (node, left) => {
      if (held.includes(node.name)) {
        const sleeping = node.call('timer', 'sleep', [HELD_FOR], left())
        underWay.add(node.name)
        await sleeping
      }
      return toSnapshot(await probe(node, left()))
    },
  })
  const results: Record<string, unknown> = {}
  for await (const result of sweeping) {
    expect(results).not.toHaveProperty([result.node])
    if (Object.keys(results).length === 0) {
      await eventually(() => held.every((name) => underWay.has(name)))
      await fault()
    }
    results[result.node] = outcomeOf(result)
  }
  expect(Object.keys(results).toSorted()).toEqual(names.toSorted())
  expect(sweeping.progress.running).toBe(0)
  return results
}

/** The code of the error, or `answered`; and that it is of this node. */
function outcomeOf(result: SweepResult<unknown>): unknown {
  if (result.status === 'answered') return 'answered'
  const { error, node } = result
  if (!(error instanceof Error) || !('code' in error)) return error
  if ('node' in error) expect(error.node).toBe(node)
  if ('timeout' in error) expect(error.timeout).toBe(NODE_TIMEOUT)
  return error.code
}

function named(...names: readonly string[]): readonly string[] {
  return names.map((name) => `sweep-${name}-${process.pid}@127.0.0.1`)
}

async function all<Answer>(
  results: AsyncIterable<SweepResult<Answer>>,
): Promise<SweepResult<Answer>[]> {
  const list: SweepResult<Answer>[] = []
  for await (const result of results) list.push(result)
  return list
}

async function timed<Result>(work: Promise<Result>): Promise<[Result, number]> {
  const start = performance.now()
  return [await work, performance.now() - start]
}

describeOnRelease(27, 'when nodes break in the middle of a sweep', () => {
  it('each fails for itself, and the rest answers', async () => {
    await using cluster = await startCluster([27, 27, 27, 27, 27])
    const [first, killed, paused, late, last] = five(cluster.nodes)
    const { options } = cluster
    await using other = await startErlangNode({ release: 27, epmdPort: options.epmdPort })
    const [mail = '', broken = '', strange = '', silent = '', recorded = '', gone = ''] = named(
      'mail',
      'broken',
      'strange',
      'silent',
      'recorded',
      'gone',
    )
    const answers = new Answers((await readSnapshotFile(binarySpikeFile)).raw)
    await using scripted = await ScriptedCluster.start(
      {
        [mail]: 'babbling',
        [broken]: 'broken',
        [strange]: () => [atom('no'), atom('allocators')],
        [silent]: 'silent',
        [recorded]: (module, name, args) => {
          const outcome = answers.answer(module, name, args)
          return outcome.type === 'return' ? outcome.value : atom('undefined')
        },
      },
      options,
    )
    const before = await settledState([first, late, last])
    const [results, duration] = await timed(
      sweepWithFault(
        [
          ...[first, killed, paused, late].map(({ name }) => name),
          ...[mail, broken, strange, silent, recorded, gone],
          ...[other.name, last.name],
        ],
        [killed.name, paused.name, late.name],
        () => Promise.all([killed.kill(), paused.pause(), late.pause()]),
        options,
      ),
    )
    expect(results).toEqual({
      [first.name]: 'answered',
      [killed.name]: 'ERR_NODE_CONNECTION_LOST',
      [paused.name]: 'ERR_TIMEOUT',
      [late.name]: 'ERR_TIMEOUT',
      [mail]: 'ERR_FRAME_TOO_LARGE',
      [broken]: 'ERR_NODE_CONNECTION_LOST',
      [strange]: 'ERR_ALLOCATOR_LIST',
      [silent]: 'ERR_TIMEOUT',
      [recorded]: 'answered',
      [gone]: 'ERR_EPMD_NAME_NOT_REGISTERED',
      [other.name]: 'ERR_DIST_WRONG_COOKIE',
      [last.name]: 'answered',
    })
    // Those that hang do so together.
    expect(duration).toBeLessThan(2 * NODE_TIMEOUT + SOON)
    await eventually(() => scripted.open.length === 0)
    // What answers when nobody waits any more disturbs nobody.
    await late.resume()
    await expectState([first, late, last], before)
    const again = await sweepWithFault([first.name, late.name], [], async () => {}, options)
    expect(again).toEqual({ [first.name]: 'answered', [late.name]: 'answered' })
  })

  it('each fails for itself through a seed as well', async () => {
    await using cluster = await startCluster([27, 27, 27, 27, 27])
    const [seed, first, killed, paused, late] = five(cluster.nodes)
    const { options } = cluster
    await join(seed, [first, killed, paused, late], true)
    const [stranger = ''] = named('stranger')
    await using scripted = await ScriptedCluster.start({ [stranger]: 'babbling' }, options)
    const [results, duration] = await timed(
      sweepWithFault(
        [first.name, killed.name, paused.name, late.name, stranger, seed.name],
        [killed.name, paused.name, late.name],
        () => Promise.all([killed.kill(), paused.pause(), late.pause()]),
        { ...options, via: seed.name },
      ),
    )
    expect(results).toEqual({
      [first.name]: 'answered',
      [killed.name]: 'ERR_NODE_CONNECTION_LOST',
      [paused.name]: 'ERR_TIMEOUT',
      [late.name]: 'ERR_TIMEOUT',
      [stranger]: 'ERR_CLUSTER_NOT_CONNECTED',
      [seed.name]: 'answered',
    })
    expect(duration).toBeLessThan(2 * NODE_TIMEOUT + SOON)
    expect(scripted.connected).toEqual([])
    await late.resume()
    const via = { ...options, via: seed.name }
    const again = await sweepWithFault([first.name, late.name], [], async () => {}, via)
    expect(again).toEqual({ [first.name]: 'answered', [late.name]: 'answered' })
  })

  it.concurrent('all that hang are given up together when the time of the sweep is over', async () => {
    await using cluster = await startCluster([27, 27, 27])
    const [first, paused, other] = three(cluster.nodes)
    const sweeping = sweep([first.name, paused.name, other.name], {
      ...cluster.options,
      concurrency: 2,
      nodeTimeout: 60_000,
      timeout: 5_000,
    })
    await paused.pause()
    const [results, duration] = await timed(all(sweeping))
    expect(duration).toBeLessThan(5_000 + SOON)
    expect(results.map(({ node, status }) => [node, status])).toEqual([
      [first.name, 'answered'],
      [other.name, 'answered'],
      [paused.name, 'failed'],
    ])
    expect(results[2]).toMatchObject({
      error: { code: 'ERR_TIMEOUT', what: 'the whole sweep', timeout: 5_000 },
    })
  })

  it.concurrent('and a seed hangs, each is given up after its time', async () => {
    await using cluster = await startCluster([27, 27, 27])
    const [seed, first, second] = three(cluster.nodes)
    await join(seed, [first, second], true)
    const [results, duration] = await timed(
      sweepWithFault([first.name, second.name, seed.name], [second.name], () => seed.pause(), {
        ...cluster.options,
        via: seed.name,
      }),
    )
    expect(results).toEqual({
      [first.name]: 'answered',
      [second.name]: 'ERR_TIMEOUT',
      [seed.name]: 'ERR_TIMEOUT',
    })
    expect(duration).toBeLessThan(2 * NODE_TIMEOUT + SOON)
  })
})

describeOnEachRelease('when a seed dies in the middle of a sweep', (release) => {
  it('each that it had yet to answer for fails at once, and answers when it is asked itself', async () => {
    await using cluster = await startCluster([release, release, release, release])
    // The port mapper ends with the first node, and so the seed is another.
    const [first, seed, held, last] = four(cluster.nodes)
    const { options } = cluster
    await join(seed, [first, held, last], true)
    const [results, duration] = await timed(
      sweepWithFault(
        [first.name, held.name, last.name, seed.name],
        [held.name],
        () => seed.kill(),
        {
          ...options,
          concurrency: 2,
          nodeTimeout: 60_000,
          via: seed.name,
        },
      ),
    )
    expect(results).toEqual({
      [first.name]: 'answered',
      [held.name]: 'ERR_CLUSTER_SEED_LOST',
      [last.name]: 'ERR_CLUSTER_SEED_LOST',
      [seed.name]: 'ERR_NODE_CONNECTION_LOST',
    })
    expect(duration).toBeLessThan(HELD_FOR + SOON)
    const directly = await all(sweep([first.name, held.name, last.name], options))
    expect(directly.map(({ status }) => status)).toEqual(['answered', 'answered', 'answered'])
  })
})

function three(nodes: readonly ErlangNode[]): [ErlangNode, ErlangNode, ErlangNode] {
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) throw new Error('too few nodes')
  return [a, b, c]
}

function four(nodes: readonly ErlangNode[]): [ErlangNode, ErlangNode, ErlangNode, ErlangNode] {
  const [d] = nodes.slice(3)
  if (d === undefined) throw new Error('too few nodes')
  return [...three(nodes), d]
}

function five(
  nodes: readonly ErlangNode[],
): [ErlangNode, ErlangNode, ErlangNode, ErlangNode, ErlangNode] {
  const [e] = nodes.slice(4)
  if (e === undefined) throw new Error('too few nodes')
  return [...four(nodes), e]
}
