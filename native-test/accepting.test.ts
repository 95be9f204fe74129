/** A node of ours that real nodes connect to: from either side, at once, over TLS and IPv6, and again. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { lookup, names } from '../src/epmd/client.ts'
import { atom, tuple } from '../src/etf/index.ts'
import type { DiagnosticEvents } from '../src/node/diagnostics.ts'
import { serveGenServer } from '../src/node/gen-server-process.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

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

/** The events of a channel, until the test is over. */
function listenTo<Name extends keyof DiagnosticEvents>(name: Name): DiagnosticEvents[Name][] {
  const events: DiagnosticEvents[Name][] = []
  const take = (event: unknown): void => {
    // What is published on a channel is what stands in the table of channels.
    events.push(event as DiagnosticEvents[Name])
  }
  subscribe(name, take)
  onTestFinished(() => {
    unsubscribe(name, take)
  })
  return events
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

/** Answers each call of a `gen_server` by the request. */
function serveEcho(ours: HiddenNode, name: string): void {
  serveGenServer(ours.spawn({ name }), { handleCall: (request) => request }).catch(() => {})
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
    const [alive = ''] = ours.name?.split('@') ?? []
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
    const { name = '' } = ours
    // The node connects by itself, as often as it is asked to, after so many milliseconds.
    await node.evaluate(`
        register(dialler, spawn(fun F() ->
          receive {From, Ref, Wait} ->
            timer:sleep(Wait), From ! {Ref, net_kernel:connect_node('${name}')}, F()
          end end)), ok`)
    onTestFinished(async () => {
      await node.evaluate('exit(whereis(dialler), kill)')
    })
    // By way of another, which tells the first when to dial.
    const starter = startNode(node)
    const line = await starter.connect(node.name)
    using box = starter.spawn()
    for (let round = 0; round < 50; round++) {
      const ref = round
      box.send({ name: 'dialler', node: node.name }, tuple(box.pid, ref, round % 3))
      // Its way there takes about as long as ours here.
      await new Promise((resolve) => setTimeout(resolve, (round % 7) * 0.5))
      const remote = await ours.connect(node.name)
      const answer = await box.receive({ timeout: 10_000 })
      expect(answer).toMatchObject({ message: tuple(ref, atom('true')) })
      const standing = await ours.connect(node.name)
      expect(await standing.call('erlang', 'node')).toEqual(atom(node.name))
      expect(standing).toBe(remote)
      expect(ours.remotes).toEqual([standing])
      await standing.close()
      for (;;) {
        const text = await line.call('erlang', 'nodes', [atom('connected')])
        if (
          Array.isArray(text) &&
          !text.some((it) => it instanceof Object && 'name' in it && it.name === name)
        )
          break
      }
    }
  })
})
