/**
 * What a hidden node does where a real one cannot be made to: names that cross, peers that stop in the
 * middle, strangers, and closing while something is under way.
 */
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AcceptHandshake } from '../../src/dist/accept-handshake.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { Handshake } from '../../src/dist/handshake.ts'
import { encodeAliveAnswer, encodeStatus } from '../../src/dist/handshake-messages.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { names } from '../../src/epmd/client.ts'
import { type EpmdServer, startEpmdServer } from '../../src/epmd/server.ts'
import { atom, tuple } from '../../src/etf/index.ts'
import { connectTcp } from '../../src/net/tcp.ts'
import { HiddenNode, type HiddenNodeOptions } from '../../src/node/hidden-node.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import { collectGarbage } from '../garbage.ts'
import { HandshakeLine, listenForLines } from './handshake-line.ts'
import { listenTo } from './listen-to.ts'

const HOST = '127.0.0.1'
const COOKIE = new Cookie('secret')
const OURS = `m@${HOST}`
const LESS = `a@${HOST}`
const GREATER = `z@${HOST}`

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

async function startMapper(): Promise<EpmdServer> {
  const mapper = await startEpmdServer()
  onTestFinished(() => mapper.close())
  return mapper
}

/** A node of ours that is closed after the test. */
function startNode(options: Partial<HiddenNodeOptions> = {}): HiddenNode {
  const node = new HiddenNode({ cookie: COOKIE, name: OURS, ...options })
  onTestFinished(() => node.close())
  return node
}

/** One that others can connect to. */
async function startListener(options: Partial<HiddenNodeOptions> = {}): Promise<HiddenNode> {
  const node = startNode(options)
  await node.listen({ register: false })
  return node
}

function portOf(node: HiddenNode): number {
  if (node.port === undefined) throw new Error('it does not listen')
  return node.port
}

/** The side of a peer that dials a node of ours. */
function diallerFrom(
  name: string,
  cookie: Cookie = COOKIE,
  flags: bigint = CLIENT_FLAGS,
): Handshake {
  const self = { name: parseNodeName(name), creation: 7, flags }
  return new Handshake({ self, peer: parseNodeName(OURS), cookie })
}

/** The side of a peer that a node of ours dials. */
function acceptorAs(name: string): AcceptHandshake {
  const self = { name: parseNodeName(name), creation: 7, flags: CLIENT_FLAGS }
  return new AcceptHandshake({ self, cookie: COOKIE })
}

/** Takes a handshake to its end, on either side. */
async function finish(line: HandshakeLine, party: Handshake | AcceptHandshake): Promise<void> {
  for (;;) {
    const message = await line.next()
    if (message === undefined) throw new Error('the line ended in the handshake')
    let step = party.receive(message)
    if (step.type === 'introduced' && party instanceof AcceptHandshake) step = party.answer('ok')
    for (const out of step.send) line.send(out)
    if (step.type === 'done') return
    if (step.type === 'failed') throw step.error
  }
}

/** Dials a node of ours from a peer of that name. */
async function dial(node: HiddenNode, name: string): Promise<HandshakeLine> {
  const line = await HandshakeLine.open(portOf(node))
  onTestFinished(() => line.transport.destroy())
  const handshake = diallerFrom(name)
  line.send(handshake.start())
  await finish(line, handshake)
  return line
}

/** Answers `net_adm:ping/1` of ours to another node of ours. */
function ping(remote: RemoteNode): Promise<unknown> {
  return remote.genServerCall(atom('net_kernel'), tuple(atom('is_auth'), atom(OURS)))
}

/** Of all nodes, this one is connected, over the connection that was waited for. */
async function expectConnected(node: HiddenNode, connecting: Promise<RemoteNode>): Promise<void> {
  const remote = await connecting
  expect(remote.isConnected).toBe(true)
  expect(node.remotes).toEqual([remote])
}

