import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Sampled, Sampler, type SamplerOptions } from '../../src/cluster/sampler.ts'
import { BeamscopeError } from '../../src/errors.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { Answers } from '../../src/replay/answers.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import {
  type Answerer,
  type Behaviour,
  failing,
  hanging,
  Raised,
  ScriptedCluster,
} from './scripted-cluster.ts'

const NODE = 'n0@127.0.0.1'
const OTHER = 'n1@127.0.0.1'

const { raw } = await readSnapshotFile(binarySpikeFile)

const waitFor = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { timeout: LONG })

/** Milliseconds; of what must not be cut short on a slow machine. */
const LONG = 20_000

/** A node with the figures of a recording. */
function recorded(): Answerer {
  const answers = new Answers(raw)
  return (module, name, args) => {
    const outcome = answers.answer(module, name, args)
    if (outcome.type === 'return') return outcome.value
    throw new Raised(outcome.reason)
  }
}

/** Makes the next questions wait until they are let go. */
function gate(): { readonly answerer: Answerer; open(): void; readonly questions: () => number } {
  const answer = recorded()
  let questions = 0
  let release = (): void => {}
  const opened = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    answerer: async (module, name, args) => {
      if (name === 'memory') questions++
      await opened
      return answer(module, name, args)
    },
    open: release,
    questions: () => questions,
  }
}

async function makeCluster(nodes: Readonly<Record<string, Behaviour>>): Promise<ScriptedCluster> {
  const cluster = await ScriptedCluster.start(nodes)
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  return cluster
}

function makeSampler(options: SamplerOptions): Sampler {
  const sampler = new Sampler(options)
  onTestFinished(() => sampler.close())
  return sampler
}

/** Who answered, and the code of the error of who did not. */
function outcome(sampled: Sampled): unknown {
  if (sampled.type === 'sample') return sampled.snapshot.allocators.length > 0
  const { error } = sampled
  return error instanceof BeamscopeError ? error.code : error
}

