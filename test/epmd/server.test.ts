import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lookup, names, register } from '../../src/epmd/client.ts'
import {
  EpmdClosedError,
  NameNotRegisteredError,
  NoEpmdError,
  RegistrationRefusedError,
} from '../../src/epmd/errors.ts'
import {
  encodeAlive2Request,
  encodeNamesRequest,
  encodePortPlease2Request,
  type NodeEntry,
} from '../../src/epmd/messages.ts'
import { type EpmdServer, startEpmdServer } from '../../src/epmd/server.ts'
import { connectTcp, type Endpoint } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'
import { cut, uint32, wire } from '../dist/wire.ts'

const HOST = '127.0.0.1'

const foo: NodeEntry = {
  name: 'foo',
  port: 4711,
  kind: 'hidden',
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 6,
  extra: wire('xtra'),
}

function at(server: EpmdServer): Endpoint {
  return { host: HOST, port: server.port }
}

interface RawConnection {
  readonly transport: Transport
  readonly received: Uint8Array[]
  /** Everything that came, once the server closed the connection. */
  readonly ended: Promise<Uint8Array>
}

async function connectRaw(endpoint: Endpoint): Promise<RawConnection> {
  const transport = await connectTcp(endpoint)
  const received: Uint8Array[] = []
  const ended = new Promise<Uint8Array>((resolve) => {
    transport.start({
      data: (chunk) => received.push(chunk),
      end: () => resolve(wire(...received)),
    })
  })
  return { transport, received, ended }
}

/** What the server answers to these chunks, each sent by itself, until it closes. */
async function answerTo(server: EpmdServer, ...chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const { transport, ended } = await connectRaw(at(server))
  for (const chunk of chunks) {
    transport.write(chunk)
    await pause(2)
  }
  return ended
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Waits until a condition holds that the other side of a socket brings about. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i === 500) throw new Error('it never came about')
    await pause(2)
  }
}

describe('an EPMD server', () => {
  it('takes a registration until its connection is closed', async () => {
    await using server = await startEpmdServer()
    const registration = await register({ name: 'foo', port: 4711, kind: 'hidden' }, at(server))
    expect(await lookup('foo', at(server))).toMatchObject({
      name: 'foo',
      port: 4711,
      kind: 'hidden',
    })
    expect(await names(at(server))).toEqual([{ name: 'foo', port: 4711 }])
    expect(server.names()).toEqual([{ name: 'foo', port: 4711 }])

    await registration.close()
    await until(() => server.names().length === 0)
    await expect(lookup('foo', at(server))).rejects.toBeInstanceOf(NameNotRegisteredError)
  })

  it('takes a registration of its own process until it is taken back', async () => {
    await using server = await startEpmdServer()
    const { unregister } = server.register(foo)
    expect(await lookup('foo', at(server))).toEqual(foo)
    unregister()
    unregister()
    expect(server.names()).toEqual([])
  })

  it('gives a name to one at a time, and a new creation to each', async () => {
    await using server = await startEpmdServer()
    const registrant = { name: 'foo', port: 4711, kind: 'normal' } as const
    const first = await register(registrant, at(server))
    await expect(register(registrant, at(server))).rejects.toBeInstanceOf(RegistrationRefusedError)
    expect(() => server.register(foo)).toThrow(RegistrationRefusedError)
    await first.close()
    await until(() => server.names().length === 0)

    const second = server.register(foo)
    expect(second.creation).not.toBe(first.creation)
    expect(Math.min(first.creation, second.creation)).toBeGreaterThan(3)
    expect(Math.max(first.creation, second.creation)).toBeLessThan(2 ** 32)
  })

  it('lets nobody take back the name of another', async () => {
    await using server = await startEpmdServer()
    const first = server.register(foo)
    first.unregister()
    server.register(foo)
    first.unregister()
    expect(server.names()).toEqual([{ name: 'foo', port: 4711 }])
  })

  it('answers a node of version 5 in its own form', async () => {
    await using server = await startEpmdServer()
    const old = { ...foo, highestVersion: 5, lowestVersion: 5 }
    const { transport, received } = await connectRaw(at(server))
    transport.write(encodeAlive2Request(old))
    await until(() => received.length > 0)
    const [tag, result, high, low] = wire(...received)
    expect([tag, result, high]).toEqual([121, 0, 0])
    expect([1, 2, 3]).toContain(low)
    transport.close()
  })

  it.each([
    ['PORT_PLEASE2_REQ', encodePortPlease2Request('foo'), 119],
    ['NAMES_REQ', encodeNamesRequest(), 0],
  ])('takes %s in whatever pieces it comes', async (_, request, first) => {
    await using server = await startEpmdServer()
    server.register(foo)
    for (let place = 1; place < request.length; place++) {
      const answer = await answerTo(server, ...cut(request, [place]))
      expect(answer[0]).toBe(first)
    }
  })

  it('ends with all its connections', async () => {
    const server = await startEpmdServer()
    const registration = await register({ name: 'foo', port: 1, kind: 'normal' }, at(server))
    await server.close()
    await server.close()
    await registration.ended
    await expect(names(at(server))).rejects.toBeInstanceOf(NoEpmdError)
  })

  it('takes the port that it is given', async () => {
    const first = await startEpmdServer()
    await first.close()
    await using second = await startEpmdServer({ port: first.port })
    expect(second.port).toBe(first.port)
    // Which it tells in the list of names.
    expect(await answerTo(second, encodeNamesRequest())).toEqual(uint32(second.port))
  })
})

