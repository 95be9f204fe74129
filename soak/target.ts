/**
 * What a node that is asked all the time has of everything that could pile up, as it says itself.
 */

import { load } from '../bench/product.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'

const { atom, ExportFun, isList, isTuple } = await load.etf()

/** Of a node at one time. */
export interface TargetCounts {
  readonly processes: number
  readonly ports: number
  readonly atoms: number
  /** Monitors that its processes have on others, or others on them. */
  readonly monitors: number
}

const PROCESS_INFO = new ExportFun(atom('erlang'), atom('process_info'), 2)
const MONITORS = [atom('monitors'), atom('monitored_by')]

/** The counts of a node, which is asked by one connection that stays. */
export async function countTarget(remote: RemoteNode): Promise<TargetCounts> {
  const count = async (item: string): Promise<number> => {
    const value = await remote.call('erlang', 'system_info', [atom(item)])
    if (typeof value !== 'number') throw new Error(`${item} is no number`)
    return value
  }
  const pids = await remote.call('erlang', 'processes')
  if (!isList(pids)) throw new Error('no list of processes')
  const infos = await remote.call('lists', 'zipwith', [
    PROCESS_INFO,
    pids,
    pids.map(() => MONITORS),
  ])
  let monitors = 0
  for (const info of isList(infos) ? infos : []) {
    // A process that has ended meanwhile is `undefined`.
    for (const pair of isList(info) ? info : []) {
      const list = isTuple(pair, 2) ? pair.elements[1] : undefined
      if (isList(list)) monitors += list.length
    }
  }
  return {
    processes: await count('process_count'),
    ports: await count('port_count'),
    atoms: await count('atom_count'),
    monitors,
  }
}
