/**
 * How far a value lies from the others, in a measure that the odd ones among them do not move: the modified
 * z-score, of the median and the median absolute deviation.
 *
 * Medians of an even number of integers are halves and deviations from them have halves again, so all is
 * computed in doubled integers: exactly.
 *
 * @see https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm
 * Iglewicz and Hoaglin, How to Detect and Handle Outliers, ASQC 1993
 */
import { add, compare, multiply, subtract } from './integer.ts'
import type { Integer } from './snapshot.ts'

export interface Spread {
  /** Twice the median. */
  readonly doubledMedian: Integer
  /** Twice how far a value lies from the median, below or above. */
  doubledDeviation(value: Integer): Integer
  /** Whether its modified z-score is beyond {@link LIMIT}; where most are equal, whoever is not. */
  isOutlier(value: Integer): boolean
}

/** What Iglewicz and Hoaglin take for a potential outlier: 3.5. */
const LIMIT = { numerator: 35, denominator: 10 }

/** Makes a median absolute deviation one of the normal distribution: 1.4826, which is 1 / 0.6745. */
const CONSISTENCY = { numerator: 14_826, denominator: 10_000 }

/** Of at least one value. */
export function spreadOf(values: readonly Integer[]): Spread {
  const doubledMedian = sumOfMiddle(values)
  const doubledDeviation = (value: Integer): Integer => {
    const difference = subtract(multiply(value, 2), doubledMedian)
    return compare(difference, 0) < 0 ? subtract(0, difference) : difference
  }
  // Of deviations that are doubled already: four times the median absolute deviation.
  const scale = multiply(
    sumOfMiddle(values.map(doubledDeviation)),
    LIMIT.numerator * CONSISTENCY.numerator,
  )
  return {
    doubledMedian,
    doubledDeviation,
    isOutlier: (value) =>
      compare(
        multiply(doubledDeviation(value), 2 * LIMIT.denominator * CONSISTENCY.denominator),
        scale,
      ) > 0,
  }
}

/** Twice the median: the two in the middle added up, or the one there is twice. */
function sumOfMiddle(values: readonly Integer[]): Integer {
  const sorted = [...values].sort(compare)
  const last = sorted.length - 1
  return add(sorted[Math.floor(last / 2)] ?? 0, sorted[Math.ceil(last / 2)] ?? 0)
}
