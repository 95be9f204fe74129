/**
 * A snapshot of a live node, to figures: how long it takes, and what it costs the node.
 */
import { askBeam, type BeamNode, beamContestant } from '../beam.ts'
import type { Part } from '../bench.ts'
import { connectClient } from '../client.ts'
import type { Contestant, Figures } from '../interleave.ts'
import { load } from '../product.ts'
import { MissingHereError, play, type Reach } from '../row.ts'
import { type Worker, Workers } from '../worker.ts'

const HALF: Reach = { kind: 'at-most', value: 0.5 }
const SHOWN: Reach = { kind: 'at-most' }

const AT_ONCE_REMARK = 'with a module put on the node, which an operator has not'

export const snapshotPart: Part = {
  name: 'snapshot',
  title: 'a snapshot of a live node',
  run: async (bench) => {
    const duration = bench.duration(300)
    const [target, peer] = [await bench.target(), await bench.peer()]
    requireRecon(target)
    await using workers = new Workers(bench.signal)
    const worker = await connectClient(workers, target)
    const args = [target.node.name]
    return await play(
      {
        group: 'snapshot',
        what: 'memory and fragmentation of 8 schedulers',
        ours: ours(worker, duration),
        opponents: [
          { contestant: recon(peer, args, duration), reach: HALF },
          {
            contestant: reconAtOnce(peer, args, duration),
            reach: SHOWN,
            remark: AT_ONCE_REMARK,
          },
        ],
      },
      bench.rounds(),
    )
  },
}

export const loadPart: Part = {
  name: 'load',
  title: 'what a snapshot costs the node',
  run: async (bench) => {
    const duration = bench.duration(1_000)
    const [target, peer] = [await bench.target(), await bench.peer()]
    requireRecon(target)
    await using workers = new Workers(bench.signal)
    const worker = await connectClient(workers, target)
    const args = [target.node.name]
    const loaded = (contestant: Contestant): Contestant => withLoad(target, contestant)
    const observerCli = beamContestant(peer, "observer_cli's calls", 'observer_cli', args, duration)
    return await play(
      {
        group: 'load',
        what: 'of the node for a sample',
        figures: [
          { name: 'reductions', unit: 'count', what: 'reductions' },
          { name: 'words', unit: 'count', what: 'words collected' },
          { name: 'runtime', unit: 'nanoseconds', what: 'processor time' },
        ],
        ours: loaded(ours(worker, duration)),
        opponents: [
          { contestant: loaded(recon(peer, args, duration)), reach: HALF },
          {
            contestant: loaded(observerCli),
            reach: HALF,
            remark:
              'not observer_cli itself: what its page of allocators calls at each refresh, by rpc ' +
              '(cache_hit_rates, average_block_sizes of current and of max), which tells less than ours',
          },
          {
            contestant: loaded(reconAtOnce(peer, args, duration)),
            reach: SHOWN,
            remark: AT_ONCE_REMARK,
          },
        ],
      },
      bench.rounds(9, 1),
    )
  },
}

function ours(worker: Worker, duration: number): Contestant {
  return { name: 'beamscope', measure: () => worker.ask<Figures>('snapshot', duration) }
}

function recon(peer: BeamNode, args: readonly string[], duration: number): Contestant {
  return beamContestant(peer, `${requireRecon(peer)} by rpc`, 'recon', args, duration)
}

function reconAtOnce(peer: BeamNode, args: readonly string[], duration: number): Contestant {
  return beamContestant(peer, `${requireRecon(peer)} in one call`, 'recon_at_once', args, duration)
}

/** `recon 2.5.6`. @throws {MissingHereError} when the node has none */
export function requireRecon({ recon }: BeamNode): string {
  if ('missing' in recon) throw new MissingHereError(recon.missing)
  return `recon ${recon.version}`
}

/** What the node says of itself before and after, through a connection of its own, less what that costs. */
function withLoad(target: BeamNode, contestant: Contestant): Contestant {
  return {
    name: contestant.name,
    measure: async () => {
      const first = await readLoad(target)
      const before = await readLoad(target)
      const { count } = await contestant.measure()
      const after = await readLoad(target)
      const each = (key: keyof Load): number => {
        const own = before[key] - first[key]
        return Math.max(0, after[key] - before[key] - own) / (count ?? Number.NaN)
      }
      return {
        reductions: each('reductions'),
        words: each('words'),
        runtime: each('runtime') * 1e6,
      }
    },
  }
}

interface Load {
  readonly reductions: number
  readonly words: number
  /** Milliseconds of processors, in steps of ten. */
  readonly runtime: number
}

async function readLoad(target: BeamNode): Promise<Load> {
  const { isTuple } = await load.etf()
  const answer = await askBeam(target, 'load')
  const [reductions, words, runtime] = isTuple(answer, 3) ? answer.elements.map(Number) : []
  if (reductions === undefined || words === undefined || runtime === undefined) {
    throw new Error('the node did not say what it has done')
  }
  return { reductions, words, runtime }
}
