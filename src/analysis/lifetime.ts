/**
 * Whether two snapshots are of one life of a node: it counts upwards from its start, and anew after another one.
 */
import { add, compare, sum } from './integer.ts'
import type { Integer, Snapshot } from './snapshot.ts'

/** What an instance has counted since the start. */
interface Counted {
  readonly calls: Integer
  /** The most that it ever had in its carriers, which never becomes less either. */
  readonly most: Integer
}

/** By instance of an allocator. */
export type Lifetime = ReadonlyMap<string, Counted>

export function lifetimeOf({ allocators }: Snapshot): Lifetime {
  return new Map(
    allocators.map(({ allocator, instance, calls, mbcs, sbcs }) => [
      `${instance} ${allocator}`,
      {
        calls: sum(Object.values(calls)),
        most: add(mbcs.carriersSize.max, sbcs.carriersSize.max),
      },
    ]),
  )
}

/** Whether the node was started in between: what both know has become less, in all. */
export function isRestart(before: Lifetime, after: Lifetime): boolean {
  let [callsBefore, callsAfter, mostBefore, mostAfter]: Integer[] = [0, 0, 0, 0]
  for (const [instance, then] of before) {
    const now = after.get(instance)
    if (now === undefined) continue
    callsBefore = add(callsBefore ?? 0, then.calls)
    callsAfter = add(callsAfter ?? 0, now.calls)
    mostBefore = add(mostBefore ?? 0, then.most)
    mostAfter = add(mostAfter ?? 0, now.most)
  }
  return (
    compare(callsAfter ?? 0, callsBefore ?? 0) < 0 || compare(mostAfter ?? 0, mostBefore ?? 0) < 0
  )
}
