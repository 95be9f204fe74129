/** Connecting again: when it is tried, what waits for it, and what calls it off. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ControlMessage } from '../../src/dist/control.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { atom, binary, type Term, tuple } from '../../src/etf/index.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Listener, Transport } from '../../src/net/transport.ts'
import { retry } from '../../src/node/back-off.ts'
import { MAX_CALLS } from '../../src/node/calls.ts'
import type { Connection } from '../../src/node/connection.ts'
import { accept } from '../../src/node/establish.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { Identity } from '../../src/node/identity.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import { COOKIE, PEER_NAME } from './scripted-peer.ts'

/** A peer that answers every call with `pong`, as long as the test lets it. */
class FlakyPeer {
  /** To those that connect: an answer, the end of the connection, or nothing. */
  mood: 'serves' | 'refuses' | 'is mute' = 'serves'
  /** When somebody connected. */
  readonly attempts: number[] = []
  /** How many attempts are under way at most. */
  most = 0
  port = 0
  /** What a connection is greeted with, in the place of a first message. */
  greeting: Uint8Array | undefined
  readonly #identity = new Identity(parseNodeName(PEER_NAME))
  readonly #transports = new Set<Transport>()
  #listener: Listener | undefined

  static async start(): Promise<FlakyPeer> {
    const peer = new FlakyPeer()
    peer.#listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (it) => peer.#accept(it))
    peer.port = peer.#listener.port
    return peer
  }

  /** Ends the connections that stand. */
  drop(): void {
    for (const transport of this.#transports) transport.destroy()
    this.#transports.clear()
  }

  async close(): Promise<void> {
    this.drop()
    await this.#listener?.close()
  }

  #accept(transport: Transport): void {
    this.attempts.push(performance.now())
    this.#transports.add(transport)
    this.most = Math.max(this.most, this.#transports.size)
    if (this.mood === 'refuses') this.drop()
    if (this.mood !== 'serves') return
    let connection: Connection | undefined
    const receiver = {
      open: (it: Connection) => {
        connection = it
        if (this.greeting !== undefined) transport.write(this.greeting)
      },
      message: (control: ControlMessage) => {
        if (control.type === 'spawn_request') connection?.send(...this.#answer(control))
      },
      end: () => {
        this.#transports.delete(transport)
      },
    }
    const options = { self: this.#identity, cookie: COOKIE, admit: () => 'ok' as const }
    accept(transport, receiver, options).catch(() => {})
  }

  #answer({ reqId, from }: ControlMessage & { type: 'spawn_request' }): [ControlMessage, Term] {
    const { pid } = this.#identity
    return [
      { type: 'payload_monitor_p_exit', fromProc: pid, toPid: from, ref: reqId },
      tuple(reqId, atom('return'), atom('pong')),
    ]
  }
}

let peer: FlakyPeer
let client: HiddenNode

beforeEach(async () => {
  peer = await FlakyPeer.start()
  client = new HiddenNode({ cookie: COOKIE, port: peer.port })
})

afterEach(async () => {
  vi.useRealTimers()
  await client.close()
  await peer.close()
})

/** From here on timers go by `pass` alone; sockets go on by themselves. */
function stopTime(): void {
  const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']
  vi.useFakeTimers({ toFake: toFake as ['setTimeout'] })
}

async function pass(milliseconds: number): Promise<void> {
  const step = 20
  for (let passed = 0; passed < milliseconds; passed += step) {
    vi.advanceTimersByTime(step)
    await new Promise(setImmediate)
  }
}

/** Lets time pass until something holds, at most for an hour. */
async function until(holds: () => boolean): Promise<void> {
  for (let steps = 0; !holds(); steps++) {
    if (steps > 180_000) throw new Error('it never came about')
    await pass(20)
  }
}

const connect = (): Promise<RemoteNode> => client.connect(PEER_NAME, { reconnect: true })

/** What was between one and the next. */
const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0))

