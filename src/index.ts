/**
 * beamscope: join a cluster, take a snapshot of a node's allocators, say what it means.
 *
 * The client alone is `beamscope/dist`, the codec `beamscope/etf`, the analysis `beamscope/analysis`.
 */
import type { Waiting } from './net/deadline.ts'
import { HiddenNode, type HiddenNodeOptions } from './node/hidden-node.ts'
import type { RemoteNode } from './node/remote-node.ts'

export * from './analysis/index.ts'
export type { AccessOptions, Question } from './cluster/access.ts'
export {
  type DiscoveredNode,
  type DiscoverOptions,
  type Discovery,
  type DiscoveryFailure,
  discover,
  type NodeSource,
} from './cluster/discover.ts'
export {
  DnsFailedError,
  DnsNameNotFoundError,
  InvalidDnsServerError,
  InvalidNamesError,
  NoDnsAnswerError,
  NoDnsRecordsError,
  NodeListError,
  TooManyNodesError,
} from './cluster/discovery-errors.ts'
export { NotInClusterError, SeedLostError } from './cluster/errors.ts'
export { parseNodeList, readNodeList } from './cluster/node-list.ts'
export { Roster, type RosterChange } from './cluster/roster.ts'
export {
  type Sample,
  type Sampled,
  type SampleFailure,
  Sampler,
  type SamplerOptions,
  type SamplesOptions,
} from './cluster/sampler.ts'
export {
  type Sweep,
  type SweepOptions,
  type SweepProgress,
  type SweepResult,
  sweep,
} from './cluster/sweep.ts'
export { Cookie } from './dist/cookie.ts'
export { BeamscopeError } from './errors.ts'
export { FileWriteError } from './history/atomic-file.ts'
export {
  type Compaction,
  type CompactRecordingOptions,
  compactRecording,
} from './history/recording-compaction.ts'
export {
  type DamageReason,
  NotARecordingError,
  type RecordingChange,
  RecordingChangedError,
  RecordingClosedError,
  type RecordingDamage,
  RecordingDamagedError,
  RecordingEmptyError,
  RecordingError,
  RecordingInUseError,
  RecordingNodeError,
  RecordingTooLargeError,
  RecordingUnreadableError,
  RecordingVersionError,
  UnrecordableSnapshotError,
} from './history/recording-error.ts'
export {
  indexRecording,
  type ReadRecordingOptions,
  type RecordedNode,
  type RecordingBytes,
  type RecordingIndex,
  type RecordingSource,
  readRecording,
} from './history/recording-reader.ts'
export type { RecordedSample } from './history/recording-samples.ts'
export { DEFAULT_THINNING, type Thinning } from './history/recording-thinning.ts'
export {
  type AppendedSample,
  type OpenRecordingOptions,
  openRecording,
  type RecordingWriter,
} from './history/recording-writer.ts'
export { readCookieFile, readDefaultCookie } from './node/cookie-source.ts'
export type { HiddenNodeOptions } from './node/hidden-node.ts'
export type { RemoteNode } from './node/remote-node.ts'
export { readTlsFiles, type TlsFiles } from './node/tls-files.ts'
export { type CarriersOptions, probeCarriers } from './probe/carriers.ts'
export { InstrumentMissingError, NoSuchInstanceError } from './probe/carriers-error.ts'
export { type HoldersOptions, probeHolders } from './probe/holders.ts'
export { type Callee, probe } from './probe/probe.ts'
export { type EncodedAnswers, type RawSnapshot, toSnapshot } from './probe/raw-snapshot.ts'
export { takeSnapshot } from './probe/take-snapshot.ts'

export type ConnectOptions = HiddenNodeOptions & Waiting

/**
 * Connects to one node as a hidden node of its own; closing what is returned leaves nothing behind.
 *
 * @throws whatever `HiddenNode.connect` throws
 */
export function connect(name: string, options: ConnectOptions): Promise<RemoteNode> {
  return new HiddenNode({ temporary: true, ...options }).connect(name, options)
}
