/**
 * The hidden node when things break: each fault ends in its own event and error, within the time that
 * docs/observability.md says, and nothing that was waited for is left waiting.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { atom, binary, type Pid, tuple } from '../src/etf/index.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import type { Process } from '../src/node/process.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

/** Milliseconds; `kernel`'s is in seconds. */
const TICK_TIME = 2_000
const QUICK_TICKS = ['-kernel', 'net_ticktime', `${TICK_TIME / 1000}`]

/** For what takes no time but that of a busy machine. */
const SOON = 1_500

/** Of what would otherwise end by itself long after the test. */
const LONG = { timeout: 100_000 }

function clientOf(node: ErlangNode, options: Partial<HiddenNodeOptions> = {}): HiddenNode {
  const { cookie, epmdPort } = node
  return new HiddenNode({
    cookie: new Cookie(cookie),
    epmdPort,
    netTickTime: TICK_TIME,
    ...options,
  })
}

interface Told {
  readonly channel: string | symbol
  readonly at: number
  readonly event: object & { readonly error: unknown }
}

/** What the channels tell of one node. */
class Events implements Disposable {
  readonly #told: Told[] = []
  readonly #node: string
  readonly #listen = (event: unknown, channel: string | symbol): void => {
    if (!isAbout(event, this.#node)) return
    this.#told.push({ channel, event, at: performance.now() })
  }

  constructor(node: ErlangNode) {
    this.#node = node.name
    for (const name of CHANNELS) subscribe(name, this.#listen)
  }

  of(channel: (typeof CHANNELS)[number]): readonly Told[] {
    return this.#told.filter((it) => it.channel === channel)
  }

  [Symbol.dispose](): void {
    for (const name of CHANNELS) unsubscribe(name, this.#listen)
  }
}

function isAbout(event: unknown, node: string): event is Told['event'] {
  const isEvent = typeof event === 'object' && event !== null && 'node' in event
  return isEvent && event.node === node && 'error' in event
}

const CHANNELS = ['beamscope:connect', 'beamscope:call', 'beamscope:close'] as const

/** How many of the promises ended in which way; fails when some do not end in time. */
async function outcomes(
  promises: readonly Promise<unknown>[],
  timeout: number,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  const count = (outcome: string): void => {
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  const all = promises.map((promise) =>
    promise.then(
      () => count('fulfilled'),
      (error) => count(error.code ?? String(error)),
    ),
  )
  const late = delay(timeout, 'late', { ref: false })
  if ((await Promise.race([Promise.all(all), late])) === 'late') {
    throw new Error(`of ${promises.length} there ended ${JSON.stringify(counts)} in ${timeout} ms`)
  }
  return counts
}

/** A process of ours that is linked to one of the node, and monitors it. */
async function bind(client: HiddenNode, remote: RemoteNode): Promise<[Process, Pid]> {
  const process = client.spawn()
  const { pid } = await process.spawn(remote.name, 'timer', 'sleep', [atom('infinity')], {
    link: true,
    monitor: true,
  })
  return [process, pid]
}

/** The reasons in the mail that tells of the end of what `bind` made. */
async function reasonsOf(process: Process): Promise<unknown> {
  const mail = [await process.receive(LONG), await process.receive(LONG)]
  return Object.fromEntries(mail.map((it) => [it.type, 'reason' in it ? it.reason : undefined]))
}

const NOCONNECTION = { exit: atom('noconnection'), down: atom('noconnection') }

function callMany(remote: RemoteNode, count: number): Promise<unknown>[] {
  return Array.from({ length: count }, () => remote.call('timer', 'sleep', [60_000], LONG))
}

describeOnEachRelease('when the node breaks', (release) => {
  const start = (): Promise<ErlangNode> =>
    startErlangNode({ release, emulatorArguments: QUICK_TICKS })

  it.concurrent('by a kill, all that waits for it ends at once', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    const [bound] = await bind(client, remote)
    const mail = reasonsOf(bound)
    const calls = callMany(remote, 200)
    const server = remote.genServerCall(atom('rex'), atom('no_such_request'), LONG)
    await remote.call('erlang', 'node')
    // So that these cannot come about before.
    await node.pause()
    const spawned = bound.spawn(node.name, 'erlang', 'node', [], LONG)
    await using other = clientOf(node)
    const connecting = outcomes([other.connect(node.name, LONG)], 10_000)
    await delay(200)
    expect(remote.counters.callsPending).toBe(202)
    const killedAt = performance.now()
    const killed = node.kill()
    expect(await outcomes([...calls, server, spawned], SOON)).toEqual({
      ERR_NODE_CONNECTION_LOST: 202,
    })
    expect(await mail).toEqual(NOCONNECTION)
    expect(performance.now() - killedAt).toBeLessThan(SOON)
    expect(Object.keys(await connecting)).toEqual([
      expect.stringMatching(/^ERR_(DIST_HANDSHAKE_CLOSED|SOCKET)$/),
    ])
    expect(remote.isConnected).toBe(false)
    expect(remote.counters.callsPending).toBe(0)
    expect(client.remotes).toEqual([])
    expect(events.of('beamscope:close')).toMatchObject([
      { event: { error: { code: 'ERR_NODE_CONNECTION_LOST' } } },
    ])
    const failed = events.of('beamscope:call').filter(({ event }) => event.error !== undefined)
    expect(failed).toHaveLength(202)
    await expect(remote.call('erlang', 'node')).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_CONNECTED',
    })
    await killed
    await expect(client.connect(node.name)).rejects.toMatchObject({ code: 'ERR_EPMD_NOT_RUNNING' })
    expect(events.of('beamscope:connect').at(-1)).toMatchObject({
      event: { address: undefined, error: { code: 'ERR_EPMD_NOT_RUNNING' } },
    })
  })

  it.concurrent('in order, all that waits for it ends with it', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    const [bound] = await bind(client, remote)
    const calls = callMany(remote, 200)
    await remote.call('erlang', 'node')
    const stopped = node.stop()
    // `init:stop/0` takes about a second.
    expect(await outcomes(calls, 5_000)).toEqual({ ERR_NODE_CONNECTION_LOST: 200 })
    expect(await reasonsOf(bound)).toEqual(NOCONNECTION)
    expect(remote.counters.callsPending).toBe(0)
    expect(events.of('beamscope:close')).toHaveLength(1)
    await stopped
  })

  it.concurrent('by hanging, it is given up after the tick time', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    const [bound] = await bind(client, remote)
    const mail = reasonsOf(bound)
    const calls = callMany(remote, 200)
    // Longer than the tick time: the ticks of the node keep the connection.
    await delay(1.5 * TICK_TIME)
    expect(remote.isConnected).toBe(true)
    const pausedAt = performance.now()
    await node.pause()
    const spawned = bound.spawn(node.name, 'erlang', 'node', [], LONG)
    await using other = clientOf(node)
    const connecting = other.connect(node.name, { timeout: 1_000 })
    const waits = [...calls, spawned, connecting]
    expect(await outcomes(waits, 1.25 * TICK_TIME + SOON)).toEqual({
      ERR_NODE_CONNECTION_LOST: 201,
      ERR_TIMEOUT: 1,
    })
    expect(await mail).toEqual(NOCONNECTION)
    const [closed] = events.of('beamscope:close')
    const silence = (closed?.at ?? 0) - pausedAt
    expect(silence).toBeGreaterThan(0.75 * TICK_TIME)
    expect(silence).toBeLessThan(1.25 * TICK_TIME + 200)
    const lost = {
      code: 'ERR_NODE_CONNECTION_LOST',
      cause: { code: 'ERR_NODE_SILENT', node: node.name, netTickTime: TICK_TIME },
    }
    expect(closed?.event.error).toMatchObject(lost)
    await expect(calls[0]).rejects.toMatchObject(lost)
    expect(remote.counters.callsPending).toBe(0)
    const again = client.connect(node.name, LONG)
    await node.resume()
    const connected = await again
    expect(await connected.call('erlang', 'node')).toEqual(atom(node.name))
  })

