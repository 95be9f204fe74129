import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type DiscoverOptions,
  type Discovery,
  discover,
  type NodeSource,
} from '../../src/cluster/discover.ts'
import { InvalidDnsServerError } from '../../src/cluster/discovery-errors.ts'
import { InvalidNodeNameError } from '../../src/dist/node-name.ts'
import { type EpmdServer, startEpmdServer } from '../../src/epmd/server.ts'
import { atom, ImproperList, string, type Term, tuple } from '../../src/etf/index.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { uint32, wire } from '../dist/wire.ts'
import { a, srv, startDnsServer } from './dns-server.ts'
import { failure } from './failure.ts'
import { type Answerer, COOKIE, hanging, ScriptedCluster } from './scripted-cluster.ts'

const HOST = '127.0.0.1'
const SEED = `seed@${HOST}`

/** What is to come, or to end, does so in its own time. Milliseconds. */
const MOMENT = { timeout: 20_000 }

/** What a node answers to `nodes/1`. */
function connectedTo(visible: readonly string[], hidden: readonly string[] = []): Answerer {
  return (module, name, args) => {
    const [which] = args
    expect([module, name, args.length]).toEqual(['erlang', 'nodes', 1])
    const names = which instanceof Object && 'name' in which ? which.name : undefined
    if (names !== 'visible' && names !== 'connected') throw new Error('another question')
    return [...visible, ...(names === 'connected' ? hidden : [])].map((it) => atom(it))
  }
}

function seed(node: string, hidden?: boolean): NodeSource {
  return { type: 'seed', node, hidden }
}

const list = (...names: readonly string[]): NodeSource => ({ type: 'list', names })

function namesOf({ nodes }: Discovery): readonly string[] {
  return nodes.map(({ name }) => name)
}

/** An EPMD that knows these names, valid or not. */
async function startEpmd(...names: readonly string[]): Promise<EpmdServer> {
  const epmd = await startEpmdServer()
  const kind = 'normal'
  const about = { kind, port: 4711, protocol: 0, highestVersion: 6, lowestVersion: 6 } as const
  for (const name of names) epmd.register({ ...about, name, extra: new Uint8Array() })
  return epmd
}

/** Hosts that are all this one. */
function mapped(...hosts: readonly string[]): DiscoverOptions['map'] {
  return new Map(hosts.map((host) => [host, { host: HOST }]))
}

