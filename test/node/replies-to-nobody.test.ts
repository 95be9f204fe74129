/** What comes for those that are not there, never were, or have given up: dropped, and nothing stays of it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ControlMessage,
  SPAWN_REPLY_LINK,
  SPAWN_REPLY_MONITOR,
} from '../../src/dist/control.ts'
import { Payload } from '../../src/dist/payload.ts'
import { atom, encode, Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { heapUsed } from '../garbage.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

/** Of each kind, as if it had come: what a wire does to it is not the matter here. */
const MANY = 100_000

/** Over a wire. */
const SOME = 1_000

/** Bytes. A hundred for each would be ten million. */
const GROWTH = 4_000_000

async function meet() {
  const peer = await ScriptedPeer.start()
  onTestFinished(() => peer.close())
  const client = new HiddenNode({ cookie: COOKIE, port: peer.port, name: 'm@127.0.0.1' })
  onTestFinished(() => client.close())
  const remote = await client.connect(PEER_NAME)
  const process = client.spawn()
  const alias = process.alias()
  process.unalias(alias)
  const gone = client.spawn()
  gone.exit()
  return { peer, client, remote, process, alias, gone: gone.pid }
}

type Met = Awaited<ReturnType<typeof meet>>

/** By what it is: for nobody, the one with that number. */
type Kind = (met: Met, number: number) => readonly [ControlMessage, Term?]

function theirs(number = 9): Pid {
  return new Pid(atom(PEER_NAME), number % 2 ** 15, 0, 5)
}

/** The process of ours that calls come from. */
function callerOf({ process: { pid } }: Met): Pid {
  return new Pid(pid.node, 1, 0, pid.creation)
}

/** A reference that we have not made, or have not made yet. */
function unknown({ process: { pid } }: Met, number: number): Reference {
  return new Reference(pid.node, pid.creation, [number % 2 ** 18, 7, 7])
}

const boom = atom('boom')

const kinds: Readonly<Record<string, Kind>> = {
  'a reply with a reference that nobody has': (met, number) => [
    { type: 'send', toPid: callerOf(met) },
    tuple(unknown(met, number), number),
  ],
  'an end of what nobody monitors': (met, number) => [
    {
      type: 'payload_monitor_p_exit',
      fromProc: theirs(),
      toPid: callerOf(met),
      ref: unknown(met, number),
    },
    boom,
  ],
  'an end of what a process does not monitor': (met, number) => [
    {
      type: 'payload_monitor_p_exit',
      fromProc: theirs(),
      toPid: met.process.pid,
      ref: unknown(met, number),
    },
    boom,
  ],
  'an answer to no spawn request': (met, number) => [
    {
      type: 'spawn_reply',
      reqId: unknown(met, number),
      to: callerOf(met),
      flags: SPAWN_REPLY_MONITOR | SPAWN_REPLY_LINK,
      result: theirs(number),
    },
  ],
  'a refusal of no spawn request': (met, number) => [
    {
      type: 'spawn_reply',
      reqId: unknown(met, number),
      to: callerOf(met),
      flags: 0,
      result: boom,
    },
  ],
  'an exit of who is not linked': ({ process }, number) => [
    { type: 'payload_exit', fromPid: theirs(number), toPid: process.pid },
    boom,
  ],
  'an exit for a process that has ended': ({ gone }, number) => [
    { type: 'payload_exit2', fromPid: theirs(number), toPid: gone },
    boom,
  ],
  'a link to a process that has ended': ({ gone }, number) => [
    { type: 'link', fromPid: theirs(number), toPid: gone },
  ],
  'the end of a link that never was': ({ process }, number) => [
    { type: 'unlink_id', id: number + 1, fromPid: theirs(number), toPid: process.pid },
  ],
  'an acknowledgement of nothing': ({ process }, number) => [
    { type: 'unlink_id_ack', id: number + 1, fromPid: theirs(number), toPid: process.pid },
  ],
  'a monitor of a process that has ended': (met, number) => [
    { type: 'monitor_p', fromPid: theirs(), toProc: met.gone, ref: unknown(met, number) },
  ],
  'a monitor of a name that nobody has': (met, number) => [
    { type: 'monitor_p', fromPid: theirs(), toProc: atom('nobody'), ref: unknown(met, number) },
  ],
  'the end of a monitor that never was': (met, number) => [
    { type: 'demonitor_p', fromPid: theirs(), toProc: met.process.pid, ref: unknown(met, number) },
  ],
  'a message to a process that has ended': ({ gone }, number) => [
    { type: 'send_sender', fromPid: theirs(), toPid: gone },
    number,
  ],
  'a message to a pid of another node': (_, number) => [
    { type: 'send_sender', fromPid: theirs(), toPid: theirs(number) },
    number,
  ],
  'a message to a pid of an earlier life': ({ process: { pid } }, number) => [
    { type: 'send', toPid: new Pid(pid.node, pid.id, pid.serial, (pid.creation + 1) % 2 ** 32) },
    number,
  ],
  'a message to a name that nobody has': (_, number) => [
    { type: 'reg_send', fromPid: theirs(), toName: atom('nobody') },
    number,
  ],
  'a message to an alias that is gone': ({ alias }, number) => [
    { type: 'alias_send', fromPid: theirs(), alias },
    number,
  ],
}

