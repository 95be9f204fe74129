/**
 * The nodes of a sweep, added up.
 */
import type { Verdict } from './finding.ts'
import { sum } from './integer.ts'
import type { NodeSummary } from './node-summary.ts'
import type { Integer } from './snapshot.ts'
import { usage } from './usage.ts'

/** Sizes in bytes, each of the nodes that tell it. */
export interface ClusterTotals {
  /** How many answered. */
  readonly nodes: number
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly allocated: Integer
  readonly used: Integer
  readonly waste: Integer
  /** `used` through `allocated`; 1 where nothing is allocated. */
  readonly usage: number
  /** `undefined` where no node tells it. */
  readonly resident: Integer | undefined
  /** How many nodes are not in `resident`, as they do not tell it. */
  readonly withoutResident: number
  /** How many are not in the sizes before it. */
  readonly withoutAllocators: number
}

export function clusterTotals(summaries: readonly NodeSummary[]): ClusterTotals {
  const verdicts: Record<Verdict, number> = {
    healthy: 0,
    fragmented: 0,
    'in-use': 0,
    'outside-allocators': 0,
    'oversized-carriers': 0,
    inconclusive: 0,
  }
  for (const { verdict } of summaries) verdicts[verdict]++
  const residents = summaries.flatMap(({ resident }) => resident ?? [])
  const allocated = sum(summaries.map((it) => it.allocated ?? 0))
  const used = sum(summaries.map((it) => it.used ?? 0))
  return {
    nodes: summaries.length,
    verdicts,
    allocated,
    used,
    waste: sum(summaries.map(({ waste }) => waste ?? 0)),
    usage: usage(used, allocated),
    resident: residents.length === 0 ? undefined : sum(residents),
    withoutResident: summaries.length - residents.length,
    withoutAllocators: summaries.filter((it) => it.allocated === undefined).length,
  }
}
