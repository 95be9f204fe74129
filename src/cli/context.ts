/**
 * What a command has to do with the world outside: streams, environment, and who may call it off.
 */

import type { Readable } from 'node:stream'

/** Where a command reads and writes: the streams of the process, or those of a test. */
export interface Context {
  readonly stdin: Readable
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C. Every wait takes it. */
  readonly signal: AbortSignal
  /** Set by a command that ends well and yet has something to say to a script. */
  exitCode: number
  /** Set by `--verbose`. */
  verbose: boolean
}

export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
}
