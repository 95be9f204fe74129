/**
 * Where the server listens, and which names are those of this machine alone.
 */
import { BlockList, isIP } from 'node:net'

export interface ListenAddress {
  /** Without brackets. */
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
}

/** Seen by this machine alone. */
export const DEFAULT_LISTEN: ListenAddress = { host: '127.0.0.1', port: 9369 }

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether nobody but this machine comes to the address, or the name. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family !== 0) return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4')
  // RFC 6761: no resolver asks anybody for these.
  return /^(?:.+\.)?localhost\.?$/i.test(host)
}

/** Whether a header `Host`, or what follows the scheme of an `Origin`, names this machine. */
export function isLoopbackHost(host: string | undefined): boolean {
  const { bracketed, plain } =
    /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:]*))(?::\d{1,5})?$/.exec(host ?? '')?.groups ?? {}
  return isLoopback(bracketed ?? plain ?? '')
}

/** `host:port`, as it stands in a URL. */
export function formatAddress({ host, port }: ListenAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
