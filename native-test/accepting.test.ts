/** A node of ours that real nodes connect to: from either side, at once, over TLS and IPv6, and again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { lookup, names, register } from '../src/epmd/client.ts'
import { BeamscopeError } from '../src/errors.ts'
import { atom, binary, tuple } from '../src/etf/index.ts'
import { connectTcp, listenTcp } from '../src/net/tcp.ts'
import type { Transport } from '../src/net/transport.ts'
import { serveGenServer } from '../src/node/gen-server-process.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import { readTlsFiles } from '../src/node/tls-files.ts'
import { erlangReleases } from '../src/testing/images.ts'
import { chooseRelease } from '../src/testing/releases.ts'
import { listenTo } from '../test/node/listen-to.ts'
import {
  describeOnEachRelease,
  describeOnRelease,
  describeUnless,
} from './support/describe-on-release.ts'
import {
  type Certificates,
  createCertificates,
  type ErlangNode,
  startErlangNode,
} from './support/index.ts'
import { shortfallOf } from './support/requirements.ts'

const HOST = '127.0.0.1'

let count = 0

/** A name that no other test has; nodes remember for a while who was there. */
function nextName(host: string = HOST, prefix = 'm'): string {
  count++
  return `${prefix}${process.pid}-${count}@${host}`
}

/** A node of ours beside a real one, closed after the test. */
function startNode(node: ErlangNode, options: Partial<HiddenNodeOptions> = {}): HiddenNode {
  const { epmdPort } = node
  const cookie = new Cookie(node.cookie)
  const ours = new HiddenNode({ name: nextName(), cookie, epmdPort, ...options })
  onTestFinished(() => ours.close())
  return ours
}

async function startListener(
  node: ErlangNode,
  options: Partial<HiddenNodeOptions> = {},
): Promise<HiddenNode> {
  const ours = startNode(node, options)
  await ours.listen()
  return ours
}

/** The nodes that one is connected to, of these. */
async function seenBy(
  node: ErlangNode,
  kind: 'visible' | 'hidden' | 'connected',
  ...wanted: readonly (string | undefined)[]
): Promise<string[]> {
  const text = await node.evaluate(`lists:sort(nodes(${kind}))`)
  return wanted.filter((it) => it !== undefined).filter((it) => text.includes(`'${it}'`))
}

function ping(node: ErlangNode, ours: HiddenNode): Promise<string> {
  return node.evaluate(`net_adm:ping('${ours.name}')`)
}

function aliveOf({ name }: { readonly name: string | undefined }): string {
  return name?.split('@')[0] ?? ''
}

/** What an expression is worth in an `erl` of its own beside the node, which shares its EPMD. */
async function runErl(
  node: ErlangNode,
  how: readonly string[],
  expression: string,
): Promise<string> {
  const program = `io:format("~0p", [begin ${expression} end]), halt().`
  const quoted = Buffer.from(program.replaceAll('\n', ' ')).toString('base64')
  const quiet = ['-kernel', 'logger_level', 'none']
  const cookie = ['-setcookie', node.cookie]
  const argv = ['erl', '-noshell', '-start_epmd', 'false', ...quiet, ...cookie, ...how]
  const command = `${argv.join(' ')} -eval \\"$(echo ${quoted} | base64 -d)\\"`
  // A string of ASCII is JSON.
  return JSON.parse(await node.evaluate(`os:cmd("${command}")`))
}

/** Between others and a node of ours: cuts its line to them, and leaves that to us as it is. */
async function startProxy(
  ours: HiddenNode,
): Promise<AsyncDisposable & { readonly port: number; cutTheirs(): void }> {
  const theirs = new Set<Transport>()
  const all = new Set<Transport>()
  const listener = await listenTcp({ host: HOST, port: 0 }, async (their) => {
    const our = await connectTcp({ host: HOST, port: ours.port ?? 0 })
    theirs.add(their)
    all.add(their).add(our)
    their.start({ data: (chunk) => our.write(chunk), end: () => theirs.delete(their) })
    our.start({ data: (chunk) => their.write(chunk), end: () => their.close() })
  })
  return {
    port: listener.port,
    cutTheirs() {
      for (const their of theirs) their.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const it of all) it.destroy()
      await listener.close()
    },
  }
}

/** Answers each call of a `gen_server` by the request. */
function serveEcho(ours: HiddenNode, name: string): void {
  serveGenServer(ours.spawn({ name }), { handleCall: (request) => request }).catch(() => {})
}

