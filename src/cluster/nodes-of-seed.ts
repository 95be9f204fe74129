/**
 * The nodes that a seed is connected to.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#nodes/1
 */
import { Atom, isAtom, isList } from '../etf/index.ts'
import { UnexpectedReplyError } from '../node/errors.ts'
import type { Asker } from './access.ts'

/**
 * Asks for the seed itself and the nodes that it is connected to, but not ours: those that see each other, or
 * all, which takes hidden ones in.
 *
 * @throws {UnexpectedReplyError} when the answer is no list of nodes
 * @throws what a call throws
 */
export function nodesOfSeed(which: 'visible' | 'connected'): Asker<readonly string[]> {
  return async (seed, left, self) => {
    const list = await seed.call('erlang', 'nodes', [new Atom(which)], left())
    if (!isList(list) || !list.every((it) => isAtom(it))) {
      throw new UnexpectedReplyError(seed.name, `no list of nodes to nodes(${which})`)
    }
    return [seed.name, ...list.map(({ name }) => name).filter((name) => name !== self)]
  }
}
