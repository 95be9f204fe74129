/** Finds TCP ports for the nodes' own port mappers. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the range that Linux hands out by itself (32768 and up, `ip_local_port_range`), so that no
 * outgoing connection takes a port between the moment it is found and the moment it is used.
 */
const firstPort = 20_000
const endOfPorts = 32_768

const attempts = 100

/** Found in this process, perhaps not yet listened on. */
const handedOut = new Set<number>()

/** A port on 127.0.0.1 on which nothing listens; each call gives another one. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(firstPort, endOfPorts)
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port)
      return port
    }
  }
  throw new Error(`no free port on 127.0.0.1 in ${attempts} attempts`)
}

/** Whether one can listen on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
