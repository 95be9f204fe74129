/**
 * What it is to differ from one's peers.
 */
import type { NodeSummary } from './node-summary.ts'
import type { OptionValue } from './snapshot.ts'

/** The figures of a node that are compared. */
export type OutlierFigure = 'waste' | 'usage' | 'resident' | 'allocated'

/** In what a node can differ: in its figures, and in how it was built and started. */
export type OutlierKind = OutlierFigure | 'release' | 'schedulers' | 'setting'

/** A node that differs from its peers in one thing. Sizes in bytes, `usage` from 0 to 1. */
export interface Outlier {
  readonly node: string
  readonly role: string
  /** How many nodes of that role were compared in this, itself included. */
  readonly peers: number
  readonly what: OutlierKind
  /** With `setting`, which one: `binary_alloc.as`. */
  readonly setting?: string
  /** Of a setting `undefined`: what it is without any flag. */
  readonly value: OptionValue | undefined
  /** The median of the peers, a size in whole bytes; or what more than half of them have. */
  readonly typical: OptionValue | undefined
  /** One sentence for people. */
  readonly summary: string
}

/** Nodes of one role. */
export interface Peers {
  readonly role: string
  readonly summaries: readonly NodeSummary[]
}

const MiB = 2 ** 20

/**
 * How far a node has to differ to be worth a look, however unusual it is: nodes that are nearly equal are
 * many deviations apart, of a few kilobytes each.
 */
export const OUTLIER_LIMITS: Readonly<
  Record<'peers' | 'size' | 'partsOfMedian' | 'usage', number>
> = {
  /** Of two nodes nobody can say which is the odd one. */
  peers: 3,
  /**
   * Bytes from the median. As much as the diagnosis wants before it speaks of memory outside the
   * allocators; a fresh node of OTP 27 holds 41 MiB in all.
   */
  size: 64 * MiB,
  /** And more than one of so many parts of the median: large nodes of a role are never quite equal. */
  partsOfMedian: 4,
  /**
   * From the median usage, where as much as `size` is unused. Under load the carriers of `eheap_alloc` alone
   * go from 0.58 to 0.77 and back.
   */
  usage: 0.15,
}
