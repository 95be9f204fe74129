/**
 * The nodes that are registered in the EPMD of a host.
 */
import { names } from '../epmd/client.ts'
import { EPMD_PORT } from '../epmd/default-port.ts'
import type { Waiting } from '../net/deadline.ts'
import type { ResolveOptions } from '../node/resolve.ts'

/**
 * Each with that host behind the `@`. EPMD knows no more than what stands before it, and takes any name.
 *
 * @throws what {@link names} throws
 */
export async function nodesOfEpmd(
  host: string,
  { epmdPort = EPMD_PORT, map }: Pick<ResolveOptions, 'epmdPort' | 'map'>,
  waiting: Waiting,
): Promise<readonly string[]> {
  const mapped = map?.get(host)?.host ?? host
  const registered = await names({ host: mapped, port: epmdPort, ...waiting })
  return registered.map(({ name }) => `${name}@${host}`)
}
