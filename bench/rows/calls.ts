/**
 * Calls to a node on loopback: one after the other, many at a time, and one with a large reply.
 */
import { askBeam, beamContestant } from '../beam.ts'
import type { Bench, Part } from '../bench.ts'
import { connectClient } from '../client.ts'
import type { Contestant, Figures } from '../interleave.ts'
import { startJInterface } from '../jinterface.ts'
import { absence, isReached, type Opponent, play, type Reach, type Row } from '../row.ts'
import { Workers } from '../worker.ts'

export const callPart: Part = {
  name: 'call',
  title: 'calls, one after the other',
  run: async (bench) => {
    const group = 'call'
    const what = 'erlang:node/0, there and back'
    const duration = bench.duration(200)
    const [target, peer] = [await bench.target(), await bench.peer()]
    await using workers = new Workers(bench.signal)
    const worker = await connectClient(workers, target)
    const args = [target.node.name]
    const opponents: Opponent[] = [
      {
        contestant: beamContestant(peer, 'erpc:call', 'call', args, duration),
        reach: { kind: 'at-most', value: 1.3 },
      },
    ]
    const absences: Row[] = []
    let java: (Contestant & AsyncDisposable) | undefined
    try {
      const { name: node, cookie, epmdPort } = target.node
      const { folder, signal } = bench
      java = await startJInterface({ node, cookie, epmdPort, folder, duration, signal })
      opponents.push({ contestant: java, reach: { kind: 'at-most', value: 1 } })
    } catch (error) {
      bench.signal.throwIfAborted()
      absences.push(absence({ group, what, against: 'JInterface' }, error))
    }
    try {
      const ours = {
        name: 'beamscope',
        measure: () => worker.ask<Figures>('call', duration),
      }
      return [...(await play({ group, what, ours, opponents }, bench.rounds())), ...absences]
    } finally {
      await java?.[Symbol.asyncDispose]()
    }
  },
}

/** How many calls are under way. */
const WINDOW = 100

/** How many an Erlang round has between two looks at the clock. */
const BATCH = 2_000

export const pipelinedPart: Part = {
  name: 'pipelined',
  title: 'calls, many at a time',
  run: async (bench) => {
    const duration = bench.duration(400)
    const [target, peer] = [await bench.target(), await bench.peer()]
    await using workers = new Workers(bench.signal)
    const worker = await connectClient(workers, target)
    const args = [target.node.name, WINDOW, bench.isBrief ? WINDOW : BATCH]
    return await play(
      {
        group: 'pipelined',
        what: `each of calls, ${WINDOW} under way`,
        ours: {
          name: 'beamscope',
          measure: () => worker.ask<Figures>('pipelined', WINDOW, duration),
        },
        opponents: [
          {
            contestant: beamContestant(peer, 'erpc:send_request', 'pipelined', args, duration),
            reach: { kind: 'at-least', value: 1 },
          },
          {
            contestant: beamContestant(
              peer,
              `erpc:call, ${WINDOW} processes`,
              'processes',
              args,
              duration,
            ),
            reach: { kind: 'at-least' },
            remark: 'more processors than one at work on the asking side, which no JavaScript has',
          },
        ],
      },
      bench.rounds(),
    )
  },
}

const LARGE = 100_000_000
const LARGE_KEY = 'beamscope_bench_large'

export const largePart: Part = {
  name: 'large',
  title: 'a reply of 100 MB',
  run: async (bench) => {
    const [target, peer] = [await bench.target(), await bench.peer()]
    await askBeam(target, 'keep_large', LARGE_KEY, LARGE)
    const rows = await runLarge(bench)
    await askBeam(target, 'drop', LARGE_KEY)
    return rows

    async function runLarge({ signal }: Bench): Promise<readonly Row[]> {
      await using workers = new Workers(signal)
      const worker = await connectClient(workers, target)
      const args = [target.node.name, LARGE_KEY, LARGE]
      const rows = await play(
        {
          group: 'large',
          what: 'a binary of 100 MB as one reply',
          ours: {
            name: 'beamscope',
            measure: () => worker.ask<Figures>('large', LARGE_KEY, LARGE),
          },
          opponents: [
            {
              contestant: beamContestant(peer, 'erpc:call', 'large', args, 0),
              reach: { kind: 'at-least', value: 1 },
            },
          ],
        },
        bench.rounds(9, 2),
      )
      return [...rows, await measurePeak(workers)]
    }

    /** Of a process that has one such reply in its life. */
    async function measurePeak(workers: Workers): Promise<Row> {
      const worker = await connectClient(workers, target)
      const before = await worker.ask<Resident>('resident')
      await worker.ask('large', LARGE_KEY, LARGE)
      const { peak } = await worker.ask<Resident>('resident')
      const reach: Reach = { kind: 'at-most', value: 2.5 }
      const ratio = peak / LARGE
      return {
        kind: 'measurement',
        group: 'large',
        what: 'peak memory of our process for it',
        against: 'bytes of the reply',
        unit: 'bytes',
        value: peak,
        ratio,
        reach,
        isReached: isReached(ratio, reach),
        remark: `${Math.round(before.now / 2 ** 20)} MiB of it, Node.js and all, were there before`,
      }
    }
  },
}

interface Resident {
  readonly now: number
  readonly peak: number
}
