/**
 * Rounds in turn: A B C A B C …, so that whatever else the machine does meets all of them alike.
 */

/** What a round gave, by the name of the figure; a time is nanoseconds of one operation. */
export type Figures = Readonly<Record<string, number>>

/** Something that is measured. */
export interface Contestant {
  /** With the version: `msgpackr 2.1.3`. */
  readonly name: string
  /** One round. */
  measure(): Promise<Figures>
}

export interface Rounds {
  readonly rounds: number
  /** Rounds before, which are thrown away: compilers and heaps need some. */
  readonly warmUps: number
  readonly signal: AbortSignal
}

/** One that failed takes no part any more, and spoils nobody else's figures. */
export type Outcome =
  | { readonly status: 'measured'; readonly rounds: readonly Figures[] }
  | { readonly status: 'failed'; readonly error: unknown }

/** @throws the signal's reason */
export async function interleave<Key extends Contestant>(
  contestants: readonly Key[],
  { rounds, warmUps, signal }: Rounds,
): Promise<ReadonlyMap<Key, Outcome>> {
  const series = new Map(contestants.map((it) => [it, [] as Figures[]]))
  const failures = new Map<Key, unknown>()
  for (let round = -warmUps; round < rounds; round++) {
    for (const [contestant, figures] of series) {
      signal.throwIfAborted()
      if (failures.has(contestant)) continue
      try {
        const measured = await contestant.measure()
        if (round >= 0) figures.push(measured)
      } catch (error) {
        signal.throwIfAborted()
        failures.set(contestant, error)
      }
    }
  }
  return new Map(
    [...series].map(([contestant, figures]) => [
      contestant,
      failures.has(contestant)
        ? { status: 'failed', error: failures.get(contestant) }
        : { status: 'measured', rounds: figures },
    ]),
  )
}
