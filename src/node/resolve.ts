/**
 * Where a node listens: what the caller knows first, else what EPMD says.
 */
import type { NodeName } from '../dist/node-name.ts'
import { lookup } from '../epmd/client.ts'
import { EPMD_PORT } from '../epmd/default-port.ts'
import type { Waiting } from '../net/deadline.ts'
import type { Endpoint } from '../net/tcp.ts'

/** Where a host of a node name can really be reached; with a port, without asking EPMD. */
export interface MappedHost {
  readonly host: string
  readonly port?: number | undefined
}

export interface ResolveOptions {
  /** EPMD's port. Default 4369. */
  readonly epmdPort?: number | undefined
  /** The node's own port: EPMD is not asked. */
  readonly port?: number | undefined
  /** Addresses by the host of the node name, for port-forwards and containers. */
  readonly map?: ReadonlyMap<string, MappedHost> | undefined
}

/**
 * Finds the address of a node.
 *
 * @throws {EpmdError} when EPMD cannot be reached or does not know the name
 */
export async function resolveNode(
  peer: NodeName,
  options: ResolveOptions,
  waiting: Waiting,
): Promise<Endpoint> {
  const mapped = options.map?.get(peer.host)
  const host = mapped?.host ?? peer.host
  const known = mapped?.port ?? options.port
  if (known !== undefined) return { host, port: known }
  const epmdPort = options.epmdPort ?? EPMD_PORT
  const { port } = await lookup(peer.alive, { host, port: epmdPort, ...waiting })
  return { host, port }
}
