/**
 * How often a segment comes from `mseg_alloc`'s cache: `recon_alloc:cache_hit_rates/0`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#cache_hit_rates-0
 */
import { compare, toDouble } from './integer.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import { usage } from './usage.ts'

/** One instance of `mseg_alloc`. */
export interface CacheHitRate {
  readonly instance: number
  /**
   * `hits` through `calls`. Good: 0.8 and above, for a load without sharp peaks. Below that with many
   * calls, carriers are mapped and unmapped all the time: try `+MMmcs` (segments kept, 10, up to 30),
   * then `+MMrmcbf` and `+MMamcbf` (the size up to which one is kept, relative and absolute).
   *
   * No hits of no calls count as 1, as recon has it: look at `calls` first. `Infinity` where there are
   * hits but no calls; recon crashes.
   */
  readonly hitRate: number
  readonly hits: Integer
  /** Segments asked for since the start. */
  readonly calls: Integer
}

/**
 * All instances, the worst first: those with most calls that missed. An instance whose answer has no
 * kind of memory, or does not count its calls, is left out; recon crashes.
 */
export function cacheHitRates(snapshot: Snapshot): readonly CacheHitRate[] {
  return snapshot.mseg
    .flatMap(({ instance, memoryKinds }) => {
      const kind = memoryKinds[0]
      const calls = kind?.calls.mseg_alloc
      if (kind === undefined || calls === undefined) return []
      const hits = kind.cacheHits
      const hitRate = usage(hits, calls)
      const weight = calls === 0 ? -toDouble(hits) : (1 - hitRate) * toDouble(calls)
      return [{ weight, entry: { instance, hitRate, hits, calls } }]
    })
    .sort((left, right) => left.weight - right.weight || compareEntries(left.entry, right.entry))
    .reverse()
    .map(({ entry }) => entry)
}

function compareEntries(left: CacheHitRate, right: CacheHitRate): number {
  return (
    left.instance - right.instance ||
    compare(left.hitRate, right.hitRate) ||
    compare(left.hits, right.hits) ||
    compare(left.calls, right.calls)
  )
}