describe('an EPMD server against bad clients', () => {
  it.each([
    ['an unknown request', wire(0, 5, 'hello')],
    ['HTTP', wire('GET / HTTP/1.1\r\n\r\n')],
    ['an empty request', wire(0, 0)],
    ['a request longer than any', wire(0xff, 0xff)],
    ['two requests', wire(encodeNamesRequest(), encodeNamesRequest())],
    ['KILL_REQ', wire(0, 1, 107)],
    ['STOP_REQ', wire(0, 4, 115, 'foo')],
    ['DUMP_REQ', wire(0, 1, 100)],
  ])('closes without a word after %s', async (_, bytes) => {
    await using server = await startEpmdServer()
    server.register(foo)
    expect(await answerTo(server, bytes)).toEqual(wire())
    expect(server.names()).toHaveLength(1)
  })

  it('takes back the name of a node that says more', async () => {
    await using server = await startEpmdServer()
    const { transport, received, ended } = await connectRaw(at(server))
    transport.write(encodeAlive2Request(foo))
    await until(() => received.length > 0)
    transport.write(wire('x'))
    await ended
    expect(server.names()).toEqual([])
  })

  it('refuses a name that would forge a line of the list', async () => {
    await using server = await startEpmdServer()
    const name = 'a at port 1\nname b'
    await expect(register({ name, port: 1, kind: 'normal' }, at(server))).rejects.toBeInstanceOf(
      RegistrationRefusedError,
    )
    expect(server.names()).toEqual([])
  })

  it('ends a connection that says too little', async () => {
    await using server = await startEpmdServer({ idleTimeout: 30 })
    expect(await answerTo(server)).toEqual(wire())
    expect(await answerTo(server, wire(0))).toEqual(wire())
  })

  it('does not end a registration for its silence', async () => {
    await using server = await startEpmdServer({ idleTimeout: 30 })
    await using registration = await register({ name: 'foo', port: 1, kind: 'normal' }, at(server))
    await pause(100)
    expect(server.names()).toHaveLength(1)
    expect(registration.creation).toBeGreaterThan(3)
  })

  it('cuts off who comes when it is full, and has room again later', async () => {
    await using server = await startEpmdServer({ maxConnections: 2 })
    const first = await register({ name: 'a', port: 1, kind: 'normal' }, at(server))
    await register({ name: 'b', port: 2, kind: 'normal' }, at(server))
    await expect(names(at(server))).rejects.toBeInstanceOf(EpmdClosedError)
    await first.close()
    await until(() => server.names().length === 1)
    expect(await names(at(server))).toEqual([{ name: 'b', port: 2 }])
  })

  it('lives on after whatever it is sent', async () => {
    await using server = await startEpmdServer({ idleTimeout: 50 })
    const requests = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.constantFrom(100, 107, 110, 115, 120, 122), fc.uint8Array({ maxLength: 40 }))
        .map(([tag, rest]) => wire(0, rest.length + 1, tag, rest)),
    )
    await fc.assert(
      fc.asyncProperty(requests, fc.array(fc.nat(40), { maxLength: 3 }), async (bytes, places) => {
        const { transport } = await connectRaw(at(server))
        for (const chunk of cut(bytes, places)) transport.write(chunk)
        transport.close()
      }),
      { numRuns: 200 },
    )
    await until(() => server.names().length === 0)
    expect(await names(at(server))).toEqual([])
  })
})
