/**
 * A cluster of three RabbitMQ nodes, out of Debian's package, swept directly and through one of them.
 *
 * @see https://www.rabbitmq.com/docs/clustering
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose } from '../src/analysis/diagnose.ts'
import { compareSummaries, type NodeSummary, summarizeNode } from '../src/analysis/node-summary.ts'
import { outliers } from '../src/analysis/outliers.ts'
import { discover } from '../src/cluster/discover.ts'
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
const NAMES = [FIRST, LOADED, 'rabbit-3@127.0.0.1']

/** What nodes are asked through: nothing, or the first. */
const WAYS = [undefined, FIRST]

/** A tool that has ended is forgotten a moment later. Milliseconds. */
const MOMENT = { timeout: 20_000 }

const shortfall = await whyNoImage('rabbitmq')
if (shortfall !== undefined) console.error(`a cluster of RabbitMQ skipped: ${shortfall}`)

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

  /** Sweeps those that the first node knows of, and holds the accounting of each to its promise. */
  async function sweepAll(via: string | undefined): Promise<readonly NodeSummary[]> {
    const access = { cookie, epmdPort, via }
    const found = await discover([{ type: 'seed', node: FIRST }], access)
    expect(found.failures).toEqual([])
    const swept = found.nodes.map(({ name }) => name)
    const summaries: NodeSummary[] = []
    for await (const result of sweep(swept, access)) {
      if (result.status === 'failed') throw result.error
      const diagnosis = diagnose(result.answer)
      expectToAddUp(diagnosis.accounting)
      summaries.push(summarizeNode(result.node, result.answer, diagnosis))
    }
    return summaries.toSorted(compareSummaries('node'))
  }

  it('answers for each node, the same directly and through one of them', async () => {
    for (const via of WAYS) {
      const summaries = await sweepAll(via)
      expect(
        summaries.map(({ node, otpRelease, verdict }) => ({ node, otpRelease, verdict })),
      ).toEqual(NAMES.map((node) => ({ node, otpRelease: '27', verdict: 'healthy' })))
      expect(outliers(summaries)).toEqual([])
    }
  })

  it('has a node that bears the load, and differs from the others by it', async () => {
    expect(await rabbitmqctl(LOADED, 'eval', publishing(40_000))).toBe('published')
    for (const via of WAYS) {
      const summaries = await sweepAll(via)
      expect(summaries.map(({ verdict }) => verdict)).toEqual(['healthy', 'in-use', 'healthy'])
      const [largest] = summaries.toSorted(compareSummaries('resident'))
      expect(largest?.node).toBe(LOADED)
      const found = outliers(summaries)
      expect(new Set(found.map(({ node, role }) => `${node} of ${role}`))).toEqual(
        new Set([`${LOADED} of rabbit`]),
      )
      expect(found.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['allocated', 'resident']),
      )
    }
  })

  it('is after a sweep as it was before', async () => {
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
