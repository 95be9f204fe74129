/**
 * Names for nodes of ours that come for a moment. A node keeps each name that it has ever met, as an atom, for good:
 * so they are few, and the first is taken that no connection of the node has.
 *
 * The node could be asked for a name (`NAME_ME`), but loads modules for that, with `crypto` a library.
 */
import type { NodeName } from '../dist/node-name.ts'
import { makeLocalName } from './identity.ts'

/**
 * Sorts before what nodes are usually called: of two that shake hands under one name at the same time, a node of a
 * greater name keeps the first and tells the second (`accept_pending` in `net_kernel`).
 */
const PREFIX = '0-beamscope-'

/** Whoever meets more than these takes a name that nobody has. */
const MAX_NUMBER = 1_000

/** By the node that is connected to: the numbers that this process has there. */
const taken = new Map<string, Set<number>>()

/** A name, until its connection is gone. */
export interface TemporaryName {
  readonly name: NodeName
  readonly number: number
  /** Harmless when repeated. */
  end(): void
}

/** The first name from this number on that this process has not; `undefined` when there are no more. */
export function takeTemporaryName(node: NodeName, least: number): TemporaryName | undefined {
  const numbers = taken.get(node.full) ?? new Set()
  let number = least
  while (number <= MAX_NUMBER && numbers.has(number)) number++
  if (number > MAX_NUMBER) return undefined
  numbers.add(number)
  taken.set(node.full, numbers)
  let isOver = false
  return {
    name: makeLocalName(node.kind, `${PREFIX}${number}`),
    number,
    end() {
      if (isOver) return
      isOver = true
      numbers.delete(number)
      if (numbers.size === 0) taken.delete(node.full)
    },
  }
}
