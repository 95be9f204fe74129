/** A peer that sends a byte now and then, in whatever is under way: all ends in its own time. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { CLIENT_FLAGS } from '../../src/dist/flags.ts'
import { encodeName, type HandshakeStatus } from '../../src/dist/handshake-messages.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { lookup, names } from '../../src/epmd/client.ts'
import { connectTcp, listenTcp } from '../../src/net/tcp.ts'
import { connectTls } from '../../src/net/tls.ts'
import type { Transport } from '../../src/net/transport.ts'
import { accept } from '../../src/node/establish.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { COOKIE, ScriptedPeer } from './scripted-peer.ts'

const HOST = '127.0.0.1'

/** Milliseconds: of a byte, and of what would take hundreds of them. */
const PACE = 10
const TIMEOUT = 200

/** Sends the bytes one by one, and zeros after them, until the other side has ended. */
function trickle(transport: Transport, bytes: readonly number[]): Promise<void> {
  let sent = 0
  const timer = setInterval(() => transport.write(Uint8Array.of(bytes[sent++] ?? 0)), PACE)
  return new Promise((resolve) => {
    transport.start({
      data() {},
      end() {
        clearInterval(timer)
        resolve()
      },
    })
  })
}

/** A server of slow answers; `ended` has an end for each who came. */
async function startSlow(bytes: readonly number[]) {
  const ended: Promise<void>[] = []
  const listener = await listenTcp({ host: HOST, port: 0 }, (transport) => {
    ended.push(trickle(transport, bytes))
  })
  onTestFinished(() => listener.close())
  return { host: HOST, port: listener.port, ended }
}

