/**
 * Nodes for integration tests: real ones, and one that replays a recording. The entry point
 * `beamscope/testing`.
 */
export type { Waiting } from '../net/deadline.ts'
export {
  binarySpikeFile,
  type RunningReplayNode,
  type StartReplayNodeOptions,
  startReplayNode,
} from '../replay/start-replay-node.ts'
export {
  type ErlangNode,
  type ErlangNodeOptions,
  type IsolatedErlangNode,
  type IsolatedErlangNodeOptions,
  startErlangNode,
} from './erlang-node.ts'
export * from './errors.ts'
export { NoFreePortError } from './free-port.ts'
export {
  buildErlangImages,
  type ErlangRelease,
  erlangReleases,
  ImageBuildError,
  type ImageOptions,
} from './images.ts'
export { availableReleases } from './releases.ts'
