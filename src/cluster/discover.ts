/**
 * Finds the nodes of a cluster, by whatever knows of them. None of them is touched for it but the seeds,
 * and no connection between nodes comes about.
 */
import { setMaxListeners } from 'node:events'
import { parseNodeName } from '../dist/node-name.ts'
import { BeamscopeError } from '../errors.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { type Access, type AccessOptions, openAccess } from './access.ts'
import { InvalidNamesError, MAX_NODES, TooManyNodesError } from './discovery-errors.ts'
import { checkDnsServers, type DnsRecord, hostsOfDns } from './hosts-of-dns.ts'
import { isWanted, type NodeFilter } from './node-pattern.ts'
import { nodesOfEpmd } from './nodes-of-epmd.ts'
import { nodesOfSeed } from './nodes-of-seed.ts'
import { Slots } from './slots.ts'

/** Where the names of nodes come from. */
export type NodeSource = SeedSource | EpmdSource | DnsSource | ListSource

/** A node, itself among those that it is connected to: `nodes()`, with `hidden` also `nodes(hidden)`. */
export interface SeedSource {
  readonly type: 'seed'
  readonly node: string
  readonly hidden?: boolean | undefined
}

/**
 * Who is registered in the EPMD of a host, named with that host: it has to be the one by which the nodes
 * call themselves.
 */
export interface EpmdSource {
  readonly type: 'epmd'
  readonly host: string
}

/**
 * Hosts by a name in DNS: the addresses (A, AAAA) of a headless service, or the targets of its services
 * (SRV, whose ports say nothing of EPMD and are not used). The name is asked for as it stands: neither
 * search domains nor `/etc/hosts` are looked at.
 */
export interface DnsSource {
  readonly type: 'dns'
  readonly name: string
  readonly record: DnsRecord
  /** Before the `@` of the one node on each host. Without it, the EPMD of each is asked. */
  readonly alive?: string | undefined
}

/** Given by the user. */
export interface ListSource {
  readonly type: 'list'
  readonly names: readonly string[]
}

/**
 * `timeout` is for each seed, host and name in DNS, from when it is its turn: 10 s by default. `from`, `via`
 * and what makes a node of ours are for the seeds; `epmdPort` and `map` for every host.
 */
export interface DiscoverOptions extends AccessOptions, NodeFilter, Waiting {
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
  /** Each once: in the order of the sources, and sorted within one that is no list of the user's. */
  readonly nodes: readonly DiscoveredNode[]
  /** These take nothing from what others told. */
  readonly failures: readonly DiscoveryFailure[]
}

const DEFAULT_TIMEOUT = 10_000

/**
 * Asks all sources, at the same time. Our own node is left out by its name, unless it is in a list.
 *
 * @throws {RangeError} when `concurrency` or `timeout` is none
 * @throws {InvalidDnsServerError} when one of `dnsServers` is none
 * @throws the signal's reason
 */
export async function discover(
  sources: readonly NodeSource[],
  options: DiscoverOptions = {},
): Promise<Discovery> {
  checkDnsServers(options.dnsServers ?? [])
  await using questions = new Questions(options)
  const told = await Promise.all(distinct(sources).map((it) => tell(it, questions)))
  options.signal?.throwIfAborted()
  return gather(told, options, questions.ownName)
}

/** What became of a source. */
interface Told {
  readonly source: string
  readonly names: readonly string[]
  readonly failures: readonly DiscoveryFailure[]
  /** Our own node is in it because the user wants it. */
  readonly isGiven?: true
}

/**
 * A seed that stands there twice is asked once, and for hidden nodes too if that is wanted once: whichever
 * question ends first would close the connection of the other.
 */
function distinct(sources: readonly NodeSource[]): readonly NodeSource[] {
  const seeds = new Map<string, boolean>()
  for (const it of sources) {
    if (it.type === 'seed') seeds.set(it.node, it.hidden === true || seeds.get(it.node) === true)
  }
  return sources.flatMap((it): readonly NodeSource[] => {
    if (it.type !== 'seed') return [it]
    const hidden = seeds.get(it.node)
    return seeds.delete(it.node) ? [{ ...it, hidden }] : []
  })
}

/** Whatever goes wrong is told as well. */
async function tell(it: NodeSource, questions: Questions): Promise<Told> {
  switch (it.type) {
    case 'seed':
      return tellNames(`seed ${it.node}`, questions.askSeed(it))
    case 'epmd':
      return tellNames(`EPMD of ${it.host}`, questions.askEpmd(it.host))
    case 'dns':
      return tellDns(it, questions)
    case 'list':
      return { source: 'given', names: it.names, failures: [], isGiven: true }
  }
}

async function tellNames(source: string, asked: Promise<readonly string[]>): Promise<Told> {
  try {
    return { source, names: await asked, failures: [] }
  } catch (error) {
    return { source, names: [], failures: [{ source, error }] }
  }
}

