/**
 * What is done all the time: calls, snapshots, connections that come and go, sweeps.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { load } from '../bench/product.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import type { ErlangNode } from '../src/testing/erlang-node.ts'
import type { Tally } from './tally.ts'

const beamscope = await load.beamscope()
const etf = await load.etf()

/** Calls under way to each node. */
const CALLERS = 8

/** Milliseconds between two snapshots, connections and sweeps. */
const PAUSE = 1_000

/** Milliseconds for what may meet a node that is being killed. */
const TIMEOUT = 10_000

/** A time-out is as good as any other typed failure; an hour is not to be spent waiting for them. */
const CALL_TIMEOUT = 5_000

export interface Cluster {
  readonly cookie: string
  readonly epmdPort: number
  /** Those that are never killed, and those that are. */
  readonly stable: readonly ErlangNode[]
  readonly victims: readonly ErlangNode[]
}

/** Goes on until the signal is aborted; resolves when nothing is under way any more. */
export async function runLoad(
  cluster: Cluster,
  remotes: readonly RemoteNode[],
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const names = [...cluster.stable, ...cluster.victims].map(({ name }) => name)
  const endlessly = async (pause: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      await work()
      // The signal ends the pause early, and nothing else throws here.
      if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => {})
      // What fails at once, again and again, must not keep everything else from its turn.
      else await nextTurn()
    }
  }
  await Promise.all([
    ...remotes.flatMap((remote) =>
      Array.from({ length: CALLERS }, (_, caller) => {
        let number = caller
        return endlessly(0, () => {
          number += CALLERS
          return callOnce(remote, number, tally)
        })
      }),
    ),
    endlessly(PAUSE, async () => {
      for (const remote of remotes) await snapshotOnce(remote, tally)
    }),
    endlessly(PAUSE, async () => {
      for (const name of names) await connectOnce(name, cluster, tally)
    }),
    endlessly(PAUSE, () => sweepOnce(names, cluster, tally)),
  ])
}

/** What is sent comes back turned round: nothing else is right. */
async function callOnce(remote: RemoteNode, number: number, tally: Tally): Promise<void> {
  const { equals } = etf
  const sent = [number, -number, 2n ** 70n + BigInt(number), `call ${number}`.length]
  await tally.attempt(
    'call',
    `a call to ${remote.name}`,
    () => remote.call('lists', 'reverse', [sent], { timeout: CALL_TIMEOUT }),
    (answer) => equals(answer, sent.toReversed()),
  )
}

async function snapshotOnce(remote: RemoteNode, tally: Tally): Promise<void> {
  const { memoryReport, takeSnapshot } = beamscope
  await tally.attempt(
    'snapshot',
    `a snapshot of ${remote.name}`,
    () => takeSnapshot(remote, { timeout: TIMEOUT }),
    (snapshot) => {
      const { used, allocated } = memoryReport(snapshot)
      return snapshot.node === remote.name && used > 0 && used <= allocated
    },
  )
}

/** A node of ours that comes, asks who is there, and is gone. */
async function connectOnce(name: string, cluster: Cluster, tally: Tally): Promise<void> {
  const { connect, Cookie } = beamscope
  const { atom, equals } = etf
  const { epmdPort } = cluster
  await tally.attempt(
    'connection',
    `a connection to ${name}`,
    async () => {
      const cookie = new Cookie(cluster.cookie)
      await using remote = await connect(name, { cookie, epmdPort, timeout: TIMEOUT })
      return await remote.call('erlang', 'node', [], { timeout: CALL_TIMEOUT })
    },
    (answer) => equals(answer, atom(name)),
  )
}

async function sweepOnce(names: readonly string[], cluster: Cluster, tally: Tally): Promise<void> {
  const { Cookie, sweep } = beamscope
  const options = { cookie: new Cookie(cluster.cookie), epmdPort: cluster.epmdPort }
  const seen = new Set<string>()
  try {
    for await (const result of sweep(names, { ...options, nodeTimeout: TIMEOUT })) {
      seen.add(result.node)
      if (result.status === 'failed') tally.failed('sweep', `a sweep, ${result.node}`, result.error)
      else if (result.answer.node === result.node) tally.done('sweep')
      else tally.addWrong(`a sweep: ${result.node} answered as ${result.answer.node}`)
    }
    if (seen.size !== names.length) tally.addWrong(`a sweep told of ${seen.size} nodes`)
  } catch (error) {
    tally.failed('sweep', 'a sweep', error)
  }
}