describe('discovery', () => {
  it('of nothing finds nothing', async () => {
    expect(await discover([])).toEqual({ nodes: [], failures: [] })
    expect(await discover([list()])).toEqual({ nodes: [], failures: [] })
  })

  it('gives each node once, with the first source that knew it, in the order of a list or sorted', async () => {
    await using epmd = await startEpmd('c', 'b', 'a')
    const found = await discover(
      [list('z@h', `b@${HOST}`, 'a@h', 'a@h'), { type: 'epmd', host: HOST }, list('a@h', 'y@h')],
      { epmdPort: epmd.port },
    )
    expect(found).toEqual({
      nodes: [
        { name: 'z@h', source: 'given' },
        { name: `b@${HOST}`, source: 'given' },
        { name: 'a@h', source: 'given' },
        { name: `a@${HOST}`, source: `EPMD of ${HOST}` },
        { name: `c@${HOST}`, source: `EPMD of ${HOST}` },
        { name: 'y@h', source: 'given' },
      ],
      failures: [],
    })
  })

  it('gives what the patterns want', async () => {
    const names = ['rabbit-1@h', 'rabbit-2@h', 'rabbit-2@old', 'remsh-7@h']
    const match = ['rabbit*', 'web*']
    const exclude = ['*@old']
    const found = await discover([list(...names)], { match, exclude })
    expect(namesOf(found)).toEqual(['rabbit-1@h', 'rabbit-2@h'])
  })

  it('takes nothing from other sources when one fails, or all', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: 'absent' })
    const options = { ...cluster.options, timeout: 5_000 }
    const failing = [seed(SEED), seed('no name')]
    const { nodes, failures } = await discover([...failing, list('a@h')], options)
    expect(nodes).toEqual([{ name: 'a@h', source: 'given' }])
    expect(failures).toMatchObject([
      { source: `seed ${SEED}`, error: { code: 'ERR_EPMD_NAME_NOT_REGISTERED' } },
      { source: 'seed no name', error: { code: 'ERR_NODE_NAME' } },
    ])
    const nothing = await discover(failing, options)
    expect(nothing.nodes).toEqual([])
    expect(nothing.failures).toHaveLength(2)
  })

  it('leaves out what no node can be called, and says so', async () => {
    const { nodes, failures } = await discover([list('a@h', 'b', 'c d@h', 'b', 'e@h')])
    expect(nodes.map(({ name }) => name)).toEqual(['a@h', 'e@h'])
    expect(failures).toMatchObject([
      {
        source: 'given',
        error: {
          code: 'ERR_CLUSTER_INVALID_NAMES',
          count: 2,
          message: '2 names left out: "b" is no node name: the host is missing',
          cause: expect.any(InvalidNodeNameError),
        },
      },
    ])
  })

  it('finds up to 100,000 nodes', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `n${i}@h`)
    const { nodes, failures } = await discover([
      list(...names),
      list('n1@h'),
      list('more@h'),
      list('n2@h'),
    ])
    expect(nodes).toHaveLength(100_000)
    expect(failures).toMatchObject([
      { source: 'given', error: { code: 'ERR_CLUSTER_TOO_MANY_NODES', limit: 100_000 } },
    ])
  })

  it.each<[string, DiscoverOptions]>([
    ['no concurrency', { concurrency: 0 }],
    ['a time-out of nothing', { timeout: 0 }],
    ['a time-out that a timer takes for none', { timeout: 2 ** 31 }],
  ])('does not begin with %s', async (_, options) => {
    expect(await failure(discover([list('a@h')], options))).toBeInstanceOf(RangeError)
  })

  it('does not begin with a DNS server that is none', async () => {
    const options = { dnsServers: ['127.0.0.1:0'] }
    expect(await failure(discover([list('a@h')], options))).toBeInstanceOf(InvalidDnsServerError)
  })

  it('is called off with the reason, before and in the middle', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: hanging })
    await using dns = await startDnsServer(() => 'silence')
    await using epmd = await startSilentServer()
    const sources: readonly NodeSource[] = [
      seed(SEED),
      { type: 'dns', name: 'silent.example', record: 'address' },
      { type: 'epmd', host: 'silent' },
    ]
    const map = new Map([['silent', { host: HOST }]])
    const reason = new Error('enough')
    const options = { ...cluster.options, map, dnsServers: [dns.address] }
    const signal = AbortSignal.abort(reason)
    expect(await failure(discover(sources, { ...options, signal }))).toBe(reason)
    expect(cluster.connected).toEqual([])
    expect(dns.asked).toEqual([])

    const controller = new AbortController()
    const asked = discover(sources.slice(0, 2), { ...options, signal: controller.signal })
    const other = discover(sources.slice(2), {
      ...options,
      epmdPort: epmd.port,
      signal: controller.signal,
    })
    const ends = [failure(asked), failure(other)]
    await vi.waitUntil(
      () => cluster.open.length > 0 && dns.asked.length > 0 && epmd.count() > 0,
      MOMENT,
    )
    controller.abort(reason)
    expect(await Promise.all(ends)).toEqual([reason, reason])
    await vi.waitUntil(() => cluster.open.length === 0 && epmd.count() === 0, MOMENT)
  })

  it('asks so many at a time', async () => {
    await using epmd = await startSilentServer()
    const hosts = Array.from({ length: 5 }, (_, i) => `host${i}`)
    const asked = discover(
      hosts.map((host) => ({ type: 'epmd', host })),
      { map: mapped(...hosts), epmdPort: epmd.port, concurrency: 2 },
    )
    await vi.waitUntil(() => epmd.count() === 2, MOMENT)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(epmd.count()).toBe(2)
    epmd.answer('name a at port 4711\n')
    expect(namesOf(await asked)).toEqual(hosts.map((host) => `a@${host}`))
  })

  it('gives each its whole time, from when it is its turn', async () => {
    await using epmd = await startSilentServer()
    const hosts = Array.from({ length: 5 }, (_, i) => `host${i}`)
    const { nodes, failures } = await discover(
      hosts.map((host) => ({ type: 'epmd', host })),
      { map: mapped(...hosts), epmdPort: epmd.port, concurrency: 2, timeout: 200 },
    )
    expect(nodes).toEqual([])
    expect(failures).toMatchObject(
      hosts.map((host) => ({
        source: `EPMD of ${host}`,
        error: { code: 'ERR_TIMEOUT', timeout: 200 },
      })),
    )
    await vi.waitUntil(() => epmd.total() === 5 && epmd.count() === 0, MOMENT)
  })

  it('warns of nothing, however many are asked', async () => {
    const warn = vi.fn()
    process.on('warning', warn)
    await using epmd = await startEpmd('a')
    const hosts = Array.from({ length: 50 }, (_, i) => `host${i}`)
    const { signal } = new AbortController()
    const options = { map: mapped(...hosts), epmdPort: epmd.port, concurrency: 50, signal }
    const found = await discover(
      hosts.map((host) => ({ type: 'epmd', host })),
      options,
    )
    expect(namesOf(found)).toEqual(hosts.map((host) => `a@${host}`))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    expect(warn).not.toHaveBeenCalled()
  })
})

