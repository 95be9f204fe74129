import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { atom, binary, isTuple, tuple } from '../../src/etf/index.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

let peer: ScriptedPeer
let node: RemoteNode | undefined

beforeEach(async () => {
  peer = await ScriptedPeer.start()
})

afterEach(async () => {
  await node?.close()
  await peer.close()
})

/** Waits for a call to end as the connection does. */
async function lost(remote: RemoteNode): Promise<unknown> {
  const [outcome] = await Promise.allSettled([remote.call('m', 'f')])
  return outcome?.status === 'rejected' ? outcome.reason : outcome
}

describe('ticks', () => {
  test('are sent four times in a tick time while nothing else is', async () => {
    node = await peer.connect({ netTickTime: 200 })
    // The peer's ticks keep this side from giving up.
    const timer = setInterval(() => peer.sendRaw(0, 0, 0, 0), 50)
    try {
      await new Promise((resolve) => setTimeout(resolve, 600))
      expect(peer.connection?.counters.ticksReceived).toBeGreaterThanOrEqual(4)
      expect(node.counters.ticksReceived).toBeGreaterThanOrEqual(4)
      expect(node.isConnected).toBe(true)
    } finally {
      clearInterval(timer)
    }
  })

  test('that do not come end the connection within a quarter more than the tick time', async () => {
    node = await peer.connect({ netTickTime: 200 })
    const start = performance.now()
    expect(await lost(node)).toMatchObject({
      code: 'ERR_NODE_CONNECTION_LOST',
      cause: { code: 'ERR_NODE_SILENT', netTickTime: 200 },
    })
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  test('that came while the program was busy count, though they were not read yet', async () => {
    node = await peer.connect({ netTickTime: 200 })
    // In the system's hands now; timers run before it is asked.
    peer.sendRaw(0, 0, 0, 0)
    const end = performance.now() + 500
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(node.isConnected).toBe(true)
    expect(node.counters.ticksReceived).toBe(1)
  })
})

describe('what breaks the protocol', () => {
  test('ends the connection when a frame is over the limit', async () => {
    node = await peer.connect({ maxFrameSize: 1000 })
    const ended = lost(node)
    peer.sendRaw(0, 0, 4, 0)
    expect(await ended).toMatchObject({
      code: 'ERR_NODE_CONNECTION_LOST',
      cause: { code: 'ERR_FRAME_TOO_LARGE', length: 1024, limit: 1000 },
    })
  })

  test('ends the connection when a frame begins as was not agreed on', async () => {
    node = await peer.connect()
    const ended = lost(node)
    peer.sendRaw(0, 0, 0, 3, 131, 68, 0)
    expect(await ended).toMatchObject({ code: 'ERR_NODE_CONNECTION_LOST' })
  })

  test('costs one message when a control message is none', async () => {
    node = await peer.connect()
    const result = node.call('m', 'f')
    const { reqId, from } = await peer.nthRequest(0)
    // 112, then {99}: version, SMALL_TUPLE of one, SMALL_INTEGER.
    peer.sendRaw(0, 0, 0, 6, 112, 131, 104, 1, 97, 99)
    const { identity } = peer
    peer.send(
      { type: 'payload_monitor_p_exit', fromProc: identity.pid, toPid: from, ref: reqId },
      tuple(reqId, atom('return'), 1),
    )
    expect(await result).toBe(1)
    expect(node.counters.messagesDropped).toBe(1)
  })
})

describe('closing', () => {
  test('sends first what waits behind a large message of its sender, in its order', async () => {
    const client = new HiddenNode({ cookie: COOKIE, port: peer.port })
    node = await client.connect(PEER_NAME)
    const sender = client.spawn()
    const to = { name: 'x', node: PEER_NAME }
    const size = 5_000_000
    for (let i = 0; i < 4; i++) {
      sender.send(to, tuple(i, binary('x'.repeat(size))))
      sender.send(to, i)
    }
    // Not sent yet: of the first alone a part was.
    await node.close()
    await peer.untilEnd()
    const received = peer.received.map(({ payload }) =>
      isTuple(payload, 2) && payload.elements[1] instanceof Uint8Array
        ? [payload.elements[0], payload.elements[1].length]
        : payload,
    )
    expect(received).toEqual([0, 1, 2, 3].flatMap((i) => [[i, size], i]))
  })

  test('resolves once the peer has closed, and drops what comes until then', async () => {
    node = await peer.connect()
    const closed = node.close()
    // A tick.
    peer.sendRaw(0, 0, 0, 0)
    await closed
    expect(peer.ended).toBe(true)
    expect(node.counters.ticksReceived).toBe(0)
  })
})

describe('connecting', () => {
  test('times out on a peer that accepts and says nothing', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, () => {})
    const client = new HiddenNode({ cookie: COOKIE, port: listener.port })
    await expect(client.connect('mute@127.0.0.1', { timeout: 100 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await listener.close()
  })

  test('says that nobody listens on the port', async () => {
    const port = await unusedPort()
    await expect(
      new HiddenNode({ cookie: COOKIE, port }).connect('gone@127.0.0.1'),
    ).rejects.toMatchObject({ code: 'ERR_NODE_NOT_LISTENING', address: `127.0.0.1:${port}` })
  })

  test('reaches a mapped host at its address and port', async () => {
    const map = new Map([['127.0.0.1', { host: 'localhost', port: peer.port }]])
    node = await peer.connect({ port: undefined, map })
    expect(node.isConnected).toBe(true)
  })

  test('is called off by a signal, before and in the middle', async () => {
    const controller = new AbortController()
    controller.abort(new Error('no'))
    const client = new HiddenNode({ cookie: COOKIE, port: peer.port })
    await expect(
      client.connect('peer@127.0.0.1', { signal: controller.signal }),
    ).rejects.toMatchObject({ message: 'no' })
  })
})

async function unusedPort(): Promise<number> {
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, () => {})
  const { port } = listener
  await listener.close()
  return port
}
