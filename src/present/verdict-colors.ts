/**
 * How each verdict is painted.
 */
import type { Verdict } from '../analysis/finding.ts'
import type { Colors } from './paper.ts'

export const VERDICT_COLORS: Readonly<Record<Verdict, (colors: Colors) => Colors['red']>> = {
  healthy: ({ green }) => green,
  fragmented: ({ red }) => red,
  'in-use': ({ yellow }) => yellow,
  'outside-allocators': ({ red }) => red,
  'oversized-carriers': ({ yellow }) => yellow,
  inconclusive: ({ yellow }) => yellow,
}