describe('two nodes of ours', () => {
  it('find each other by EPMD, from either side, and stand in the list of both', async () => {
    const { port: epmdPort } = await startMapper()
    const one = startNode({ epmdPort })
    const two = startNode({ epmdPort, name: GREATER })
    await one.listen()
    await two.listen()
    expect((await names({ host: HOST, port: epmdPort })).map((it) => it.name).sort()).toEqual([
      'm',
      'z',
    ])
    const remote = await one.connect(GREATER)
    expect(await ping(remote)).toEqual(atom('yes'))
    await expect.poll(() => two.remotes.map((it) => it.name)).toEqual([OURS])
    expect(one.remotes).toEqual([remote])
    const [back] = two.remotes
    expect(await two.connect(OURS)).toBe(back)
    await remote.close()
    await expect.poll(() => two.remotes).toEqual([])
    expect(one.remotes).toEqual([])
    expect(await ping(await two.connect(OURS))).toEqual(atom('yes'))
    await two.close()
    await expect.poll(() => names({ host: HOST, port: epmdPort })).toMatchObject([{ name: 'm' }])
  })

  it('have one connection after both dialled at once, in whatever order', async () => {
    const { port: epmdPort } = await startMapper()
    const one = startNode({ epmdPort })
    const two = startNode({ epmdPort, name: GREATER })
    await one.listen()
    await two.listen()
    for (let round = 0; round < 100; round++) {
      const wait = (round % 5) * 0.5
      const [there, back] = await Promise.all([
        round % 2 === 0 ? one.connect(GREATER) : delay(wait).then(() => one.connect(GREATER)),
        round % 2 === 1 ? two.connect(OURS) : delay(wait).then(() => two.connect(OURS)),
      ])
      expect(await ping(there)).toEqual(atom('yes'))
      expect(await ping(back)).toEqual(atom('yes'))
      expect([one.remotes.length, two.remotes.length]).toEqual([1, 1])
      await (round % 3 === 0 ? there : back).close()
      await expect
        .poll(() => [one.remotes.length, two.remotes.length], { interval: 1 })
        .toEqual([0, 0])
    }
  })

  it('connect once, however many ask at once, and one that gives up harms nobody', async () => {
    const { port: epmdPort } = await startMapper()
    const one = startNode({ epmdPort })
    const two = startNode({ epmdPort, name: GREATER })
    await two.listen()
    const handshakes = listenTo('beamscope:handshake')
    const controller = new AbortController()
    const reason = new Error('enough')
    const given = one.connect(GREATER, { signal: controller.signal })
    const all = [1, 2, 3].map(() => one.connect(GREATER))
    controller.abort(reason)
    await expect(given).rejects.toBe(reason)
    const [first, ...others] = await Promise.all(all)
    expect(new Set([first, ...others]).size).toBe(1)
    await expect.poll(() => handshakes.length).toBe(2)
    expect(await one.connect(GREATER)).toBe(first)
    const late = new AbortController()
    await first?.close()
    const again = one.connect(GREATER)
    const waiting = one.connect(GREATER, { signal: late.signal })
    late.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(await ping(await again)).toEqual(atom('yes'))
  })
})

