/**
 * Limits that an operator sets for a node, whatever its diagnosis says.
 */
import { compare } from './integer.ts'
import type { NodeSummary } from './node-summary.ts'
import type { Integer } from './snapshot.ts'

/** Sizes in bytes, usage from 0 to 1; what is not set is not limited. */
export interface Limits {
  readonly maxWaste?: Integer | undefined
  readonly minUsage?: number | undefined
  readonly maxResident?: Integer | undefined
}

/** A node that is beyond one of them. */
export interface Exceeded {
  readonly node: string
  readonly what: 'waste' | 'usage' | 'resident'
  readonly value: Integer
  readonly limit: Integer
}

/** What is not known of a node exceeds nothing. */
export function exceeded(summary: NodeSummary, limits: Limits): readonly Exceeded[] {
  const { node, waste, usage, resident } = summary
  const { maxWaste, minUsage, maxResident } = limits
  const found: Exceeded[] = []
  if (waste !== undefined && maxWaste !== undefined && compare(waste, maxWaste) > 0) {
    found.push({ node, what: 'waste', value: waste, limit: maxWaste })
  }
  if (usage !== undefined && minUsage !== undefined && usage < minUsage) {
    found.push({ node, what: 'usage', value: usage, limit: minUsage })
  }
  if (resident !== undefined && maxResident !== undefined && compare(resident, maxResident) > 0) {
    found.push({ node, what: 'resident', value: resident, limit: maxResident })
  }
  return found
}
