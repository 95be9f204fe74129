/**
 * The analysis of a large snapshot: recon's functions on the very same one, on the BEAM.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checks } from '../analysis-worker.ts'
import { askBeam, type BeamNode, beamContestant } from '../beam.ts'
import type { Bench, Part } from '../bench.ts'
import type { Figures } from '../interleave.ts'
import { largestSnapshotFile, withOtherFigures } from '../payloads.ts'
import { load } from '../product.ts'
import { play, type Reach, type Row } from '../row.ts'
import { type Worker, Workers } from '../worker.ts'
import { requireRecon } from './snapshot.ts'

const FIFTH: Reach = { kind: 'at-most', value: 0.2 }

const CASES = [
  {
    snapshot: 'idle',
    what: 'all figures of 128 schedulers, from bytes',
    task: 'readAndAnalyse',
    operation: 'decode_and_analysis',
    reach: FIFTH,
    remark: undefined,
  },
  {
    snapshot: 'busy',
    what: 'the same, every figure another',
    task: 'readAndAnalyse',
    operation: 'decode_and_analysis',
    reach: { kind: 'at-most' } satisfies Reach,
    remark: 'what schedulers of an idle node have in common is read once, here it is nothing',
  },
  {
    snapshot: 'idle',
    what: 'all figures of 128 schedulers, at hand',
    task: 'analyse',
    operation: 'analysis',
    reach: FIFTH,
    remark: 'of what both made of the answer before',
  },
] as const

export const analysisPart: Part = {
  name: 'analysis',
  title: 'the analysis of 128 schedulers',
  run: async (bench) => {
    const group = 'analysis'
    const duration = bench.duration(200)
    const beam = await bench.beam()
    const title = requireRecon(beam)
    await using workers = new Workers(bench.signal)
    const idle = await prepare(workers, beam, 'idle', await writeLargestSnapshot(bench, 'idle'))
    const busy = await prepare(workers, beam, 'busy', await writeLargestSnapshot(bench, 'busy'))
    const prepared = { idle, busy }
    const rows: Row[] = []
    for (const { snapshot, what, task, operation, reach, remark } of CASES) {
      const key = operation === 'analysis' ? snapshot : `${snapshot}_bytes`
      const recon = beamContestant(beam, title, operation, [key], duration)
      const worker = prepared[snapshot]
      rows.push(
        ...(await play(
          {
            group,
            what,
            ours: { name: 'beamscope', measure: () => measure(worker, task, duration) },
            opponents: [{ contestant: recon, reach, remark }],
          },
          bench.rounds(),
        )),
      )
    }
    return rows
  },
}

/** Gives both a snapshot, and sees that they say the same of it. */
async function prepare(
  workers: Workers,
  beam: BeamNode,
  key: string,
  path: string,
): Promise<Worker> {
  const bytes = await readFile(path)
  await askBeam(beam, 'keep_snapshot', key, bytes)
  await askBeam(beam, 'keep', `${key}_bytes`, bytes)
  const worker = workers.start('analysis-worker')
  expectSame(await worker.ask<Checks>('prepare', path), await askRecon(beam, key))
  return worker
}

function measure(worker: Worker, task: string, duration: number): Promise<Figures> {
  return worker.ask<Figures>(task, duration)
}

/** `{erlang:memory(), [{Allocator, Answer}]}` of the largest snapshot, as `term_to_binary/1` writes it. */
export async function writeLargestSnapshot(
  { folder }: Bench,
  kind: 'idle' | 'busy',
): Promise<string> {
  const etf = await load.etf()
  const { atom, decode, encode, ErlangMap, tuple } = etf
  const snapshot = decode(await readFile(largestSnapshotFile))
  const [memory, allocators] = ['memory', 'allocators'].map((key) =>
    snapshot instanceof ErlangMap ? snapshot.get(atom(key)) : undefined,
  )
  if (memory === undefined || allocators === undefined) throw new Error('no snapshot')
  const path = join(folder, `${kind}-snapshot.etf`)
  const shown = kind === 'idle' ? allocators : withOtherFigures(etf, allocators)
  await writeFile(path, encode(tuple(memory, shown)))
  return path
}

async function askRecon(beam: BeamNode, key: string): Promise<Checks> {
  const { isTuple } = await load.etf()
  const answer = await askBeam(beam, 'used_and_allocated', key)
  const [used, allocated, instances] = isTuple(answer, 3) ? answer.elements : []
  return { used: String(used), allocated: String(allocated), instances: Number(instances) }
}

/** A figure that is quick and wrong is worth nothing; the tests compare all of them, to the bit. */
function expectSame(ours: Checks, theirs: Checks): void {
  const [mine, other] = [JSON.stringify(ours), JSON.stringify(theirs)]
  if (mine !== other) throw new Error(`we say ${mine}, recon says ${other}`)
}