describe('a node that dials', () => {
  it('says that the peer is dialling too, if nobody can dial it', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('nok'))
    await expect(connecting).rejects.toMatchObject({
      code: 'ERR_DIST_ALREADY_CONNECTED',
      status: 'nok',
    })
    expect(node.remotes).toEqual([])
  })

  it('waits for the peer after nok, and has the connection that the peer makes', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('nok'))
    await line.untilEnd()
    await dial(node, GREATER)
    await expectConnected(node, connecting)
  })

  it('dials again after nok, when the peer does not come', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('nok'))
    await finish(await lines.next(), acceptorAs(GREATER))
    await expectConnected(node, connecting)
  })

  it('ends when its time is over, though the peer says nok each time', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = expect(node.connect(GREATER, { timeout: 300 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('nok'))
    await connecting
    expect(node.remotes).toEqual([])
  })

  it('goes on after ok_simultaneous', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(LESS)
    const line = await lines.next()
    const peer = acceptorAs(LESS)
    peer.receive((await line.next()) ?? new Uint8Array())
    for (const out of peer.answer('ok_simultaneous').send) line.send(out)
    await finish(line, peer)
    await expectConnected(node, connecting)
  })

  it('insists when the peer has a connection under its name', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    const peer = acceptorAs(GREATER)
    peer.receive((await line.next()) ?? new Uint8Array())
    for (const out of peer.answer('alive').send) line.send(out)
    await finish(line, peer)
    expect((await connecting).isConnected).toBe(true)
  })

  it('tells when the peer keeps the connection that it has', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('alive'))
    expect(await line.nextText()).toBe('strue')
    line.transport.close()
    await expect(connecting).rejects.toMatchObject({
      code: 'ERR_DIST_ALREADY_CONNECTED',
      status: 'alive',
    })
  })

  it('does not dial a peer whose own handshake is under way', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const arriving = await HandshakeLine.open(portOf(node))
    const handshake = diallerFrom(GREATER)
    arriving.send(handshake.start())
    const status = await arriving.next()
    expect(Buffer.from(status ?? []).toString()).toBe('sok')
    const connecting = node.connect(GREATER)
    handshake.receive(status ?? new Uint8Array())
    let isDialled = false
    void lines.next().then(() => {
      isDialled = true
    })
    await delay(50)
    await finish(arriving, handshake)
    await expectConnected(node, connecting)
    expect(isDialled).toBe(false)
  })

  it('dials a peer whose own handshake stops, when that fails', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const arriving = await HandshakeLine.open(portOf(node))
    arriving.send(diallerFrom(GREATER).start())
    await arriving.next()
    const connecting = node.connect(GREATER)
    await delay(20)
    arriving.transport.destroy()
    await finish(await lines.next(), acceptorAs(GREATER))
    await expectConnected(node, connecting)
  })

  it('is not kept from its peer by an impostor who does not know the cookie', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const begin = async (): Promise<() => Promise<void>> => {
      const line = await HandshakeLine.open(portOf(node))
      const handshake = diallerFrom(GREATER, new Cookie('wrong'))
      line.send(handshake.start())
      const status = (await line.next()) ?? new Uint8Array()
      for (const out of handshake.receive(status).send) line.send(out)
      return () => expect(finish(line, handshake)).rejects.toThrow()
    }
    const first = await begin()
    const connecting = node.connect(GREATER)
    await first()
    const line = await lines.next()
    const second = await begin()
    await second()
    const third = await begin()
    await finish(line, acceptorAs(GREATER))
    await expectConnected(node, connecting)
    await third()
  })

  it('learns from the first of many connections who it is, and from no other', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, name: `undefined@${HOST}` })
    expect(() => node.spawn()).toThrow(expect.objectContaining({ code: 'ERR_NODE_NO_NAME_YET' }))
    await expect(node.listen()).rejects.toMatchObject({ code: 'ERR_NODE_NO_NAME_YET' })
    expect(node.name).toBeUndefined()
    const first = node.connect(GREATER)
    const second = node.connect(LESS)
    const line = await lines.next()
    const peer = acceptorAs(GREATER)
    const step = peer.receive((await line.next()) ?? new Uint8Array())
    expect(step).toMatchObject({
      type: 'introduced',
      introduction: { name: undefined, host: HOST },
    })
    const named = parseNodeName(`CHOSEN@${HOST}`)
    for (const out of peer.answer({ named, creation: 99 }).send) line.send(out)
    await finish(line, peer)
    await first
    expect(node.name).toBe(`CHOSEN@${HOST}`)
    expect(node.spawn().pid.creation).toBe(99)
    const next = await lines.next()
    const other = acceptorAs(LESS)
    const introduced = other.receive((await next.next()) ?? new Uint8Array())
    expect(introduced).toMatchObject({ introduction: { name: named, creation: 99 } })
    for (const out of other.answer('ok').send) next.send(out)
    await finish(next, other)
    expect((await second).connected.self.name.full).toBe(`CHOSEN@${HOST}`)
  })

  it('says that it got no name from a peer that gives none', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, name: `undefined@${HOST}` })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    await line.next()
    line.send(encodeStatus('ok'))
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_DIST_NO_NAME_GIVEN' })
  })
})

