import { describe, expect, it } from 'vitest'
import { type EpmdOptions, lookup, names, register } from '../../src/epmd/client.ts'
import {
  DistributionVersionError,
  EpmdClosedError,
  EpmdProtocolError,
  NameNotRegisteredError,
  NoEpmdError,
  RegistrationRefusedError,
} from '../../src/epmd/errors.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'
import { cut, uint32, wire } from '../dist/wire.ts'

const HOST = '127.0.0.1'

/** PORT2_RESP: Result, PortNo, NodeType, Protocol, HighestVersion, LowestVersion, name, extra. */
function found(highest: number, lowest: number, name = 'foo'): Uint8Array {
  return wire(119, 0, 0x12, 0x67, 77, 0, 0, highest, 0, lowest, 0, name.length, name, 0, 0)
}
const notFound = wire(119, 1)
const listOfNames = wire(uint32(4369), 'name foo at port 4711\n', 'name bar at port 4712\n')
/** ALIVE2_X_RESP: Result, Creation. */
const accepted = wire(118, 0, uint32(0x6b02_dcbf))
const refused = wire(118, 1, uint32(99))

interface ScriptedEpmd extends AsyncDisposable {
  readonly options: EpmdOptions
  /** What came in, request by request. */
  readonly requests: Uint8Array[]
  readonly transports: Transport[]
}

/** Answers by the tag of the request. */
async function script(
  answer: (tag: number, transport: Transport) => void,
  options: Partial<EpmdOptions> = {},
): Promise<ScriptedEpmd> {
  const requests: Uint8Array[] = []
  const transports: Transport[] = []
  const listener = await listenTcp({ host: HOST, port: 0 }, (transport) => {
    transports.push(transport)
    transport.start({
      data(chunk) {
        requests.push(chunk)
        answer(chunk[2] ?? 0, transport)
      },
      end() {},
    })
  })
  return {
    options: { host: HOST, port: listener.port, ...options },
    requests,
    transports,
    [Symbol.asyncDispose]: async () => {
      await listener.close()
      for (const transport of transports) transport.destroy()
    },
  }
}

/** Sends these chunks, each by itself, then closes. */
async function sendSlowly(transport: Transport, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    transport.write(chunk)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  transport.close()
}

function say(...bytes: readonly Uint8Array[]) {
  return (_: number, transport: Transport) => {
    transport.write(wire(...bytes))
    transport.close()
  }
}

async function closedPort(): Promise<number> {
  const listener = await listenTcp({ host: HOST, port: 0 }, () => {})
  const { port } = listener
  await listener.close()
  return port
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it succeeded')
}

const questions: readonly (readonly [string, (options: EpmdOptions) => Promise<unknown>])[] = [
  ['lookup', (options) => lookup('foo', options)],
  ['names', (options) => names(options)],
  ['register', (options) => register({ name: 'foo', port: 4711, kind: 'hidden' }, options)],
]