describe('attempts to connect again', () => {
  test('come in pauses that double from 0.1 to 30 s, less a random part up to a half', async () => {
    stopTime()
    const remote = await connect()
    peer.mood = 'refuses'
    peer.drop()
    const lostAt = performance.now()
    await until(() => peer.attempts.length === 13)
    const pauses = gaps([lostAt, ...peer.attempts.slice(1)])
    for (const [index, pause] of pauses.entries()) {
      const longest = Math.min(100 * 2 ** index, 30_000)
      expect(pause).toBeGreaterThanOrEqual(longest / 2)
      // The peer is asked a few turns of time later.
      expect(pause).toBeLessThanOrEqual(longest + 200)
    }
    expect(new Set(pauses).size).toBeGreaterThan(1)
    peer.mood = 'serves'
    await until(() => remote.isConnected)
    expect(await remote.call('m', 'f')).toEqual(atom('pong'))
    expect(peer.most).toBe(1)
  })

  test('bring a node back however often it drops, and ever later while it does so at once', async () => {
    stopTime()
    const remote = await connect()
    for (let round = 1; round <= 20; round++) {
      peer.drop()
      await until(() => !remote.isConnected)
      await until(() => remote.isConnected)
      expect(peer.attempts).toHaveLength(1 + round)
    }
    expect(gaps(peer.attempts).at(-1)).toBeGreaterThan(14_000)
    // One that lasts is no such node.
    await pass(60_000)
    const lostAt = performance.now()
    peer.drop()
    await until(() => peer.attempts.length === 22)
    expect((peer.attempts.at(-1) ?? 0) - lostAt).toBeLessThan(200)
    expect(peer.most).toBe(1)
  })

  test('are not more when the user connects in between', async () => {
    stopTime()
    const remote = await connect()
    // No time passes meanwhile: each of these losses is one to wait after.
    for (let round = 0; round < 5; round++) {
      peer.drop()
      while (remote.isConnected) await new Promise(setImmediate)
      expect(await client.connect(PEER_NAME)).toBe(remote)
    }
    peer.mood = 'refuses'
    peer.drop()
    await until(() => !remote.isConnected)
    const before = peer.attempts.length
    await pass(300_000)
    // At the earliest nine within the first 25.6 s, and then one each 15 s.
    expect(peer.attempts.length - before).toBeLessThanOrEqual(28)
    expect(peer.most).toBe(1)
  })

  test('end when the connection is closed, and are none for who did not ask for them', async () => {
    stopTime()
    const remote = await connect()
    peer.mood = 'refuses'
    peer.drop()
    await until(() => peer.attempts.length === 3)
    await remote.close()
    await remote.close()
    await pass(60_000)
    expect(peer.attempts).toHaveLength(3)
    peer.mood = 'serves'
    const other = await client.connect(PEER_NAME)
    peer.drop()
    await until(() => !other.isConnected)
    await pass(60_000)
    expect(peer.attempts).toHaveLength(4)
    expect(client.remotes).toEqual([])
  })

  test('end in their middle when the node is closed', async () => {
    stopTime()
    const remote = await connect()
    peer.mood = 'is mute'
    peer.drop()
    await until(() => peer.attempts.length === 2)
    const waiting = expect(remote.call('m', 'f')).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_CONNECTED',
    })
    await client.close()
    await waiting
    await pass(60_000)
    expect(peer.attempts).toHaveLength(2)
    expect(remote.counters.callsPending).toBe(0)
  })

  test('are given up after 10 s where nobody answers', async () => {
    stopTime()
    const remote = await connect()
    peer.mood = 'is mute'
    peer.drop()
    await until(() => peer.attempts.length === 3)
    expect(gaps(peer.attempts).at(-1)).toBeGreaterThanOrEqual(10_000)
    expect(gaps(peer.attempts).at(-1)).toBeLessThan(10_500)
    peer.mood = 'serves'
    await until(() => remote.isConnected)
  })
})

