/**
 * Nodes that differ from their peers, which are the nodes of the same role.
 */
import { figureOutliers } from './figure-outliers.ts'
import { nodeRole } from './node-role.ts'
import { compareSummaries, type NodeSummary } from './node-summary.ts'
import type { Outlier } from './outlier.ts'
import { shapeOutliers } from './shape-outliers.ts'

export interface OutlierOptions {
  /** Finds a node's role in its name, as {@link nodeRole} says. */
  readonly role?: RegExp | undefined
}

/** Whoever differs, the worst node first; nobody of a role that has fewer than three nodes. */
export function outliers(
  summaries: readonly NodeSummary[],
  { role: pattern }: OutlierOptions = {},
): readonly Outlier[] {
  // The same whatever the order of the answers was.
  const sorted = [...summaries].sort(compareSummaries())
  const roles = new Map<string, NodeSummary[]>()
  for (const summary of sorted) {
    const role = nodeRole(summary.node, pattern)
    if (role === undefined) continue
    const peers = roles.get(role) ?? []
    roles.set(role, peers)
    peers.push(summary)
  }
  const places = new Map(sorted.map(({ node }, place) => [node, place]))
  const place = ({ node }: Outlier): number => places.get(node) ?? 0
  return [...roles]
    .map(([role, peers]) => ({ role, summaries: peers }))
    .flatMap((peers) => [...figureOutliers(peers), ...shapeOutliers(peers)])
    .sort((left, right) => place(left) - place(right))
}
