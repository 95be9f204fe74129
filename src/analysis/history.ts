/**
 * What many snapshots of a node show together: its peaks, what grows, and when memory began to be wasted.
 */
import { Course, type Point } from './course.ts'
import { isRestart, type Lifetime, lifetimeOf } from './lifetime.ts'
import { occupancies } from './occupancy.ts'
import { PeakSampler, type SampledPeak } from './sampled-peaks.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import { risesOf } from './step.ts'
import { type Moment, momentOf, Timeline } from './timeline.ts'
import { median, type Trend, trendOf } from './trend.ts'

/** Times in milliseconds since 1970. */
export interface History {
  readonly node: string | undefined
  /** Of the first sample, and of the last. */
  readonly from: number
  readonly to: number
  readonly samples: number
  /** Samples that came after later ones: a clock was set, or files were given in another order. */
  readonly disordered: number
  /** First samples after the node was started anew, so far as samples tell; the last few of them. */
  readonly restarts: readonly number[]
  /** Since when the node runs, or is known to: what grows is looked for from here on. */
  readonly since: number
  /** By allocator, the sample in which it used most. */
  readonly peaks: ReadonlyMap<string, SampledPeak>
  readonly moments: readonly Moment[]
  /** Of the node and then of each allocator. */
  readonly trends: readonly FigureTrend[]
  /** In order of time. */
  readonly steps: readonly Step[]
  /** In milliseconds, how exact these times are. */
  readonly precision: number
}

export type Figure = 'resident' | 'allocated' | 'used' | 'waste'

/** The trend of a figure of the node, or of one of its allocators. */
export interface FigureTrend extends Trend {
  readonly figure: Figure
  /** `undefined` for the node as a whole. */
  readonly allocator: string | undefined
  /** What it is at the end, without the noise of one sample; bytes. `undefined` where nobody told it. */
  readonly now: number | undefined
  /** Of the time since it began, where it was looked at: without long gaps between samples. Milliseconds. */
  readonly seen: number
  /** How far the last points lie, at most, above the least that it was since then; bytes. */
  readonly risen: number
}

/** What an allocator held. Bytes. */
export interface Holding {
  readonly allocated: number
  readonly used: number
  readonly waste: number
}

/** An allocator's waste rose within a short time, and stayed. Times in milliseconds since 1970. */
export interface Step {
  readonly allocator: string
  /** When the rise began, and when it was over. */
  readonly from: number
  readonly to: number
  readonly before: Holding
  readonly after: Holding
  /** By so many bytes. */
  readonly bytes: number
  /** The most that blocks used from a while before the rise up to its end, and when. */
  readonly peak: Point | undefined
  /** When half of it had gone again, or the node was started anew; `undefined` where it has stayed. */
  readonly returned: number | undefined
}

const NODE_FIGURES: readonly Figure[] = ['resident', 'allocated', 'used', 'waste']
const ALLOCATOR_FIGURES = ['allocated', 'used', 'waste'] as const

/** Of an allocator, so many of the largest are told. */
const STEPS_OF_ALLOCATOR = 3

/** Of all that was before the last start, and of starts. */
const MAX_EARLIER = 64

/** Points at the end whose median is what there is now. */
const NOW_POINTS = 5

/** What is this many times as long as what mostly lies between two points was not looked at. */
const LONGEST_GAP = 8

/** A peak that lies before a rise by more than this part of the time has not left it. */
const PEAK_SHARE = 1 / 16

/** Takes the snapshots of one node, one after the other, and keeps little of them. */
export class HistoryBuilder {
  readonly #peaks = new PeakSampler()
  readonly #timeline = new Timeline()
  #course = new Course()
  #node: string | undefined
  #from = Number.POSITIVE_INFINITY
  #since = Number.POSITIVE_INFINITY
  #last: { readonly time: number; readonly lifetime: Lifetime } | undefined
  #samples = 0
  #disordered = 0
  #restarts: number[] = []
  #earlier: Step[] = []

