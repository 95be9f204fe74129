/**
 * Looks at nodes, made of a recorded snapshot: its figures grow and shrink from one to the next.
 */
import picocolors from 'picocolors'
import type { Moment } from '../../src/analysis/timeline.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import type { Style } from '../../src/watch/frame.ts'
import { type Look, lookOf } from '../../src/watch/look.ts'
import { type Model, type ModelOptions, startModel, update } from '../../src/watch/model.ts'

/** Noon where the test runs: the screen shows the time of the day there. */
export const NOON: number = new Date(2026, 0, 31, 12).getTime()

export const PLAIN: Style = { colors: picocolors.createColors(false), isAscii: false }

const { raw, snapshot } = await readSnapshotFile(binarySpikeFile)

/** The recorded node under another name, at another time. */
export function lookAt(node: string, time: number): Look {
  const takenAt = new Date(time).toISOString()
  return lookOf({ type: 'sample', node, time, raw, snapshot: { ...snapshot, takenAt } })
}

/** The course of a minute, before the look. */
export function courseBefore({ moment }: Look, interval: number, count = 30): readonly Moment[] {
  const course = Array.from({ length: count }, (_, index) => {
    const share = (index + 1) / (count + 1)
    const part = (size: number | bigint): number => Math.round(Number(size) * share)
    return {
      ...moment,
      time: moment.time - (count - index) * interval,
      used: Math.round(Number(moment.used) * (3 - 2 * share)),
      waste: part(moment.waste),
      allocators: moment.allocators.map((it) => ({ ...it, waste: part(it.waste) })),
    }
  })
  return [...course, moment]
}

/** Nodes that have been watched for a minute. */
export function watchedModel(
  nodes: readonly string[],
  columns: number,
  rows: number,
  options: Partial<ModelOptions> = {},
): Model {
  const interval = 2_000
  const start = startModel({
    nodes,
    interval,
    sort: 'waste',
    unit: undefined,
    size: { columns, rows },
    ...options,
  })
  return nodes.reduce((model, node) => {
    const look = lookAt(node, NOON)
    return update(model, { type: 'look', look, moments: courseBefore(look, interval) })
  }, start)
}
