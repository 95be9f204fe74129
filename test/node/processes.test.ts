import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { controlTerm, SPAWN_REPLY_LINK, SPAWN_REPLY_MONITOR } from '../../src/dist/control.ts'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import type { Signal, UnreadBody } from '../../src/dist/signals.ts'
import { atom, encode, Pid } from '../../src/etf/index.ts'
import {
  NameTakenError,
  NotConnectedError,
  SendQueueFullError,
  TooManyProcessesError,
} from '../../src/node/errors.ts'
import { HiddenNode, type HiddenNodeOptions } from '../../src/node/hidden-node.ts'
import { Identity } from '../../src/node/identity.ts'
import type { Process } from '../../src/node/process.ts'
import { Processes } from '../../src/node/processes.ts'
import {
  body,
  delivered,
  LOCAL,
  LoneProcesses,
  OTHER,
  remotePid,
  remoteReference,
} from './lone-processes.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

/** For what comes in no time, or else is missing. */
const SOON = { timeout: 5_000 }

/** What puts a distribution header before each message. */
const HEADERS = flag.FRAGMENTS | flag.DIST_HDR_ATOM_CACHE

let node: LoneProcesses
const them = remotePid()
const boom = atom('boom')
const noproc = atom('noproc')

beforeEach(() => {
  node = new LoneProcesses()
})

describe('processes', () => {
  test('have pids of their own, none of them that of calls', () => {
    const pids = Array.from({ length: 100 }, () => node.processes.spawn({}).pid)
    expect(new Set(pids.map(({ id, serial }) => `${id}.${serial}`)).size).toBe(100)
    expect(pids.some((pid) => node.identity.isCaller(pid))).toBe(false)
  })

  test('have a name alone, as long as they live', () => {
    const first = node.processes.spawn({ name: 'one' })
    expect(() => node.processes.spawn({ name: 'one' })).toThrow(NameTakenError)
    expect(node.processes.whereis('one')).toBe(first)
    first.exit()
    const second = node.processes.spawn({ name: 'one' })
    expect(node.processes.whereis('one')).toBe(second)
    expect(node.processes.whereis('two')).toBeUndefined()
  })

  test('are so many and no more', () => {
    const all = Array.from({ length: 65_536 }, () => node.processes.spawn({}))
    expect(() => node.processes.spawn({})).toThrow(TooManyProcessesError)
    all[0]?.exit()
    expect(node.processes.spawn({}).exitReason).toBeUndefined()
  })

  test('take numbers again when all 2^28 were given out, but those that are taken', () => {
    const processes = processesOf(new NumberedBy((n) => (n - 3 + 2 ** 28) % 2 ** 28))
    const numbers = [1, 2, 3, 4].map(() => numberOf(processes.spawn({}).pid))
    // 1 is who calls come from.
    expect(numbers).toEqual([2 ** 28 - 1, 0, 2, 3])

    // As if there were 4 numbers.
    const few = processesOf(new NumberedBy((n) => n % 4))
    const [two, three, zero] = [few.spawn({}), few.spawn({}), few.spawn({})]
    expect([two, three, zero].map(({ pid }) => numberOf(pid))).toEqual([2, 3, 0])
    three.exit()
    expect(numberOf(few.spawn({}).pid)).toBe(3)
  })

  test('all end with their node', () => {
    const all = [1, 2, 3].map(() => node.processes.spawn({}))
    all[0]?.link(all[1]?.pid ?? them)
    all[2]?.link(them)
    node.processes.close()
    expect(all.map(({ exitReason }) => exitReason)).toEqual(Array(3).fill(atom('normal')))
    expect(node.sent()).toMatchObject([{ type: 'link' }, { type: 'payload_exit' }])
  })
})

