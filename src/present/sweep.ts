/**
 * What a sweep found, as an operator reads it: the nodes, the worst first, and what they are together.
 */
import type { ClusterTotals } from '../analysis/cluster-totals.ts'
import type { NodeSummary, SweepOrder } from '../analysis/node-summary.ts'
import type { Outlier } from '../analysis/outlier.ts'
import type { Rows } from './rows.ts'
import type { View } from './view.ts'

/** A node, or a source of nodes, that could not be asked. */
export interface NodeFailure {
  readonly node: string
  readonly error: unknown
}

export interface SourceFailure {
  /** Where nodes were to come from: `seed rabbit@myhost`. */
  readonly source: string
  readonly error: unknown
}

export interface SweepReport {
  readonly summaries: readonly NodeSummary[]
  readonly totals: ClusterTotals
  readonly outliers: readonly Outlier[]
  readonly failures: readonly NodeFailure[]
  readonly sources: readonly SourceFailure[]
  /** Milliseconds. */
  readonly duration: number
}

/** `label` is what was swept, for people. */
export interface SweepView extends Pick<View, 'paper' | 'unit' | 'label'> {
  readonly order: SweepOrder
  readonly rows: Pick<Rows, 'all'>
  /** The command line that asks one of the nodes another question. */
  next(command: string, node: string): string
}

export function sweepText(report: SweepReport, view: SweepView): string {
  void report
  return view.label
}

/** A node that would be asked, and where its name comes from. */
export interface FoundNode {
  readonly node: string
  readonly source: string
}

export function dryRunText(
  nodes: readonly FoundNode[],
  failures: readonly SourceFailure[],
  view: Pick<SweepView, 'paper' | 'label'>,
): string {
  void nodes
  void failures
  return view.label
}
