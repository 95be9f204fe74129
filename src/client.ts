/**
 * The Erlang distribution client: the entry point `beamscope/dist`.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
 */
export { Cookie, InvalidCookieError } from './dist/cookie.ts'
export { flag, flagNames, hasFlags } from './dist/flags.ts'
export type { Connected, PeerNode } from './dist/handshake.ts'
export * from './dist/handshake-errors.ts'
export { InvalidNodeNameError, type NodeName, parseNodeName } from './dist/node-name.ts'
export { BeamscopeError } from './errors.ts'
export type { Waiting } from './net/deadline.ts'
export {
  CertificateExpiredError,
  CertificateHostError,
  CertificateUntrustedError,
  ClientCertificateError,
  ConnectionRefusedError,
  HostNotFoundError,
  NetError,
  NotTlsError,
  SocketError,
  TimeoutError,
  TlsError,
  TlsFailedError,
  TlsOptionsError,
  TlsWantedError,
} from './net/errors.ts'
export type { TlsOptions } from './net/tls.ts'
export type { ConnectionCounters } from './node/connection.ts'
export * from './node/cookie-source.ts'
export type { DiagnosticEvents } from './node/diagnostics.ts'
export * from './node/errors.ts'
export * from './node/gen-server-process.ts'
export {
  type ConnectOptions,
  HiddenNode,
  type HiddenNodeOptions,
} from './node/hidden-node.ts'
export type { Mail, MailboxLimits, RegisteredName } from './node/mailbox.ts'
export type {
  Destination,
  Process,
  ProcessOptions,
  ReceiveOptions,
  Spawned,
  SpawnOptions,
} from './node/process.ts'
export type { ListenOptions } from './node/reception.ts'
export * from './node/remote-error.ts'
export type { CallOptions, RemoteNode } from './node/remote-node.ts'
export type { MappedHost } from './node/resolve.ts'
export * from './node/tls-files.ts'
