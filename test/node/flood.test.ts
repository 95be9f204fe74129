/** Peers that ask for more and more: each thing of which there can be too much has its limit. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { atom, Pid, Reference } from '../../src/etf/index.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { Calls, MAX_CALLS } from '../../src/node/calls.ts'
import { erpcExchange } from '../../src/node/erpc.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { Identity } from '../../src/node/identity.ts'
import { ReplayNode } from '../../src/replay/replay-node.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import { HandshakeLine } from './handshake-line.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

async function startPeer(): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.start()
  onTestFinished(() => peer.close())
  return peer
}

describe('a peer that asks for more and more', () => {
  it('processes, has none, and is told so each time', { timeout: 60_000 }, async () => {
    const peer = await startPeer()
    const remote = await peer.connect()
    const node = atom(PEER_NAME)
    const from = new Pid(node, 9, 0, peer.identity.creation)
    const mfa = { module: atom('m'), function: atom('f'), arity: 0 }
    for (let number = 0; number < 20_000; number++) {
      const reqId = new Reference(node, peer.identity.creation, [number, 1, 1])
      const request = { type: 'spawn_request', reqId, from, groupLeader: from, mfa } as const
      peer.send({ ...request, optList: [] }, [])
      if (number % 1_000 === 999) await nextTurn()
    }
    await expect.poll(() => peer.received.length, { timeout: 30_000 }).toBe(20_000)
    const refused = { type: 'spawn_reply', flags: 0, result: atom('notsup') }
    for (const { control } of peer.received) expect(control).toMatchObject(refused)
    expect(remote.isConnected).toBe(true)
    await remote.close()
  })

  it('messages to a process that does not read, ends that alone', async () => {
    const peer = await startPeer()
    const client = new HiddenNode({ cookie: COOKIE, port: peer.port, name: 'm@127.0.0.1' })
    onTestFinished(() => client.close())
    const remote = await client.connect(PEER_NAME)
    const lazy = client.spawn({ maxMessages: 100 })
    const other = client.spawn()
    for (let number = 0; number < 1_000; number++) peer.send({ type: 'send', toPid: lazy.pid }, 1)
    peer.send({ type: 'send', toPid: other.pid }, atom('hello'))
    expect(await other.receive({ timeout: 5_000 })).toMatchObject({ message: atom('hello') })
    expect(lazy.exitReason).toEqual(atom('killed'))
    expect(remote.isConnected).toBe(true)
  })

  it('connections to a replay node, is turned away until there is room', async () => {
    const { raw: recording } = await readSnapshotFile(binarySpikeFile)
    const options = { name: PEER_NAME, cookie: new Cookie('secret'), recording }
    await using node = await ReplayNode.start(options)
    const mute = await Promise.all(
      Array.from({ length: 1_000 }, () => HandshakeLine.open(node.port)),
    )
    onTestFinished(() => {
      for (const line of mute) line.transport.destroy()
    })
    await (await HandshakeLine.open(node.port)).untilEnd()
    expect(mute.filter(({ ended }) => ended)).toEqual([])
    mute[0]?.transport.destroy()
    const client = new HiddenNode({ cookie: COOKIE, port: node.port })
    onTestFinished(() => client.close())
    const connect = (): Promise<boolean> =>
      client.connect(PEER_NAME).then(
        ({ isConnected }) => isConnected,
        () => false,
      )
    await expect.poll(connect).toBe(true)
  })
})

describe('a program that asks for more and more', () => {
  it('calls at a time, has 65,536 of one node', async () => {
    const identity = new Identity(parseNodeName('m@127.0.0.1'))
    const calls = new Calls(identity, PEER_NAME, () => {})
    const start = (): Promise<unknown> =>
      calls.start(erpcExchange(identity, PEER_NAME, 'm', 'f', []), {})
    const all = Array.from({ length: MAX_CALLS }, start)
    expect(calls.pending).toBe(65_536)
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_NODE_TOO_MANY_CALLS',
      limit: MAX_CALLS,
    })
    const settled = Promise.allSettled(all)
    calls.fail(new Error('over'))
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
    expect(calls.pending).toBe(0)
  })
})