  it.concurrent('by a restart, it comes back to whoever wants it back', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name, { reconnect: true })
    await using other = clientOf(node)
    const left = await other.connect(node.name)
    const [bound, old] = await bind(client, remote)
    const { creation } = remote.connected.peer
    const inFlight = callMany(remote, 10)
    const restarted = node.restart()
    expect(await outcomes(inFlight, SOON)).toEqual({ ERR_NODE_CONNECTION_LOST: 10 })
    expect(await reasonsOf(bound)).toEqual(NOCONNECTION)
    const lostAt = performance.now()
    const waiting = Array.from({ length: 50 }, () => remote.call('erlang', 'node', [], LONG))
    const served = remote.genServerCall(atom('rex'), atom('x'), { timeout: 20 })
    const late = remote.call('erlang', 'node', [], { timeout: 10 })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = remote.call('erlang', 'node', [], { ...LONG, signal })
    expect(remote.counters.callsPending).toBe(53)
    controller.abort(new Error('enough'))
    expect(await outcomes([late, served, aborted], SOON)).toEqual({
      ERR_TIMEOUT: 2,
      'Error: enough': 1,
    })
    expect(() => bound.send(old, atom('hello'))).toThrow('closed')
    expect(await outcomes(waiting, 20_000)).toEqual({ fulfilled: 50 })
    await restarted
    expect(client.remotes).toEqual([remote])
    expect(remote.connected.peer.creation).not.toBe(creation)
    const attempts = events.of('beamscope:connect').filter(({ at }) => at > lostAt)
    expect(attempts.at(-1)?.event).toMatchObject({ error: undefined, address: remote.address })
    for (const { event } of attempts.slice(0, -1)) {
      expect(event.error).toMatchObject({ code: expect.stringMatching(/^ERR_/) })
    }
    // The pid of what has gone with the old node.
    bound.send(old, atom('hello'))
    bound.sendExit(old, atom('enough'))
    const monitor = bound.monitor(old)
    bound.link(old)
    const gone = [await bound.receive(SHORT), await bound.receive(SHORT)]
    expect(gone).toContainEqual({
      type: 'down',
      ref: monitor,
      process: old,
      reason: expect.objectContaining({ name: expect.stringMatching(/^no(proc|connection)$/) }),
    })
    // Who did not ask for it is not brought back.
    await expect(left.call('erlang', 'node')).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_CONNECTED',
    })
    expect(left.counters.callsPending).toBe(0)
    expect(other.remotes).toEqual([])
    const fresh = await other.connect(node.name)
    expect(await fresh.call('erlang', 'node')).toEqual(atom(node.name))
    expect(left.isConnected).toBe(false)
  })

  it.concurrent('by losing its port mapper, only new connections fail', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    await node.killEpmd()
    expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
    await using other = clientOf(node)
    const wanted = { code: 'ERR_EPMD_NOT_RUNNING' }
    await expect(other.connect(node.name)).rejects.toMatchObject(wanted)
    expect(events.of('beamscope:connect').at(-1)).toMatchObject({ event: { error: wanted } })
    await node.startEpmd()
    if (release === 23) {
      await delay(TICK_TIME)
      await expect(other.connect(node.name)).rejects.toMatchObject({
        code: 'ERR_EPMD_NAME_NOT_REGISTERED',
      })
    } else {
      await expect
        .poll(() => other.connect(node.name).then((it) => it.isConnected), { timeout: 20_000 })
        .toBe(true)
    }
    // It has been there all the time.
    expect(remote.isConnected).toBe(true)
    expect(events.of('beamscope:close')).toEqual([])
  })

  it.concurrent('the connection alone, it comes back to whoever wants it back', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name, { reconnect: true })
    const [bound] = await bind(client, remote)
    for (let round = 0; round < 5; round++) {
      const inFlight = callMany(remote, 10)
      const cut = remote.call('erlang', 'disconnect_node', [atom(client.name ?? '')], LONG)
      expect(await outcomes([...inFlight, cut], SOON)).toEqual({ ERR_NODE_CONNECTION_LOST: 11 })
      expect(remote.isConnected).toBe(false)
      expect(await remote.call('erlang', 'node', [], LONG)).toEqual(atom(node.name))
    }
    expect(await reasonsOf(bound)).toEqual(NOCONNECTION)
    expect(events.of('beamscope:close')).toHaveLength(5)
    for (const { event } of events.of('beamscope:close')) {
      expect(event.error).toMatchObject({ code: 'ERR_NODE_CONNECTION_LOST' })
      expect(Object(event.error).cause).toBeUndefined()
    }
    expect(events.of('beamscope:connect').filter(({ event }) => !event.error)).toHaveLength(6)
  })

  it.concurrent('nothing, all that was sent before a close arrives', async () => {
    await using node = await start()
    await node.evaluate(COLLECTOR)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    const sender = client.spawn()
    const collector = { name: 'collector', node: node.name }
    // What comes meanwhile, and is not read any more, must not reset the connection.
    sender.send(collector, tuple(atom('talk_to'), sender.pid))
    await sender.receive(SHORT)
    const megabyte = binary('x'.repeat(1_000_000))
    for (let i = 0; i < 50; i++) sender.send(collector, megabyte)
    await remote.close({ timeout: 30_000 })
    await expect
      .poll(() => node.evaluate('collector ! {size, self()}, receive Size -> Size end'), SHORT)
      .toBe('50000000')
  })
})

