/**
 * The rows of the table, as programs get them too.
 */
import {
  type Contestant,
  type Figures,
  interleave,
  type Outcome,
  type Rounds,
} from './interleave.ts'
import { type Summary, summarize, summarizeRatios } from './statistics.ts'

export type Unit = 'nanoseconds' | 'bytes' | 'count'

/**
 * What a ratio should be: how many times as fast as the peer we are (`at-least`), or what share of the
 * peer's time, load or bytes we take (`at-most`).
 */
export interface Reach {
  readonly kind: 'at-least' | 'at-most'
  /** `undefined`: the figure is shown, and nothing is asked of it. */
  readonly value?: number | undefined
}

/** Ours beside a peer's. */
export interface Comparison {
  readonly kind: 'comparison'
  readonly group: string
  readonly what: string
  readonly against: string
  readonly unit: Unit
  readonly ours: Summary
  readonly theirs: Summary
  readonly ratio: Summary
  readonly reach: Reach
  /** `undefined` where nothing is asked. */
  readonly isReached: boolean | undefined
  /** On processors instead of on the clock, where both have said it: who else is at work counts less. */
  readonly processorTime?: { readonly ours: Summary; readonly theirs: Summary } | undefined
  readonly remark?: string | undefined
}

/** What has no peer: a figure, and its ratio to something that is known. */
export interface Measurement {
  readonly kind: 'measurement'
  readonly group: string
  readonly what: string
  readonly unit: Unit
  readonly value: number
  readonly against?: string | undefined
  readonly ratio?: number | undefined
  readonly reach?: Reach | undefined
  readonly isReached: boolean | undefined
  readonly remark?: string | undefined
}

/** A peer that is not measured here, and why. */
export interface Absence {
  readonly kind: 'absent'
  readonly group: string
  readonly what: string
  readonly against: string
  readonly reason: string
  /** Whether it is here, and failed. */
  readonly isFailure?: boolean
}

/** Something that a part cannot do without is not on this machine. */
export class MissingHereError extends Error {
  override readonly name = 'MissingHereError'
}

/** A row for a peer that could not even begin. */
export function absence(row: Pick<Absence, 'group' | 'what' | 'against'>, error: unknown): Absence {
  const isFailure = !(error instanceof MissingHereError)
  return { kind: 'absent', ...row, reason: messageOf(error), isFailure }
}

export type Row = Comparison | Measurement | Absence

/** A peer, and what is asked of the ratio to it. */
export interface Opponent {
  readonly contestant: Contestant
  readonly reach: Reach
  readonly remark?: string | undefined
}

export interface Match {
  readonly group: string
  readonly what: string
  readonly ours: Contestant
  readonly opponents: readonly Opponent[]
  /** The figures of a round that make rows, each with its unit; `time` by default. */
  readonly figures?: readonly {
    readonly name: string
    readonly unit: Unit
    readonly what: string
  }[]
}

const TIME = [{ name: 'time', unit: 'nanoseconds', what: '' }] as const

/**
 * Measures ours and all peers in turn, and makes a row of each peer and figure.
 *
 * @throws whatever ours threw; a peer that fails is absent
 */
export async function play(match: Match, rounds: Rounds): Promise<readonly Row[]> {
  const { ours, opponents, group } = match
  const outcomes = await interleave([ours, ...opponents.map((it) => it.contestant)], rounds)
  const own = outcomes.get(ours)
  if (own?.status !== 'measured') throw own?.error
  return opponents.flatMap((opponent) =>
    (match.figures ?? TIME).map(({ name, unit, what }): Row => {
      const common = {
        group,
        what: [match.what, what].filter(Boolean).join(', '),
        against: opponent.contestant.name,
      }
      const outcome = outcomes.get(opponent.contestant)
      return outcome?.status === 'measured'
        ? compare({ ...common, unit, opponent, name }, own.rounds, outcome.rounds)
        : { kind: 'absent', ...common, reason: reasonOf(outcome), isFailure: true }
    }),
  )
}

function compare(
  row: Pick<Comparison, 'group' | 'what' | 'against' | 'unit'> & {
    readonly opponent: Opponent
    readonly name: string
  },
  ours: readonly Figures[],
  theirs: readonly Figures[],
): Row {
  const { opponent, name, ...common } = row
  const { reach, remark } = opponent
  const [mine, other] = [ours, theirs].map((rounds) => rounds.map((it) => it[name] ?? Number.NaN))
  if (mine === undefined || other === undefined) throw new Error('no rounds')
  const divisors = reach.kind === 'at-least' ? mine : other
  if (divisors.includes(0)) {
    return { kind: 'absent', ...common, reason: 'too little to be measured: 0 in a round' }
  }
  const ratio = summarizeRatios(reach.kind === 'at-least' ? other : mine, divisors)
  return {
    kind: 'comparison',
    ...common,
    ours: summarize(mine),
    theirs: summarize(other),
    ratio,
    reach,
    isReached: isReached(ratio.median, reach),
    processorTime: name === 'time' ? processorTimeOf(ours, theirs) : undefined,
    remark,
  }
}

function processorTimeOf(
  ours: readonly Figures[],
  theirs: readonly Figures[],
): Comparison['processorTime'] {
  const [mine, other] = [ours, theirs].map((rounds) => rounds.flatMap(({ cpu }) => cpu ?? []))
  return mine === undefined || other === undefined || mine.length === 0 || other.length === 0
    ? undefined
    : { ours: summarize(mine), theirs: summarize(other) }
}

export function isReached(ratio: number, { kind, value }: Reach): boolean | undefined {
  if (value === undefined) return undefined
  return kind === 'at-least' ? ratio >= value : ratio <= value
}

export function reasonOf(outcome: Outcome | undefined): string {
  if (outcome?.status !== 'failed') return 'not measured'
  return messageOf(outcome.error)
}

/** The message of an error, and its hint if it has one. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = 'hint' in error && typeof error.hint === 'string' ? `; ${error.hint}` : ''
  return `${error.message}${hint}`
}