describe('calls while a node is connected again', () => {
  test('wait, and are made in their order', async () => {
    const remote = await connect()
    peer.drop()
    await expect.poll(() => remote.isConnected).toBe(false)
    const ended: number[] = []
    const calls = Array.from({ length: 100 }, async (_, index) => {
      await remote.call('m', 'f')
      ended.push(index)
    })
    expect(remote.counters.callsPending).toBe(100)
    await Promise.all(calls)
    expect(ended).toEqual(ended.map((_, index) => index))
    expect(remote.counters.callsPending).toBe(0)
  })

  test('are no more than are kept, and all end when the connection is closed', async () => {
    const remote = await connect()
    peer.mood = 'refuses'
    peer.drop()
    await expect.poll(() => remote.isConnected).toBe(false)
    const calls = Array.from({ length: MAX_CALLS }, () => remote.call('m', 'f'))
    const ends = Promise.allSettled(calls)
    expect(remote.counters.callsPending).toBe(MAX_CALLS)
    await expect(remote.call('m', 'f')).rejects.toMatchObject({ code: 'ERR_NODE_TOO_MANY_CALLS' })
    await remote.close()
    const codes = (await ends).map((it) => (it.status === 'rejected' ? it.reason.code : it.status))
    expect(new Set(codes)).toEqual(new Set(['ERR_NODE_NOT_CONNECTED']))
    expect(remote.counters.callsPending).toBe(0)
    await expect(remote.call('m', 'f')).rejects.toMatchObject({ code: 'ERR_NODE_NOT_CONNECTED' })
  })

  test('end at their own time-out, or by their signal', async () => {
    const remote = await connect()
    peer.mood = 'is mute'
    peer.drop()
    await expect.poll(() => remote.isConnected).toBe(false)
    const reason = new Error('enough')
    const controller = new AbortController()
    const { signal } = controller
    const aborted = remote.call('m', 'f', [], { signal })
    setTimeout(() => controller.abort(reason), 20)
    const late = remote.genServerCall(atom('s'), 1, { timeout: 50 })
    await expect(aborted).rejects.toBe(reason)
    await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT', timeout: 50 })
    await expect(remote.call('m', 'f', [], { signal })).rejects.toBe(reason)
    expect(remote.counters.callsPending).toBe(0)
  })
})

describe('the events of calls', () => {
  const told: unknown[] = []
  const listen = (event: unknown): void => {
    told.push(event)
  }
  beforeEach(() => {
    told.length = 0
    subscribe('beamscope:call', listen)
  })
  afterEach(() => unsubscribe('beamscope:call', listen))

  const ending = (code: string, what = 'm:f/0') => ({
    node: PEER_NAME,
    what,
    duration: expect.any(Number),
    error: expect.objectContaining({ code }),
  })

  test('tell once of each, also of those that were never sent', async () => {
    const remote = await connect()
    peer.mood = 'is mute'
    peer.drop()
    await expect.poll(() => remote.isConnected).toBe(false)
    const call = remote.call('m', 'f', [], { timeout: 100 })
    await expect(call).rejects.toMatchObject({ code: 'ERR_TIMEOUT', timeout: 100 })
    const server = remote.genServerCall(atom('s'), 1).catch(() => {})
    await remote.close()
    await server
    await remote.call('m', 'f').catch(() => {})
    expect(told).toEqual([
      ending('ERR_TIMEOUT'),
      ending('ERR_NODE_NOT_CONNECTED', 'gen_server call to s'),
      ending('ERR_NODE_NOT_CONNECTED'),
    ])
    expect(told[0]).toMatchObject({ duration: expect.closeTo(100, -2) })
  })

  test('tell of those that cannot be sent', async () => {
    const remote = await connect()
    const signal = AbortSignal.abort(new RangeError('enough'))
    await remote.call('m', 'f', [], { signal }).catch(() => {})
    expect(told).toMatchObject([{ what: 'm:f/0', error: { message: 'enough' } }])
  })

  test('tell of those that waited and were answered', async () => {
    const remote = await connect()
    peer.drop()
    await expect.poll(() => remote.isConnected).toBe(false)
    await remote.call('m', 'f')
    expect(told).toMatchObject([{ what: 'm:f/0', error: undefined }])
  })
})

