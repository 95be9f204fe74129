/**
 * The connection of a command to its node.
 */
import { parseNodeName } from '../dist/node-name.ts'
import { defaultEpmdPort } from '../epmd/default-port.ts'
import type { Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { HiddenNode, type HiddenNodeOptions } from '../node/hidden-node.ts'
import type { RemoteNode } from '../node/remote-node.ts'
import { readTlsFiles } from '../node/tls-files.ts'
import type { Context } from './context.ts'
import { findCookie } from './find-cookie.ts'
import { type ConnectionOptions, DEFAULT_TIMEOUT } from './options.ts'
import { UsageError } from './usage-error.ts'

/** Everything was answered or given up by then: a node that hangs is not waited for. */
export const CLOSE_TIMEOUT = 250

/** A node, and how long the command may still wait for it. */
export interface Reached {
  readonly remote: RemoteNode
  /** Milliseconds that connecting took. */
  readonly connectTime: number
  /** What `--timeout` leaves. */
  left(): Waiting
}

/**
 * Connects, lets `use` work, and closes the connection whatever becomes of that.
 *
 * @throws {InvalidNodeNameError | UsageError} before anything is done
 */
export async function withNode<Result>(
  name: string,
  options: ConnectionOptions,
  context: Context,
  use: (reached: Reached) => Promise<Result>,
): Promise<Result> {
  parseNodeName(name)
  const { signal } = context
  const { timeout: whole = DEFAULT_TIMEOUT } = options
  const reached = await hiddenNodeOptions(options, context)
  const node = new HiddenNode({ ...reached, temporary: true })
  const start = performance.now()
  const left = (): Waiting => {
    const timeout = start + whole - performance.now()
    if (timeout <= 0) throw new TimeoutError(`all that was asked of ${name}`, whole)
    return { timeout, signal }
  }
  try {
    const remote = await node.connect(name, left())
    return await use({ remote, connectTime: performance.now() - start, left })
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    // What was left for the last step tells the user nothing.
    throw new TimeoutError(error.what, whole, undefined, error.mayBe)
  } finally {
    await node.close({ timeout: CLOSE_TIMEOUT })
  }
}

/**
 * How nodes are reached, by the options of a command.
 *
 * @throws {UsageError | CookieFileError | InvalidCookieError | NoCookieError | TlsFileError}
 */
export async function hiddenNodeOptions(
  options: ConnectionOptions,
  context: Context,
): Promise<HiddenNodeOptions> {
  checkTlsOptions(options)
  const cookie = await findCookie(options, context)
  const tls = options.tls ? await readTlsFiles(options) : undefined
  const { name, port, map } = options
  const epmdPort = options.epmdPort ?? defaultEpmdPort(context.env)
  return { cookie, name, epmdPort, port, map, tls }
}

/** What belongs together is not left out, above all `--tls`: without it nothing would be encrypted. */
function checkTlsOptions({ tls, ca, cert, key }: ConnectionOptions): void {
  if (!tls && (ca ?? cert ?? key) !== undefined) {
    throw new UsageError('--ca, --cert and --key go with --tls')
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key go together')
  }
}
