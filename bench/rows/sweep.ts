/**
 * Sweeps of whole clusters: nodes that are real, and many more that answer from a recording.
 */
import { randomBytes } from 'node:crypto'
import { freemem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { askBeam, type BeamNode, beamContestant, startBeamNode } from '../beam.ts'
import type { Bench, Part } from '../bench.ts'
import type { Address } from '../client-worker.ts'
import type { Contestant, Figures } from '../interleave.ts'
import { load, root } from '../product.ts'
import { absence, type Opponent, play, type Reach, type Row } from '../row.ts'
import { type Worker, Workers } from '../worker.ts'
import { requireRecon } from './snapshot.ts'

const REAL_NODES = 100

/** What a node with one scheduler takes, with something to spare. Bytes. */
const NODE_MEMORY = 60_000_000

/**
 * Milliseconds of a round: several sweeps of a hundred nodes. What a sweep leaves for the nodes to clean up, the
 * next one has to wait for.
 */
const DURATION = 1_000

const AS_FAST: Reach = { kind: 'at-most', value: 1 }

/** How much more a node may cost among a thousand than among ten, and still be called the same. */
const FLAT: Reach = { kind: 'at-most', value: 1.2 }

/** For what recon's figures take. */
const QUESTIONS = 'erpc:multicall'

/** And what ours tells besides: the release, the schedulers, the memory of the process under Linux. */
const ALL_QUESTIONS = 'the same, asking all that ours asks'

const FEWER_REMARK =
  'asks for the allocators and erlang:memory() alone; ours also has each node read ' +
  '/proc/self/smaps_rollup, for which the kernel goes through all pages of the process'

export const sweepPart: Part = {
  name: 'sweep',
  title: 'a sweep of real nodes',
  run: async (bench) => {
    const { signal, isBrief } = bench
    const duration = bench.duration(DURATION)
    const fitting = Math.floor(freemem() / NODE_MEMORY)
    const count = Math.min(isBrief ? 10 : REAL_NODES, fitting)
    if (count < 2) throw new Error('too little memory is free for nodes to sweep')
    await using first = await startBeamNode({ emulatorArguments: ['+S', '1:1'], signal })
    bench.report(`starting ${count} nodes`)
    const { isAtom, isList } = await load.etf()
    const answer = await askBeam(first, 'start_others', count)
    const names = isList(answer) ? answer.flatMap((it) => (isAtom(it) ? [it.name] : [])) : []
    const { cookie, epmdPort } = first.node
    await using peer = await startHiddenNode({ cookie, epmdPort }, signal)
    await using workers = new Workers(signal)
    const worker = workers.start('client-worker')
    const rows = await play(
      {
        group: 'sweep',
        what: `each of ${names.length} real nodes swept`,
        ours: ours(worker, names, { cookie, epmdPort }, duration),
        opponents: [
          { contestant: await beam(peer, names, duration), reach: AS_FAST, remark: FEWER_REMARK },
          { contestant: await beam(peer, names, duration, 'all'), reach: AS_FAST },
        ],
      },
      bench.rounds(9, 1),
    )
    const tooFew = `not ${REAL_NODES}: memory for ${count} nodes is free`
    return isBrief || count === REAL_NODES
      ? rows
      : rows.map((row) =>
          row.kind === 'comparison'
            ? { ...row, remark: [row.remark, tooFew].filter(Boolean).join('; ') }
            : row,
        )
  },
}

export const replaySweepPart: Part = {
  name: 'replay-sweep',
  title: 'a sweep of replayed nodes',
  run: async (bench) => {
    const group = 'replay-sweep'
    const { signal } = bench
    const duration = bench.duration(DURATION)
    const counts = bench.isBrief ? [5, 10, 20] : [10, 100, 1_000]
    await using workers = new Workers(signal)
    const { names, address } = await startReplayNodes(bench, workers, Math.max(...counts))
    const worker = workers.start('client-worker')
    const [few, some, all] = counts.map((count) => names.slice(0, count))
    if (few === undefined || some === undefined || all === undefined) throw new Error('no nodes')
    const what = `each of ${all.length} replayed nodes swept`
    const opponents: Opponent[] = [
      { contestant: alone(worker, few, address, duration), reach: FLAT },
      { contestant: alone(worker, some, address, duration), reach: { kind: 'at-most' } },
    ]
    const absences: Row[] = []
    let peer: BeamNode | undefined
    try {
      peer = await startHiddenNode(address, signal)
      opponents.unshift({ contestant: await beam(peer, all, duration), reach: AS_FAST })
    } catch (error) {
      signal.throwIfAborted()
      absences.push(absence({ group, what, against: QUESTIONS }, error))
    }
    try {
      const match = { group, what, ours: ours(worker, all, address, duration), opponents }
      return [...(await play(match, bench.rounds(5, 1))), ...absences]
    } finally {
      await peer?.[Symbol.asyncDispose]()
    }
  },
}

/** Nodes in a process of their own, which answer from the snapshot that the package carries. */
export async function startReplayNodes(
  bench: Bench,
  workers: Workers,
  count: number,
): Promise<{ readonly names: readonly string[]; readonly address: Address }> {
  bench.report(`starting ${count} replay nodes`)
  const recording = fileURLToPath(new URL('recordings/binary-spike.etf', root))
  const cookie = randomBytes(16).toString('hex')
  return workers.start('replay-worker').ask('start', count, recording, cookie)
}

async function startHiddenNode(address: Address, signal: AbortSignal): Promise<BeamNode> {
  const peer = await startBeamNode({ ...address, emulatorArguments: ['-hidden'], signal })
  try {
    requireRecon(peer)
    return peer
  } catch (error) {
    await peer[Symbol.asyncDispose]()
    throw error
  }
}

function ours(
  worker: Worker,
  names: readonly string[],
  address: Address,
  duration: number,
): Contestant {
  return {
    name: 'beamscope',
    measure: async () =>
      perNode(await worker.ask<Figures>('sweep', names, address, duration), names),
  }
}

/** Ours against ourselves. */
function alone(...[worker, names, address, duration]: Parameters<typeof ours>): Contestant {
  return { ...ours(worker, names, address, duration), name: `ours, each of ${names.length}` }
}

async function beam(
  peer: BeamNode,
  names: readonly string[],
  duration: number,
  questions: 'recon' | 'all' = 'recon',
): Promise<Contestant> {
  const { ALLOCATORS, OTHER_ALLOCATORS } = await load.probe()
  const args = [names, [...ALLOCATORS, ...OTHER_ALLOCATORS]]
  const contestant =
    questions === 'recon'
      ? beamContestant(peer, `${QUESTIONS}, ${requireRecon(peer)}`, 'sweep', args, duration)
      : beamContestant(peer, ALL_QUESTIONS, 'sweep_all', args, duration)
  return { ...contestant, measure: async () => perNode(await contestant.measure(), names) }
}

function perNode(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(
    ['time', 'cpu'].flatMap((key) => {
      const value = figures[key]
      return value === undefined ? [] : [[key, value / names.length]]
    }),
  )
}
