/**
 * What is held for as long as it is kept: a connection that nobody uses, and a snapshot.
 */
import { stat } from 'node:fs/promises'
import type { Bench, Part } from '../bench.ts'
import type { Held } from '../client-worker.ts'
import type { Row } from '../row.ts'
import { Workers } from '../worker.ts'
import { writeLargestSnapshot } from './analysis.ts'
import { startReplayNodes } from './sweep.ts'

const EXPOSE_GC = ['--expose-gc']

export const memoryPart: Part = {
  name: 'memory',
  title: 'memory held',
  run: async (bench) => {
    await using workers = new Workers(bench.signal)
    return [
      ...(await measureConnections(bench, workers)),
      ...(await measureSnapshots(bench, workers)),
    ]
  },
}

async function measureConnections(bench: Bench, workers: Workers): Promise<readonly Row[]> {
  const count = bench.isBrief ? 20 : 500
  // One is connected before; what it makes the program load does not count.
  const { names, address } = await startReplayNodes(bench, workers, count + 1)
  const worker = workers.start('client-worker', EXPOSE_GC)
  const { before, after } = await worker.ask<{ readonly before: Held; readonly after: Held }>(
    'hold',
    names,
    address,
  )
  const each = (key: keyof Held): number => (after[key] - before[key]) / count
  const common = {
    kind: 'measurement',
    group: 'memory',
    unit: 'bytes',
    isReached: undefined,
  } as const
  return [
    {
      ...common,
      what: `an idle connection, of ${count}: heap and buffers`,
      value: each('heap'),
      remark:
        'whatever a peer does, a connection holds at most one frame (256 MiB), 256 MiB of messages in ' +
        'fragments, and 256 MiB that wait to be sent; 65,536 calls; and 2,048 atoms of the cache',
    },
    { ...common, what: `an idle connection, of ${count}: resident`, value: each('resident') },
  ]
}

async function measureSnapshots(bench: Bench, workers: Workers): Promise<readonly Row[]> {
  const path = await writeLargestSnapshot(bench, 'busy')
  const { size } = await stat(path)
  const worker = workers.start('analysis-worker', EXPOSE_GC)
  await worker.ask('prepare', path)
  const { snapshot, terms } = await worker.ask<{
    readonly snapshot: number
    readonly terms: number
  }>('retain', bench.isBrief ? 3 : 20)
  const common = {
    kind: 'measurement',
    group: 'memory',
    unit: 'bytes',
    against: 'bytes on the wire',
    isReached: undefined,
  } as const
  return [
    {
      ...common,
      what: 'a retained snapshot of 128 busy schedulers',
      value: snapshot,
      ratio: snapshot / size,
      remark:
        'it grows with the schedulers of the node alone, not with what the node does; an answer has at ' +
        'most 128 MiB',
    },
    { ...common, what: 'the terms of the same', value: terms, ratio: terms / size },
  ]
}
