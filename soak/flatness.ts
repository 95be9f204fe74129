/**
 * Whether a figure that was sampled all the time grew.
 */
import { summarize } from '../bench/statistics.ts'

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
  const first = summarize(warm.slice(0, third)).median
  const last = summarize(warm.slice(-third)).median
  return { first, last, isFlat: last <= first + absolute + first * share }
}
