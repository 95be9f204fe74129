/**
 * Nodes whose memory differs from that of their peers, by its modified z-score.
 */
import { ratioInWords, sizeInWords } from './finding.ts'
import { add, compare, multiply, subtract } from './integer.ts'
import { type Spread, spreadOf } from './modified-z-score.ts'
import type { NodeSummary } from './node-summary.ts'
import { OUTLIER_LIMITS, type Outlier, type OutlierFigure, type Peers } from './outlier.ts'
import type { Integer } from './snapshot.ts'

interface Figure {
  readonly what: OutlierFigure
  /** Which side of the median is worth a word. */
  readonly side: 'more' | 'less' | 'both'
  /** So that all that is compared is an integer. */
  toInteger(figure: Integer): Integer
  /** Of an integer that is doubled, as medians may be halves. */
  fromDoubled(doubled: Integer): Integer
  matters(value: Integer, spread: Spread, summary: NodeSummary): boolean
  /** For people: what a node does, and the figure itself. */
  sentence(figure: string): string
  inWords(figure: Integer): string
}

const SIZE: Omit<Figure, 'what' | 'side' | 'sentence'> = {
  toInteger: (size) => size,
  // By adding 0 it is a number again, while it is safe.
  fromDoubled: (doubled) => add(BigInt(doubled) / 2n, 0),
  matters: (value, { doubledDeviation, doubledMedian }) => {
    const { size, partsOfMedian } = OUTLIER_LIMITS
    const deviation = doubledDeviation(value)
    return (
      compare(deviation, 2 * size) > 0 &&
      compare(multiply(deviation, partsOfMedian), doubledMedian) > 0
    )
  },
  inWords: sizeInWords,
}

/** Usage is compared in millionths. */
const MILLION = 1_000_000

const FIGURES: readonly Figure[] = [
  { ...SIZE, what: 'waste', side: 'more', sentence: (size) => `wastes ${size}` },
  {
    what: 'usage',
    side: 'less',
    toInteger: (usage) => Math.round(Number(usage) * MILLION),
    fromDoubled: (doubled) => Number(doubled) / (2 * MILLION),
    // A small node may use little of what it has: there is nothing to be had from it.
    matters: (value, { doubledDeviation }, { allocated = 0, used = 0 }) =>
      compare(doubledDeviation(value), 2 * OUTLIER_LIMITS.usage * MILLION) > 0 &&
      compare(subtract(allocated, used), OUTLIER_LIMITS.size) > 0,
    sentence: (usage) => `uses ${usage} of its carriers`,
    inWords: (usage) => ratioInWords(Number(usage)),
  },
  // Of this the machine runs out; to have less of it does no harm.
  { ...SIZE, what: 'resident', side: 'more', sentence: (size) => `has ${size} resident` },
  // One that holds far less does not do its part: it was restarted, or nobody comes to it.
  { ...SIZE, what: 'allocated', side: 'both', sentence: (size) => `has ${size} allocated` },
]

/** At most one for each node and figure. */
export function figureOutliers(peers: Peers): readonly Outlier[] {
  return FIGURES.flatMap((figure) => outliersIn(figure, peers))
}

function outliersIn(figure: Figure, { role, summaries }: Peers): readonly Outlier[] {
  const { what, side } = figure
  const told = summaries.flatMap((summary) => {
    const amount = summary[what]
    // A release that counts wrongly may use something of nothing, which is infinitely much.
    return amount === undefined || !Number.isFinite(Number(amount))
      ? []
      : [{ summary, amount, value: figure.toInteger(amount) }]
  })
  if (told.length < OUTLIER_LIMITS.peers) return []
  const spread = spreadOf(told.map(({ value }) => value))
  const typical = figure.fromDoubled(spread.doubledMedian)
  return told.flatMap(({ summary, amount, value }) => {
    const isMore = compare(multiply(value, 2), spread.doubledMedian) > 0
    if (side !== 'both' && side !== (isMore ? 'more' : 'less')) return []
    if (!spread.isOutlier(value) || !figure.matters(value, spread, summary)) return []
    const { node } = summary
    return [
      {
        node,
        role,
        peers: told.length,
        what,
        value: amount,
        typical,
        summary:
          `${node} ${figure.sentence(figure.inWords(amount))}; the median of the ` +
          `${told.length} nodes of role ${role} is ${figure.inWords(typical)}`,
      },
    ]
  })
}
