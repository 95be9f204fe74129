/**
 * A cluster of three RabbitMQ nodes, out of Debian's package, swept directly and through one of them.
 *
 * @see https://www.rabbitmq.com/docs/clustering
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Diagnosis, diagnose } from '../src/analysis/diagnose.ts'
import { memory } from '../src/analysis/memory.ts'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import { sweep } from '../src/cluster/sweep.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { names } from '../src/epmd/client.ts'
import { Atom, isAtom, isList } from '../src/etf/index.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { expectToAddUp } from './support/accounting.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import { findFreePort } from './support/index.ts'
import { publishing, RabbitmqNode } from './support/rabbitmq.ts'

const FIRST = 'rabbit-1@127.0.0.1'
const LOADED = 'rabbit-2@127.0.0.1'
const THIRD = 'rabbit-3@127.0.0.1'
const NAMES = [FIRST, LOADED, THIRD]

/** What nodes are asked through: nothing, or the first. */
const WAYS = [undefined, FIRST]

/** A tool that has ended is forgotten a moment later. Milliseconds. */
const MOMENT = { timeout: 20_000 }

const shortfall = await whyNoImage('rabbitmq')
if (shortfall !== undefined) console.error(`a cluster of RabbitMQ skipped: ${shortfall}`)

/** What a sweep told of a node. */
interface Answer {
  readonly node: string
  readonly snapshot: Snapshot
  readonly diagnosis: Diagnosis
}

/** Of `rabbitmqctl cluster_status`, among other things. */
interface ClusterStatus {
  readonly alarms: readonly unknown[]
  readonly partitions: Readonly<Record<string, unknown>>
  readonly running_nodes: readonly string[]
}

describeUnless(shortfall, 'a cluster of RabbitMQ', () => {
  const secret = randomBytes(16).toString('hex')
  const cookie = new Cookie(secret)
  let epmdPort: number
  let nodes: readonly RabbitmqNode[] = []

  beforeAll(async () => {
    epmdPort = await findFreePort()
    nodes = NAMES.map((name) => {
      const peers = name === FIRST ? undefined : [FIRST]
      return new RabbitmqNode({ name, cookie: secret, epmdPort, peers })
    })
    // In turn: the first brings EPMD, and has to be the oldest for the others to join it.
    for (const node of nodes) await node.start()
    await Promise.all(nodes.map((it) => it.started()))
  })

  afterAll(async () => {
    await Promise.all(nodes.map((it) => it[Symbol.asyncDispose]()))
  })

  /** What `rabbitmqctl` prints beside the node of that name. */
  async function rabbitmqctl(name: string, ...command: readonly string[]): Promise<string> {
    const node = nodes.find((it) => it.name === name)
    return String(await node?.inside('rabbitmqctl', ...command))
  }

  /** The order of the nodes that run means nothing. */
  async function clusterStatus(): Promise<ClusterStatus> {
    const command = ['cluster_status', '--formatter', 'json']
    const status: ClusterStatus = JSON.parse(await rabbitmqctl(FIRST, ...command))
    return { ...status, running_nodes: status.running_nodes.toSorted() }
  }

  /** What each node answers when `erlang` is asked for a list of names, without ours, in order. */
  async function ask(
    what: 'nodes' | 'registered',
    ...args: readonly string[]
  ): Promise<Readonly<Record<string, readonly string[]>>> {
    await using hidden = new HiddenNode({ cookie, epmdPort })
    const answers: Record<string, readonly string[]> = {}
    for (const name of NAMES) {
      const remote = await hidden.connect(name)
      const list = await remote.call(
        'erlang',
        what,
        args.map((it) => new Atom(it)),
      )
      if (!isList(list)) throw new Error(`${name} answers erlang:${what} with no list`)
      const found = [...list].filter((it) => isAtom(it)).map((it) => it.name)
      answers[name] = found.filter((it) => it !== hidden.name).toSorted()
    }
    return answers
  }

  async function namesInEpmd(): Promise<readonly string[]> {
    const found = await names({ host: '127.0.0.1', port: epmdPort })
    return found.map(({ name }) => `${name}@127.0.0.1`).toSorted()
  }

  /** Sweeps the cluster, and holds the accounting of each node to its promise. */
  async function sweepAll(via: string | undefined): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for await (const result of sweep(NAMES, { cookie, epmdPort, via })) {
      if (result.status === 'failed') throw result.error
      const { node, answer: snapshot } = result
      const diagnosis = diagnose(snapshot)
      expectToAddUp(diagnosis.accounting)
      answers.push({ node, snapshot, diagnosis })
    }
    return answers.toSorted((left, right) => NAMES.indexOf(left.node) - NAMES.indexOf(right.node))
  }

  it('answers for each node, the same directly and through one of them', async () => {
    for (const via of WAYS) {
      const answers = await sweepAll(via)
      expect(
        answers.map(({ node, snapshot, diagnosis }) => ({
          node,
          release: snapshot.otpRelease,
          verdict: diagnosis.verdict,
        })),
      ).toEqual(NAMES.map((node) => ({ node, release: '27', verdict: 'healthy' })))
    }
  })

  it('shows which node bears the load', async () => {
    expect(await rabbitmqctl(LOADED, 'eval', publishing(40_000))).toBe('published')
    for (const via of WAYS) {
      const answers = await sweepAll(via)
      expect(answers.map(({ diagnosis }) => diagnosis.verdict)).toEqual([
        'healthy',
        'in-use',
        'healthy',
      ])
      const [first, loaded, third] = answers.map(({ snapshot }) =>
        Number(memory(snapshot, 'allocated')),
      )
      expect(loaded).toBeGreaterThan(2 * Math.max(Number(first), Number(third)))
    }
  })

  it('is as it was before', async () => {
    const before = { status: await clusterStatus(), registered: await ask('registered') }
    for (const via of WAYS) expect(await sweepAll(via)).toHaveLength(NAMES.length)
    const status = await clusterStatus()
    expect(status).toEqual(before.status)
    expect(status).toMatchObject({ alarms: [], partitions: {}, running_nodes: NAMES })
    await expect.poll(() => ask('registered'), MOMENT).toEqual(before.registered)
    // Each with the two others, and with nobody else, visible or hidden.
    await expect
      .poll(() => ask('nodes', 'connected'), MOMENT)
      .toEqual(Object.fromEntries(NAMES.map((it) => [it, NAMES.filter((name) => name !== it)])))
    await expect.poll(namesInEpmd, MOMENT).toEqual(NAMES)
  })
})
