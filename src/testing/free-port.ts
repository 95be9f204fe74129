/** Finds TCP ports for the nodes' own port mappers. */
import { randomInt } from 'node:crypto'
import { BeamscopeError } from '../errors.ts'
import { SocketError } from '../net/errors.ts'
import { listenTcp } from '../net/tcp.ts'

/** Of all the ports that were tried, none was free. */
export class NoFreePortError extends BeamscopeError {
  override readonly code = 'ERR_NO_FREE_PORT'
  readonly attempts: number

  constructor(attempts: number) {
    super(`no free port on 127.0.0.1 in ${attempts} attempts`)
    this.attempts = attempts
  }
}

/**
 * Below the range that Linux hands out by itself (32768 and up, `ip_local_port_range`), so that no
 * outgoing connection takes a port between the moment it is found and the moment it is used.
 */
const firstPort = 20_000
const endOfPorts = 32_768

const maxAttempts = 100

/** Found in this process, perhaps not yet listened on. */
const handedOut = new Set<number>()

/**
 * A port on 127.0.0.1 on which nothing listens; each call gives another one.
 *
 * @throws {NoFreePortError}
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const port = randomInt(firstPort, endOfPorts)
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port)
      return port
    }
  }
  throw new NoFreePortError(maxAttempts)
}

/** Whether one can listen on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  try {
    const listener = await listenTcp({ host: '127.0.0.1', port }, (it) => it.destroy())
    await listener.close()
    return true
  } catch (error) {
    if (error instanceof SocketError) return false
    throw error
  }
}