/** Has both dial at the same time, so many times; a third node tells the first when, and sees what it sees. */
async function dialAtOnce(
  node: ErlangNode,
  ours: HiddenNode,
  third: HiddenNode,
  rounds: number,
): Promise<void> {
  const { name = '' } = ours
  // Dials so many milliseconds after it is called.
  await node.evaluate(`
    register(dialler, spawn(fun F() ->
      receive {'$gen_call', From, Wait} ->
        timer:sleep(Wait), gen_server:reply(From, net_kernel:connect_node('${name}')), F()
      end end)), ok`)
  onTestFinished(async () => {
    await node.evaluate('exit(whereis(dialler), kill)')
  })
  const line = await third.connect(node.name)
  const handshakes = listenTo('beamscope:handshake')
  for (let round = 0; round < rounds; round++) {
    const dialled = line.genServerCall(atom('dialler'), round % 3)
    // What asks for it takes about as long to get there as our own name.
    await delay((round % 8) * 0.5)
    const remote = await ours.connect(node.name)
    expect(await dialled).toEqual(atom('true'))
    const standing = await ours.connect(node.name)
    expect(await standing.call('erlang', 'node')).toEqual(atom(node.name))
    expect(standing).toBe(remote)
    expect(ours.remotes).toEqual([standing])
    await standing.close()
    await expect
      .poll(() => line.call('erlang', 'nodes', [atom('connected')]), { interval: 2 })
      .not.toContainEqual(atom(name))
  }
  // About every second time, else this would prove nothing.
  expect(handshakes.filter(({ error }) => error !== undefined)).not.toEqual([])
}

