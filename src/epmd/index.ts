/**
 * The Erlang port mapper: which node listens on which port of a host.
 *
 * @see https://www.erlang.org/doc/apps/erts/epmd_cmd.html
 */
export {
  type EpmdOptions,
  lookup,
  names,
  type Registrant,
  type Registration,
  register,
} from './client.ts'
export { defaultEpmdPort, EPMD_PORT } from './default-port.ts'
export {
  DistributionVersionError,
  EpmdClosedError,
  EpmdError,
  EpmdProtocolError,
  InvalidEpmdPortError,
  NameNotRegisteredError,
  NoEpmdError,
  RegistrationRefusedError,
} from './errors.ts'
export type { NodeEntry, NodeKind, RegisteredName } from './messages.ts'
export {
  type EpmdServer,
  type EpmdServerOptions,
  type LocalRegistration,
  startEpmdServer,
} from './server.ts'
