/**
 * Which samples of a long recording are kept: fewer the older they are, and always those at a peak.
 *
 * Of each step, such as a minute, the first sample is kept. Of each longer window, such as an hour, those are
 * kept as well in which an allocator had the most carriers, used most, or used least of what it had, and the one
 * with the largest resident size: what a diagnosis asks of the past. What is kept by coarse steps is among what is
 * kept by fine ones, so that it makes no difference how often a recording was thinned out before.
 */
import { add, compare } from '../analysis/integer.ts'
import { occupancies } from '../analysis/occupancy.ts'
import type { Integer, Snapshot } from '../analysis/snapshot.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What is kept of samples of an age. All in milliseconds. */
export interface Thinning {
  /** Only of samples that are older. */
  readonly olderThan: number
  /** Of each such step the first sample is kept. */
  readonly every: number
  /** Of each such window, a multiple of the step, the peaks are kept. */
  readonly peaksOf: number
}

/** Of samples older than a day, one a minute and the peaks of each hour; than a week, one an hour and of each day. */
export const DEFAULT_THINNING: readonly Thinning[] = [
  { olderThan: DAY, every: MINUTE, peaksOf: HOUR },
  { olderThan: 7 * DAY, every: HOUR, peaksOf: DAY },
]

/** The highest value of a figure within a window, and the sample that had it. */
interface Peak {
  readonly window: number
  readonly value: Integer
  readonly sample: number
}

/** Learns of all samples, one after the other, which are kept. */
export class Thinner {
  readonly #rules: readonly Thinning[]
  readonly #now: number
  readonly #kept = new Set<number>()
  /** By node and rule, the last step of which a sample was kept. */
  readonly #steps = new Map<string, number>()
  /** By node, rule and figure. */
  readonly #peaks = new Map<string, Peak>()
  #samples = 0

  constructor(rules: readonly Thinning[], now: number) {
    this.#rules = [...rules].sort((left, right) => right.olderThan - left.olderThan)
    this.#now = now
  }

  /** The next sample; `snapshot` for its figures, `undefined` where it has none that can be read. */
  add(node: string, time: number, snapshot: () => Snapshot | undefined): void {
    const sample = this.#samples++
    const index = this.#rules.findIndex(({ olderThan }) => this.#now - time > olderThan)
    const rule = this.#rules[index]
    const figures = rule === undefined ? undefined : figuresOf(snapshot())
    if (rule === undefined || figures === undefined) {
      this.#kept.add(sample)
      return
    }
    const key = JSON.stringify([node, index])
    const step = Math.floor(time / rule.every)
    if (this.#steps.get(key) !== step) {
      this.#steps.set(key, step)
      this.#kept.add(sample)
    }
    const window = Math.floor(time / rule.peaksOf)
    for (const [figure, value] of figures) {
      this.#addFigure(`${key} ${figure}`, { window, value, sample })
    }
  }

  /** Those that are kept, by their places among all that were added. */
  finish(): ReadonlySet<number> {
    for (const { sample } of this.#peaks.values()) this.#kept.add(sample)
    return this.#kept
  }

  #addFigure(key: string, figure: Peak): void {
    const peak = this.#peaks.get(key)
    if (peak?.window === figure.window && compare(figure.value, peak.value) <= 0) return
    if (peak !== undefined && peak.window !== figure.window) this.#kept.add(peak.sample)
    this.#peaks.set(key, figure)
  }
}

function figuresOf(
  snapshot: Snapshot | undefined,
): readonly (readonly [name: string, value: Integer])[] | undefined {
  if (snapshot === undefined) return undefined
  const figures: (readonly [string, Integer])[] = [['resident', snapshot.os?.resident ?? 0]]
  for (const { allocator, mbcs, sbcs } of occupancies(snapshot)) {
    figures.push(
      [`${allocator} allocated`, add(mbcs.allocated, sbcs.allocated)],
      [`${allocator} used`, add(mbcs.used, sbcs.used)],
      [`${allocator} unused`, add(mbcs.unused, sbcs.unused)],
    )
  }
  return figures
}
