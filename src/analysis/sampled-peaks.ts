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

/** No node has as many allocators; what is more came from nobody's node. */
const MAX_ALLOCATORS = 64

/** Learns of all samples, one after the other, when each allocator used most. */
export class PeakSampler {
  readonly #peaks = new Map<string, SampledPeak>()

  add({ takenAt }: Pick<Snapshot, 'takenAt'>, held: readonly AllocatorOccupancy[]): void {
    for (const { allocator, mbcs } of held) {
      const peak = this.#peaks.get(allocator)
      if (peak === undefined && this.#peaks.size >= MAX_ALLOCATORS) continue
      if (peak !== undefined && compare(mbcs.used, peak.mbcs.used) <= 0) continue
      this.#peaks.set(allocator, { takenAt, mbcs })
    }
  }

  /** By allocator. */
  get peaks(): ReadonlyMap<string, SampledPeak> {
    return new Map(this.#peaks)
  }
}

/** Those of allocators that used more then than now: the others have peaks that were not sampled. */
export function peaksBeyond(
  peaks: ReadonlyMap<string, SampledPeak>,
  now: readonly AllocatorOccupancy[],
): ReadonlyMap<string, SampledPeak> {
  const used = new Map(now.map(({ allocator, mbcs }) => [allocator, mbcs.used]))
  return new Map(
    [...peaks].filter(([allocator, { mbcs }]) => compare(mbcs.used, used.get(allocator) ?? 0) > 0),
  )
}

/**
 * By allocator, the sample in which it used more than in any other, and more than now. An allocator that
 * never used more is left out: its peak was not sampled.
 */
export function sampledPeaks(
  earlier: readonly Snapshot[],
  now: readonly AllocatorOccupancy[],
): ReadonlyMap<string, SampledPeak> {
  const sampler = new PeakSampler()
  for (const snapshot of earlier) sampler.add(snapshot, occupancies(snapshot))
  return peaksBeyond(sampler.peaks, now)
}