describe('a seed', () => {
  it('tells of itself and of the nodes that it is connected to, and is closed', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: connectedTo(['b@h', 'a@h']) })
    const found = await discover([seed(SEED)], cluster.options)
    const source = `seed ${SEED}`
    expect(found).toEqual({
      nodes: ['a@h', 'b@h', SEED].map((name) => ({ name, source })),
      failures: [],
    })
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  it('tells of hidden nodes if it is asked to, but for ours', async () => {
    const name = `we@${HOST}`
    const answerer = connectedTo(['a@h'], ['hidden@h', name])
    await using cluster = await ScriptedCluster.start({ [SEED]: answerer })
    const options = { ...cluster.options, name }
    const visible = await discover([seed(SEED)], options)
    expect(namesOf(visible)).toEqual(['a@h', SEED])
    const all = await discover([seed(SEED, true)], options)
    expect(namesOf(all)).toEqual(['a@h', 'hidden@h', SEED])
    const given = await discover([list(name), seed(SEED, true)], options)
    expect(namesOf(given)).toEqual([name, 'a@h', 'hidden@h', SEED])
  })

  it('is asked once, however often it is named', async () => {
    const answerer = connectedTo(['a@h'], ['hidden@h'])
    await using cluster = await ScriptedCluster.start({ [SEED]: answerer })
    const sources = [seed(SEED), list('z@h'), seed(SEED, true), seed(SEED)]
    const found = await discover(sources, cluster.options)
    expect(namesOf(found)).toEqual(['a@h', 'hidden@h', SEED, 'z@h'])
    expect(cluster.connected).toEqual([SEED])
  })

  it('is asked at the same time as others', async () => {
    let count = 0
    let release = (): void => {}
    const both = new Promise<void>((resolve) => {
      release = resolve
    })
    const waiting: Answerer = async (...call) => {
      if (++count === 2) release()
      await both
      return connectedTo(['a@h'])(...call)
    }
    const other = `other@${HOST}`
    await using cluster = await ScriptedCluster.start({ [SEED]: waiting, [other]: waiting })
    const found = await discover([seed(SEED), seed(other)], cluster.options)
    expect(found.nodes.map((it) => it.source)).toEqual([
      `seed ${SEED}`,
      `seed ${SEED}`,
      `seed ${other}`,
    ])
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  it('stays connected where it was before', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: connectedTo(['a@h']) })
    await using from = new HiddenNode(cluster.options)
    const remote = await from.connect(SEED)
    const found = await discover([seed(SEED)], { from })
    expect(namesOf(found)).toEqual(['a@h', SEED])
    expect(remote.isConnected).toBe(true)
    expect(cluster.connected).toEqual([SEED])
  })

  it('may be asked through another node', async () => {
    const via = `via@${HOST}`
    const answerer: Answerer = (module, name, args) => {
      if (module === 'erlang') return [atom(SEED)]
      expect([module, name]).toEqual(['erpc', 'call'])
      expect(args.slice(0, 4)).toEqual([
        atom(SEED),
        atom('erlang'),
        atom('nodes'),
        [atom('visible')],
      ])
      return [atom('a@h'), atom(via)]
    }
    await using cluster = await ScriptedCluster.start({ [via]: answerer, [SEED]: hanging })
    const found = await discover([seed(SEED)], { ...cluster.options, via })
    expect(found.failures).toEqual([])
    expect(namesOf(found)).toEqual(['a@h', SEED, via])
    expect(cluster.connected).toEqual([via])
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  it.each<[string, Term]>([
    ['an atom', atom('a@h')],
    ['a list with something else in it', [atom('a@h'), string('b@h')]],
    ['an improper list', new ImproperList([atom('a@h')], atom('b@h'))],
    ['a tuple', tuple(atom('a@h'))],
    ['a number', 7],
  ])('tells nothing by %s', async (_, answer) => {
    await using cluster = await ScriptedCluster.start({ [SEED]: () => answer })
    const { nodes, failures } = await discover([seed(SEED), list('z@h')], cluster.options)
    expect(nodes).toEqual([{ name: 'z@h', source: 'given' }])
    expect(failures).toMatchObject([
      { source: `seed ${SEED}`, error: { code: 'ERR_NODE_UNEXPECTED_REPLY', node: SEED } },
    ])
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  it('may tell names that are none', async () => {
    const answerer = connectedTo(['a@h', 'b', 'c\n@h', '', '\u202e@h', 'a@h@i'])
    await using cluster = await ScriptedCluster.start({ [SEED]: answerer })
    const found = await discover([seed(SEED)], cluster.options)
    expect(namesOf(found)).toEqual(['a@h', SEED])
    expect(found.failures).toMatchObject([
      { source: `seed ${SEED}`, error: { code: 'ERR_CLUSTER_INVALID_NAMES', count: 5 } },
    ])
  })

  it.each([
    ['deaf', 'ERR_NODE_NOT_LISTENING'],
    ['silent', 'ERR_TIMEOUT'],
    ['foreign', 'ERR_DIST_WRONG_COOKIE'],
    ['cutting', 'ERR_NODE_CONNECTION_LOST'],
  ] as const)('fails when it is %s', async (behaviour, code) => {
    const other = `other@${HOST}`
    await using cluster = await ScriptedCluster.start({
      [SEED]: behaviour,
      [other]: connectedTo(['a@h']),
    })
    const options = { ...cluster.options, timeout: behaviour === 'silent' ? 2_000 : 20_000 }
    const found = await discover([seed(SEED), seed(other)], options)
    expect(namesOf(found)).toEqual(['a@h', other])
    expect(found.failures).toMatchObject([{ source: `seed ${SEED}`, error: { code } }])
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  it('that hangs fails within its time, which is the one that is told', async () => {
    await using cluster = await ScriptedCluster.start({ [SEED]: hanging })
    const { failures } = await discover([seed(SEED)], { ...cluster.options, timeout: 300 })
    expect(failures).toMatchObject([{ error: { code: 'ERR_TIMEOUT', timeout: 300 } }])
    await vi.waitUntil(() => cluster.open.length === 0, MOMENT)
  })

  describe('without a cookie', () => {
    beforeEach(() => {
      vi.stubEnv('HOME', '/nonexistent')
      vi.stubEnv('XDG_CONFIG_HOME', '/nonexistent')
    })
    afterEach(() => {
      vi.unstubAllEnvs()
    })

    it('fails, and nothing else does', async () => {
      await using epmd = await startEpmd('a')
      const options = { epmdPort: epmd.port }
      const found = await discover([{ type: 'epmd', host: HOST }, seed(SEED)], options)
      expect(namesOf(found)).toEqual([`a@${HOST}`])
      expect(found.failures).toMatchObject([
        { source: `seed ${SEED}`, error: { code: 'ERR_COOKIE_MISSING' } },
      ])
    })
  })
})

describe('EPMD', () => {
  it('tells of the nodes of a host, by the name that the host was asked by', async () => {
    await using epmd = await startEpmd('b', 'a')
    // The port of a mapped host is that of a node.
    const map = new Map([['myhost', { host: HOST, port: 1 }]])
    const options = { epmdPort: epmd.port, map }
    const found = await discover([{ type: 'epmd', host: 'myhost' }], options)
    const source = 'EPMD of myhost'
    expect(found).toEqual({
      nodes: [
        { name: 'a@myhost', source },
        { name: 'b@myhost', source },
      ],
      failures: [],
    })
  })

  it('may know no name at all', async () => {
    await using epmd = await startEpmd()
    const found = await discover([{ type: 'epmd', host: HOST }], { epmdPort: epmd.port })
    expect(found).toEqual({ nodes: [], failures: [] })
  })

  it('may know names that no node can have', async () => {
    await using epmd = await startEpmd('a', 'b\u00e4r', 'a b', 'a@h', 'x\u001b[2J', '..')
    const found = await discover([{ type: 'epmd', host: HOST }], { epmdPort: epmd.port })
    expect(namesOf(found)).toEqual([`a@${HOST}`])
    expect(found.failures).toMatchObject([
      { source: `EPMD of ${HOST}`, error: { code: 'ERR_CLUSTER_INVALID_NAMES', count: 5 } },
    ])
  })

  it('does not tell of our own node', async () => {
    await using epmd = await startEpmd('a')
    await using from = new HiddenNode({ cookie: COOKIE, name: `we@${HOST}`, epmdPort: epmd.port })
    await from.listen({ host: HOST })
    expect(epmd.names()).toHaveLength(2)
    const options = { from, epmdPort: epmd.port }
    const found = await discover([{ type: 'epmd', host: HOST }], options)
    expect(namesOf(found)).toEqual([`a@${HOST}`])
  })

  it('that is none fails', async () => {
    const gone = await startEpmd()
    await gone.close()
    const options = { epmdPort: gone.port }
    const { nodes, failures } = await discover([{ type: 'epmd', host: HOST }], options)
    expect(nodes).toEqual([])
    expect(failures).toMatchObject([
      { source: `EPMD of ${HOST}`, error: { code: 'ERR_EPMD_NOT_RUNNING' } },
    ])
  })
})

describe('DNS', () => {
  const NAME = 'rabbit.ns.svc.cluster.local'

  it('tells of one node on each host, of whom EPMD is not asked', async () => {
    await using dns = await startDnsServer((name, type) =>
      type === 'A' ? a(name, '10.0.0.2', '10.0.0.1') : [],
    )
    const options = { dnsServers: [dns.address], epmdPort: 1 }
    const source = { type: 'dns', name: NAME, record: 'address', alive: 'rabbit' } as const
    expect(await discover([source], options)).toEqual({
      nodes: [
        { name: 'rabbit@10.0.0.1', source: `DNS ${NAME}` },
        { name: 'rabbit@10.0.0.2', source: `DNS ${NAME}` },
      ],
      failures: [],
    })
    const { nodes, failures } = await discover([{ ...source, alive: 'a b' }], options)
    expect(nodes).toEqual([])
    expect(failures).toMatchObject([{ error: { code: 'ERR_CLUSTER_INVALID_NAMES', count: 2 } }])
  })

  it('tells of hosts, of whose EPMD each is asked, and some may fail', async () => {
    await using epmd = await startEpmd('b', 'a')
    await using dns = await startDnsServer((name, type) =>
      type === 'SRV' ? srv(name, 'one.example', 'two.example', 'three.example') : 'REFUSED',
    )
    const map = new Map([
      ['one.example', { host: HOST }],
      // Nobody listens there, if there is such an address at all.
      ['two.example', { host: '::1' }],
      ['three.example', { host: HOST }],
    ])
    const options = { dnsServers: [dns.address], epmdPort: epmd.port, map }
    const found = await discover([{ type: 'dns', name: NAME, record: 'srv' }], options)
    expect(namesOf(found)).toEqual([
      'a@one.example',
      'a@three.example',
      'b@one.example',
      'b@three.example',
    ])
    expect(found.failures).toMatchObject([
      {
        source: `DNS ${NAME}, EPMD of two.example`,
        error: { address: `[::1]:${epmd.port}` },
      },
    ])
  })

  it('may tell half of it', async () => {
    await using dns = await startDnsServer((name, type) =>
      type === 'A' ? a(name, '10.0.0.1') : 'SERVFAIL',
    )
    const { nodes, failures } = await discover(
      [{ type: 'dns', name: NAME, record: 'address', alive: 'rabbit' }],
      { dnsServers: [dns.address] },
    )
    expect(nodes.map(({ name }) => name)).toEqual(['rabbit@10.0.0.1'])
    expect(failures).toMatchObject([
      { source: `DNS ${NAME}`, error: { code: 'ERR_CLUSTER_DNS_FAILED' } },
    ])
  })

  it('fails, and nothing else does', async () => {
    await using dns = await startDnsServer(() => 'NXDOMAIN')
    const { nodes, failures } = await discover(
      [{ type: 'dns', name: NAME, record: 'srv' }, list('a@h')],
      { dnsServers: [dns.address] },
    )
    expect(nodes).toEqual([{ name: 'a@h', source: 'given' }])
    expect(failures).toMatchObject([
      { source: `DNS ${NAME}`, error: { code: 'ERR_CLUSTER_DNS_NOT_FOUND' } },
    ])
  })
})

interface SilentServer extends AsyncDisposable {
  readonly port: number
  /** How many are connected. */
  count(): number
  /** How many ever were. */
  total(): number
  /** Breaks the silence, from now on: the answer of an EPMD with these lines. */
  answer(lines: string): void
}

/** Takes connections, and says nothing. */
async function startSilentServer(): Promise<SilentServer> {
  const transports = new Set<Transport>()
  let total = 0
  let answer: Uint8Array | undefined
  const tell = (transport: Transport): void => {
    if (answer === undefined) return
    transport.write(answer)
    transport.close()
  }
  const listener = await listenTcp({ host: HOST, port: 0 }, (transport) => {
    total++
    transports.add(transport)
    transport.start({
      data: () => tell(transport),
      end: () => transports.delete(transport),
    })
  })
  return {
    port: listener.port,
    count: () => transports.size,
    total: () => total,
    answer: (lines) => {
      answer = wire(uint32(listener.port), lines)
      for (const transport of transports) tell(transport)
    },
    [Symbol.asyncDispose]: async () => {
      await listener.close()
      for (const transport of transports) transport.destroy()
    },
  }
}
