/**
 * The ratio that recon calls usage.
 */
import { divide } from './integer.ts'
import type { Amount } from './unit.ts'

/** `part / whole`, where 0 of 0 is 1 (nothing is wasted) and something of 0 is `Infinity`. */
export function usage(part: Amount, whole: Amount): number {
  if (whole !== 0) return divide(part, whole)
  return part === 0 ? 1 : Number.POSITIVE_INFINITY
}