  /** One that does not say when it was taken counts for the peaks alone. */
  add(snapshot: Snapshot): void {
    const held = occupancies(snapshot)
    this.#node ??= snapshot.node
    this.#peaks.add(snapshot, held)
    const moment = momentOf(snapshot, held)
    if (moment === undefined) return
    const { time } = moment
    this.#samples++
    this.#timeline.add(moment)
    this.#from = Math.min(this.#from, time)
    if (this.#last !== undefined && time < this.#last.time) {
      this.#disordered++
      // Whether that was before the last start, nobody knows.
      if (time < this.#since || this.#restarts.length > 0) return
    } else {
      const lifetime = lifetimeOf(snapshot)
      if (this.#last !== undefined && isRestart(this.#last.lifetime, lifetime)) this.#restart(time)
      this.#last = { time, lifetime }
    }
    this.#since = Math.min(this.#since, time)
    this.#course.add(time, figuresOf(moment))
  }

  /** What all snapshots so far show; `undefined` where none says when it was taken. */
  build(): History | undefined {
    if (this.#last === undefined) return undefined
    const steps = [...this.#earlier, ...this.#steps()]
    return {
      node: this.#node,
      from: this.#from,
      to: this.#last.time,
      samples: this.#samples,
      disordered: this.#disordered,
      restarts: [...this.#restarts],
      since: this.#since,
      peaks: this.#peaks.peaks,
      moments: this.#timeline.moments,
      trends: this.#trends(),
      steps: steps.sort((left, right) => left.from - right.from),
      precision: this.#course.precision,
    }
  }

  /** What was wasted is gone, and all counts begin anew. */
  #restart(time: number): void {
    const ended = this.#steps().map((step) => ({ ...step, returned: step.returned ?? time }))
    this.#earlier = [...this.#earlier, ...ended].slice(-MAX_EARLIER)
    this.#restarts = [...this.#restarts, time].slice(-MAX_EARLIER)
    this.#course = new Course()
    this.#since = time
  }

  #trends(): readonly FigureTrend[] {
    const trend = (figure: Figure, allocator?: string): FigureTrend => {
      const points = this.#course.points(nameOf(figure, allocator))
      const recent = points.slice(-NOW_POINTS).map(valueIn)
      const now = recent.length === 0 ? undefined : median(recent)
      const trend = trendOf(points)
      const counted = points.filter(({ time }) => time >= (trend.since ?? time))
      // The first point is the average of some time.
      const since = trend.since === points[0]?.time ? this.#since : trend.since
      return {
        figure,
        allocator,
        now,
        seen: seenIn(counted),
        risen: recent.length === 0 ? 0 : Math.max(...recent) - Math.min(...counted.map(valueIn)),
        ...trend,
        since: trend.since === undefined ? undefined : since,
      }
    }
    return [
      ...NODE_FIGURES.map((figure) => trend(figure)),
      ...this.#allocators().flatMap((allocator) =>
        ALLOCATOR_FIGURES.map((figure) => trend(figure, allocator)),
      ),
    ]
  }

  #allocators(): readonly string[] {
    return this.#timeline.moments.at(-1)?.allocators.map(({ allocator }) => allocator) ?? []
  }

  #steps(): readonly Step[] {
    return this.#allocators().flatMap((allocator) => stepsOf(allocator, this.#course))
  }
}

function stepsOf(allocator: string, course: Course): readonly Step[] {
  const [allocated, used, waste] = ALLOCATOR_FIGURES.map((figure) =>
    course.points(nameOf(figure, allocator)),
  )
  if (allocated === undefined || used === undefined || waste === undefined) return []
  const span = (waste.at(-1)?.time ?? 0) - (waste[0]?.time ?? 0)
  const at = (time: number, bytes: number): Holding => ({
    allocated: Math.round(valueAt(allocated, time)),
    used: Math.round(valueAt(used, time)),
    waste: Math.round(bytes),
  })
  return risesOf(waste)
    .map(
      ({ from, to, before, after, returned }): Step => ({
        allocator,
        from,
        to,
        before: at(from, before),
        after: at(to, after),
        bytes: Math.round(after - before),
        peak: highest(used.filter(({ time }) => time >= from - PEAK_SHARE * span && time <= to)),
        returned,
      }),
    )
    .sort((left, right) => right.bytes - left.bytes)
    .slice(0, STEPS_OF_ALLOCATOR)
}

function* figuresOf(moment: Moment): Generator<readonly [name: string, value: Integer]> {
  for (const figure of NODE_FIGURES) {
    const value = moment[figure]
    if (value !== undefined) yield [nameOf(figure), value]
  }
  for (const account of moment.allocators) {
    for (const figure of ALLOCATOR_FIGURES) {
      yield [nameOf(figure, account.allocator), account[figure]]
    }
  }
}

function nameOf(figure: Figure, allocator?: string): string {
  return allocator === undefined ? figure : `${figure} ${allocator}`
}

/** From the first point to the last, each gap for no more than so many times what mostly lies between two. */
function seenIn(points: readonly Point[]): number {
  const gaps = points.slice(1).map(({ time }, index) => time - (points[index]?.time ?? time))
  const longest = LONGEST_GAP * median(gaps)
  return gaps.reduce((seen, gap) => seen + Math.min(gap, longest), 0)
}

function valueIn({ value }: Point): number {
  return value
}

function valueAt(points: readonly Point[], time: number): number {
  return points.findLast((point) => point.time <= time)?.value ?? points[0]?.value ?? 0
}

function highest(points: readonly Point[]): Point | undefined {
  let most: Point | undefined
  for (const point of points) if (most === undefined || point.value > most.value) most = point
  return most
}
