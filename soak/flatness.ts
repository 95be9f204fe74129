/**
 * Whether a figure that was sampled all the time grew.
 */

/** The first samples: what is loaded, compiled and cached once. */
const WARM_UP = 0.2

/** What may be added to a figure between the first and the last third behind the warm-up. */
export interface Allowance {
  readonly absolute: number
  /** Of the first third. */
  readonly share: number
}

export interface Flatness {
  /** Medians. */
  readonly first: number
  readonly last: number
  readonly isFlat: boolean
}

/** Of samples in the order in which they were taken; `undefined` for fewer than six behind the warm-up. */
export function flatness(
  samples: readonly number[],
  { absolute, share }: Allowance,
): Flatness | undefined {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP))
  if (warm.length < 6) return undefined
  const third = Math.floor(warm.length / 3)
  const first = median(warm.slice(0, third))
  const last = median(warm.slice(-third))
  return { first, last, isFlat: last <= first + absolute + first * share }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  const lower = sorted.length % 2 === 0 ? (sorted[middle - 1] ?? Number.NaN) : upper
  return (lower + upper) / 2
}
