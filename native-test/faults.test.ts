/**
 * The hidden node when things break: each fault ends in its own event and error, within the time that
 * docs/faults.md says, and nothing that was waited for is left waiting.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { atom, binary, type Pid, tuple } from '../src/etf/index.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import type { Process } from '../src/node/process.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { ClientProgram } from './support/client-program.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import { createCertificates, type ErlangNode, startErlangNode } from './support/index.ts'
import { eventually, outcomes, tellFault } from './support/outcomes.ts'

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

/** With that of its cause; `done` where there is no error. */
function codeOf(error: unknown): string {
  const { code, cause } = Object(error)
  const causeCode = Object(cause).code
  return code === undefined ? 'done' : causeCode === undefined ? code : `${code} < ${causeCode}`
}

const CHANNELS = ['beamscope:connect', 'beamscope:call', 'beamscope:close'] as const

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
  const tell = (fault: string, what: string, told: Told | undefined, since: number): void =>
    tellFault(release, fault, what, codeOf(told?.event.error), (told?.at ?? Number.NaN) - since)

  it.concurrent('by a kill, all that waits for it ends at once', async () => {
    await using node = await start()
    using events = new Events(node)
    await using client = clientOf(node)
    const remote = await client.connect(node.name)
    const [bound, silent] = await bind(client, remote)
    const mail = reasonsOf(bound)
    const calls = callMany(remote, 200)
    const server = remote.genServerCall(silent, atom('hello'), LONG)
    await remote.call('erlang', 'node')
    // So that these cannot come about before.
    await node.pause()
    // The signal is sent; what runs just then on another processor runs on for a moment.
    await delay(200)
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
    const [killedCalls] = events.of('beamscope:close')
    tell('killed', '202 calls', killedCalls, killedAt)
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
    const stoppedAt = performance.now()
    const stopped = node.stop()
    // `init:stop/0` takes about a second.
    expect(await outcomes(calls, 5_000)).toEqual({ ERR_NODE_CONNECTION_LOST: 200 })
    expect(await reasonsOf(bound)).toEqual(NOCONNECTION)
    expect(remote.counters.callsPending).toBe(0)
    const [closed, ...others] = events.of('beamscope:close')
    expect(others).toEqual([])
    tell('stopped in order', '200 calls', closed, stoppedAt)
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
    const silentAt = performance.now()
    await delay(200)
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
    // It has ticked a quarter of the tick time before, at the earliest.
    expect((closed?.at ?? 0) - pausedAt).toBeGreaterThan(0.75 * TICK_TIME)
    // And a machine may be busy.
    expect((closed?.at ?? 0) - silentAt).toBeLessThan(1.25 * TICK_TIME + 1_000)
    const lost = {
      code: 'ERR_NODE_CONNECTION_LOST',
      cause: { code: 'ERR_NODE_SILENT', node: node.name, netTickTime: TICK_TIME },
    }
    expect(closed?.event.error).toMatchObject(lost)
    tell(`suspended, T = ${TICK_TIME} ms`, '201 calls', closed, silentAt)
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
    const killedAt = performance.now()
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
    await expect(bound.spawn(node.name, 'erlang', 'node')).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_CONNECTED',
    })
    expect(await outcomes(waiting, 20_000)).toEqual({ fulfilled: 50 })
    await restarted
    expect(client.remotes).toEqual([remote])
    expect(remote.connected.peer.creation).not.toBe(creation)
    const attempts = events.of('beamscope:connect').filter(({ at }) => at > lostAt)
    tell('restarted', 'the node is back', attempts.at(-1), killedAt)
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
    const goneAt = performance.now()
    expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
    await using other = clientOf(node)
    const wanted = { code: 'ERR_EPMD_NOT_RUNNING' }
    await expect(other.connect(node.name)).rejects.toMatchObject(wanted)
    expect(events.of('beamscope:connect').at(-1)).toMatchObject({ event: { error: wanted } })
    tell('EPMD gone', 'connect', events.of('beamscope:connect').at(-1), goneAt)
    const startedAt = performance.now()
    await node.startEpmd()
    if (release === 23) {
      await delay(TICK_TIME)
      await expect(other.connect(node.name)).rejects.toMatchObject({
        code: 'ERR_EPMD_NAME_NOT_REGISTERED',
      })
    } else {
      await eventually(() => other.connect(node.name).then((it) => it.isConnected))
      tell('EPMD back', 'connect', events.of('beamscope:connect').at(-1), startedAt)
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
      const cutAt = performance.now()
      const cut = remote.call('erlang', 'disconnect_node', [atom(client.name ?? '')], LONG)
      expect(await outcomes([...inFlight, cut], SOON)).toEqual({ ERR_NODE_CONNECTION_LOST: 11 })
      expect(remote.isConnected).toBe(false)
      if (round === 4)
        tell('cut by the node', '11 calls', events.of('beamscope:close').at(-1), cutAt)
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
    await closeAfterSending(node)
  })
})

