/**
 * What can go wrong when the nodes of a cluster are looked for.
 */
import { quoteForeignText } from '../dist/node-name.ts'
import { BeamscopeError } from '../errors.ts'

/** How many nodes are found at most: beyond that, something else than a cluster was asked. */
export const MAX_NODES = 100_000

/** DNS does not tell of a name. */
export abstract class DnsError extends BeamscopeError {
  readonly dnsName: string
  constructor(
    message: string,
    dnsName: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(message, options)
    this.dnsName = dnsName
  }
}

/** There is no such name. */
export class DnsNameNotFoundError extends DnsError {
  readonly code = 'ERR_CLUSTER_DNS_NOT_FOUND'
  constructor(dnsName: string, cause?: unknown) {
    super(`DNS has no name ${quoteForeignText(dnsName)}`, dnsName, {
      cause,
      hint: 'it is asked for as it stands: write it with its whole domain, as name.namespace.svc.cluster.local',
    })
  }
}

/** The name is there, and has no records of the kind. */
export class NoDnsRecordsError extends DnsError {
  readonly code = 'ERR_CLUSTER_DNS_NO_RECORDS'
  readonly record: 'address' | 'srv'
  constructor(dnsName: string, record: 'address' | 'srv', cause?: unknown) {
    const records = record === 'srv' ? 'SRV records' : 'addresses'
    super(`${quoteForeignText(dnsName)} has no ${records} in DNS`, dnsName, {
      cause,
      hint:
        record === 'srv'
          ? 'SRV records stand under names like _epmd._tcp.myservice'
          : 'a headless service has addresses as long as one of its nodes is ready',
    })
    this.record = record
  }
}

/** No server answers. */
export class NoDnsAnswerError extends DnsError {
  readonly code = 'ERR_CLUSTER_DNS_NO_ANSWER'
  /** Those that were asked. */
  readonly servers: readonly string[]
  constructor(dnsName: string, servers: readonly string[], cause?: unknown) {
    super(
      `no DNS server answers for ${quoteForeignText(dnsName)} (asked: ${servers.join(', ')})`,
      dnsName,
      { cause, hint: 'name one that can be reached by --dns-server ADDRESS' },
    )
    this.servers = servers
  }
}

/** A server refuses to answer, cannot find out, or answers what cannot be understood. */
export class DnsFailedError extends DnsError {
  readonly code = 'ERR_CLUSTER_DNS_FAILED'
  /** Node's name for it, such as `ESERVFAIL`. */
  readonly reason: string
  constructor(dnsName: string, reason: string, servers: readonly string[], cause?: unknown) {
    super(`DNS cannot tell of ${quoteForeignText(dnsName)}: ${reason}`, dnsName, {
      cause,
      hint:
        reason === 'EBADNAME'
          ? 'no name in DNS can be written like this'
          : `asked: ${servers.join(', ')}; another may know: --dns-server ADDRESS`,
    })
    this.reason = reason
  }
}

/** What was given as a DNS server is none. */
export class InvalidDnsServerError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_DNS_SERVER'
  readonly text: string
  constructor(text: string, cause?: unknown) {
    super(`${quoteForeignText(text)} is no DNS server`, {
      cause,
      hint: 'write it as ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, without names',
    })
    this.text = text
  }
}

/** A source told names that no node can have; they are left out. The cause says what is wrong with the first. */
export class InvalidNamesError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_INVALID_NAMES'
  /** How many. */
  readonly count: number
  constructor(count: number, cause: BeamscopeError) {
    super(`${count === 1 ? 'one name' : `${count} names`} left out: ${cause.message}`, { cause })
    this.count = count
  }
}

/** More nodes than any cluster has. */
export class TooManyNodesError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_TOO_MANY_NODES'
  readonly limit: number
  constructor(limit: number = MAX_NODES) {
    super(`more than ${limit} nodes`, { hint: 'ask for a part of them at a time' })
    this.limit = limit
  }
}

/** A list of nodes that cannot be read, or has a line that is no node name; the cause says what is wrong. */
export class NodeListError extends BeamscopeError {
  readonly code = 'ERR_CLUSTER_NODE_LIST'
  /** The file's path, or what else the text came from. */
  readonly source: string
  /** From 1. */
  readonly line: number | undefined
  constructor(
    source: string,
    what: string,
    {
      line,
      ...options
    }: { readonly line?: number; readonly cause?: unknown; readonly hint?: string } = {},
  ) {
    super(`${source}${line === undefined ? '' : `:${line}`}: ${what}`, options)
    this.source = source
    this.line = line
  }
}
