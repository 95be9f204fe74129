/**
 * Decoding and encoding: beside the BEAM, the codecs of the npm registry, and two formats that are no
 * Erlang's, in the same shape.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askBeam, beamContestant } from '../beam.ts'
import type { Bench, Part } from '../bench.ts'
import type { CodecName, Operation, Preparation } from '../codec-worker.ts'
import type { Contestant, Figures } from '../interleave.ts'
import { type Payload, snapshotPayloads, trafficPayload } from '../payloads.ts'
import { absence, type Opponent, play, type Reach, type Row } from '../row.ts'
import { Workers } from '../worker.ts'

const PEERS = ['erlang_js', '@typescord/ftee', 'etf.js', 'JSON', 'msgpackr'] as const

/** Ahead. */
const FASTER = 1

const atLeast = (value?: number): Reach => ({ kind: 'at-least', value })

/** How many times as fast as each we should be. */
const REACHES = {
  snapshot: {
    decode: {
      BEAM: atLeast(2),
      erlang_js: atLeast(15),
      '@typescord/ftee': atLeast(5),
      'etf.js': atLeast(5),
      JSON: atLeast(2),
      msgpackr: atLeast(1.2),
    },
    encode: {
      BEAM: atLeast(1),
      erlang_js: atLeast(FASTER),
      '@typescord/ftee': atLeast(FASTER),
      'etf.js': atLeast(FASTER),
      JSON: atLeast(FASTER),
      msgpackr: atLeast(FASTER),
    },
  },
  traffic: {
    decode: {
      BEAM: atLeast(),
      erlang_js: atLeast(FASTER),
      '@typescord/ftee': atLeast(FASTER),
      'etf.js': atLeast(FASTER),
      JSON: atLeast(),
      msgpackr: atLeast(FASTER),
    },
    encode: {
      BEAM: atLeast(1),
      erlang_js: atLeast(FASTER),
      '@typescord/ftee': atLeast(FASTER),
      'etf.js': atLeast(FASTER),
      JSON: atLeast(FASTER),
      msgpackr: atLeast(FASTER),
    },
  },
} as const

export const decodePart: Part = {
  name: 'decode',
  title: 'decoding',
  run: (bench) => runOperation(bench, 'decode'),
}

export const encodePart: Part = {
  name: 'encode',
  title: 'encoding',
  run: (bench) => runOperation(bench, 'encode'),
}

async function runOperation(bench: Bench, operation: Operation): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const payload of [...(await snapshotPayloads()), await trafficPayload()]) {
    bench.report(`${operation}: ${payload.title}`)
    rows.push(...(await runPayload(bench, operation, payload)))
  }
  return rows
}

async function runPayload(
  bench: Bench,
  operation: Operation,
  payload: Payload,
): Promise<readonly Row[]> {
  const what = `${operation} ${payload.title}`
  const row = { group: operation, what }
  const reaches = REACHES[payload.name === 'traffic' ? 'traffic' : 'snapshot'][operation]
  const path = join(bench.folder, `${payload.name}.etf`)
  await writeFile(path, payload.bytes)
  const duration = bench.duration()
  const absences: Row[] = []
  const opponents: Opponent[] = []
  await using workers = new Workers(bench.signal)

  const open = async (
    name: CodecName,
  ): Promise<{ readonly contestant: Contestant; readonly preparation: Preparation }> => {
    const worker = workers.start('codec-worker')
    const preparation = await worker.ask<Preparation>('prepare', name, path)
    const measure = (): Promise<Figures> => worker.ask<Figures>('run', operation, duration)
    return { contestant: { name: preparation.title, measure }, preparation }
  }

  const ours = await open('beamscope')
  const broken = ours.preparation.failures[operation] ?? ours.preparation.faults[operation]
  if (broken !== undefined) throw new Error(`${what}: we are wrong ourselves: ${broken}`)

  try {
    const beam = await bench.beam()
    await askBeam(beam, operation === 'decode' ? 'keep' : 'keep_term', payload.name, payload.bytes)
    const name = operation === 'decode' ? 'binary_to_term' : 'term_to_binary'
    const contestant = beamContestant(beam, name, operation, [payload.name], duration)
    opponents.push({ contestant, reach: reaches.BEAM })
  } catch (error) {
    bench.signal.throwIfAborted()
    absences.push(absence({ ...row, against: 'the BEAM' }, error))
  }
  for (const name of PEERS) {
    const { contestant, preparation } = await open(name)
    const failure = preparation.failures[operation]
    if (failure !== undefined) {
      absences.push({
        kind: 'absent',
        ...row,
        against: contestant.name,
        reason: `it cannot: ${failure}`,
      })
      continue
    }
    const fault = preparation.faults[operation]
    const verb = operation === 'decode' ? 'reads' : 'writes'
    opponents.push({
      contestant,
      reach: reaches[name],
      remark: fault === undefined ? undefined : `${verb} it wrong: ${fault}`,
    })
  }
  const rows = await play({ ...row, ours: ours.contestant, opponents }, bench.rounds())
  return [...rows, ...absences]
}
