/**
 * What the exit codes mean, and which one an error ends in.
 */
import { CommanderError } from 'commander'
import { BeamscopeError } from '../errors.ts'
import { InterruptedError } from './interruption.ts'

export const exitCode = {
  done: 0,
  finding: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  broken: 5,
  partial: 6,
  /** 128 and the number of the signal, as shells have it. */
  interrupted: 130,
  terminated: 143,
} as const

/**
 * By the stable codes of errors, the first that matches. Text that is no term stands here because the
 * user typed it; in a file it is the cause of a snapshot's error.
 */
const CODES: readonly (readonly [pattern: RegExp, code: number])[] = [
  [
    /^ERR_(USAGE|FILE_EXISTS|ERLANG_MISSING|NODE_NAME|EPMD_PORT|TERM_SYNTAX|TERM_UNREADABLE|TERM_TEXT_LIMIT)$/,
    exitCode.usage,
  ],
  [/^ERR_SERVE_/, exitCode.usage],
  [/^ERR_(CLUSTER_DNS_SERVER$|COOKIE_|TLS_FILE$|TLS_OPTIONS$)/, exitCode.usage],
  [/^ERR_CLUSTER_(DNS_|NOT_CONNECTED$|SEED_LOST$)/, exitCode.unreachable],
  [/^ERR_TLS_/, exitCode.refused],
  [/^ERR_(DIST_HANDSHAKE|EPMD)_PROTOCOL$/, exitCode.broken],
  [/^ERR_EPMD_DISTRIBUTION_VERSION$/, exitCode.refused],
  [
    /^ERR_DIST_(HANDSHAKE_CLOSED|WRONG_|PEER_|NOT_ALLOWED|MISSING_|ALREADY_|OLD_)/,
    exitCode.refused,
  ],
  [/^ERR_NODE_(CONNECTION_LOST|NOT_CONNECTED|NOT_LISTENING|SILENT)$/, exitCode.unreachable],
  [/^ERR_(EPMD_|NET_|TIMEOUT$)/, exitCode.unreachable],
]

/** Whatever else is deliberate: bytes that break the protocol, a bad file, an exception on the node. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) {
    return error.signal === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
  }
  // Help and version end by such an error as well.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCode.done : exitCode.usage
  }
  if (!(error instanceof BeamscopeError)) return exitCode.broken
  // It may have been lost because what came broke the protocol.
  if (error.code === 'ERR_NODE_CONNECTION_LOST' && error.cause instanceof BeamscopeError) {
    return exitCodeOf(error.cause)
  }
  return CODES.find(([pattern]) => pattern.test(error.code))?.[1] ?? exitCode.broken
}

/** For `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    diagnose, sweep: a finding at or above --fail-on, or a limit exceeded
  2    the command line is wrong, or there is no cookie or token to use
  3    cannot connect: host, port mapper, port, or no answer in time
  4    refused: wrong cookie, not allowed, another node answers, TLS fails
  5    protocol error, bad file, or an exception on the node
  6    several nodes: some of them failed
  130  interrupted`