describe('a connection that ends as soon as it stands', () => {
  beforeEach(() => {
    // A frame of pass-through whose control message is no term.
    peer.greeting = Uint8Array.of(0, 0, 0, 2, 112, 0)
  })

  test('was lost, and that is all', async () => {
    await expect(client.connect(PEER_NAME)).rejects.toMatchObject({
      code: 'ERR_NODE_CONNECTION_LOST',
      cause: expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
    })
    expect(peer.attempts).toHaveLength(1)
    expect(client.remotes).toEqual([])
  })

  test('is not connected again, since it was never had', async () => {
    stopTime()
    await expect(connect()).rejects.toMatchObject({ code: 'ERR_NODE_CONNECTION_LOST' })
    await pass(60_000)
    expect(peer.attempts).toHaveLength(1)
  })
})

describe('closing', () => {
  test('ends what connects', async () => {
    peer.mood = 'is mute'
    const connecting = Promise.allSettled([connect(), connect(), client.connect(PEER_NAME)])
    await expect.poll(() => peer.attempts.length).toBe(1)
    await client.close()
    for (const outcome of await connecting) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NODE_CLOSED' } })
    }
    await expect(connect()).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
    expect(peer.attempts).toHaveLength(1)
  })

  test('is harmless when repeated, also at once', async () => {
    const remote = await connect()
    await Promise.all([remote.close(), remote.close(), client.close()])
    await Promise.all([remote.close(), client.close()])
    expect(remote.isConnected).toBe(false)
  })

  test('is over before the node is connected anew, which would cut off what is yet to be sent', async () => {
    const remote = await connect()
    const large = binary('x'.repeat(50_000_000))
    client.spawn().send({ name: 'x', node: PEER_NAME }, large)
    const closed = remote.close()
    const again = await connect()
    await closed
    expect(again).not.toBe(remote)
    expect(again.isConnected).toBe(true)
    expect(peer.most).toBe(1)
  })

  test('ends at once what waits for an earlier connection to be over', async () => {
    const remote = await connect()
    const large = binary('x'.repeat(50_000_000))
    client.spawn().send({ name: 'x', node: PEER_NAME }, large)
    const ended: string[] = []
    const closed = remote.close().then(() => ended.push('close'))
    const again = connect().catch(({ code }) => ended.push(code))
    await Promise.all([client.close(), again, closed])
    expect(ended).toEqual(['ERR_NODE_CLOSED', 'close'])
    expect(peer.attempts).toHaveLength(1)
  })

  test('comes with the end of a scope', async () => {
    let seen: RemoteNode
    {
      await using remote = await connect()
      expect(await remote.call('m', 'f')).toEqual(atom('pong'))
      seen = remote
    }
    expect(seen.isConnected).toBe(false)
    expect(client.remotes).toEqual([])
    expect(peer.attempts).toHaveLength(1)
  })
})

describe('what is tried again', () => {
  test('is tried once at a time, until it succeeds', async () => {
    stopTime()
    let underWay = 0
    let most = 0
    let attempts = 0
    const done = retry(async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      underWay--
      if (++attempts < 4) throw new Error('not yet')
    }, new AbortController().signal)
    await until(() => attempts === 4)
    await done
    await pass(120_000)
    expect({ most, attempts }).toEqual({ most: 1, attempts: 4 })
  })

  test('is not tried any more once the signal is aborted', async () => {
    stopTime()
    const controller = new AbortController()
    let attempts = 0
    const done = retry(async () => {
      attempts++
      throw new Error('never')
    }, controller.signal)
    await until(() => attempts === 3)
    controller.abort()
    await done
    await pass(120_000)
    expect(attempts).toBe(3)
    await retry(async () => attempts++, controller.signal)
    expect(attempts).toBe(3)
  })
})