describeOnEachRelease('a node of ours that listens', (release) => {
  let node: ErlangNode
  let hidden: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode({ release })
    const { epmdPort, cookie } = node
    hidden = await startErlangNode({ release, epmdPort, cookie, emulatorArguments: ['-hidden'] })
  })

  afterAll(async () => {
    await hidden.kill()
    await node.kill()
  })

  it('is known to EPMD as hidden, and gone from there and from all nodes when it closes', async () => {
    const ours = await startListener(node)
    const alive = aliveOf(ours)
    const mapper = { host: HOST, port: node.epmdPort }
    expect(await lookup(alive, mapper)).toMatchObject({ kind: 'hidden', port: ours.port })
    expect(await node.evaluate('net_adm:names()')).toContain(`{"${alive}",${ours.port}}`)
    expect(await ping(node, ours)).toBe('pong')
    expect(await seenBy(node, 'hidden', ours.name)).toEqual([ours.name])
    await ours.close()
    await expect.poll(() => seenBy(node, 'hidden', ours.name)).toEqual([])
    await expect
      .poll(() => names(mapper))
      .not.toContainEqual(expect.objectContaining({ name: alive }))
    expect(await ping(node, ours)).toBe('pang')
    const again = startNode(node, { name: ours.name ?? '' })
    await again.listen()
    expect(await ping(node, again)).toBe('pong')
  })

  it.each(['visible', 'hidden'] as const)('is pinged by a %s node, and stays up', async (kind) => {
    const peer = kind === 'visible' ? node : hidden
    const ours = await startListener(node)
    expect(await ping(peer, ours)).toBe('pong')
    expect(await ping(peer, ours)).toBe('pong')
    const [remote] = ours.remotes
    expect(ours.remotes.map((it) => it.name)).toEqual([peer.name])
    expect(await seenBy(peer, 'hidden', ours.name)).toEqual([ours.name])
    expect(await seenBy(peer, 'visible', ours.name)).toEqual([])
    expect(await ours.connect(peer.name)).toBe(remote)
    expect(await remote?.call('erlang', 'node')).toEqual(atom(peer.name))
    expect(await remote?.call('erlang', 'node', [], { protocol: 'rpc' })).toEqual(atom(peer.name))
    expect(await ping(peer, ours)).toBe('pong')
  })

  it('is pinged over the connection that it made', async () => {
    const ours = await startListener(node)
    const remote = await ours.connect(node.name)
    expect(await ping(node, ours)).toBe('pong')
    expect(ours.remotes).toEqual([remote])
    expect(await seenBy(node, 'hidden', ours.name)).toEqual([ours.name])
    expect(await node.evaluate(`erlang:disconnect_node('${ours.name}')`)).toBe('true')
    await expect.poll(() => ours.remotes).toEqual([])
    expect(await ping(node, ours)).toBe('pong')
    expect(ours.remotes.map((it) => it.name)).toEqual([node.name])
  })

  it('brings no nodes together that are not', async () => {
    await using other = await startErlangNode({
      release,
      epmdPort: node.epmdPort,
      cookie: node.cookie,
    })
    const ours = await startListener(node)
    const [one, two] = [await ours.connect(node.name), await ours.connect(other.name)]
    expect(await one.call('erlang', 'node')).toEqual(atom(node.name))
    expect(await two.call('erlang', 'node')).toEqual(atom(other.name))
    expect(await ping(node, ours)).toBe('pong')
    expect(await ping(other, ours)).toBe('pong')
    expect(await seenBy(node, 'connected', ours.name, other.name)).toEqual([ours.name])
    expect(await seenBy(other, 'connected', ours.name, node.name)).toEqual([ours.name])
  })

  it('is connected by a message to it, and by a call', async () => {
    const ours = await startListener(node)
    using box = ours.spawn({ name: 'box' })
    expect(await node.evaluate(`{box, '${ours.name}'} ! {hello, 1}, ok`)).toBe('ok')
    expect(await box.receive({ timeout: 5_000 })).toMatchObject({
      type: 'message',
      message: tuple(atom('hello'), 1),
    })
    const called = await startListener(node)
    serveEcho(called, 'echo')
    expect(await node.evaluate(`gen_server:call({echo, '${called.name}'}, [1, two])`)).toBe(
      '[1,two]',
    )
    expect(await seenBy(node, 'hidden', ours.name, called.name)).toEqual([ours.name, called.name])
  })

  it('refuses a wrong cookie, and tells why', async () => {
    const ours = await startListener(node, { cookie: new Cookie('wrong') })
    const handshakes = listenTo('beamscope:handshake')
    expect(await ping(node, ours)).toBe('pang')
    expect(handshakes).toMatchObject([
      { error: { code: 'ERR_DIST_WRONG_COOKIE', rejectedBy: 'us', node: node.name } },
    ])
    expect(ours.remotes).toEqual([])
  })

  it('takes those alone that it allows', async () => {
    const ours = startNode(node)
    await ours.listen({ allow: [node.name] })
    const handshakes = listenTo('beamscope:handshake')
    expect(await ping(hidden, ours)).toBe('pang')
    expect(handshakes).toMatchObject([
      { error: { code: 'ERR_DIST_PEER_REFUSED', status: 'not_allowed', node: hidden.name } },
    ])
    expect(await ping(node, ours)).toBe('pong')
  })

  it.each(['a', 'zzz'])('has one connection after both dialled at once, as %s…', async (prefix) => {
    const ours = await startListener(node, { name: nextName(HOST, prefix) })
    await dialAtOnce(node, ours, startNode(node), 50)
  })

  it('takes the place of a connection of its own that the node still has', async () => {
    const name = nextName()
    const before = startNode(node, { name })
    const first = await before.connect(node.name)
    const after = startNode(node, { name })
    const connecting = after.connect(node.name)
    if (release === 23) {
      // It waits for the end of the old one, as long as a handshake may take.
      await delay(200)
      expect(first.isConnected).toBe(true)
      await before.close()
    }
    const second = await connecting
    await expect.poll(() => first.isConnected).toBe(false)
    expect(await second.call('erlang', 'node')).toEqual(atom(node.name))
    expect(await seenBy(node, 'hidden', name)).toEqual([name])
  })

  it('lets a node that it holds for connected connect anew', async () => {
    const ours = startNode(node)
    await ours.listen({ register: false })
    await using proxy = await startProxy(ours)
    await using _ = await register(
      { name: aliveOf(ours), port: proxy.port, kind: 'hidden' },
      { host: HOST, port: node.epmdPort },
    )
    const closes = listenTo('beamscope:close')
    expect(await ping(node, ours)).toBe('pong')
    const [before] = ours.remotes
    proxy.cutTheirs()
    await expect.poll(() => seenBy(node, 'hidden', ours.name)).toEqual([])
    expect(before?.isConnected).toBe(true)
    expect(await ping(node, ours)).toBe('pong')
    expect(before?.isConnected).toBe(false)
    expect(closes).toMatchObject([{ error: { cause: { code: 'ERR_NODE_CONNECTION_REPLACED' } } }])
    const [after] = ours.remotes
    expect(ours.remotes).toHaveLength(1)
    expect(await after?.call('erlang', 'node')).toEqual(atom(node.name))
  })

  it('is given a name by the first node, and has it for all', async () => {
    const ours = startNode(node, { name: `undefined@${HOST}` })
    const remote = await ours.connect(node.name)
    expect(ours.name).toMatch(/^[0-9A-Z]+@127\.0\.0\.1$/)
    expect(await seenBy(node, 'hidden', ours.name)).toEqual([ours.name])
    expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
    using box = ours.spawn({ name: 'box' })
    const { pid } = await box.spawn(node.name, 'erlang', 'send', [box.pid, atom('hello')])
    expect(await box.receive({ timeout: 5_000 })).toMatchObject({ message: atom('hello') })
    expect(pid.node.name).toBe(node.name)
    await ours.listen()
    const second = await ours.connect(hidden.name)
    expect(second.connected.self.name.full).toBe(ours.name)
    expect(await seenBy(hidden, 'hidden', ours.name)).toEqual([ours.name])
    expect(await ping(hidden, ours)).toBe('pong')
    await remote.close()
    expect(await ping(node, ours)).toBe('pong')
  })

  it('gives a name to a node that asks for one', async () => {
    const ours = await startListener(node)
    serveEcho(ours, 'echo')
    const printed = await runErl(
      node,
      ['-name', `undefined@${HOST}`],
      `
      true = net_kernel:connect_node('${ours.name}'),
      {gen_server:call({echo, '${ours.name}'}, {node(), self()}), net_adm:ping('${ours.name}')}`,
    )
    expect(printed).toMatch(/^\{\{'[0-9A-Z]+@127\.0\.0\.1',<0\.\d+\.0>\},pong\}$/)
  })

  // OTP 23 does not take the port from its arguments.
  if (release !== 23) {
    it('is found without EPMD by a node that knows the port', async () => {
      const ours = startNode(node)
      await ours.listen({ register: false })
      const port = ['-erl_epmd_port', `${ours.port}`]
      const how = ['-name', nextName(HOST, 'n'), '-dist_listen', 'false', ...port]
      expect(await runErl(node, how, `net_adm:ping('${ours.name}')`)).toBe('pong')
    })
  }

  it('has a short name among nodes that have', async () => {
    const ours = await startListener(node, { name: nextName('localhost') })
    const printed = await runErl(
      node,
      ['-sname', nextName('localhost', 'n')],
      `
      {net_adm:ping('${ours.name}'), nodes(hidden)}`,
    )
    expect(printed).toBe(`{pong,['${ours.name}']}`)
  })

  it('finds a node by its port alone', async () => {
    const ours = startNode(node, { epmdPort: 1, port: node.port })
    const remote = await ours.connect(node.name)
    expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
    expect(await ping(node, ours)).toBe('pong')
  })

  it('is registered again when EPMD is back, and found', async () => {
    await using lonely = await startErlangNode({ release })
    const registrations = listenTo('beamscope:register')
    const ours = await startListener(lonely)
    await lonely.killEpmd()
    await expect.poll(() => registrations.length, { timeout: 5_000 }).toBeGreaterThan(2)
    await lonely.startEpmd()
    const isBack = (): boolean => registrations.at(-1)?.error === undefined
    await expect.poll(isBack, { timeout: 10_000 }).toBe(true)
    const codes = registrations.map(({ error }) =>
      error instanceof BeamscopeError ? error.code : 'registered',
    )
    expect(codes[0]).toBe('registered')
    expect(new Set(codes.slice(1, -1))).toEqual(new Set(['ERR_EPMD_NOT_RUNNING']))
    expect(await ping(lonely, ours)).toBe('pong')
    await ours.close()
    const mapper = { host: HOST, port: lonely.epmdPort }
    await expect
      .poll(() => names(mapper))
      .not.toContainEqual({ name: aliveOf(ours), port: expect.anything() })
  })
})

