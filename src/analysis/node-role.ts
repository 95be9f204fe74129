/**
 * What a node is there for, by its name: nodes of one role are peers.
 */

/** `-1`, `_02`, `3`: what numbers the nodes of a role. */
const NUMBER = /[-_]*\d+$/

/**
 * The role of a node: what its name says before the `@`, without what numbers it there. `rabbit-1@a`,
 * `rabbit_02@b` and `rabbit@c` are all of the role `rabbit`.
 *
 * A `pattern` takes the place of that rule: its first group is the role, and all that it finds where it has
 * no group. A node in which it finds nothing has no role.
 */
export function nodeRole(node: string, pattern?: RegExp): string | undefined {
  if (pattern !== undefined) {
    // Such a pattern would go on where it stopped at another node.
    const found = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(node)
    return found?.[1] ?? found?.[0]
  }
  const [alive = node] = node.split('@')
  // A name of nothing but a number says no more.
  return alive.replace(NUMBER, '') || alive
}