describe('a signal', () => {
  test('to nobody is answered where somebody waits for the answer, and else dropped', () => {
    const gone = node.processes.spawn({ name: 'gone' })
    gone.exit()
    const { pid } = gone
    const reference = remoteReference()
    const others = [
      new Pid(pid.node, pid.id, pid.serial, pid.creation + 1),
      new Pid(atom(OTHER), pid.id, pid.serial, pid.creation),
    ]
    for (const to of [pid, ...others]) {
      node.receive({ type: 'link', from: them, to })
      node.receive({ type: 'unlink', from: them, to, id: 7 })
      node.receive({ type: 'unlink', from: them, to, id: undefined })
      node.receive({ type: 'unlink_ack', from: them, to, id: 7 })
      node.receive({ type: 'monitor', from: them, to, ref: reference })
      node.receive({ type: 'demonitor', from: them, to, ref: reference })
      node.receive({ type: 'message', from: them, to, message: body(1) })
      node.receive({ type: 'exit', ofLink: true, from: them, to, reason: body(boom) })
      node.receive({ type: 'down', from: them, to, ref: reference, reason: body(boom) })
      expect(node.peer().sent.splice(0)).toEqual([
        { control: { type: 'payload_exit', fromPid: to, toPid: them }, payload: noproc },
        { control: { type: 'unlink_id_ack', fromPid: to, toPid: them, id: 7 } },
        {
          control: { type: 'payload_monitor_p_exit', fromProc: to, toPid: them, ref: reference },
          payload: noproc,
        },
      ])
    }
    node.receive({ type: 'monitor', from: them, to: atom('gone'), ref: reference })
    expect(node.peer().sent).toMatchObject([
      { control: { fromProc: atom('gone'), toPid: them, ref: reference }, payload: noproc },
    ])
    node.receive({ type: 'message', from: them, to: remoteReference(), message: body(1) })
    expect(node.peer().sent).toHaveLength(1)
  })

  test('is dropped when its sender is of another node than it comes from', () => {
    const process = node.processes.spawn({})
    const to = process.pid
    for (const from of [remotePid(1, OTHER), remotePid(1, LOCAL), node.identity.pid]) {
      const reference = remoteReference()
      node.receive({ type: 'message', from, to, message: body(1) })
      node.receive({ type: 'link', from, to })
      node.receive({ type: 'unlink', from, to, id: 1 })
      node.receive({ type: 'monitor', from, to, ref: reference })
      node.receive({ type: 'exit', ofLink: false, from, to, reason: body(atom('kill')) })
    }
    expect(process.exitReason).toBeUndefined()
    expect(process.mailboxLength).toBe(0)
    process.exit()
    expect([node.sent(), node.sent(OTHER)]).toEqual([[], []])
  })

  test('that has to be answered fails where the peer does not read', () => {
    node.peer().isFull = true
    const to = node.processes.spawn({}).pid
    const nobody = remotePid(1, LOCAL)
    expect(() => node.receive({ type: 'unlink', from: them, to, id: 1 })).toThrow(
      SendQueueFullError,
    )
    expect(() => node.receive({ type: 'link', from: them, to: nobody })).toThrow(SendQueueFullError)
  })
})