describe('lookup', () => {
  it('gives what EPMD knows, and sends what the documentation says', async () => {
    await using epmd = await script(say(found(6, 5)))
    expect(await lookup('foo', epmd.options)).toEqual({
      name: 'foo',
      port: 4711,
      kind: 'normal',
      protocol: 0,
      highestVersion: 6,
      lowestVersion: 5,
      extra: new Uint8Array(),
    })
    expect(epmd.requests).toEqual([Buffer.from(wire(0, 4, 122, 'foo'))])
  })

  it('takes the answer in whatever pieces it comes', async () => {
    const answer = found(6, 5)
    for (let place = 1; place < answer.length; place++) {
      await using epmd = await script((_, it) => void sendSlowly(it, cut(answer, [place])))
      expect(await lookup('foo', epmd.options)).toMatchObject({ port: 4711 })
    }
    const everywhere = Array.from(answer, (_, index) => index)
    await using epmd = await script((_, it) => void sendSlowly(it, cut(answer, everywhere)))
    expect(await lookup('foo', epmd.options)).toMatchObject({ port: 4711 })
  })

  it('does not wait for EPMD to close', async () => {
    await using epmd = await script((_, transport) => transport.write(found(6, 6)))
    expect(await lookup('foo', epmd.options)).toMatchObject({ port: 4711 })
  })

  it('tells which names there are when it is none of them', async () => {
    await using epmd = await script((tag, transport) => {
      say(tag === 110 ? listOfNames : notFound)(tag, transport)
    })
    const error = await failure(lookup('baz', epmd.options))
    expect(error).toBeInstanceOf(NameNotRegisteredError)
    expect(error).toMatchObject({
      code: 'ERR_EPMD_NAME_NOT_REGISTERED',
      alive: 'baz',
      registered: ['bar', 'foo'],
      hint: 'registered there: bar, foo',
    })
  })

  it('tells when there is no name at all', async () => {
    await using epmd = await script((tag, transport) => {
      say(tag === 110 ? uint32(4369) : notFound)(tag, transport)
    })
    expect(await failure(lookup('baz', epmd.options))).toMatchObject({
      registered: [],
      hint: 'no node is registered there at all',
    })
  })

  it('tells that a name is not registered even if the names cannot be had', async () => {
    await using epmd = await script((tag, transport) => {
      if (tag === 110) transport.destroy()
      else say(notFound)(tag, transport)
    })
    const error = await failure(lookup('baz', epmd.options))
    expect(error).toBeInstanceOf(NameNotRegisteredError)
    expect(error).toMatchObject({ registered: undefined, hint: undefined })
  })

  it('has one time-out for both questions', async () => {
    const started = performance.now()
    const silentAboutNames = (tag: number, transport: Transport) => {
      if (tag !== 110) say(notFound)(tag, transport)
    }
    await using epmd = await script(silentAboutNames, { timeout: 200 })
    const error = await failure(lookup('baz', epmd.options))
    expect(error).toBeInstanceOf(NameNotRegisteredError)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it.each([
    [5, 5],
    [7, 7],
  ])('rejects a node that speaks only version %d', async (highest, lowest) => {
    await using epmd = await script(say(found(highest, lowest)))
    const error = await failure(lookup('foo', epmd.options))
    expect(error).toBeInstanceOf(DistributionVersionError)
    expect(error).toMatchObject({ alive: 'foo', highestVersion: highest })
  })

  it('calls the node what it was asked for by, whatever is answered', async () => {
    await using epmd = await script(say(found(5, 5, '\u001b[2J')))
    const error = await failure(lookup('foo', epmd.options))
    expect(error).toMatchObject({ alive: 'foo', message: expect.stringMatching(/^foo speaks/) })
  })

  it('takes a node that speaks later versions as well', async () => {
    await using epmd = await script(say(found(9, 6)))
    expect(await lookup('foo', epmd.options)).toMatchObject({ highestVersion: 9 })
  })
})

describe('names', () => {
  it('lists them, in whatever pieces they come', async () => {
    for (const places of [[], [1, 2, 3], [4], [5], [20, 30], [listOfNames.length - 1]]) {
      await using epmd = await script((_, it) => void sendSlowly(it, cut(listOfNames, places)))
      expect(await names(epmd.options)).toEqual([
        { name: 'foo', port: 4711 },
        { name: 'bar', port: 4712 },
      ])
      expect(epmd.requests).toEqual([Buffer.from(wire(0, 1, 110))])
    }
  })

  it('rejects a list that never ends', async () => {
    await using epmd = await script((_, transport) => {
      transport.write(wire(uint32(4369)))
      for (let i = 0; i < 20; i++) transport.write(Buffer.alloc(100_000, 'x'))
    })
    const error = await failure(names(epmd.options))
    expect(error).toBeInstanceOf(EpmdProtocolError)
    expect(error).toHaveProperty('message', expect.stringContaining('more than 1048576 bytes'))
  })
})

describe('register', () => {
  const registrant = { name: 'foo', port: 4711, kind: 'hidden' } as const

  it('keeps the connection until it is closed', async () => {
    await using epmd = await script((_, transport) => transport.write(accepted))
    const registration = await register(registrant, epmd.options)
    expect(registration.creation).toBe(0x6b02_dcbf)
    expect(epmd.requests).toEqual([
      Buffer.from(
        wire(
          ...[0, 16, 120], // Length, ALIVE2_REQ
          ...[0x12, 0x67], // PortNo
          72, // NodeType
          0, // Protocol
          ...[0, 6], // HighestVersion
          ...[0, 6], // LowestVersion
          ...[0, 3, 'foo'], // Nlen, NodeName
          ...[0, 0], // Elen
        ),
      ),
    ])
    await registration.close()
    await registration.close()
    await registration.ended
  })

  it('is disposed of with its scope', async () => {
    await using epmd = await script((_, transport) => transport.write(accepted))
    let ended: Promise<void>
    {
      await using registration = await register(registrant, epmd.options)
      ended = registration.ended
    }
    await ended
  })

  it('tells when EPMD ends', async () => {
    await using epmd = await script((_, transport) => transport.write(accepted))
    const registration = await register(registrant, epmd.options)
    for (const transport of epmd.transports) transport.destroy()
    await registration.ended
  })

  it('outlives the signal that its start could be called off with', async () => {
    const controller = new AbortController()
    await using epmd = await script((_, transport) => transport.write(accepted))
    await using registration = await register(registrant, {
      ...epmd.options,
      signal: controller.signal,
    })
    controller.abort()
    const first = await Promise.race([
      registration.ended.then(() => 'ended'),
      new Promise((resolve) => setTimeout(resolve, 50, 'alive')),
    ])
    expect(first).toBe('alive')
  })

  it('is refused when another has the name', async () => {
    await using epmd = await script((_, transport) => transport.write(refused))
    const error = await failure(register(registrant, epmd.options))
    expect(error).toBeInstanceOf(RegistrationRefusedError)
    expect(error).toMatchObject({ code: 'ERR_EPMD_REGISTRATION_REFUSED', alive: 'foo' })
  })
})

describe.each(questions)('%s fails', (_, ask) => {
  it('when no EPMD is there', async () => {
    const port = await closedPort()
    const error = await failure(ask({ host: HOST, port }))
    expect(error).toBeInstanceOf(NoEpmdError)
    expect(error).toMatchObject({ code: 'ERR_EPMD_NOT_RUNNING', address: `${HOST}:${port}` })
  })

  it('when nothing answers in time', async () => {
    await using epmd = await script(() => {}, { timeout: 50 })
    const error = await failure(ask(epmd.options))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ timeout: 50, what: expect.stringContaining('the EPMD at') })
  })

  it('when it is called off, with the reason', async () => {
    const reason = new Error('enough')
    await using epmd = await script(() => {})
    const signal = AbortSignal.abort(reason)
    expect(await failure(ask({ ...epmd.options, signal }))).toBe(reason)

    const controller = new AbortController()
    const asked = failure(ask({ ...epmd.options, signal: controller.signal }))
    setTimeout(() => controller.abort(reason), 20)
    expect(await asked).toBe(reason)
  })

  it('when another server answers', async () => {
    await using epmd = await script(say(wire('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const error = await failure(ask(epmd.options))
    expect(error).toBeInstanceOf(EpmdProtocolError)
    expect(error).toHaveProperty('code', 'ERR_EPMD_PROTOCOL')
  })

  it('when the connection ends without an answer', async () => {
    await using epmd = await script((_, transport) => transport.close())
    const error = await failure(ask(epmd.options))
    expect(error).toBeInstanceOf(EpmdClosedError)
    expect(error).toHaveProperty('code', 'ERR_EPMD_CLOSED')
  })
})

describe.each(questions.filter(([name]) => name !== 'names'))('%s fails', (_, ask) => {
  it('when the connection ends within the answer', async () => {
    const answers = new Map([
      [122, found(6, 6)],
      [120, accepted],
    ])
    await using epmd = await script((tag, transport) => {
      say(answers.get(tag)?.subarray(0, 5) ?? wire())(tag, transport)
    })
    expect(await failure(ask(epmd.options))).toBeInstanceOf(EpmdClosedError)
  })
})