describe('a temporary node', () => {
  const TEMPORARY = { name: undefined, temporary: true } as const

  /** Lets one of ours connect; returns its name. */
  async function admit(line: HandshakeLine, name: string): Promise<string | undefined> {
    const peer = acceptorAs(name)
    const step = peer.receive((await line.next()) ?? new Uint8Array())
    if (step.type !== 'introduced') throw new Error(step.type)
    for (const out of peer.answer('ok').send) line.send(out)
    await finish(line, peer)
    return step.introduction.name?.full
  }

  async function nameOn(line: HandshakeLine): Promise<string> {
    const step = acceptorAs(GREATER).receive((await line.next()) ?? new Uint8Array())
    return (step.type === 'introduced' && step.introduction.name?.alive) || step.type
  }

  it('has the same name as the one before, and as one with another node', async () => {
    const { port: epmdPort } = await startMapper()
    const one = startNode({ epmdPort })
    const two = startNode({ epmdPort, name: GREATER })
    await one.listen()
    await two.listen()
    const names = new Set<string | undefined>()
    for (let round = 0; round < 5; round++) {
      const nodes = [startNode({ epmdPort, ...TEMPORARY }), startNode({ epmdPort, ...TEMPORARY })]
      const [node, other] = nodes
      expect(node?.name).toBeUndefined()
      const remote = await node?.connect(OURS)
      await other?.connect(GREATER)
      if (remote !== undefined) expect(await ping(remote)).toEqual(atom('yes'))
      for (const it of nodes) names.add(it.name)
      for (const it of nodes) await it.close()
      await expect.poll(() => [...one.remotes, ...two.remotes]).toEqual([])
    }
    expect([...names]).toEqual([expect.stringMatching(/^0-beamscope-1@[^@]+$/)])
  })

  it('has another than those of this process that are there with the node', async () => {
    const { port: epmdPort } = await startMapper()
    const peer = startNode({ epmdPort })
    await peer.listen()
    const nodes = Array.from({ length: 50 }, () => startNode({ epmdPort, ...TEMPORARY }))
    const handshakes = listenTo('beamscope:handshake')
    await Promise.all(nodes.map((node) => node.connect(OURS)))
    const numbers = nodes.map(({ name }) => Number(/^0-beamscope-(\d+)@/.exec(name ?? '')?.[1]))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(nodes.map((_, index) => index + 1))
    await expect.poll(() => peer.remotes).toHaveLength(50)
    // Two for each: ours, and that of the peer.
    expect(handshakes).toHaveLength(100)
  })

  it('takes the next name where the node says that another has the first', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, ...TEMPORARY })
    const connecting = node.connect(GREATER)
    for (const [status, number] of [
      ['alive', 1],
      ['nok', 2],
      ['alive', 3],
    ] as const) {
      const line = await lines.next()
      expect(await nameOn(line)).toBe(`0-beamscope-${number}`)
      line.send(encodeStatus(status))
      // It leaves the one that is there alone.
      if (status === 'alive') expect(await line.nextText()).toBe('sfalse')
      await line.untilEnd()
    }
    expect(await admit(await lines.next(), GREATER)).toMatch(/^0-beamscope-4@/)
    await expectConnected(node, connecting)
  })

  it('takes a name that nobody has where too many are there', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, ...TEMPORARY })
    const connecting = node.connect(GREATER)
    for (let count = 0; count < 32; count++) {
      const line = await lines.next()
      await line.next()
      line.send(encodeStatus('nok'))
    }
    expect(await admit(await lines.next(), GREATER)).toMatch(/^beamscope-/)
    await expectConnected(node, connecting)
  })

  it('tries two more names where it is hung up on, and then says so', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, ...TEMPORARY })
    const refused = node.connect(GREATER)
    const first = await lines.next()
    await first.next()
    first.send(encodeStatus('not_allowed'))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DIST_NOT_ALLOWED' })
    const connecting = node.connect(GREATER)
    await Promise.all([
      expect(connecting).rejects.toMatchObject({ code: 'ERR_DIST_HANDSHAKE_CLOSED' }),
      (async () => {
        for (const name of [/^0-beamscope-1$/, /^0-beamscope-\d+$/, /^beamscope-/]) {
          const line = await lines.next()
          expect(await nameOn(line)).toMatch(name)
          line.transport.destroy()
        }
      })(),
    ])
    const slow = node.connect(GREATER, { timeout: 100 })
    await expect(slow).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('says that it was hung up on where nobody listens any more after that', async () => {
    const lines = await listenForLines()
    const node = startNode({ port: lines.port, ...TEMPORARY })
    const connecting = node.connect(GREATER)
    const [refused] = await Promise.allSettled([
      connecting,
      (async () => {
        const line = await lines.next()
        await lines[Symbol.asyncDispose]()
        line.transport.destroy()
      })(),
    ])
    expect(refused).toMatchObject({ reason: { code: 'ERR_DIST_HANDSHAKE_CLOSED' } })
  })

  it('is nobody before it is connected, and then goes by that name', async () => {
    const { port: epmdPort } = await startMapper()
    const peer = startNode({ epmdPort })
    await peer.listen()
    const node = startNode({ epmdPort, ...TEMPORARY })
    const nobody = { code: 'ERR_NODE_NO_NAME_YET' }
    expect(() => node.spawn()).toThrow(expect.objectContaining(nobody))
    await expect(node.listen()).rejects.toMatchObject(nobody)
    const [one, two] = await Promise.all([node.connect(OURS), node.connect(OURS)])
    expect(one).toBe(two)
    expect(node.spawn().pid.node.name).toBe(node.name)
  })

  it('has the name that is given to it', async () => {
    const { port: epmdPort } = await startMapper()
    const peer = startNode({ epmdPort })
    await peer.listen()
    const node = startNode({ epmdPort, temporary: true, name: GREATER })
    await node.connect(OURS)
    expect(node.name).toBe(GREATER)
  })

  it('gives up as others do', async () => {
    await using lines = await listenForLines()
    const node = startNode({ port: lines.port, ...TEMPORARY })
    const controller = new AbortController()
    const connecting = node.connect(GREATER, { signal: controller.signal })
    const line = await lines.next()
    await line.next()
    controller.abort(new Error('enough'))
    await expect(connecting).rejects.toThrow('enough')
    await line.untilEnd()
    const closing = node.connect(GREATER)
    await (await lines.next()).next()
    await node.close()
    await expect(closing).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
  })
})

