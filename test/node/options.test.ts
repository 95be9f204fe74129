/** What is no time-out and no limit is refused, before anything is done with it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { names, register } from '../../src/epmd/client.ts'
import { atom } from '../../src/etf/index.ts'
import { connectTcp } from '../../src/net/tcp.ts'
import { connectTls } from '../../src/net/tls.ts'
import { HiddenNode, type HiddenNodeOptions } from '../../src/node/hidden-node.ts'
import { ScriptedPeer } from './scripted-peer.ts'

const COOKIE = new Cookie('secret')

/** What programs without types pass for numbers. */
function unchecked(value: unknown): number {
  const numbers: { value?: number } = {}
  Reflect.set(numbers, 'value', value)
  return numbers.value ?? 0
}

const NO_TIMEOUTS = [NaN, Infinity, -1, 2 ** 31, 2 ** 53, unchecked('5'), unchecked(5n)]
const NO_LIMITS = [NaN, Infinity, -1, 1.5, 2 ** 53, unchecked('5'), unchecked(5n)]

function nodeOf(options: Partial<HiddenNodeOptions> = {}): HiddenNode {
  const node = new HiddenNode({ cookie: COOKIE, name: 'm@127.0.0.1', epmdPort: 1, ...options })
  onTestFinished(() => node.close())
  return node
}

async function startPeer(): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.start()
  onTestFinished(() => peer.close())
  return peer
}

describe('a node of ours', () => {
  it.each([0, ...NO_TIMEOUTS])('has no netTickTime of %s', (netTickTime) => {
    expect(() => nodeOf({ netTickTime })).toThrow(RangeError)
    expect(() => nodeOf({ netTickTime })).toThrow('netTickTime')
  })

  it.each([0, ...NO_LIMITS])('has no maxFrameSize of %s', (maxFrameSize) => {
    expect(() => nodeOf({ maxFrameSize })).toThrow(RangeError)
  })

  it.each([-1n, 2n ** 64n])('offers no flags of %s', (flags) => {
    expect(() => nodeOf({ flags })).toThrow(RangeError)
  })

  it.each([0, ...NO_TIMEOUTS])('connects and listens for no %s ms', async (timeout) => {
    const node = nodeOf()
    await expect(node.connect('a@127.0.0.1', { timeout })).rejects.toThrow(RangeError)
    await expect(node.listen({ timeout })).rejects.toThrow(RangeError)
    expect(node.port).toBeUndefined()
  })

  it.each([NaN, -1, 1.5, 65_536, Infinity])('listens on no port %s', async (port) => {
    const node = nodeOf()
    await expect(node.listen({ port, register: false })).rejects.toThrow(RangeError)
    await node.listen({ register: false })
  })

  it.each([NaN, -1, 1.5, 65_536])('dials no port %s', async (port) => {
    await expect(nodeOf({ port }).connect('a@127.0.0.1')).rejects.toThrow(RangeError)
    const byEpmd = nodeOf({ epmdPort: port }).connect('a@127.0.0.1')
    await expect(byEpmd).rejects.toThrow(RangeError)
  })

  it.each(NO_TIMEOUTS)('closes within no %s ms, and then is open', async (timeout) => {
    const peer = await startPeer()
    const remote = await peer.connect()
    await expect(remote.close({ timeout })).rejects.toThrow(RangeError)
    const node = nodeOf()
    await expect(node.close({ timeout })).rejects.toThrow(RangeError)
    node.spawn()
  })

  it('closes at once with 0 ms', async () => {
    const peer = await startPeer()
    const remote = await peer.connect()
    await remote.close({ timeout: 0 })
    await peer.untilEnd()
  })
})

describe('a call', () => {
  it.each([0, ...NO_TIMEOUTS])('takes no %s ms, and is not sent then', async (timeout) => {
    const peer = await startPeer()
    const remote = await peer.connect()
    const server = atom('server')
    for (const call of [
      remote.call('m', 'f', [], { timeout }),
      remote.callEncoded('m', 'f', [], { timeout }),
      remote.call('m', 'f', [], { timeout, protocol: 'rpc' }),
      remote.genServerCall(server, atom('hello'), { timeout }),
    ]) {
      await expect(call).rejects.toThrow(RangeError)
    }
    expect(remote.counters).toMatchObject({ messagesSent: 0, callsPending: 0 })
  })
})

describe('a process', () => {
  it.each(NO_LIMITS)('has no mailbox of %s', (limit) => {
    const node = nodeOf()
    expect(() => node.spawn({ maxMessages: limit, name: 'box' })).toThrow(RangeError)
    expect(() => node.spawn({ maxBytes: limit, name: 'box' })).toThrow(RangeError)
    expect(node.whereis('box')).toBeUndefined()
    node.spawn({ name: 'box' })
  })

  it.each(NO_TIMEOUTS)('receives for no %s ms', async (timeout) => {
    const box = nodeOf().spawn()
    await expect(box.receive({ timeout })).rejects.toThrow(RangeError)
  })

  it('receives what is there with 0 ms', async () => {
    const box = nodeOf().spawn()
    await expect(box.receive({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    box.send(box.pid, atom('hello'))
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(await box.receive({ timeout: 0 })).toMatchObject({ message: atom('hello') })
  })
})

describe('below a node', () => {
  it.each([0, ...NO_TIMEOUTS])('nothing waits for %s ms', async (timeout) => {
    const endpoint = { host: '127.0.0.1', port: 1, timeout }
    await expect(connectTcp(endpoint)).rejects.toThrow(RangeError)
    await expect(connectTls({ ...endpoint, serverName: 'h' })).rejects.toThrow(RangeError)
    await expect(names(endpoint)).rejects.toThrow(RangeError)
    const registrant = { name: 'a', port: 1, kind: 'hidden' } as const
    await expect(register(registrant, endpoint)).rejects.toThrow(RangeError)
  })
})
