import { describe, expect, test, vi } from 'vitest'
import { connectTcp, formatEndpoint, isLoopback, listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'

const HOST = '127.0.0.1'

/** What a transport delivers, and when it ends. */
function collect(transport: Transport): { text: () => string; ended: Promise<Error | undefined> } {
  let text = ''
  const ended = new Promise<Error | undefined>((resolve) => {
    transport.start({
      data: (chunk) => {
        text += Buffer.from(chunk).toString()
      },
      end: resolve,
    })
  })
  return { text: () => text, ended }
}

describe('an address', () => {
  test('of IPv6 stands in brackets', () => {
    expect(formatEndpoint({ host: HOST, port: 1 })).toBe('127.0.0.1:1')
    expect(formatEndpoint({ host: '::1', port: 1 })).toBe('[::1]:1')
  })

  test.each([
    ['127.0.0.1:4369', true],
    ['127.8.8.8:1', true],
    ['[::1]:1', true],
    ['[::ffff:127.0.0.1]:1', true],
    ['192.0.2.1:127', false],
    ['[::ffff:192.0.2.1]:1', false],
    ['[2001:db8::1]:1', false],
    ['unknown:0', false],
  ])('%s: on this machine is %s', (remote, expected) => {
    expect(isLoopback(remote)).toBe(expected)
  })
})

describe('a connection', () => {
  test('carries bytes both ways, and delivers what was sent before it closed', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    const server = await arrived.promise
    const atServer = collect(server)
    const atClient = collect(client)
    client.write(Buffer.from('ping'))
    await expect.poll(atServer.text).toBe('ping')
    server.write(Buffer.from('pong'.repeat(100_000)))
    server.close()
    server.close()
    expect(await atClient.ended).toBeUndefined()
    expect(atClient.text()).toBe('pong'.repeat(100_000))
    await atServer.ended
    await listener.close()
  })

  test.each([10, 100_000])(
    'collects what is written, in its order: chunks of %i bytes',
    async (size) => {
      const arrived = deferred<Transport>()
      const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
      const client = await connectTcp({ host: HOST, port: listener.port })
      const { text, ended } = collect(await arrived.promise)
      const chunks = ['a', 'b', 'c'].map((letter) => letter.repeat(size))
      client.cork()
      for (const chunk of chunks) client.write(Buffer.from(chunk))
      expect(client.queued).toBe(3 * size)
      client.uncork()
      client.uncork()
      client.cork()
      client.write(Buffer.from('last'))
      client.close()
      await ended
      expect(text()).toBe(`${chunks.join('')}last`)
      await listener.close()
    },
  )

  test('is read by nobody before it is started', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    const server = await arrived.promise
    server.write(Buffer.from('early'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { text } = collect(client)
    await expect.poll(text).toBe('early')
    client.destroy()
    server.destroy()
    await listener.close()
  })

  test('that is closed delivers all, also to a peer that reads late and sends meanwhile', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    const server = await arrived.promise
    const atClient = collect(client)
    const size = 20_000_000
    client.write(Buffer.alloc(size))
    client.close()
    // What comes for a closed socket makes a system reset it, and drop what it has yet to send.
    const talk = setInterval(() => server.write(Buffer.from('x')), 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const atServer = collect(server)
    await atServer.ended
    clearInterval(talk)
    expect(atServer.text()).toHaveLength(size)
    expect(await atClient.ended).toBeUndefined()
    expect(atClient.text()).toBe('')
    await listener.close()
  })

  test('that is closed when the peer has ended it waits for nothing more', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    const { ended } = collect(client)
    const server = await arrived.promise
    server.destroy()
    await ended
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      client.close()
      await new Promise((resolve) => setImmediate(resolve))
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
    await listener.close()
  })

  test('that is closed does not wait for ever for the peer to close it too', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    // It reads nothing, not even the end.
    const server = await arrived.promise
    const { ended } = collect(client)
    const start = performance.now()
    client.close(200)
    await ended
    expect(performance.now() - start).toBeGreaterThan(150)
    expect(performance.now() - start).toBeLessThan(2_000)
    server.destroy()
    await listener.close()
  })

  test('that nobody accepts is refused, with the address', async () => {
    const listener = await listenTcp({ host: HOST, port: 0 }, () => {})
    const { port } = listener
    await listener.close()
    await expect(connectTcp({ host: HOST, port })).rejects.toMatchObject({
      code: 'ERR_NET_REFUSED',
      address: `${HOST}:${port}`,
    })
  })

  test('to a host without an address says so', async () => {
    await expect(connectTcp({ host: 'nowhere.invalid', port: 1 })).rejects.toMatchObject({
      code: 'ERR_NET_HOST_NOT_FOUND',
      host: 'nowhere.invalid',
    })
  })

  test('is called off by a signal', async () => {
    const reason = new Error('no')
    const signal = AbortSignal.abort(reason)
    await expect(connectTcp({ host: HOST, port: 1, signal })).rejects.toBe(reason)
  })

  test('that the peer resets ends with an error, which harms nobody else', async () => {
    const arrived = deferred<Transport>()
    const listener = await listenTcp({ host: HOST, port: 0 }, arrived.resolve)
    const client = await connectTcp({ host: HOST, port: listener.port })
    const server = await arrived.promise
    const { ended } = collect(client)
    server.destroy()
    await ended
    client.write(Buffer.from('too late'))
    client.close()
    await listener.close()
  })
})

test('a port that is taken cannot be listened on', async () => {
  const listener = await listenTcp({ host: HOST, port: 0 }, () => {})
  await expect(listenTcp({ host: HOST, port: listener.port }, () => {})).rejects.toMatchObject({
    code: 'ERR_NET_SOCKET',
  })
  await listener.close()
})

function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve = (_: Value): void => {}
  const promise = new Promise<Value>((it) => {
    resolve = it
  })
  return { promise, resolve }
}