describe('a node that is dialled', () => {
  it('says nok to a peer that it dials itself, if its own name is the greater one', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(LESS)
    const line = await lines.next()
    const arriving = await HandshakeLine.open(portOf(node))
    arriving.send(diallerFrom(LESS).start())
    expect(await arriving.nextText()).toBe('snok')
    await arriving.untilEnd()
    await finish(line, acceptorAs(LESS))
    await expectConnected(node, connecting)
  })

  it('gives way to a peer that it dials itself, if the name of that is the greater one', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(GREATER)
    const line = await lines.next()
    const arriving = await HandshakeLine.open(portOf(node))
    const handshake = diallerFrom(GREATER)
    arriving.send(handshake.start())
    const status = (await arriving.next()) ?? new Uint8Array()
    expect(Buffer.from(status).toString()).toBe('sok_simultaneous')
    for (const out of handshake.receive(status).send) arriving.send(out)
    await finish(arriving, handshake)
    await line.untilEnd()
    await expectConnected(node, connecting)
  })

  it('asks a peer that is connected whether it means it, and has the new connection', async () => {
    const node = await startListener()
    const closes = listenTo('beamscope:close')
    const first = await dial(node, GREATER)
    const [before] = node.remotes
    const second = await HandshakeLine.open(portOf(node))
    const handshake = diallerFrom(GREATER)
    second.send(handshake.start())
    const status = (await second.next()) ?? new Uint8Array()
    expect(Buffer.from(status).toString()).toBe('salive')
    expect(before?.isConnected).toBe(true)
    for (const out of handshake.receive(status).send) second.send(out)
    await finish(second, handshake)
    await first.untilEnd()
    expect(closes).toMatchObject([
      { node: GREATER, error: { cause: { code: 'ERR_NODE_CONNECTION_REPLACED' } } },
    ])
    expect(before?.isConnected).toBe(false)
    expect(node.remotes).toHaveLength(1)
    const [after] = node.remotes
    // Whoever holds the old one may close it whenever he likes.
    await before?.close()
    expect(node.remotes).toEqual([after])
    expect(await node.connect(GREATER)).toBe(after)
  })

  it('takes a peer back that it was to connect again, and does not dial it then', async () => {
    await using lines = await listenForLines()
    const node = await startListener({ port: lines.port })
    const connecting = node.connect(GREATER, { reconnect: true })
    const first = await lines.next()
    await finish(first, acceptorAs(GREATER))
    const remote = await connecting
    const monitor = vi.fn()
    using box = node.spawn()
    box.monitor({ name: 'somebody', node: GREATER })
    void box.receive().then(monitor)
    await dial(node, GREATER)
    await first.untilEnd()
    expect(remote.isConnected).toBe(true)
    expect(node.remotes).toEqual([remote])
    // What was agreed over the old connection is not known on the new one.
    expect(monitor).toHaveBeenCalledWith(expect.objectContaining({ type: 'down' }))
    const dialled = lines.next().then(() => 'dialled')
    expect(await Promise.race([dialled, delay(300, 'nothing')])).toBe('nothing')
    await node.close()
  })

  it('names each peer differently that asks for a name', async () => {
    const node = await startListener()
    const flags = CLIENT_FLAGS | flag.NAME_ME
    for (const count of [1, 2]) {
      const line = await HandshakeLine.open(portOf(node))
      onTestFinished(() => line.transport.destroy())
      const handshake = diallerFrom(`undefined@${HOST}`, COOKIE, flags)
      line.send(handshake.start())
      await finish(line, handshake)
      expect(new Set(node.remotes.map((it) => it.name)).size).toBe(count)
    }
  })

  it('gives a name that came back to the next, unless somebody has taken it', async () => {
    const node = await startListener()
    const ask = async (): Promise<HandshakeLine> => {
      const line = await HandshakeLine.open(portOf(node))
      onTestFinished(() => line.transport.destroy())
      const handshake = diallerFrom(`undefined@${HOST}`, COOKIE, CLIENT_FLAGS | flag.NAME_ME)
      line.send(handshake.start())
      await finish(line, handshake)
      return line
    }
    const leave = async (line: HandshakeLine): Promise<void> => {
      line.transport.destroy()
      await expect.poll(() => node.remotes).toEqual([])
    }
    const first = await ask()
    const [name = ''] = node.remotes.map((it) => it.name)
    await leave(first)
    const second = await ask()
    expect(node.remotes.map((it) => it.name)).toEqual([name])
    await leave(second)
    await dial(node, name)
    await ask()
    expect(node.remotes).toHaveLength(2)
  })

  it('keeps the connection that stands when a peer takes it back, or does not know the cookie', async () => {
    const node = await startListener()
    await dial(node, GREATER)
    const [before] = node.remotes
    const hesitant = await HandshakeLine.open(portOf(node))
    hesitant.send(diallerFrom(GREATER).start())
    expect(await hesitant.nextText()).toBe('salive')
    hesitant.send(encodeAliveAnswer(false))
    await hesitant.untilEnd()
    const impostor = await HandshakeLine.open(portOf(node))
    const handshake = diallerFrom(GREATER, new Cookie('wrong'))
    impostor.send(handshake.start())
    await expect(finish(impostor, handshake)).rejects.toThrow()
    await impostor.untilEnd()
    expect(before?.isConnected).toBe(true)
    expect(node.remotes).toEqual([before])
  })

  it('takes nobody under its own name, and only those that it allows', async () => {
    const node = startNode()
    await node.listen({ register: false, allow: [GREATER] })
    const handshakes = listenTo('beamscope:handshake')
    for (const name of [OURS, LESS]) {
      const line = await HandshakeLine.open(portOf(node))
      line.send(diallerFrom(name).start())
      expect(await line.nextText()).toBe('snot_allowed')
      await line.untilEnd()
    }
    const nameless = await HandshakeLine.open(portOf(node))
    const flags = CLIENT_FLAGS | flag.NAME_ME
    nameless.send(diallerFrom(`undefined@${HOST}`, COOKIE, flags).start())
    expect(await nameless.nextText()).toBe('snot_allowed')
    await dial(node, GREATER)
    expect(node.remotes.map((it) => it.name)).toEqual([GREATER])
    expect(handshakes.slice(0, 3)).toMatchObject(
      Array.from({ length: 3 }, () => ({ error: { code: 'ERR_DIST_PEER_REFUSED' } })),
    )
  })

  it('names a peer that asks for it', async () => {
    const node = await startListener()
    const line = await HandshakeLine.open(portOf(node))
    const flags = CLIENT_FLAGS | flag.NAME_ME
    const handshake = diallerFrom(`undefined@${HOST}`, COOKIE, flags)
    line.send(handshake.start())
    await finish(line, handshake)
    const [remote] = node.remotes
    expect(remote?.name).toMatch(/^[0-9A-Z]{5,}@127\.0\.0\.1$/)
    expect(remote?.connected.peer.creation).toBeGreaterThan(0)
  })

  it('drops strangers, whatever they say, and tells of them', async () => {
    const node = await startListener()
    const handshakes = listenTo('beamscope:handshake')
    const greetings = [
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      '\x00\x00',
      '\x00\x01N',
      '\x00\x03sok',
      '\x00\x07n\x00\x05\x00\x00\x00\x04',
      '',
    ]
    for (const greeting of greetings) {
      const transport = await connectTcp({ host: HOST, port: portOf(node) })
      const ended = new Promise<void>((resolve) => {
        transport.start({ data() {}, end: () => resolve() })
      })
      transport.write(Buffer.from(greeting, 'latin1'))
      if (greeting === '') transport.close()
      await ended
    }
    await expect.poll(() => handshakes.length).toBe(greetings.length)
    for (const handshake of handshakes) {
      expect(handshake).toMatchObject({
        error: { code: expect.stringMatching(/^ERR_/) },
        flags: undefined,
      })
    }
    await dial(node, GREATER)
    expect(node.remotes).toHaveLength(1)
  })

  it('does not wait longer than seven seconds for a peer that says nothing more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const node = await startListener()
    const handshakes = listenTo('beamscope:handshake')
    const mute = await HandshakeLine.open(portOf(node))
    const slow = await HandshakeLine.open(portOf(node))
    slow.send(diallerFrom(GREATER).start())
    expect(await slow.nextText()).toBe('sok')
    vi.advanceTimersByTime(6_900)
    expect([mute.ended, slow.ended]).toEqual([false, false])
    vi.advanceTimersByTime(200)
    await mute.untilEnd()
    await slow.untilEnd()
    expect(handshakes).toMatchObject([
      { error: { code: 'ERR_TIMEOUT' } },
      { error: { code: 'ERR_TIMEOUT' } },
    ])
  })

  it('shakes hands with a thousand at once, and drops the others until there is room', async () => {
    const node = await startListener()
    const mute = await Promise.all(
      Array.from({ length: 1_000 }, () => HandshakeLine.open(portOf(node))),
    )
    onTestFinished(() => {
      for (const line of mute) line.transport.destroy()
    })
    const last = await HandshakeLine.open(portOf(node))
    await last.untilEnd()
    expect(mute.filter((it) => it.ended)).toEqual([])
    mute[0]?.transport.destroy()
    await delay(50)
    await dial(node, GREATER)
    expect(node.remotes).toHaveLength(1)
  })
})