function payloadOf(term: Term | undefined): Payload | undefined {
  return term === undefined ? undefined : new Payload(encode(term), undefined, undefined)
}

describe('of what comes for nobody', () => {
  it.each(Object.entries(kinds))('%s is dropped', { timeout: 60_000 }, async (_, kind) => {
    const met = await meet()
    const { remote, process, client } = met
    const result = remote.call('m', 'f', [], { timeout: 60_000 })
    const { reqId, from } = await met.peer.nthRequest(0)
    const take = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number++) {
        const [control, term] = kind(met, number)
        remote.message(control, payloadOf(term))
        // Some are answered, and the peer has to take that.
        if (number % 1_000 === 999) {
          await nextTurn()
          met.peer.received.length = 0
        }
      }
    }
    await take(1_000)
    const before = heapUsed()
    await take(MANY)
    await expect.poll(() => met.peer.received.splice(0).length).toBe(0)
    expect(heapUsed() - before).toBeLessThan(GROWTH)
    expect(process.exitReason).toBeUndefined()
    await expect(process.receive({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(client.remotes).toEqual([remote])
    expect(remote.counters.callsPending).toBe(1)
    const down = { type: 'payload_monitor_p_exit', fromProc: theirs(), toPid: from } as const
    met.peer.send({ ...down, ref: reqId }, tuple(reqId, atom('return'), 1))
    expect(await result).toBe(1)
  })

  it('all is counted as received over a wire, and disturbs no call', async () => {
    const met = await meet()
    const { peer, remote } = met
    const calls = Array.from({ length: 10 }, () => remote.call('m', 'f', [], { timeout: 60_000 }))
    const requests = await Promise.all(calls.map((_, index) => peer.nthRequest(index)))
    const all = Object.values(kinds)
    for (let number = 0; number < SOME; number++) {
      for (const kind of all) peer.send(...kind(met, number))
      if (number % 100 === 99) await nextTurn()
    }
    for (const [index, { reqId, from }] of requests.entries()) {
      const down = { type: 'payload_monitor_p_exit', fromProc: theirs(), toPid: from } as const
      // The second answer is for nobody.
      for (const _ of [1, 2]) {
        peer.send({ ...down, ref: reqId }, tuple(reqId, atom('return'), index))
      }
    }
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index))
    const messagesReceived = SOME * all.length + 2 * calls.length
    await expect
      .poll(() => remote.counters)
      .toMatchObject({ messagesReceived, messagesDropped: 0, callsPending: 0 })
    expect(remote.isConnected).toBe(true)
  })

  it('an answer to a call that was given up is dropped, whatever it was', async () => {
    const met = await meet()
    const { peer, remote } = met
    const before = heapUsed()
    for (let number = 0; number < SOME; number++) {
      const controller = new AbortController()
      const call = remote.call('m', 'f', [], { signal: controller.signal })
      const { reqId, from } = await peer.nthRequest(0)
      controller.abort()
      await expect(call).rejects.toMatchObject({ name: 'AbortError' })
      const down = { type: 'payload_monitor_p_exit', fromProc: theirs(), toPid: from } as const
      peer.send({ ...down, ref: reqId }, tuple(reqId, atom('return'), 1))
      peer.received.length = 0
    }
    await expect.poll(() => remote.counters.messagesReceived).toBe(SOME)
    expect(remote.counters).toMatchObject({ callsPending: 0, messagesDropped: 0 })
    expect(heapUsed() - before).toBeLessThan(GROWTH)
  })
})