/** That it fails within its time, as late as it may, and that nothing is left of it. */
async function expectTimeOut(
  begin: () => Promise<unknown>,
  ended: readonly Promise<void>[],
): Promise<void> {
  const before = resources()
  const start = performance.now()
  await expect(begin()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  const duration = performance.now() - start
  expect(duration).toBeGreaterThan(TIMEOUT - 10)
  // Each byte begins nothing anew: they would go on for ever.
  expect(duration).toBeLessThan(TIMEOUT + 5_000)
  expect(ended.length).toBeGreaterThan(0)
  await Promise.all(ended)
  // Not by `expect.poll`, which has a timer of its own meanwhile.
  for (let left = 100; resources() > before && left > 0; left--) await delay(50)
  expect(resources()).toBeLessThanOrEqual(before)
}

/** How many sockets and timers this process has. */
function resources(): number {
  const all = process.getActiveResourcesInfo()
  return all.filter((it) => /^(TCPSocketWrap|TLSWrap|Timeout)$/.test(it)).length
}

/** A record of TLS of 16 KiB, with a ServerHello in it. */
const HALF_A_HELLO = [0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc, 3, 3]

describe('a peer that sends a byte now and then', () => {
  it('as a port mapper', async () => {
    // PORT2_RESP, 0, port, kind, protocol, versions, a name of 255 bytes.
    const mapper = await startSlow([119, 0, 18, 52, 77, 0, 0, 6, 0, 5, 0, 255])
    const options = { host: HOST, port: mapper.port, timeout: TIMEOUT }
    await expectTimeOut(() => lookup('a', options), mapper.ended)
    await expectTimeOut(() => names(options), mapper.ended)
    const node = new HiddenNode({ cookie: COOKIE, epmdPort: mapper.port })
    await expectTimeOut(() => node.connect(`a@${HOST}`, { timeout: TIMEOUT }), mapper.ended)
    // ALIVE2_X_RESP: with the creation six bytes.
    const registering = await startSlow([118, 0])
    const listening = new HiddenNode({ cookie: COOKIE, epmdPort: registering.port })
    await expect(listening.listen({ timeout: 3 * PACE })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await Promise.all(registering.ended)
    expect(listening.port).toBeUndefined()
  })

  it('in the handshake of TLS', async () => {
    const { ended, ...endpoint } = await startSlow(HALF_A_HELLO)
    const options = { ...endpoint, serverName: 'localhost', timeout: TIMEOUT }
    await expectTimeOut(() => connectTls(options), ended)
  })

  it.each([false, true])('in the handshake of nodes, temporary: %s', async (temporary) => {
    // A message of 1,000 bytes, which begins as a status does.
    const { ended, port } = await startSlow([3, 232, ...Buffer.from('snamed:')])
    const node = new HiddenNode({ cookie: COOKIE, port, temporary })
    await expectTimeOut(() => node.connect(`a@${HOST}`, { timeout: TIMEOUT }), ended)
    expect(node.remotes).toEqual([])
  })

  it('in the handshake of a node that dialled', async () => {
    const ours = { name: parseNodeName(`m@${HOST}`), creation: 1 }
    const theirs = { flags: CLIENT_FLAGS, creation: 2, name: `a@${HOST}` }
    const begins = [
      // Who never gets to his name, and who gives it and then proves nothing.
      [0, 255, ...Buffer.from('N')],
      [0, encodeName(theirs).length, ...encodeName(theirs), 0, 21],
    ]
    for (const bytes of begins) {
      let arrived = (_: Transport): void => {}
      const arrival = new Promise<Transport>((resolve) => {
        arrived = resolve
      })
      const listener = await listenTcp({ host: HOST, port: 0 }, (it) => arrived(it))
      onTestFinished(() => listener.close())
      const ended = [trickle(await connectTcp({ host: HOST, port: listener.port }), bytes)]
      const transport = await arrival
      const receiver = { open() {}, message() {}, end() {} }
      const cookie = new Cookie('secret')
      const admit = (): HandshakeStatus => 'ok'
      const options = { self: ours, cookie, admit, timeout: TIMEOUT }
      const start = performance.now()
      await expect(accept(transport, receiver, options)).rejects.toMatchObject({
        code: 'ERR_TIMEOUT',
      })
      expect(performance.now() - start).toBeLessThan(TIMEOUT + 5_000)
      await Promise.all(ended)
    }
  })

  it('of a message keeps the connection, and neither a call nor much memory', async () => {
    await using peer = await startPeer()
    const remote = await peer.connect({ netTickTime: 400 })
    // The length of a frame of 100 MB.
    peer.sendRaw(5, 245, 225, 0)
    const timer = setInterval(() => peer.sendRaw(112), PACE)
    onTestFinished(() => clearInterval(timer))
    const before = process.memoryUsage().arrayBuffers
    await expect(remote.call('m', 'f', [], { timeout: TIMEOUT })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    // Bytes are a sign of life, as they are to `net_kernel`.
    expect(remote.isConnected).toBe(true)
    expect(remote.counters).toMatchObject({ callsPending: 0, messagesReceived: 0 })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
    clearInterval(timer)
    await expect.poll(() => remote.isConnected, { timeout: 10_000 }).toBe(false)
  })

  it('while the connection is closed', async () => {
    await using peer = await startPeer()
    const proxy = await startProxy(peer.port)
    const remote = await peer.connect({ port: proxy.port })
    proxy.stall()
    const start = performance.now()
    await remote.close({ timeout: TIMEOUT })
    const duration = performance.now() - start
    expect(duration).toBeGreaterThan(TIMEOUT - 10)
    expect(duration).toBeLessThan(TIMEOUT + 5_000)
    expect(remote.isConnected).toBe(false)
    await proxy.ended
  })
})

/** A way to a peer that begins to stall, and then does not mind the end of the client. */
async function startProxy(port: number) {
  let isStalled = false
  let ended = (): void => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const peer = connect(port, HOST)
    client.on('data', (chunk) => peer.write(chunk))
    peer.on('data', (chunk) => {
      if (!isStalled) client.write(chunk)
    })
    const timer = setInterval(() => {
      if (isStalled) client.write('\0')
    }, PACE)
    client.on('error', () => {})
    client.on('close', () => {
      clearInterval(timer)
      peer.destroy()
      ended()
    })
  })
  await once(server.listen(0, HOST), 'listening')
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  const stall = (): void => {
    isStalled = true
  }
  return { port: typeof address === 'object' ? address?.port : undefined, stall, ended: end }
}

/** A peer that ends with the test. */
async function startPeer() {
  const peer = await ScriptedPeer.start()
  return Object.assign(peer, { [Symbol.asyncDispose]: () => peer.close() })
}