describe('closing', () => {
  it('ends an attempt to connect, wherever it is, and all that wait for it', async () => {
    await using lines = await listenForLines()
    const stages: readonly ((line: HandshakeLine) => Promise<void>)[] = [
      async () => {},
      async (line) => {
        await line.next()
        line.send(encodeStatus('ok'))
      },
      async (line) => {
        await line.next()
        line.send(encodeStatus('nok'))
        await line.untilEnd()
      },
    ]
    for (const stage of stages) {
      const node = await startListener({ port: lines.port })
      const all = [node.connect(GREATER), node.connect(GREATER)]
      const line = await lines.next()
      await stage(line)
      await delay(20)
      const start = performance.now()
      await node.close()
      for (const it of all) await expect(it).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
      await line.untilEnd()
      expect(performance.now() - start).toBeLessThan(1_000)
    }
  })

  it('ends those who wait for a peer that is just connecting', async () => {
    const node = await startListener()
    const line = await HandshakeLine.open(portOf(node))
    line.send(diallerFrom(GREATER).start())
    await line.next()
    const connecting = node.connect(GREATER)
    await delay(20)
    await node.close()
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
    await line.untilEnd()
  })

  it('ends the handshakes and connections of those who dialled', async () => {
    const node = await startListener()
    const standing = await dial(node, GREATER)
    const half = await HandshakeLine.open(portOf(node))
    half.send(diallerFrom(LESS).start())
    await half.next()
    const port = portOf(node)
    await node.close()
    await half.untilEnd()
    await standing.untilEnd()
    expect(node.remotes).toEqual([])
    expect(node.port).toBeUndefined()
    await expect(connectTcp({ host: HOST, port })).rejects.toMatchObject({
      code: 'ERR_NET_REFUSED',
    })
    await node.close()
  })

  it('lets a node do nothing more', async () => {
    const node = startNode()
    await node.close()
    const closed = { code: 'ERR_NODE_CLOSED' }
    await expect(node.connect(GREATER)).rejects.toMatchObject(closed)
    await expect(node.listen()).rejects.toMatchObject(closed)
    expect(() => node.spawn()).toThrow(expect.objectContaining(closed))
  })

  it.each([0, 1, 5])('ends listening that is just beginning, after %i ms', async (wait) => {
    const { port: epmdPort } = await startMapper()
    const node = startNode({ epmdPort })
    const listening = node.listen().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (wait > 0) await delay(wait)
    const { port } = node
    await node.close()
    const error = await listening
    if (error !== undefined) expect(error).toMatchObject({ code: 'ERR_NODE_CLOSED' })
    await expect.poll(() => names({ host: HOST, port: epmdPort })).toEqual([])
    expect(node.port).toBeUndefined()
    if (port !== undefined) await expect(connectTcp({ host: HOST, port })).rejects.toThrow()
  })
})