/** Sends 50 MB, closes at once, and sees that the node has all of it. */
async function closeAfterSending(
  node: ErlangNode,
  options: Partial<HiddenNodeOptions> = {},
): Promise<void> {
  await node.evaluate(COLLECTOR)
  await using client = clientOf(node, { netTickTime: 60_000, ...options })
  const remote = await client.connect(node.name)
  const sender = client.spawn()
  const collector = { name: 'collector', node: node.name }
  // What comes meanwhile, and is not read any more, must not reset the connection.
  sender.send(collector, tuple(atom('talk_to'), sender.pid))
  await sender.receive(SHORT)
  const megabyte = binary('x'.repeat(1_000_000))
  for (let i = 0; i < 50; i++) sender.send(collector, megabyte)
  await remote.close({ timeout: 30_000 })
  const size = 'collector ! {size, self()}, receive Size -> Size end'
  await eventually(async () => (await node.evaluate(size)) === '50000000')
}

describeOnRelease('any', 'a peer that does not read', () => {
  it('costs no more than the queue holds, and no longer than the time-out of a close', async () => {
    await using node = await startErlangNode()
    const client = clientOf(node, { netTickTime: 60_000 })
    const remote = await client.connect(node.name)
    const sender = client.spawn()
    await node.pause()
    const before = process.memoryUsage().arrayBuffers
    const megabyte = binary('x'.repeat(1_000_000))
    let sent = 0
    const fill = (): void => {
      for (; sent < 1_000; sent++) sender.send({ name: 'nobody', node: node.name }, megabyte)
    }
    const full = {
      code: 'ERR_NODE_SEND_QUEUE_FULL',
      node: node.name,
      limit: 256 * 1024 * 1024,
    }
    expect(fill).toThrow(expect.objectContaining(full))
    // 268 of them, besides what the systems of both hold.
    expect(sent).toBeGreaterThan(260)
    expect(sent).toBeLessThan(300)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(320_000_000)
    await expect(remote.call('erlang', 'node')).rejects.toMatchObject(full)
    expect(remote.counters.callsPending).toBe(0)
    const start = performance.now()
    await remote.close({ timeout: 500 })
    expect(performance.now() - start).toBeGreaterThan(400)
    expect(performance.now() - start).toBeLessThan(500 + SOON)
    await client.close()
    expect(performance.now() - start).toBeLessThan(500 + SOON)
  })

  it('is not waited for when the close is called off', async () => {
    await using node = await startErlangNode()
    const remote = await clientOf(node).connect(node.name)
    await node.pause()
    const reason = new Error('enough')
    const controller = new AbortController()
    const closed = remote.close({ signal: controller.signal })
    setTimeout(() => controller.abort(reason), 100)
    const start = performance.now()
    await expect(closed).rejects.toBe(reason)
    expect(performance.now() - start).toBeLessThan(SOON)
  })
})

describeOnRelease('any', 'over TLS', () => {
  it('a node comes back, and all that was sent before a close arrives', async () => {
    await using maker = await startErlangNode()
    await using certificates = await createCertificates(maker)
    await using node = await startErlangNode({
      distributionArguments: certificates.distributionArguments,
      folders: [certificates.path],
    })
    const [ca, cert, key] = await Promise.all(
      [certificates.authority, certificates.certificate, certificates.key].map((file) =>
        readFile(file),
      ),
    )
    const tls = { ca, cert, key }
    await using client = clientOf(node, { netTickTime: 60_000, tls })
    const remote = await client.connect(node.name, { reconnect: true })
    const cut = remote.call('erlang', 'disconnect_node', [atom(client.name ?? '')], LONG)
    expect(await outcomes([cut], SOON)).toEqual({ ERR_NODE_CONNECTION_LOST: 1 })
    expect(await remote.call('erlang', 'node', [], LONG)).toEqual(atom(node.name))
    await closeAfterSending(node, { tls })
  })
})