describe('processes of one node', () => {
  test('send to each other by pid, name and alias, in order', async () => {
    const [one, two] = [node.processes.spawn({}), node.processes.spawn({ name: 'two' })]
    one.send(two.pid, 1)
    one.send({ name: 'two', node: LOCAL }, 2)
    one.send(two.alias(), 3)
    one.send({ name: 'nobody', node: LOCAL }, 4)
    // Not before this turn is over, as over a wire.
    expect(two.mailboxLength).toBe(0)
    for (const message of [1, 2, 3]) {
      expect(await two.receive()).toEqual({ type: 'message', message, from: one.pid })
    }
    expect(two.mailboxLength).toBe(0)
  })

  test('link to and monitor each other, and those that are not there', async () => {
    const [one, two] = [node.processes.spawn({}), node.processes.spawn({ name: 'two' })]
    one.link(two.pid)
    const refs = [one.monitor(two.pid), one.monitor({ name: 'two', node: LOCAL })]
    await delivered()
    two.exit(boom)
    expect(await one.receive()).toEqual({ type: 'exit', from: two.pid, reason: boom })
    expect(await one.receive()).toMatchObject({ type: 'down', ref: refs[0], reason: boom })
    expect(await one.receive()).toMatchObject({ type: 'down', ref: refs[1], reason: boom })
    one.link(two.pid)
    const late = one.monitor({ name: 'two', node: LOCAL })
    expect(await one.receive()).toEqual({ type: 'exit', from: two.pid, reason: noproc })
    expect(await one.receive()).toMatchObject({ type: 'down', ref: late, reason: noproc })
  })

  test('unlink, and link again', async () => {
    const [one, two] = [node.processes.spawn({}), node.processes.spawn({})]
    for (let count = 0; count < 10; count++) {
      one.link(two.pid)
      two.link(one.pid)
      one.unlink(two.pid)
    }
    await delivered()
    two.exit(boom)
    await delivered()
    expect(one.mailboxLength).toBe(0)

    const three = node.processes.spawn({ trapExit: false })
    one.link(three.pid)
    one.unlink(three.pid)
    one.link(three.pid)
    await delivered()
    one.exit(boom)
    await delivered()
    expect(three.exitReason).toEqual(boom)
  })

  test('end each other with exit/2', async () => {
    const [one, two] = [node.processes.spawn({}), node.processes.spawn({})]
    one.sendExit(two.pid, atom('kill'))
    await expect(two.receive()).rejects.toMatchObject({ reason: atom('killed') })
  })

  test('let all else have its turn, however much they have to say', async () => {
    const [one, two] = [node.processes.spawn({}), node.processes.spawn({})]
    let count = 0
    const echo = async (self: Process, other: Process): Promise<void> => {
      for await (const _ of self) {
        count += 1
        if (count < 10_000_000) self.send(other.pid, count)
      }
    }
    void echo(one, two)
    void echo(two, one)
    one.send(two.pid, 0)
    // A timer may have its turn before the first message.
    while (count === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(count).toBeLessThan(10_000_000)
    one.exit()
    two.exit()
  })

  test('do not spawn over no connection', async () => {
    const process = node.processes.spawn({})
    await expect(process.spawn(LOCAL, 'm', 'f')).rejects.toBeInstanceOf(NotConnectedError)
  })
})

describe('whatever a peer signals', () => {
  test('harms no process, and is never thrown', () => {
    const targets = [node.processes.spawn({ name: 'rex' }), node.processes.spawn({})]
    const aliases = targets.map((target) => target.alias())
    const froms = [them, remotePid(2), remotePid(1, OTHER), node.identity.pid]
    const tos = [...targets.map(({ pid }) => pid), remotePid(5, LOCAL), node.identity.pid]
    const refs = [remoteReference(1), remoteReference(2), ...aliases]
    const pid = fc.constantFrom(...froms)
    const to = fc.constantFrom(...tos)
    const process = fc.oneof(to, fc.constantFrom(atom('rex'), atom('nobody')))
    const target = fc.oneof(process, fc.constantFrom(...refs))
    const ref = fc.constantFrom(...refs)
    const id = fc.nat(3)
    const reason = fc.constantFrom(body(boom), body(atom('normal')), body(atom('kill'), 0))
    const is = <T extends string>(...types: readonly T[]) => ({ type: fc.constantFrom(...types) })
    const signal: fc.Arbitrary<Signal<UnreadBody>> = fc.oneof(
      fc.record({
        ...is('message'),
        from: fc.option(pid, { nil: undefined }),
        to: target,
        message: reason,
      }),
      fc.record({ ...is('link'), from: pid, to }),
      fc.record({ ...is('unlink'), from: pid, to, id: fc.option(id, { nil: undefined }) }),
      fc.record({ ...is('unlink_ack'), from: pid, to, id }),
      fc.record({ ...is('monitor', 'demonitor'), from: pid, to: process, ref }),
      fc.record({ ...is('down'), from: fc.oneof(pid, fc.constant(atom('rex'))), to, ref, reason }),
      // An exit signal of a link, whatever its reason, does not end who traps exits.
      fc.record({ ...is('exit'), ofLink: fc.constant(true), from: pid, to: target, reason }),
    )
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 50 }), (signals) => {
        for (const [index, it] of signals.entries()) {
          const [first, second] = targets
          if (index % 7 === 0) first?.link(them)
          if (index % 11 === 0) first?.unlink(them)
          if (index % 5 === 0) second?.monitor(them)
          node.receive(it)
        }
      }),
    )
    expect(targets.map(({ exitReason }) => exitReason)).toEqual([undefined, undefined])
  })
})