describe('a sample', () => {
  test('is a snapshot, with the terms that it is of', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    const sampled = await makeSampler(cluster.options).sample(NODE)
    if (sampled.type === 'failure') throw sampled.error
    expect(sampled.node).toBe(NODE)
    expect(sampled.time).toBe(Date.parse(sampled.raw.takenAt ?? ''))
    expect(sampled.snapshot.allocators).toEqual(toSnapshot(raw).allocators)
    expect(toSnapshot(sampled.raw)).toEqual(sampled.snapshot)
  })

  test('comes over the connection that the last one came over', async () => {
    const cluster = await makeCluster({ [NODE]: recorded(), [OTHER]: recorded() })
    const sampler = makeSampler(cluster.options)
    for (const node of [NODE, OTHER, NODE, OTHER, NODE]) {
      expect(outcome(await sampler.sample(node))).toBe(true)
    }
    expect(cluster.connected).toEqual([NODE, OTHER])
  })

  test('comes over a new connection where the last one was lost', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    const sampler = makeSampler(cluster.options)
    expect(outcome(await sampler.sample(NODE))).toBe(true)
    cluster.cut(NODE)
    await waitFor(async () => expect(outcome(await sampler.sample(NODE))).toBe(true))
    expect(cluster.connected).toEqual([NODE, NODE])
  })

  test('is shared by all who ask meanwhile', async () => {
    const node = gate()
    const cluster = await makeCluster({ [NODE]: node.answerer })
    const sampler = makeSampler(cluster.options)
    const asked = Array.from({ length: 100 }, () => sampler.sample(NODE))
    await waitFor(() => expect(node.questions()).toBe(1))
    node.open()
    const [first, ...others] = await Promise.all(asked)
    for (const other of others) expect(other).toBe(first)
    expect(await sampler.sample(NODE)).not.toBe(first)
    expect(node.questions()).toBe(2)
  })

  test.each<[string, Behaviour, string]>([
    ['is not registered', 'absent', 'ERR_EPMD_NAME_NOT_REGISTERED'],
    ['does not listen', 'deaf', 'ERR_NODE_NOT_LISTENING'],
    ['has another cookie', 'foreign', 'ERR_DIST_WRONG_COOKIE'],
    ['fails', failing, 'ERR_REMOTE_EXCEPTION'],
    ['hangs', hanging, 'ERR_TIMEOUT'],
    ['cuts the connection', 'cutting', 'ERR_NODE_CONNECTION_LOST'],
  ])('is a failure where the node %s', async (_, behaviour, code) => {
    const cluster = await makeCluster({ [NODE]: behaviour, [OTHER]: recorded() })
    const sampler = makeSampler(cluster.options)
    const timeout = behaviour === hanging ? 500 : LONG
    expect(outcome(await sampler.sample(NODE, { timeout }))).toBe(code)
    expect(outcome(await sampler.sample(OTHER))).toBe(true)
  })

  test('tells all of the time that it had, not what was left of it', async () => {
    const cluster = await makeCluster({ [NODE]: hanging })
    const sampled = await makeSampler(cluster.options).sample(NODE, { timeout: 300 })
    expect(sampled).toMatchObject({ type: 'failure', error: { timeout: 300 } })
  })

  test('ends for one who calls it off, and goes on for the others', async () => {
    const node = gate()
    const cluster = await makeCluster({ [NODE]: node.answerer })
    const sampler = makeSampler(cluster.options)
    const controller = new AbortController()
    const aborted = sampler.sample(NODE, { signal: controller.signal })
    const kept = sampler.sample(NODE)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    node.open()
    expect(outcome(await kept)).toBe(true)
    await expect(sampler.sample(NODE, { signal: controller.signal })).rejects.toThrow('enough')
  })

  test('comes by way of a seed, whose connection is kept', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    const sampler = makeSampler({ ...cluster.options, via: NODE })
    expect(outcome(await sampler.sample(NODE))).toBe(true)
    cluster.cut(NODE)
    await waitFor(async () => expect(outcome(await sampler.sample(NODE))).toBe(true))
    expect(cluster.connected).toEqual([NODE, NODE])
  })

  test('is asked by one node of ours for all, where that has a name', async () => {
    const cluster = await makeCluster({ [NODE]: recorded(), [OTHER]: recorded() })
    const sampler = makeSampler({ ...cluster.options, name: 'me@127.0.0.1' })
    await Promise.all([sampler.sample(NODE), sampler.sample(OTHER)])
    expect([...cluster.clients]).toEqual(
      expect.arrayContaining([
        [NODE, ['me@127.0.0.1']],
        [OTHER, ['me@127.0.0.1']],
      ]),
    )
  })

  test('leaves a node of ours that was given open', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    await using from = new HiddenNode(cluster.options)
    const sampler = makeSampler({ from })
    expect(outcome(await sampler.sample(NODE))).toBe(true)
    await sampler.close()
    expect(from.remotes.map(({ name }) => name)).toEqual([NODE])
  })

  test('waits for its turn', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `n${index}@127.0.0.1`)
    const node = gate()
    const cluster = await makeCluster(
      Object.fromEntries(names.map((name) => [name, node.answerer])),
    )
    const sampler = makeSampler({ ...cluster.options, concurrency: 3 })
    const asked = Promise.all(names.map((name) => sampler.sample(name)))
    await waitFor(() => expect(node.questions()).toBe(3))
    node.open()
    expect((await asked).map(outcome)).toEqual(names.map(() => true))
  })
})

