/**
 * What happens to nodes meanwhile: they are killed and started anew, and suspended for some seconds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ErlangNode } from '../src/testing/erlang-node.ts'

/** Milliseconds, by chance, between two misfortunes. */
const SHORTEST = 3_000
const LONGEST = 12_000

/** Milliseconds for which a node is suspended. */
const SUSPENDED = 2_000

/** Of three misfortunes, two are a kill. */
const KILLED = 2 / 3

export interface Misfortunes {
  kills: number
  pauses: number
}

/** Goes on until the signal is aborted, and leaves all nodes running. */
export async function bringMisfortune(
  victims: readonly ErlangNode[],
  signal: AbortSignal,
  report: (what: string) => void,
): Promise<Misfortunes> {
  const misfortunes: Misfortunes = { kills: 0, pauses: 0 }
  while (!signal.aborted) {
    const pause = SHORTEST + Math.random() * (LONGEST - SHORTEST)
    await sleep(pause, undefined, { signal }).catch(() => {})
    const victim = victims[Math.floor(Math.random() * victims.length)]
    if (signal.aborted || victim === undefined) break
    if (Math.random() < KILLED) {
      report(`${victim.name} is killed and started anew`)
      misfortunes.kills += 1
      await victim.restart()
    } else {
      report(`${victim.name} is suspended`)
      misfortunes.pauses += 1
      await victim.pause()
      await sleep(SUSPENDED)
      await victim.resume()
    }
  }
  return misfortunes
}
