/**
 * Finds the nodes of a cluster, by whatever knows of them. None of them is touched for it but the seeds,
 * and no connection between nodes comes about.
 */
import type { Waiting } from '../net/deadline.ts'
import type { AccessOptions } from './access.ts'

/** Where the names of nodes come from. */
export type NodeSource =
  /** A node, itself among those that it is connected to: `nodes()`, with `hidden` also `nodes(hidden)`. */
  | { readonly type: 'seed'; readonly node: string; readonly hidden?: boolean | undefined }
  /**
   * Who is registered in the EPMD of a host, named with that host: it has to be the one by which the nodes
   * call themselves.
   */
  | { readonly type: 'epmd'; readonly host: string }
  /**
   * Hosts by a name in DNS: the addresses (A, AAAA) of a headless service, or the targets of its services
   * (SRV, whose ports say nothing of EPMD and are not used). With `alive`, the part before the `@`, each is
   * the host of one node; without, the EPMD of each is asked. The name is asked for as it stands: neither
   * search domains nor `/etc/hosts` are looked at.
   */
  | {
      readonly type: 'dns'
      readonly name: string
      readonly record: 'address' | 'srv'
      readonly alive?: string | undefined
    }
  /** Given by the user. */
  | { readonly type: 'list'; readonly names: readonly string[] }

/**
 * `timeout` is for each seed, host and name in DNS, once it is its turn: 10 s by default. `from`, `via` and
 * what makes a node of ours are for the seeds; `epmdPort` and `map` for every host.
 */
export interface DiscoverOptions extends AccessOptions, Waiting {
  /** Patterns of whole node names, `*` for any characters and `?` for one: only those of any of them. */
  readonly match?: readonly string[] | undefined
  /** Patterns as well: none of these. */
  readonly exclude?: readonly string[] | undefined
  /** `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. By default those of the system. */
  readonly dnsServers?: readonly string[] | undefined
  /** How many seeds, hosts and names in DNS are asked at a time: 16 by default. */
  readonly concurrency?: number | undefined
}

/** A node that was found. */
export interface DiscoveredNode {
  readonly name: string
  /** For people: `seed a@h`, `EPMD of h`, `DNS name`, `given`. The first, where several know of it. */
  readonly source: string
}

/** A source, or a part of one, that told nothing. */
export interface DiscoveryFailure {
  readonly source: string
  readonly error: unknown
}

export interface Discovery {
  /** Each once: in the order of the sources, and sorted within one. */
  readonly nodes: readonly DiscoveredNode[]
  /** These take nothing from the other sources. */
  readonly failures: readonly DiscoveryFailure[]
}

/**
 * Asks all sources, at the same time.
 *
 * @throws {RangeError} when `concurrency` or `timeout` is none
 * @throws {InvalidDnsServerError} when one of `dnsServers` is none
 * @throws the signal's reason
 */
export async function discover(
  _sources: readonly NodeSource[],
  _options: DiscoverOptions = {},
): Promise<Discovery> {
  return { nodes: [], failures: [] }
}