describe('a sampler that is closed', () => {
  test('closes its connections, and asks no more', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    const sampler = makeSampler(cluster.options)
    await sampler.sample(NODE)
    await sampler.close()
    await sampler.close()
    await waitFor(() => expect(cluster.open).toEqual([]))
    await expect(sampler.sample(NODE)).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
  })

  test('fails what is being asked', async () => {
    const cluster = await makeCluster({ [NODE]: hanging })
    const sampler = makeSampler(cluster.options)
    const asked = sampler.sample(NODE)
    await waitFor(() => expect(cluster.open).toEqual([NODE]))
    await sampler.close()
    expect(outcome(await asked)).toBe('ERR_NODE_CLOSED')
  })
})

describe('samples', () => {
  test('come of each node at once, then at each interval', async () => {
    const cluster = await makeCluster({ [NODE]: recorded(), [OTHER]: failing })
    const sampler = makeSampler(cluster.options)
    const count: Record<string, number> = { [NODE]: 0, [OTHER]: 0 }
    for await (const { node, type } of sampler.samples([NODE, OTHER], { interval: 5 })) {
      expect(type).toBe(node === NODE ? 'sample' : 'failure')
      count[node] = (count[node] ?? 0) + 1
      if (Object.values(count).every((it) => it >= 3)) break
    }
    expect(cluster.connected.filter((node) => node === NODE)).toEqual([NODE])
  })

  test('leave out the turns of a node that is slow, and of who does not take them', async () => {
    const slow = gate()
    const cluster = await makeCluster({ [NODE]: recorded(), [OTHER]: slow.answerer })
    const sampler = makeSampler(cluster.options)
    const samples = sampler.samples([NODE, OTHER], { interval: 1, timeout: 30_000 })
    for (let left = 10; left > 0; left--) {
      expect((await samples.next()).value.node).toBe(NODE)
    }
    expect(slow.questions()).toBe(1)
    slow.open()
    await waitFor(async () => expect((await samples.next()).value.node).toBe(OTHER))
    await samples.return(undefined as never)
  })

  test('come of whoever is there at each turn', async () => {
    const cluster = await makeCluster({ [NODE]: recorded(), [OTHER]: recorded() })
    const sampler = makeSampler(cluster.options)
    const nodes = new Set([NODE])
    const samples = sampler.samples(nodes, { interval: 5 })
    const next = async (): Promise<string> => (await samples.next()).value.node
    expect([await next(), await next()]).toEqual([NODE, NODE])
    nodes.add(OTHER)
    await waitFor(async () => expect(await next()).toBe(OTHER))
    nodes.delete(NODE)
    await sampler.forget(NODE)
    await waitFor(() => expect(cluster.open).toEqual([OTHER]))
    // What was asked before is still told.
    await next()
    for (let left = 5; left > 0; left--) expect(await next()).toBe(OTHER)
    nodes.add(NODE)
    await waitFor(async () => expect(await next()).toBe(NODE))
    expect(cluster.connected).toEqual([NODE, OTHER, NODE])
    await samples.return(undefined as never)
  })

  test('end with the reason of the signal, at once', async () => {
    const cluster = await makeCluster({ [NODE]: recorded() })
    const sampler = makeSampler(cluster.options)
    const controller = new AbortController()
    const { signal } = controller
    const samples = sampler.samples([NODE], { interval: 60_000, signal })
    expect(outcome((await samples.next()).value)).toBe(true)
    const next = samples.next()
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    const late = sampler.samples([NODE], { interval: 60_000, signal })
    await expect(late.next()).rejects.toThrow('enough')
  })

  test.each([0, -1, Number.NaN, 2 ** 31])('do not come every %s ms', async (interval) => {
    const sampler = makeSampler({})
    await expect(sampler.samples([NODE], { interval }).next()).rejects.toThrow(RangeError)
  })

  test('end with what no sample can be had without', async () => {
    const home = await mkdtemp(join(tmpdir(), 'beamscope-'))
    onTestFinished(() => rm(home, { recursive: true }))
    vi.stubEnv('HOME', home)
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const samples = makeSampler({}).samples([NODE], { interval: 1_000 })
    await expect(samples.next()).rejects.toMatchObject({ code: 'ERR_COOKIE_MISSING' })
  })
})
