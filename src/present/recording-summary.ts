/**
 * What a recording holds: of which nodes, from when to when, and what of it cannot be read.
 */
import { type RecordingDamage, RecordingDamagedError } from '../history/recording-error.ts'
import type { RecordingIndex } from '../history/recording-reader.ts'
import { formatCount, formatSize } from './figures.ts'
import type { Paper } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { samplesText } from './recording-events.ts'
import { table } from './table.ts'

/** More rows tell no more; JSON has all. */
const MAX_ROWS = 50

export function recordingSummaryText(label: string, index: RecordingIndex, paper: Paper): string {
  const { bytes, damage, damaged, nodes, samples } = index
  const { colors, width } = paper
  const rows = nodes
    .slice(0, MAX_ROWS)
    .map(({ node, samples, first, last }) => [
      printable(node),
      formatCount(samples),
      isoTime(first),
      isoTime(last),
    ])
  const [first] = damage
  return [
    `${colors.bold('Recording')}  ${printable(label)}`,
    `${samplesText(samples)} in ${formatSize(bytes)}`,
    ...(nodes.length === 0
      ? []
      : [
          '',
          table(
            [
              { title: 'node' },
              { title: 'samples', align: 'right' },
              { title: 'from' },
              { title: 'to' },
            ],
            rows,
            paper,
          ),
        ]),
    ...(nodes.length > MAX_ROWS ? [`and ${nodes.length - MAX_ROWS} more nodes`] : []),
    ...(first === undefined
      ? []
      : ['', wrap(printable(new RecordingDamagedError(label, first, damaged).message), width)]),
  ].join('\n')
}

/** The same for programs. */
export interface RecordingSummary {
  readonly bytes: number
  readonly samples: number
  readonly nodes: readonly {
    readonly node: string
    readonly samples: number
    /** ISO 8601, UTC. */
    readonly from: string
    readonly to: string
  }[]
  /** How many parts cannot be read, and the first of them. */
  readonly damaged: number
  readonly damage: readonly RecordingDamage[]
}

export function recordingSummary(index: RecordingIndex): RecordingSummary {
  const { bytes, damage, damaged, nodes, samples } = index
  return {
    bytes,
    samples,
    nodes: nodes.map(({ node, samples, first, last }) => ({
      node,
      samples,
      from: isoTime(first),
      to: isoTime(last),
    })),
    damaged,
    damage,
  }
}

function isoTime(time: number): string {
  return new Date(time).toISOString()
}
