/**
 * What allocators held at their peak, as it was sampled: unlike the maxima that a node keeps, all instances
 * are of one moment then, and the pool is known.
 */
import { compare } from './integer.ts'
import { type AllocatorOccupancy, type Occupancy, occupancies } from './occupancy.ts'
import type { Snapshot } from './snapshot.ts'

/** One allocator when it used most. */
export interface SampledPeak {
  /** Of the snapshot; ISO 8601, UTC. */
  readonly takenAt: string | undefined
  /** Multiblock carriers, with those in the pool. */
  readonly mbcs: Occupancy
}

/**
 * By allocator, the sample in which it used more than in any other, and more than now. An allocator that
 * never used more is left out: its peak was not sampled.
 */
export function sampledPeaks(
  earlier: readonly Snapshot[],
  now: readonly AllocatorOccupancy[],
): ReadonlyMap<string, SampledPeak> {
  const most = new Map(now.map(({ allocator, mbcs }) => [allocator, mbcs.used]))
  const peaks = new Map<string, SampledPeak>()
  for (const snapshot of earlier) {
    for (const { allocator, mbcs } of occupancies(snapshot)) {
      if (compare(mbcs.used, most.get(allocator) ?? 0) <= 0) continue
      most.set(allocator, mbcs.used)
      peaks.set(allocator, { takenAt: snapshot.takenAt, mbcs })
    }
  }
  return peaks
}