async function tellDns(it: DnsSource, questions: Questions): Promise<Told> {
  const source = `DNS ${it.name}`
  try {
    const { hosts, failures } = await questions.askDns(it)
    const ofDns = failures.map((error) => ({ source, error }))
    const { alive } = it
    if (alive !== undefined) {
      return { source, names: hosts.map((host) => `${alive}@${host}`), failures: ofDns }
    }
    const ofHosts = await Promise.all(
      hosts.map((host) => tellNames(`${source}, EPMD of ${host}`, questions.askEpmd(host))),
    )
    return {
      source,
      names: ofHosts.flatMap(({ names }) => names),
      failures: [...ofDns, ...ofHosts.flatMap((host) => host.failures)],
    }
  } catch (error) {
    return { source, names: [], failures: [{ source, error }] }
  }
}

/** Some of them at a time; each has its own time, from when it is its turn. Disposal closes all. */
class Questions implements AsyncDisposable {
  readonly #options: DiscoverOptions
  readonly #timeout: number
  readonly #slots: Slots
  readonly #controller = new AbortController()
  readonly #stop: () => void
  #access: Promise<Access> | undefined

  constructor(options: DiscoverOptions) {
    const { timeout = DEFAULT_TIMEOUT, signal } = options
    checkTimeout('timeout', timeout)
    this.#options = options
    this.#timeout = timeout
    this.#slots = new Slots(options.concurrency)
    // Each question listens.
    setMaxListeners(0, this.#controller.signal)
    this.#stop = startDeadline('discovery', undefined, signal, (reason) =>
      this.#controller.abort(reason),
    )
  }

  /** By which others than the seeds may know us. */
  get ownName(): string | undefined {
    const { from, name } = this.#options
    return from === undefined ? name : from.name
  }

  askSeed({ node, hidden }: SeedSource): Promise<readonly string[]> {
    return this.#ask(`all that was asked of ${node}`, async (left) => {
      parseNodeName(node)
      // Whoever comes first opens it, when it turns out that there are seeds at all.
      this.#access ??= openAccess(this.#options, left())
      const access = await this.#access
      return access.ask(node, nodesOfSeed(hidden ? 'connected' : 'visible'), left)
    })
  }

  askEpmd(host: string): Promise<readonly string[]> {
    return this.#ask(`the EPMD of ${host}`, (left) => nodesOfEpmd(host, this.#options, left()))
  }

  askDns({ name, record }: DnsSource): ReturnType<typeof hostsOfDns> {
    const servers = this.#options.dnsServers
    return this.#ask(`asking DNS for ${name}`, (left) =>
      hostsOfDns(name, record, { servers, ...left() }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop()
    const access = await this.#access?.catch(() => undefined)
    await access?.[Symbol.asyncDispose]()
  }

  #ask<Answer>(what: string, question: (left: Left) => Promise<Answer>): Promise<Answer> {
    const { signal } = this.#controller
    return this.#slots.use(async () => {
      const end = performance.now() + this.#timeout
      const left: Left = () => {
        signal.throwIfAborted()
        const timeout = end - performance.now()
        if (timeout <= 0) throw new TimeoutError(what, this.#timeout)
        return { timeout, signal }
      }
      try {
        return await question(left)
      } catch (error) {
        if (!(error instanceof TimeoutError) || error === signal.reason) throw error
        // What was left for the last step tells the reader nothing.
        throw new TimeoutError(error.what, this.#timeout)
      }
    })
  }
}

type Left = () => Waiting & { readonly timeout: number }

function gather(all: readonly Told[], filter: NodeFilter, ownName: string | undefined): Discovery {
  const nodes = new Map<string, DiscoveredNode>()
  const failures: DiscoveryFailure[] = []
  for (const { source, names, isGiven, failures: told } of all) {
    failures.push(...told)
    const { valid, error } = checkNames(names)
    if (error !== undefined) failures.push({ source, error })
    const fresh = valid.filter(
      (name) => !nodes.has(name) && (isGiven || name !== ownName) && isWanted(name, filter),
    )
    if (nodes.size + fresh.length > MAX_NODES) {
      failures.push({ source, error: new TooManyNodesError() })
      continue
    }
    for (const name of isGiven ? fresh : fresh.sort()) nodes.set(name, { name, source })
  }
  return { nodes: [...nodes.values()], failures }
}

/** Each once, without those that no node can have. */
function checkNames(names: readonly string[]): {
  readonly valid: readonly string[]
  readonly error: InvalidNamesError | undefined
} {
  const valid: string[] = []
  let count = 0
  let first: BeamscopeError | undefined
  for (const name of new Set(names)) {
    try {
      parseNodeName(name)
      valid.push(name)
    } catch (error) {
      if (!(error instanceof BeamscopeError)) throw error
      count++
      first ??= error
    }
  }
  return { valid, error: first && new InvalidNamesError(count, first) }
}
