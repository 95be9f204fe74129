/**
 * What is said of a series of rounds: its middle, and how far its halves reach.
 */

/** The median, and the quartiles around it. */
export interface Summary {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** @throws {RangeError} when there is no value, or one that is none */
export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
  }
}

/**
 * The ratios of two series that were measured in turn, round by round: what slows the machine down for some
 * rounds slows both, and cancels itself out.
 *
 * @throws {RangeError} when the series differ in length, or a divisor is 0
 */
export function summarizeRatios(
  dividends: readonly number[],
  divisors: readonly number[],
): Summary {
  if (dividends.length !== divisors.length) {
    throw new RangeError(`${dividends.length} rounds cannot be held against ${divisors.length}`)
  }
  return summarize(dividends.map((dividend, round) => dividend / (divisors[round] ?? 0)))
}

/** Between two values it is interpolated, as most programs do (type 7 of Hyndman and Fan). */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  if (below === undefined || above === undefined || !sorted.every(Number.isFinite)) {
    throw new RangeError(`no median of [${sorted.join(', ')}]`)
  }
  return below + (above - below) * (position - Math.floor(position))
}