describeOnRelease('any', 'a program', () => {
  it.concurrent('that has nothing to wait for ends, though it is connected', async () => {
    await using node = await startErlangNode()
    const program = new ClientProgram(
      node,
      `
        node.spawn()
        console.log(remote.isConnected)
      `,
    )
    expect(await program.end(10_000)).toEqual([0, 'true\n'])
  })

  it.concurrent('ends when the node that it would connect again is gone', async () => {
    await using node = await startErlangNode()
    const program = new ClientProgram(
      node,
      `
        console.log('calls')
        await remote.call('timer', 'sleep', [60_000]).catch(({ code }) => console.log(code))
        // Attempts are under way by then.
        await new Promise((resolve) => setTimeout(resolve, 500))
      `,
    )
    await program.printed('calls')
    await node.kill()
    expect(await program.end(5_000)).toEqual([0, 'calls\nERR_NODE_CONNECTION_LOST\n'])
  })

  it.concurrent('lives on as long as a call waits for its node to come back', async () => {
    await using node = await startErlangNode()
    const program = new ClientProgram(
      node,
      `
        const sleep = remote.call('timer', 'sleep', [60_000])
        console.log('calls')
        await sleep.catch(({ code }) => console.log(code))
        console.log(\`\${(await remote.call('erlang', 'node', [], { timeout: 60_000 })).name}\`)
      `,
    )
    await program.printed('calls')
    await node.restart()
    const output = `calls\nERR_NODE_CONNECTION_LOST\n${node.name}\n`
    expect(await program.end(30_000)).toEqual([0, output])
  })

  it.concurrent('lives on as long as it waits for mail, also while its node is gone', async () => {
    await using node = await startErlangNode()
    const program = new ClientProgram(
      node,
      `
        const server = node.spawn({ name: 'server' })
        const waiting = server.receive()
        console.log('waits')
        await remote.call('timer', 'sleep', [60_000]).catch(({ code }) => console.log(code))
        // From here on nothing else keeps the program.
        console.log((await waiting).type)
      `,
    )
    await program.printed('waits')
    await node.restart()
    // It comes back by itself, beside who evaluates this.
    const send = `
      Back = [N || N <- nodes(hidden), lists:prefix("beamscope-", atom_to_list(N))],
      [{server, N} ! hello || N <- Back]
    `
    await eventually(async () => (await node.evaluate(send)) === '[hello]')
    const output = 'waits\nERR_NODE_CONNECTION_LOST\nmessage\n'
    expect(await program.end(10_000)).toEqual([0, output])
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
      await using other = clientOf(node)
      const connecting = outcomes([other.connect(node.name, { timeout: 1_000 })], 1_000 + SOON)
      expect(await outcomes(waits, 1.25 * TICK_TIME + SOON)).toEqual({
        ERR_NODE_CONNECTION_LOST: 201,
      })
      // Where Docker's proxy takes the connection, it is a time-out; else what the system says.
      expect(Object.keys(await connecting)).toEqual([expect.stringMatching(/^ERR_/)])
      expect(await mail).toEqual(NOCONNECTION)
      const [closed] = events.of('beamscope:close')
      expect((closed?.at ?? 0) - cutAt).toBeLessThan(1.25 * TICK_TIME + SOON)
      tellFault(
        release,
        `network cut, T = ${TICK_TIME} ms`,
        '201 calls',
        codeOf(closed?.event.error),
        (closed?.at ?? Number.NaN) - cutAt,
      )
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
  { isolation: true, concurrent: true },
)

/** The address of an isolated node on its own network, past Docker's proxy, which would answer for it. */
async function addressOf(node: ErlangNode): Promise<string> {
  const interfaces = await node.evaluate('inet:getifaddrs()')
  const [, address = ''] = /"eth0".*?\{addr,\{([\d,]+)\}\}/s.exec(interfaces) ?? []
  return address.replaceAll(',', '.')
}

describeOnRelease(
  'any',
  'a node that vanishes without a word, and comes back',
  () => {
    it.concurrent('says that it knows nothing of the connection, and is connected anew', async () => {
      await using node = await startErlangNode({ isolated: true })
      using events = new Events(node)
      const map = new Map([['127.0.0.1', { host: await addressOf(node) }]])
      await using client = clientOf(node, { netTickTime: 60_000, map })
      const remote = await client.connect(node.name, { reconnect: true })
      const [bound] = await bind(client, remote)
      const { creation } = remote.connected.peer
      const calls = callMany(remote, 200)
      await remote.call('erlang', 'node')
      // With something unread the system resets the connection as the emulator ends, and forgets it.
      await node.pause()
      const unread = remote.call('erlang', 'node', [], LONG)
      await delay(200)
      await node.disconnect()
      const restarted = node.restart()
      // It is as if it were silent: a call ends by its own time-out, alone.
      const late = remote.call('erlang', 'node', [], { timeout: 500 })
      expect(await outcomes([late], 500 + SOON)).toEqual({ ERR_TIMEOUT: 1 })
      await restarted
      expect(remote.isConnected).toBe(true)
      expect(events.of('beamscope:close')).toEqual([])
      expect(remote.counters.callsPending).toBe(201)
      const backAt = performance.now()
      await node.reconnect()
      expect(await outcomes([...calls, unread], 20_000)).toEqual({ ERR_NODE_CONNECTION_LOST: 201 })
      expect(await reasonsOf(bound)).toEqual(NOCONNECTION)
      const [closed] = events.of('beamscope:close')
      // ECONNRESET, and not the tick time.
      expect(closed?.event.error).toMatchObject({ cause: { code: 'ERR_NET_SOCKET' } })
      tellFault(
        node.release,
        'half-open connection, the network back',
        '201 calls',
        codeOf(closed?.event.error),
        (closed?.at ?? Number.NaN) - backAt,
      )
      expect(await remote.call('erlang', 'node', [], LONG)).toEqual(atom(node.name))
      expect(remote.connected.peer.creation).not.toBe(creation)
      expect(remote.counters.callsPending).toBe(0)
    })
  },
  { isolation: true, concurrent: true },
)
