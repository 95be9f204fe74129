/**
 * The hosts behind a name in DNS, as headless services have them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2782
 * @see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
 */
import { Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { startDeadline, type Waiting } from '../net/deadline.ts'
import {
  type DnsError,
  DnsFailedError,
  DnsNameNotFoundError,
  InvalidDnsServerError,
  NoDnsAnswerError,
  NoDnsRecordsError,
} from './discovery-errors.ts'

/** `address`: A and AAAA. `srv`: the targets of SRV, whose ports are the services', and not EPMD's. */
export type DnsRecord = 'address' | 'srv'

export interface HostsOfDns {
  readonly hosts: readonly string[]
  /** Why they may not be all: addresses of one kind came, and whether there are others is not known. */
  readonly failures: readonly DnsError[]
}

export interface DnsOptions extends Waiting {
  /** By default those of the system. */
  readonly servers?: readonly string[] | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/** What c-ares takes by default. Milliseconds. */
const MAX_TRY_TIMEOUT = 5_000

/**
 * @throws {DnsError} when there are no hosts
 * @throws the signal's reason
 */
export async function hostsOfDns(
  name: string,
  record: DnsRecord,
  { servers, timeout, signal }: DnsOptions,
): Promise<HostsOfDns> {
  signal?.throwIfAborted()
  // c-ares would ask for what stands before the NUL.
  if (name === '' || name.includes('\0')) throw new DnsFailedError(name, 'EBADNAME', [])
  // A packet that is lost, or a server that does not answer, leaves time for the next.
  const tryTimeout = Math.min(Math.ceil(timeout / 4), MAX_TRY_TIMEOUT)
  const resolver = createResolver(servers, tryTimeout)
  const queries =
    record === 'srv'
      ? [targets(resolver, name)]
      : [resolver.resolve4(name), resolver.resolve6(name)]
  let expiry: unknown
  const stop = startDeadline(`asking DNS for ${name}`, timeout, signal, (reason) => {
    expiry = reason
    resolver.cancel()
  })
  const answers = await Promise.allSettled(queries)
  stop()
  signal?.throwIfAborted()
  const hosts = new Set<string>()
  const errors: DnsError[] = []
  for (const answer of answers) {
    if (answer.status === 'fulfilled') for (const host of answer.value) hosts.add(host)
    else errors.push(explain(answer.reason, name, record, resolver.getServers(), expiry))
  }
  const failures = errors.filter((it) => !isAbsence(it))
  if (hosts.size > 0) return { hosts: [...hosts].sort(), failures }
  // A name that has records of any kind is there.
  throw (
    failures[0] ??
    errors.find((it) => it instanceof NoDnsRecordsError) ??
    errors[0] ??
    new NoDnsRecordsError(name, record)
  )
}

/** `ADDRESS` or `[ADDRESS]`, and a port if there is one. */
const SERVER = /^(?:[^:[\]]+|\[[^[\]]+\])(?::(?<port>\d{1,5}))?$/

/** @throws {InvalidDnsServerError} */
export function checkDnsServers(servers: readonly string[]): void {
  for (const server of servers) {
    // Of the port Node.js is not to be asked: it crashes at 0, and takes what is none for the default.
    const match = SERVER.exec(server)
    const port = Number(match?.groups?.port ?? 53)
    const isServer = isIPv6(server) || (match !== null && port >= 1 && port <= 0xffff)
    if (!isServer) throw new InvalidDnsServerError(server)
    try {
      new Resolver().setServers([server])
    } catch (cause) {
      throw new InvalidDnsServerError(server, cause)
    }
  }
}

function createResolver(servers: readonly string[] | undefined, timeout: number): Resolver {
  const resolver = new Resolver({ timeout })
  if (servers !== undefined && servers.length > 0) resolver.setServers(servers)
  return resolver
}

/** The root as a target says that the service is not to be had. */
async function targets(resolver: Resolver, name: string): Promise<string[]> {
  const records = await resolver.resolveSrv(name)
  return records.map((it) => it.name).filter((it) => it !== '' && it !== '.')
}

/** Whether DNS has answered, and there is nothing. */
function isAbsence(error: DnsError): boolean {
  return error instanceof DnsNameNotFoundError || error instanceof NoDnsRecordsError
}

function explain(
  error: unknown,
  name: string,
  record: DnsRecord,
  servers: readonly string[],
  expiry: unknown,
): DnsError {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  switch (code) {
    case 'ENOTFOUND':
      return new DnsNameNotFoundError(name, error)
    case 'ENODATA':
      return new NoDnsRecordsError(name, record, error)
    case 'ECANCELLED':
    case 'ECONNREFUSED':
    case 'ETIMEOUT':
      return new NoDnsAnswerError(name, servers, expiry ?? error)
    default:
      return new DnsFailedError(name, code === '' ? String(error) : code, servers, error)
  }
}
