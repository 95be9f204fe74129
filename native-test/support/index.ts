/** Real Erlang nodes for tests, and the small things that such tests need besides. */
export { findFreePort, isFree } from '../../src/testing/free-port.ts'
export * from '../../src/testing/index.ts'
export {
  type Command,
  type ProgramOptions,
  type ProgramResult,
  runProgram,
} from '../../src/testing/program.ts'
export { createTemporaryFolder, type TemporaryFolder } from '../../src/testing/temporary-folder.ts'
export { type Certificates, createCertificates } from './certificates.ts'