describeOnEachRelease(
  'a node of ours that listens over TLS',
  (release) => {
    let plain: ErlangNode
    let node: ErlangNode
    let certificates: Certificates
    let others: Certificates

    beforeAll(async () => {
      plain = await startErlangNode({ release })
      certificates = await createCertificates(plain)
      others = await createCertificates(plain)
      const { epmdPort, cookie } = plain
      const folders = [certificates.path, others.path]
      const { distributionArguments } = certificates
      node = await startErlangNode({ release, epmdPort, cookie, folders, distributionArguments })
    })

    afterAll(async () => {
      await Promise.all([node.kill(), plain.kill()])
      await certificates[Symbol.asyncDispose]()
      await others[Symbol.asyncDispose]()
    })

    async function startSecure(name = nextName()): Promise<HiddenNode> {
      const { authority: ca, certificate: cert, key } = certificates
      return startListener(plain, { name, tls: await readTlsFiles({ ca, cert, key }) })
    }

    it('is pinged by a node that proves who it is, and calls it back', async () => {
      const ours = await startSecure()
      expect(await ping(node, ours)).toBe('pong')
      const [remote] = ours.remotes
      expect(ours.remotes.map((it) => it.name)).toContain(node.name)
      expect(await ours.connect(node.name)).toBe(remote)
      expect(await remote?.call('erlang', 'node')).toEqual(atom(node.name))
      const copy = await remote?.call('binary', 'copy', [binary('x'), 1_000_000])
      expect(copy instanceof Uint8Array && copy.length).toBe(1_000_000)
    })

    it('is pinged over the connection that it made', async () => {
      const ours = await startSecure()
      const remote = await ours.connect(node.name)
      expect(await remote.call('net_adm', 'ping', [atom(ours.name ?? '')])).toEqual(atom('pong'))
      expect(ours.remotes).toEqual([remote])
    })

    it.each(['a', 'zzz'])(
      'has one connection after both dialled at once, as %s…',
      async (prefix) => {
        const ours = await startSecure(nextName(HOST, prefix))
        await dialAtOnce(node, ours, await startSecure(), 20)
      },
    )

    it('lets nobody in who shows no certificate, or one of others, or speaks no TLS', async () => {
      const ours = await startSecure()
      const handshakes = listenTo('beamscope:handshake')
      const ping = `net_adm:ping('${ours.name}')`
      const shows = (whose: Certificates): string =>
        `, {certfile, "${whose.certificate}"}, {keyfile, "${whose.key}"}`
      const answers: string[] = []
      for (const shown of ['', shows(others), shows(certificates)]) {
        const file = join(others.path, 'client.config')
        await writeFile(
          file,
          `[{server, [{cacertfile, "${certificates.authority}"}${shows(certificates)}]},
            {client, [{cacertfile, "${certificates.authority}"}, {verify, verify_peer}${shown}]}].\n`,
        )
        const tls = ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', file]
        answers.push(await runErl(node, ['-name', nextName(HOST, 'n'), ...tls], ping))
      }
      expect([await plain.evaluate(ping), ...answers]).toEqual(['pang', 'pang', 'pang', 'pong'])
      // Of those whom TLS refuses, nobody hears.
      expect(handshakes).toMatchObject([{ error: undefined }])
    })

    it('refuses a wrong cookie', async () => {
      const ours = await startSecure()
      const handshakes = listenTo('beamscope:handshake')
      await node.evaluate(`erlang:set_cookie('${ours.name}', wrong), net_adm:ping('${ours.name}')`)
      expect(handshakes).toMatchObject([{ error: { code: 'ERR_DIST_WRONG_COOKIE' } }])
    })
  },
  { applications: ['ssl'] },
)