describe('listening', () => {
  it('is done once', async () => {
    const node = startNode()
    const all = await Promise.allSettled([
      node.listen({ register: false }),
      node.listen({ register: false }),
    ])
    expect(all).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'ERR_NODE_ALREADY_LISTENING', node: OURS } },
    ])
    await expect(node.listen({ register: false })).rejects.toMatchObject({
      code: 'ERR_NODE_ALREADY_LISTENING',
    })
  })

  it('can be tried again after it failed, and leaves nothing open then', async () => {
    const { port: epmdPort } = await startMapper()
    const first = startNode({ epmdPort })
    await first.listen()
    const second = startNode({ epmdPort })
    await expect(second.listen()).rejects.toMatchObject({ code: 'ERR_EPMD_REGISTRATION_REFUSED' })
    expect(second.port).toBeUndefined()
    await expect(second.listen({ register: false, port: portOf(first) })).rejects.toMatchObject({
      code: 'ERR_NET_SOCKET',
    })
    await first.close()
    await expect.poll(() => second.listen().then(() => 'listens', String)).toBe('listens')
    expect(second.port).toBeGreaterThan(0)
  })

  it.skipIf(!HAS_IPV6)('registers where nodes of the same family ask', async () => {
    const mapper = await startEpmdServer({ host: '::1' })
    onTestFinished(() => mapper.close())
    const node = startNode({ epmdPort: mapper.port, name: 'm@::1' })
    await node.listen({ host: '::1' })
    expect(mapper.names()).toEqual([{ name: 'm', port: node.port }])
    const other = startNode({ epmdPort: mapper.port, name: 'z@::1' })
    const remote = await other.connect('m@::1')
    expect(remote.address).toBe(`[::1]:${node.port}`)
    expect(await ping(remote)).toEqual(atom('yes'))
    const wrong = startNode({ epmdPort: mapper.port, name: 'a@::1' })
    await expect(wrong.listen()).rejects.toMatchObject({ code: 'ERR_EPMD_NOT_RUNNING' })
  })

  it('ends with its signal, which nothing collects, and leaves nothing open', async () => {
    await using mapper = await listenForLines()
    const node = startNode({ epmdPort: mapper.port })
    const controller = new AbortController()
    const listening = node.listen({ signal: controller.signal })
    const line = await mapper.next()
    for (let count = 0; count < 5; count++) {
      collectGarbage()
      await delay(5)
    }
    controller.abort(new Error('enough'))
    await expect(listening).rejects.toThrow('enough')
    await line.untilEnd()
    expect(node.port).toBeUndefined()
  })

  it('has a name of its own where none was given, under which others find it', async () => {
    const { port: epmdPort } = await startMapper()
    const node = startNode({ epmdPort, name: undefined })
    await node.listen()
    expect(node.name).toMatch(/^beamscope-/)
    const [registered] = await names({ host: HOST, port: epmdPort })
    expect(node.name).toMatch(new RegExp(`^${registered?.name}@`))
  })
})
