/**
 * What can go wrong with a cluster, beyond what goes wrong with each of its nodes.
 */
import { BeamscopeError } from '../errors.ts'

/** The seed is not connected to the node, and nobody is connected for our sake. */
export class NotInClusterError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_NOT_CONNECTED'
  readonly node: string
  readonly seed: string
  constructor(node: string, seed: string, options?: { readonly cause?: unknown }) {
    super(`${seed} is not connected to ${node}, and is not made to connect`, {
      ...options,
      hint: `ask it directly, or through a node that has it in nodes(connected)`,
    })
    this.node = node
    this.seed = seed
  }
}

/** The seed went away before the node was asked through it, or before it answered. */
export class SeedLostError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_SEED_LOST'
  readonly node: string
  readonly seed: string
  constructor(node: string, seed: string, cause: unknown) {
    super(`${seed}, through which ${node} was asked, is gone`, {
      cause,
      hint: 'try again through another node',
    })
    this.node = node
    this.seed = seed
  }
}
