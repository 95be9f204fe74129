/**
 * The analysis of a snapshot: pure, and at home in a browser too.
 */
export {
  type Accounting,
  type AccountingId,
  type AccountingLine,
  type AllocatorAccount,
  accountFor,
  accountingLine,
  type InstanceAccount,
} from './accounting.ts'
export {
  type AllocatorEntry,
  allocators,
  allocatorTypes,
  type ErtsMmapEntry,
  type MsegAllocEntry,
  type SysAllocEntry,
  type UtilAllocatorEntry,
} from './allocators.ts'
export { type AverageBlockSize, averageBlockSizes } from './average-block-sizes.ts'
export { type CacheHitRate, cacheHitRates } from './cache-hit-rates.ts'
export {
  type Carrier,
  type CarrierBlocks,
  type CarrierReport,
  type CarrierScan,
  type CarrierTotals,
  carrierReports,
  type FreeBlockBucket,
  type PinnedCarriers,
  type UsageBucket,
} from './carriers.ts'
export { type ClusterTotals, clusterTotals } from './cluster-totals.ts'
export { type DiagnoseOptions, type Diagnosis, diagnose } from './diagnose.ts'
export {
  type Evidence,
  type Finding,
  type FindingId,
  type NoHelp,
  type Remedy,
  SEVERITIES,
  type Severity,
  type Verdict,
} from './finding.ts'
export type { SettingUnit } from './flags.ts'
export { type Fragmentation, fragmentation } from './fragmentation.ts'
export {
  type Figure,
  type FigureTrend,
  type History,
  HistoryBuilder,
  type Holding,
  type Step,
} from './history.ts'
export type {
  HistorySummary,
  LimitSummary,
  PeakSummary,
  StepSummary,
  TrendSummary,
} from './history-summary.ts'
export type {
  BinaryHolder,
  Coverage,
  Holders,
  HoldingProcess,
  HoldingTable,
} from './holders.ts'
export { type Json, type Plain, toJson } from './json.ts'
export { type MemoryKey, type MemoryReport, memory, memoryReport } from './memory.ts'
export { nodeRole } from './node-role.ts'
export {
  compareSummaries,
  type FindingSummary,
  type NodeShape,
  type NodeSummary,
  SWEEP_ORDERS,
  type SweepOrder,
  summarizeNode,
} from './node-summary.ts'
export {
  OUTLIER_LIMITS,
  type Outlier,
  type OutlierFigure,
  type OutlierKind,
} from './outlier.ts'
export { type OutlierOptions, outliers } from './outliers.ts'
export type { SampledPeak } from './sampled-peaks.ts'
export { type SbcsToMbcs, sbcsToMbcs } from './sbcs-to-mbcs.ts'
export {
  type AllocatorSettings,
  type EffectiveSettings,
  type Setting,
  settings,
} from './settings.ts'
export type * from './snapshot.ts'
export {
  type AllocatorChange,
  type Change,
  type OccupancyChange,
  type SettingChange,
  type SnapshotDiff,
  type SnapshotIdentity,
  snapshotDiff,
  type Usages,
} from './snapshot-diff.ts'
export { THRESHOLDS, type Thresholds } from './thresholds.ts'
export { type AllocatorMoment, type Moment, momentOf, Timeline } from './timeline.ts'
export type { Rate, Trend, TrendShape } from './trend.ts'
export { type Amount, inUnit, UNITS, type Unit } from './unit.ts'
export { type Keyword, UTIL_ALLOCATORS, type UtilAllocator } from './util-allocators.ts'
