/**
 * Nodes that differ from their peers.
 */
import type { NodeSummary } from './node-summary.ts'
import type { OptionValue } from './snapshot.ts'

/** In what a node can differ: in its figures, and in how it was built and started. */
export type OutlierKind =
  | 'waste'
  | 'usage'
  | 'resident'
  | 'allocated'
  | 'release'
  | 'schedulers'
  | 'setting'

/** A node that differs from its peers in one thing. Sizes in bytes, `usage` from 0 to 1. */
export interface Outlier {
  readonly node: string
  readonly role: string
  /** How many nodes of that role were compared, itself included. */
  readonly peers: number
  readonly what: OutlierKind
  /** With `setting`, which one: `binary_alloc.as`. */
  readonly setting?: string
  /** Of a setting `undefined`: what it is without any flag. */
  readonly value: OptionValue | undefined
  /** The median of the peers, or what more than half of them have. */
  readonly typical: OptionValue | undefined
  /** One sentence for people. */
  readonly summary: string
}

export interface OutlierOptions {
  /** Its first group is a node's role; by default that is the name before the `@` without a number. */
  readonly role?: RegExp | undefined
}

/** Compares each node with those of its role, where these are at least three. */
export function outliers(
  summaries: readonly NodeSummary[],
  options: OutlierOptions = {},
): readonly Outlier[] {
  void summaries
  void options
  return []
}
