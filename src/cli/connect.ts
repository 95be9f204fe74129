/**
 * The connection of a command to its node.
 */
import { parseNodeName } from '../dist/node-name.ts'
import { defaultEpmdPort } from '../epmd/default-port.ts'
import type { Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { HiddenNode, type RemoteNode } from '../node/hidden-node.ts'
import type { Context } from './context.ts'
import { findCookie } from './find-cookie.ts'
import type { ConnectionOptions } from './options.ts'

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
 * @throws {InvalidNodeNameError} before anything is done
 */
export async function withNode<Result>(
  name: string,
  options: ConnectionOptions,
  context: Context,
  use: (reached: Reached) => Promise<Result>,
): Promise<Result> {
  parseNodeName(name)
  const { signal } = context
  const cookie = await findCookie(options, context)
  const start = performance.now()
  const left = (): Waiting => {
    const timeout = start + options.timeout - performance.now()
    if (timeout <= 0) throw new TimeoutError(`all that was asked of ${name}`, options.timeout)
    return { timeout, signal }
  }
  const { name: ownName, port, map } = options
  const epmdPort = options.epmdPort ?? defaultEpmdPort(context.env)
  const node = new HiddenNode({ cookie, name: ownName, epmdPort, port, map })
  try {
    const remote = await node.connect(name, left())
    return await use({ remote, connectTime: performance.now() - start, left })
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    // What was left for the last step tells the user nothing.
    throw new TimeoutError(error.what, options.timeout)
  } finally {
    await node.close()
  }
}
