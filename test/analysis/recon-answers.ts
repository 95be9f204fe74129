/**
 * All of recon's functions on one snapshot, in the layout of the fixtures' `expected.json`.
 */
import {
  averageBlockSizes,
  cacheHitRates,
  fragmentation,
  type Json,
  memoryReport,
  type Plain,
  type Snapshot,
  sbcsToMbcs,
  toJson,
  type Unit,
} from '../../src/analysis/index.ts'

/** What is put in place of `expected.json`'s key for a unit. */
export function reconAnswers(snapshot: Snapshot, unit: Unit): Json {
  const both = (answer: (keyword: 'current' | 'max') => Plain) => ({
    current: toJson(answer('current')),
    max: toJson(answer('max')),
  })
  return {
    memory: both((keyword) => memoryReport(snapshot, keyword, unit)),
    fragmentation: both((keyword) => fragmentation(snapshot, keyword, unit)),
    average_block_sizes: both((keyword) => averageBlockSizes(snapshot, keyword, unit)),
    sbcs_to_mbcs: both((keyword) => sbcsToMbcs(snapshot, keyword)),
    cache_hit_rates: toJson(cacheHitRates(snapshot)),
  }
}