describeOnEachRelease(
  'a node of ours over IPv6',
  (release) => {
    it('connects, and is connected to', async () => {
      await using node = await startErlangNode({ release, family: 6 })
      const ours = startNode(node, { name: nextName('::1') })
      const remote = await ours.connect(node.name)
      expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
      const called = startNode(node, { name: nextName('::1') })
      await called.listen({ host: '::1' })
      const mapper = { host: '::1', port: node.epmdPort }
      expect(await lookup(aliveOf(called), mapper)).toMatchObject({ port: called.port })
      expect(await remote.call('net_adm', 'ping', [atom(called.name ?? '')])).toEqual(atom('pong'))
      const [back] = called.remotes
      expect(back?.address).toMatch(/^\[::1\]:\d+$/)
      expect(await back?.call('erlang', 'node')).toEqual(atom(node.name))
    })
  },
  { ipv6: true },
)

const shortfall = erlangReleases
  .map((it) => shortfallOf(chooseRelease(inject('erlangReleases'), it), {}))
  .find((it) => it !== undefined)

describeUnless(shortfall, 'a node of ours among all releases', () => {
  it('is the same to each of them, however many connect at once', async () => {
    await using first = await startErlangNode({ release: erlangReleases[0] })
    const { epmdPort, cookie } = first
    const rest = await Promise.all(
      erlangReleases.slice(1).map((release) => startErlangNode({ release, epmdPort, cookie })),
    )
    onTestFinished(async () => {
      await Promise.all(rest.map((it) => it.kill()))
    })
    const nodes = [first, ...rest]
    const ours = await startListener(first)
    using box = ours.spawn({ name: 'box' })
    const twice = await Promise.all([...nodes, ...nodes].map((it) => ours.connect(it.name)))
    expect(ours.remotes).toHaveLength(nodes.length)
    for (const [index, node] of nodes.entries()) {
      const remote = twice[index]
      expect(twice[index + nodes.length]).toBe(remote)
      // Sees the pid in the mail of another as the very same.
      const seen = await remote?.call('erlang', 'binary_to_term', [
        (await twice[0]?.call('erlang', 'term_to_binary', [box.pid])) ?? [],
      ])
      expect(seen).toEqual(box.pid)
      expect(await ping(node, ours)).toBe('pong')
      await node.evaluate(`{box, '${ours.name}'} ! {from, node()}, ok`)
      expect(await box.receive({ timeout: 5_000 })).toMatchObject({
        message: tuple(atom('from'), atom(node.name)),
      })
    }
  })
})