/** A process that counts the bytes it is sent, and talks to another all the time. */
const COLLECTOR = `
  Talk = fun Talk(To) -> erlang:send(To, hello, [noconnect]), timer:sleep(1), Talk(To) end,
  Collect = fun Collect(Size) ->
    receive
      {size, From} -> From ! Size, Collect(Size);
      {talk_to, To} -> spawn(fun() -> Talk(To) end), Collect(Size);
      Binary -> Collect(Size + byte_size(Binary))
    end
  end,
  register(collector, spawn(fun() -> Collect(0) end))
`

/** For an answer of a node. */
const SHORT = { timeout: 5_000 }

describeOnEachRelease(
  'when the network is cut',
  (release) => {
    it.concurrent('silence ends all, and the network brings the node back', async () => {
      await using node = await startErlangNode({
        release,
        isolated: true,
        emulatorArguments: QUICK_TICKS,
      })
      using events = new Events(node)
      await using client = clientOf(node)
      const remote = await client.connect(node.name, { reconnect: true })
      const [bound] = await bind(client, remote)
      const mail = reasonsOf(bound)
      const calls = callMany(remote, 200)
      await remote.call('erlang', 'node')
      const cutAt = performance.now()
      await node.disconnect()
      const spawned = bound.spawn(node.name, 'erlang', 'node', [], LONG)
      const waits = [...calls, spawned]
      expect(await outcomes(waits, 1.25 * TICK_TIME + SOON)).toEqual({
        ERR_NODE_CONNECTION_LOST: 201,
      })
      expect(await mail).toEqual(NOCONNECTION)
      const [closed] = events.of('beamscope:close')
      expect((closed?.at ?? 0) - cutAt).toBeLessThan(1.25 * TICK_TIME + SOON)
      expect(closed?.event.error).toMatchObject({ cause: { code: 'ERR_NODE_SILENT' } })
      expect(remote.counters.callsPending).toBe(0)
      const late = remote.call('erlang', 'node', [], { timeout: 500 })
      const waiting = remote.call('erlang', 'node', [], LONG)
      expect(await outcomes([late], SOON)).toEqual({ ERR_TIMEOUT: 1 })
      await delay(1_000)
      await node.reconnect()
      expect(await waiting).toEqual(atom(node.name))
    })
  },
  { isolation: true },
)
