/**
 * The analysis of a large snapshot: recon's functions on the very same one, on the BEAM.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checks } from '../analysis-worker.ts'
import { askBeam, type BeamNode, beamContestant } from '../beam.ts'
import type { Bench, Part } from '../bench.ts'
import type { Figures } from '../interleave.ts'
import { largestSnapshotFile } from '../payloads.ts'
import { load } from '../product.ts'
import { play, type Reach, type Row } from '../row.ts'
import { type Worker, Workers } from '../worker.ts'
import { requireRecon } from './snapshot.ts'

const FIFTH: Reach = { kind: 'at-most', value: 0.2 }

const CASES = [
  {
    what: 'all figures of 128 schedulers, from terms',
    task: 'analyse',
    operation: 'analysis',
    key: 'snapshot',
    remark:
      "from terms as the node gave them in ours, from those that were converted before in recon's",
  },
  {
    what: 'all figures of 128 schedulers, from bytes',
    task: 'decodeAndAnalyse',
    operation: 'decode_and_analysis',
    key: 'snapshot_bytes',
    remark: undefined,
  },
] as const

export const analysisPart: Part = {
  name: 'analysis',
  title: 'the analysis of 128 schedulers',
  run: async (bench) => {
    const group = 'analysis'
    const duration = bench.duration(200)
    const beam = await bench.beam()
    requireRecon(beam)
    const path = await writeLargestSnapshot(bench)
    const bytes = await readFile(path)
    await askBeam(beam, 'keep_snapshot', 'snapshot', bytes)
    await askBeam(beam, 'keep', 'snapshot_bytes', bytes)
    await using workers = new Workers(bench.signal)
    const worker = workers.start('analysis-worker')
    expectSame(await worker.ask<Checks>('prepare', path), await askRecon(beam))
    const rows: Row[] = []
    for (const { what, task, operation, key, remark } of CASES) {
      const recon = beamContestant(beam, 'recon_alloc', operation, [key], duration)
      rows.push(
        ...(await play(
          {
            group,
            what,
            ours: { name: 'beamscope', measure: () => measure(worker, task, duration) },
            opponents: [{ contestant: recon, reach: FIFTH, remark }],
          },
          bench.rounds(),
        )),
      )
    }
    return rows
  },
}

function measure(worker: Worker, task: string, duration: number): Promise<Figures> {
  return worker.ask<Figures>(task, duration)
}

/** `{erlang:memory(), [{Allocator, Answer}]}` of the largest snapshot, as `term_to_binary/1` writes it. */
export async function writeLargestSnapshot({ folder }: Bench): Promise<string> {
  const { atom, decode, encode, ErlangMap, tuple } = await load.etf()
  const snapshot = decode(await readFile(largestSnapshotFile))
  const [memory, allocators] = ['memory', 'allocators'].map((key) =>
    snapshot instanceof ErlangMap ? snapshot.get(atom(key)) : undefined,
  )
  if (memory === undefined || allocators === undefined) throw new Error('no snapshot')
  const path = join(folder, 'largest-snapshot.etf')
  await writeFile(path, encode(tuple(memory, allocators)))
  return path
}

async function askRecon(beam: BeamNode): Promise<Checks> {
  const { isTuple } = await load.etf()
  const answer = await askBeam(beam, 'used_and_allocated', 'snapshot')
  const [used, allocated, instances] = isTuple(answer, 3) ? answer.elements : []
  return { used: String(used), allocated: String(allocated), instances: Number(instances) }
}

/** A figure that is quick and wrong is worth nothing; the tests compare all of them, to the bit. */
function expectSame(ours: Checks, theirs: Checks): void {
  const [mine, other] = [JSON.stringify(ours), JSON.stringify(theirs)]
  if (mine !== other) throw new Error(`we say ${mine}, recon says ${other}`)
}