describe('what a node knows', () => {
  test('is asked of the flags in force, and is all for oneself', () => {
    expect(node.processes.supports(LOCAL, 'ALIAS')).toBe(true)
    expect(node.processes.supports(OTHER, 'ALIAS')).toBe(true)
    node.peer(OTHER).flags &= ~flag.ALIAS
    expect(node.processes.supports(OTHER, 'ALIAS')).toBe(false)
    expect(node.processes.supports('nobody@127.0.0.1', 'ALIAS')).toBe(false)
  })
})

describe('over a wire', () => {
  /** A client with a process, and a peer that does as the test says. */
  async function meet(options: Partial<HiddenNodeOptions> = {}) {
    const peer = await ScriptedPeer.start()
    const client = new HiddenNode({ cookie: COOKIE, port: peer.port, ...options })
    const remote = await client.connect(PEER_NAME)
    const process = client.spawn()
    const sender = new Pid(atom(PEER_NAME), 9, 0, peer.identity.creation)
    const stop = async (): Promise<void> => {
      await client.close()
      await peer.close()
    }
    return { peer, client, remote, process, sender, [Symbol.asyncDispose]: stop }
  }

  test('a message that is too large is lost alone', async () => {
    await using met = await meet({ maxFrameSize: 100_000 })
    const { peer, process, sender, remote } = met
    const control = { type: 'send_sender', fromPid: sender, toPid: process.pid } as const
    peer.send(control, new Uint8Array(300_000))
    peer.send(control, 1)
    expect(await process.receive(SOON)).toMatchObject({ message: 1 })
    expect(remote.isConnected).toBe(true)
  })

  test('a message whose bytes are no term is lost alone', async () => {
    await using met = await meet({ flags: CLIENT_FLAGS & ~HEADERS })
    const { peer, process, sender, remote } = met
    const control = { type: 'send_sender', fromPid: sender, toPid: process.pid } as const
    // 112: no distribution header; the control message; then 131: the version, 250: no tag.
    const frame = [112, ...encode(controlTerm(control)), 131, 250]
    peer.sendRaw(0, 0, 0, frame.length, ...frame)
    peer.send(control, 1)
    expect(await process.receive(SOON)).toMatchObject({ message: 1 })
    expect(remote.isConnected).toBe(true)
  })

  test('UNLINK_ID is acknowledged before any other signal to that process', async () => {
    await using met = await meet()
    const { peer, process, sender: fromPid } = met
    const toPid = process.pid
    peer.send({ type: 'link', fromPid, toPid })
    peer.send({ type: 'unlink_id', id: 3, fromPid, toPid })
    peer.send({ type: 'send_sender', fromPid, toPid }, 1)
    await process.receive(SOON)
    process.send(fromPid, 2)
    expect((await peer.nth(0)).control).toMatchObject({ type: 'unlink_id_ack', id: 3 })
    expect((await peer.nth(1)).payload).toBe(2)
  })

  test('who floods a process ends it alone', async () => {
    await using met = await meet()
    const { peer, client, process, sender: fromPid, remote } = met
    const small = client.spawn({ maxMessages: 10 })
    const ref = peer.identity.makeReference()
    peer.send({ type: 'monitor_p', fromPid, toProc: small.pid, ref })
    for (let count = 0; count < 1_000; count++) {
      peer.send({ type: 'send_sender', fromPid, toPid: small.pid }, count)
    }
    peer.send({ type: 'send_sender', fromPid, toPid: process.pid }, 1)
    expect(await process.receive(SOON)).toMatchObject({ message: 1 })
    expect(await peer.nth(0)).toMatchObject({
      control: { type: 'payload_monitor_p_exit', ref },
      payload: atom('killed'),
    })
    expect(small.mailboxLength).toBe(10)
    expect(remote.isConnected).toBe(true)
  })

  test.each([
    ['neither linked nor monitored', 0, []],
    ['monitored', SPAWN_REPLY_MONITOR, ['demonitor_p']],
    ['linked', SPAWN_REPLY_LINK, ['exit']],
    ['both', SPAWN_REPLY_MONITOR | SPAWN_REPLY_LINK, ['demonitor_p', 'exit']],
  ])('a spawn that was given up leaves nothing of a process that is %s', async (_, flags, told) => {
    await using met = await meet()
    const { peer, process, sender: spawned, remote } = met
    const link = (flags & SPAWN_REPLY_LINK) !== 0
    const monitor = (flags & SPAWN_REPLY_MONITOR) !== 0
    const controller = new AbortController()
    const options = { link, monitor, signal: controller.signal }
    const spawning = process.spawn(PEER_NAME, 'm', 'f', [], options)
    const { reqId, from, optList } = await peer.nthRequest(0)
    expect(optList).toEqual([
      ...(link ? [atom('link')] : []),
      ...(monitor ? [atom('monitor')] : []),
    ])
    controller.abort(new Error('enough'))
    await expect(spawning).rejects.toThrow('enough')
    peer.send({ type: 'spawn_reply', reqId, to: from, flags, result: spawned })
    peer.send({ type: 'send', toPid: process.pid }, 1)
    await process.receive(SOON)
    process.send(spawned, 2)
    const all = []
    for (let index = 1; index <= told.length + 1; index++) all.push(await peer.nth(index))
    expect(all.map(({ control }) => control.type)).toEqual([...told, 'send_sender'])
    if (link) expect(all.at(-2)?.control).toMatchObject({ reason: atom('abandoned') })
    expect(remote.counters.callsPending).toBe(0)
  })

  test('a spawn that is refused fails with the reason', async () => {
    await using met = await meet()
    const { peer, process } = met
    const spawning = process.spawn(PEER_NAME, 'm', 'f', [], { link: true, monitor: true })
    const { reqId, from } = await peer.nthRequest(0)
    peer.send({ type: 'spawn_reply', reqId, to: from, flags: 0, result: atom('badarg') })
    await expect(spawning).rejects.toMatchObject({
      code: 'ERR_REMOTE_CALL',
      reason: atom('badarg'),
    })
  })

  test('a node that is lost is told of by a spawn under way', async () => {
    await using met = await meet()
    const { peer, process } = met
    const spawning = process.spawn(PEER_NAME, 'm', 'f', [], { link: true })
    await peer.nthRequest(0)
    peer.transport?.destroy()
    await expect(spawning).rejects.toMatchObject({ code: 'ERR_NODE_CONNECTION_LOST' })
    expect(process.mailboxLength).toBe(0)
  })
})

/** Gives its pids, the first of which is that of calls, other numbers than 1, 2, 3… */
class NumberedBy extends Identity {
  readonly #numberOf: (count: number) => number
  constructor(numberOf: (count: number) => number) {
    super(parseNodeName(LOCAL))
    this.#numberOf = numberOf
  }

  override makePid(): Pid {
    const { id, creation } = super.makePid()
    // The first is made before there are numbers.
    const number = #numberOf in this ? this.#numberOf(id) : id
    return new Pid(this.atom, number % 2 ** 15, Math.floor(number / 2 ** 15), creation)
  }
}

function numberOf({ id, serial }: Pid): number {
  return serial * 2 ** 15 + id
}

function processesOf(identity: Identity): Processes {
  const nothing = () => {}
  return new Processes({ identity, peer: () => undefined, beginWait: nothing, endWait: nothing })
}