/** `npm test` builds it first. */
const LIBRARY = new URL('../lib/', import.meta.url).href

describeOnRelease('any', 'a program', () => {
  let node: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode()
  })

  afterAll(async () => {
    await node.kill()
  })

  /** Starts one with a node of ours; `milliseconds` is how long it lived after it said `ready`. */
  function run(body: string): {
    readonly name: string
    readonly ready: Promise<void>
    readonly ended: Promise<{ readonly code: number | null; readonly milliseconds: number }>
  } {
    const name = nextName()
    const program = `
      const { HiddenNode } = await import('${LIBRARY}node/hidden-node.js')
      const { Cookie } = await import('${LIBRARY}dist/cookie.js')
      const cookie = new Cookie(process.env.COOKIE)
      const peer = '${node.name}'
      const node = new HiddenNode({ name: '${name}', cookie, epmdPort: ${node.epmdPort} })
      ${body}
      console.log('ready')
    `
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      env: { COOKIE: node.cookie },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let at = 0
    const ready = Promise.race([once(child.stdout, 'data'), once(child, 'close')]).then(
      ([data]) => {
        if (!(data instanceof Buffer)) throw new Error('it ended before it was ready')
        at = performance.now()
      },
    )
    const ended = once(child, 'exit').then(([code]) => ({
      code,
      milliseconds: performance.now() - at,
    }))
    return { name, ready, ended }
  }

  it('ends when it has listened, connected, and closed', async () => {
    const { ready, ended } = run(`
      await node.listen()
      const remote = await node.connect(peer)
      await remote.call('erlang', 'node')
      await node.close()
    `)
    await ready
    const { code, milliseconds } = await ended
    expect(code).toBe(0)
    expect(milliseconds).toBeLessThan(1_000)
  })

  it('ends when it has called, and left the connection open', async () => {
    const { ready, ended } = run(`
      const remote = await node.connect(peer)
      await remote.call('erlang', 'node')
    `)
    await ready
    const { code, milliseconds } = await ended
    expect(code).toBe(0)
    expect(milliseconds).toBeLessThan(1_000)
  })

  it('lives while it waits for mail, as long as a node is connected', async () => {
    const { name, ready, ended } = run(`
      await node.connect(peer)
      void node.spawn().receive()
    `)
    await ready
    await delay(500)
    expect(await node.evaluate(`erlang:disconnect_node('${name}')`)).toBe('true')
    const { code, milliseconds } = await ended
    expect(code).toBe(0)
    expect(milliseconds).toBeGreaterThan(500)
    expect(milliseconds).toBeLessThan(3_000)
  })

  it('lives while it listens, also when nobody is connected', async () => {
    const { name, ready, ended } = run('await node.listen()')
    await ready
    await delay(500)
    expect(await node.evaluate(`net_adm:ping('${name}')`)).toBe('pong')
    expect(await node.evaluate(`erlang:disconnect_node('${name}')`)).toBe('true')
    expect(await Promise.race([ended, delay(300, 'lives')])).toBe('lives')
  })
})
