/** Real Erlang nodes for tests, and the small things that such tests need besides. */
export type { Waiting } from '../../src/net/deadline.ts'
export { type Certificates, createCertificates } from './certificates.ts'
export * from './erlang-node.ts'
export * from './errors.ts'
export { findFreePort, isFree } from './free-port.ts'
export { type Command, type ProgramOptions, type ProgramResult, runProgram } from './program.ts'
export { availableReleases, type ErlangRelease, erlangReleases } from './releases.ts'
export { createTemporaryFolder, type TemporaryFolder } from './temporary-folder.ts'
