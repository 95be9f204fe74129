/**
 * When a node that grows reaches the limit of its memory, if it goes on as it did.
 */
import type { FigureTrend, History } from './history.ts'
import { toDouble } from './integer.ts'
import type { MemoryLimit } from './snapshot.ts'

/** What becomes of the memory of a node as a whole. */
export interface Outlook {
  /** Of what is resident; of what is allocated where nobody told that. */
  readonly trend: FigureTrend
  /** `undefined` where it is not known. */
  readonly limit: MemoryLimit | undefined
  /** In milliseconds since 1970; `undefined` where nothing leads there, or nothing is sure. */
  readonly reached: Reached | undefined
  /** Why that cannot be said; `undefined` where it can. */
  readonly why: string | undefined
}

export interface Reached {
  readonly at: number
  /** By the fastest and by the slowest growth that parts of the time show; the same where they hardly differ. */
  readonly earliest: number
  readonly latest: number
}

const HOUR = 3_600_000

/** Nobody asks for minutes. */
const EXACT = 10 * 60_000

/** What comes later than this, in times of what was seen, nobody knows. */
const HORIZON = 10

export function outlookOf(history: History, limit: MemoryLimit | undefined): Outlook | undefined {
  const of = (figure: string): FigureTrend | undefined =>
    history.trends.find((each) => each.figure === figure && each.allocator === undefined)
  const resident = of('resident')
  const trend = resident?.now === undefined ? of('allocated') : resident
  if (trend?.now === undefined) return undefined
  const unknown = (why: string): Outlook => ({ trend, limit, reached: undefined, why })
  if (trend.shape !== 'growth' || trend.perHour === undefined) {
    return unknown(trend.why ?? 'it does not grow')
  }
  if (limit === undefined) return unknown('no limit is known')
  const left = Math.max(0, toDouble(limit.bytes) - trend.now)
  const after = (perHour: number): number => history.to + (left / perHour) * HOUR
  const { typical, slowest, fastest } = trend.perHour
  if (after(typical) - history.to > HORIZON * trend.seen) {
    return unknown(`it is further away than ${HORIZON} times the time that was seen`)
  }
  const at = Math.round(after(typical))
  const earliest = Math.round(after(fastest))
  // What hardly grew at times says nothing of when.
  const latest = Math.round(after(Math.max(slowest, typical / HORIZON)))
  const isExact = latest - earliest < EXACT
  const reached = isExact ? { at, earliest: at, latest: at } : { at, earliest, latest }
  return { trend, limit, reached, why: undefined }
}
