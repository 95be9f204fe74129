import { beforeEach, describe, expect, test } from 'vitest'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { MessageTooLargeError } from '../../src/dist/fragments.ts'
import { InvalidTermError } from '../../src/etf/decode-error.ts'
import { atom, type Pid, type Term } from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import {
  MailboxFullError,
  NotConnectedError,
  ProcessExitedError,
  SendQueueFullError,
  TooManyRelationsError,
  UnsupportedByPeerError,
} from '../../src/node/errors.ts'
import type { Mail } from '../../src/node/mailbox.ts'
import type { Process } from '../../src/node/process.ts'
import {
  badBody,
  body,
  delivered,
  LoneProcesses,
  OTHER,
  PEER,
  remotePid,
  remoteReference,
} from './lone-processes.ts'

let node: LoneProcesses
let process: Process
const them = remotePid()
const boom = atom('boom')

beforeEach(() => {
  node = new LoneProcesses()
  process = node.processes.spawn({})
})

/** What the decoder says of bytes that hold no term. */
function unreadable(): InvalidTermError {
  return new InvalidTermError('no', 0)
}

/** What waits in the mailbox. */
async function mailOf(of: Process): Promise<Mail[]> {
  const all: Mail[] = []
  while (of.mailboxLength > 0) all.push(await of.receive({ timeout: 1_000 }))
  return all
}

function message(to: Process, term: Term, size = 1): void {
  node.receive({ type: 'message', from: them, to: to.pid, message: body(term, size) })
}

function linkFromThem(from: Pid = them): void {
  node.receive({ type: 'link', from, to: process.pid })
}

function breakLink(reason: Term, from: Pid = them): void {
  node.receive({ type: 'exit', ofLink: true, from, to: process.pid, reason: body(reason) })
}

/** What `exit/2` sends. */
function exitFromThem(to: Process, reason: Term): void {
  node.receive({ type: 'exit', ofLink: false, from: them, to: to.pid, reason: body(reason) })
}

/** That a link is there shows in who is told of the end. */
function isToldOfTheEnd(pid: Pid): boolean {
  node.sent(pid.node.name)
  process.exit(boom)
  return node
    .sent(pid.node.name)
    .some((control) => control.type === 'payload_exit' && control.toPid.id === pid.id)
}

describe('sending', () => {
  test('keeps the order of one sender by naming it', () => {
    process.send(them, 1)
    process.send({ name: 'rex', node: PEER }, 2)
    expect(node.peer().senders).toEqual([process, process])
    expect(node.sent()).toEqual([
      { type: 'send_sender', fromPid: process.pid, toPid: them },
      { type: 'reg_send', fromPid: process.pid, toName: atom('rex') },
    ])
  })

  test('to an alias takes the form that the peer knows', () => {
    const alias = remoteReference()
    process.send(alias, 1)
    expect(node.sent()).toMatchObject([
      { type: 'altact_sig_send', senderPid: process.pid, to: alias, exit: false, priority: false },
    ])
    node.peer().flags = CLIENT_FLAGS & ~flag.ALTACT_SIG
    process.send(alias, 1)
    expect(node.sent()).toEqual([{ type: 'alias_send', fromPid: process.pid, alias }])
    node.peer().flags = CLIENT_FLAGS & ~(flag.ALTACT_SIG | flag.ALIAS)
    expect(process.canSendTo(alias)).toBe(false)
    expect(() => process.send(alias, 1)).toThrow(UnsupportedByPeerError)
  })

  test('fails for a node that is not connected, and for a message that is no term', () => {
    const nobody = remotePid(1, 'nobody@127.0.0.1')
    expect(() => process.send(nobody, 1)).toThrow(NotConnectedError)
    expect(() => process.link(nobody)).toThrow(NotConnectedError)
    expect(() => process.monitor(nobody)).toThrow(NotConnectedError)
    expect(() => process.send(them, 1.5)).toThrow(
      expect.objectContaining({ code: 'ERR_TERM_NOT_ENCODABLE' }),
    )
    expect(process.exitReason).toBeUndefined()
  })

  test.each<[string, () => unknown]>([
    ['send', () => process.send(them, 1)],
    ['link', () => process.link(them)],
    ['unlink', () => process.unlink(them)],
    ['monitor', () => process.monitor(them)],
    ['demonitor', () => process.demonitor(remoteReference())],
    ['alias', () => process.alias()],
    ['sendExit', () => process.sendExit(them, boom)],
  ])('%s fails when the process has ended', (_, act) => {
    process.exit(boom)
    expect(act).toThrow(ProcessExitedError)
    expect(node.sent()).toEqual([])
  })
})

describe('mail', () => {
  test('comes from pids, names and aliases, with its sender where that is told', async () => {
    const named = node.processes.spawn({ name: 'named' })
    const alias = named.alias()
    const { pid } = named
    node.receive({ type: 'message', from: undefined, to: pid, message: body(1) })
    node.receive({ type: 'message', from: them, to: atom('named'), message: body(2) })
    node.receive({ type: 'message', from: them, to: alias, message: body(3) })
    expect(await mailOf(named)).toEqual([
      { type: 'message', message: 1, from: undefined },
      { type: 'message', message: 2, from: them },
      { type: 'message', message: 3, from: them },
    ])
    named.unalias(alias)
    node.receive({ type: 'message', from: them, to: alias, message: body(4) })
    expect(named.mailboxLength).toBe(0)
  })

  test('that cannot be read is lost alone', async () => {
    for (const error of [unreadable(), new MessageTooLargeError(2, 1)]) {
      node.receive({ type: 'message', from: them, to: process.pid, message: badBody(error) })
    }
    message(process, 1)
    expect(await mailOf(process)).toMatchObject([{ message: 1 }])
  })

  test('ends a process that has too much of it, as killed, and no other', async () => {
    const other = node.processes.spawn({ maxBytes: 10 })
    const full = node.processes.spawn({ maxMessages: 3 })
    node.receive({ type: 'monitor', from: them, to: full.pid, ref: remoteReference() })
    for (let number = 0; number < 4; number++) message(full, number)
    expect(full.exitReason).toEqual(atom('killed'))
    expect(node.sent()).toMatchObject([{ type: 'payload_monitor_p_exit', fromProc: full.pid }])
    // What was there can still be taken.
    const taken = [await full.receive(), await full.receive(), await full.receive()]
    expect(taken).toMatchObject([{ message: 0 }, { message: 1 }, { message: 2 }])
    await expect(full.receive()).rejects.toBeInstanceOf(MailboxFullError)

    message(other, 1, 11)
    expect(other.exitReason).toEqual(atom('killed'))
    await expect(other.receive()).rejects.toMatchObject({ code: 'ERR_PROCESS_MAILBOX_FULL' })

    message(process, 1)
    expect(await mailOf(process)).toMatchObject([{ message: 1 }])
  })

  test('is iterated over until the process ends', async () => {
    message(process, 1)
    message(process, 2)
    const taken: unknown[] = []
    for await (const mail of process) {
      taken.push(mail)
      if (taken.length === 2) process.exit()
    }
    expect(taken).toMatchObject([{ message: 1 }, { message: 2 }])

    const killed = node.processes.spawn({})
    const iterated = (async () => {
      for await (const _ of killed);
    })()
    exitFromThem(killed, atom('kill'))
    await expect(iterated).rejects.toMatchObject({
      code: 'ERR_PROCESS_EXITED',
      reason: atom('killed'),
    })
  })

  test('is waited for with a time-out or a signal, or until the process ends', async () => {
    await expect(process.receive({ timeout: 10 })).rejects.toBeInstanceOf(TimeoutError)
    const controller = new AbortController()
    const waiting = process.receive({ signal: controller.signal })
    expect(node.waits).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const last = process.receive()
    process.exit(boom)
    await expect(last).rejects.toMatchObject({ code: 'ERR_PROCESS_EXITED', reason: boom })
    expect(node.waits).toBe(0)
  })

  test('that is waited for keeps the program alive, unless it is not to', () => {
    void node.processes.spawn({ keepAlive: false }).receive()
    expect(node.waits).toBe(0)
    void process.receive({ timeout: 10 }).catch(() => {})
    expect(node.waits).toBe(0)
    void process.receive()
    expect(node.waits).toBe(1)
  })

  test('a condition that throws fails its own receive alone', async () => {
    const failure = new Error('no')
    const waiting = process.receive({
      matches: () => {
        throw failure
      },
    })
    message(process, 1)
    await expect(waiting).rejects.toBe(failure)
    expect(await process.receive()).toMatchObject({ message: 1 })
  })
})

describe('a link', () => {
  test('is asked for once, and not of oneself', () => {
    process.link(them)
    process.link(them)
    process.link(process.pid)
    linkFromThem()
    expect(node.sent()).toEqual([{ type: 'link', fromPid: process.pid, toPid: them }])
    expect(isToldOfTheEnd(them)).toBe(true)
  })

  test('that breaks is mail when exits are trapped, once', async () => {
    linkFromThem()
    breakLink(boom)
    breakLink(boom)
    expect(await mailOf(process)).toEqual([{ type: 'exit', from: them, reason: boom }])
    expect(isToldOfTheEnd(them)).toBe(false)
  })

  test('that breaks ends the process with the same reason when exits are not trapped', async () => {
    const fragile = node.processes.spawn({ trapExit: false })
    const third = remotePid(78)
    for (const from of [them, third]) node.receive({ type: 'link', from, to: fragile.pid })
    const waiting = fragile.receive()
    node.receive({ type: 'exit', ofLink: true, from: them, to: fragile.pid, reason: body(boom) })
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_PROCESS_EXITED', reason: boom })
    expect(node.peer().sent).toEqual([
      { control: { type: 'payload_exit', fromPid: fragile.pid, toPid: third }, payload: boom },
    ])
  })

  test('that breaks with the reason normal ends nobody', () => {
    const fragile = node.processes.spawn({ trapExit: false })
    node.receive({ type: 'link', from: them, to: fragile.pid })
    const reason = body(atom('normal'))
    node.receive({ type: 'exit', ofLink: true, from: them, to: fragile.pid, reason })
    expect(fragile.exitReason).toBeUndefined()
    expect(fragile.mailboxLength).toBe(0)
  })

  test('that breaks with the reason kill does not kill', async () => {
    linkFromThem()
    breakLink(atom('kill'))
    expect(await mailOf(process)).toEqual([{ type: 'exit', from: them, reason: atom('kill') }])
  })

  test('tells that it broke even where the reason cannot be read', async () => {
    linkFromThem()
    const reason = badBody(unreadable())
    node.receive({ type: 'exit', ofLink: true, from: them, to: process.pid, reason })
    expect(await mailOf(process)).toMatchObject([{ type: 'exit', reason: atom('unreadable') }])
  })

  test('is not broken by one who is not linked', () => {
    breakLink(boom)
    linkFromThem()
    breakLink(boom, remotePid(78))
    breakLink(boom, remotePid(77, OTHER))
    expect(process.mailboxLength).toBe(0)
  })

  test('is broken from elsewhere by nobody who pretends to be the other end', () => {
    linkFromThem()
    node.receive(
      { type: 'exit', ofLink: true, from: them, to: process.pid, reason: body(boom) },
      OTHER,
    )
    node.receive({ type: 'unlink', from: them, to: process.pid, id: 1 }, OTHER)
    expect(process.mailboxLength).toBe(0)
    expect(isToldOfTheEnd(them)).toBe(true)
  })
})

describe('the link protocol', () => {
  test('acknowledges UNLINK_ID before any other signal, whoever is linked', () => {
    linkFromThem()
    node.receive({ type: 'unlink', from: them, to: process.pid, id: 2n ** 64n - 1n })
    process.send(them, 1)
    node.receive({ type: 'unlink', from: them, to: process.pid, id: 9 })
    expect(node.sent()).toEqual([
      { type: 'unlink_id_ack', id: 2n ** 64n - 1n, fromPid: process.pid, toPid: them },
      { type: 'send_sender', fromPid: process.pid, toPid: them },
      { type: 'unlink_id_ack', id: 9, fromPid: process.pid, toPid: them },
    ])
    expect(isToldOfTheEnd(them)).toBe(false)
  })

  test('drops a LINK and an exit while its UNLINK_ID is not acknowledged', () => {
    process.link(them)
    process.unlink(them)
    process.unlink(them)
    linkFromThem()
    const [, unlink] = node.sent()
    expect(unlink).toMatchObject({ type: 'unlink_id', fromPid: process.pid, toPid: them })
    breakLink(boom)
    expect(process.mailboxLength).toBe(0)
    expect(isToldOfTheEnd(them)).toBe(false)
  })

  test('takes a LINK again once its UNLINK_ID is acknowledged', () => {
    process.link(them)
    process.unlink(them)
    acknowledge(-1)
    linkFromThem()
    expect(isToldOfTheEnd(them)).toBe(true)
  })

  test('keeps the link that was made again, whatever is acknowledged late', () => {
    process.link(them)
    process.unlink(them)
    process.link(them)
    acknowledge(-1)
    expect(isToldOfTheEnd(them)).toBe(true)
  })

  test('waits for the last of several UNLINK_IDs, each with a number of its own', () => {
    process.link(them)
    process.unlink(them)
    process.link(them)
    process.unlink(them)
    const ids = node
      .peer()
      .sent.flatMap(({ control }) => (control.type === 'unlink_id' ? [control.id] : []))
    expect(new Set(ids).size).toBe(2)
    acknowledge(0)
    linkFromThem()
    // The first alone says nothing: the LINK was sent before the second UNLINK_ID came there.
    expect(isToldOfTheEnd(them)).toBe(false)
  })

  test('ends when both sides end it at once', () => {
    process.link(them)
    process.unlink(them)
    node.receive({ type: 'unlink', from: them, to: process.pid, id: 5 })
    // They cannot have had our UNLINK_ID yet.
    linkFromThem()
    breakLink(boom)
    expect(process.mailboxLength).toBe(0)
    acknowledge(-1)
    linkFromThem()
    expect(isToldOfTheEnd(them)).toBe(true)
  })

  test('ignores an acknowledgement that nobody waits for', () => {
    linkFromThem()
    node.receive({ type: 'unlink_ack', from: them, to: process.pid, id: 1 })
    node.receive({ type: 'unlink_ack', from: remotePid(99), to: process.pid, id: 1 })
    expect(isToldOfTheEnd(them)).toBe(true)
  })

  test('of before OTP 23.3 knows no acknowledgement', () => {
    node.peer().flags = CLIENT_FLAGS & ~flag.UNLINK_ID
    process.link(them)
    process.unlink(them)
    expect(node.sent()).toMatchObject([{ type: 'link' }, { type: 'unlink' }])
    linkFromThem()
    node.receive({ type: 'unlink', from: them, to: process.pid, id: undefined })
    expect(node.sent()).toEqual([])
    expect(isToldOfTheEnd(them)).toBe(false)
  })

  /** The acknowledgement of one of the UNLINK_IDs that were sent: `at`, as in `Array.at`. */
  function acknowledge(at: number): void {
    const unlinks = node
      .peer()
      .sent.flatMap(({ control }) => (control.type === 'unlink_id' ? [control] : []))
    const { id } = unlinks.at(at) ?? { id: 0 }
    node.receive({ type: 'unlink_ack', from: them, to: process.pid, id })
  }
})

describe('exit/2', () => {
  test('is mail when exits are trapped, but for kill', async () => {
    exitFromThem(process, boom)
    exitFromThem(process, atom('normal'))
    expect(await mailOf(process)).toEqual([
      { type: 'exit', from: them, reason: boom },
      { type: 'exit', from: them, reason: atom('normal') },
    ])
    exitFromThem(process, atom('kill'))
    expect(process.exitReason).toEqual(atom('killed'))
  })

  test('ends a process that does not trap exits, but for normal', () => {
    const fragile = node.processes.spawn({ trapExit: false })
    exitFromThem(fragile, atom('normal'))
    expect(fragile.exitReason).toBeUndefined()
    exitFromThem(fragile, boom)
    expect(fragile.exitReason).toEqual(boom)
  })

  test('is sent without a link', () => {
    process.sendExit(them, boom)
    expect(node.peer().sent).toEqual([
      { control: { type: 'payload_exit2', fromPid: process.pid, toPid: them }, payload: boom },
    ])
  })
})

describe('a monitor', () => {
  test('tells of the end once, with what was monitored', async () => {
    const byPid = process.monitor(them)
    const byName = process.monitor({ name: 'rex', node: PEER })
    expect(node.sent()).toEqual([
      { type: 'monitor_p', fromPid: process.pid, toProc: them, ref: byPid },
      { type: 'monitor_p', fromPid: process.pid, toProc: atom('rex'), ref: byName },
    ])
    for (let time = 0; time < 2; time++) {
      const to = process.pid
      node.receive({ type: 'down', from: them, to, ref: byPid, reason: body(boom) })
      node.receive({ type: 'down', from: atom('rex'), to, ref: byName, reason: body(boom) })
    }
    expect(await mailOf(process)).toEqual([
      { type: 'down', ref: byPid, process: them, reason: boom },
      { type: 'down', ref: byName, process: { name: 'rex', node: PEER }, reason: boom },
    ])
  })

  test('tells of the end even where the reason cannot be read', async () => {
    const ref = process.monitor(them)
    const reason = badBody(unreadable())
    node.receive({ type: 'down', from: them, to: process.pid, ref, reason })
    expect(await mailOf(process)).toMatchObject([{ type: 'down', reason: atom('unreadable') }])
  })

  test('is told of by the node of the monitored process alone', () => {
    const refs = [process.monitor(them), process.monitor({ name: 'rex', node: PEER })]
    for (const ref of refs) {
      for (const from of [remotePid(77, OTHER), atom('rex')]) {
        const reason = body(boom)
        node.receive({ type: 'down', from, to: process.pid, ref, reason }, OTHER)
      }
    }
    expect(process.mailboxLength).toBe(0)
  })

  test('that is ended tells nothing, not even what came before', async () => {
    const ref = process.monitor(them)
    const other = process.monitor(them)
    const reason = body(boom)
    node.receive({ type: 'down', from: them, to: process.pid, ref, reason })
    node.receive({ type: 'down', from: them, to: process.pid, ref: other, reason })
    process.demonitor(ref)
    expect(await mailOf(process)).toMatchObject([{ type: 'down', ref: other }])

    const third = process.monitor(them)
    process.demonitor(third)
    expect(node.sent().at(-1)).toEqual({
      type: 'demonitor_p',
      fromPid: process.pid,
      toProc: them,
      ref: third,
    })
    node.receive({ type: 'down', from: them, to: process.pid, ref: third, reason })
    expect(process.mailboxLength).toBe(0)
  })

  test('of this process is told as it was asked for', () => {
    const named = node.processes.spawn({ name: 'named' })
    node.receive({ type: 'monitor', from: them, to: named.pid, ref: remoteReference(1) })
    node.receive({ type: 'monitor', from: them, to: atom('named'), ref: remoteReference(2) })
    node.receive({ type: 'monitor', from: them, to: named.pid, ref: remoteReference(3) })
    node.receive({ type: 'demonitor', from: them, to: named.pid, ref: remoteReference(3) })
    named.exit(boom)
    expect(node.peer().sent).toMatchObject([
      { control: { fromProc: named.pid, toPid: them, ref: remoteReference(1) }, payload: boom },
      { control: { fromProc: atom('named'), toPid: them, ref: remoteReference(2) } },
    ])
    expect(node.peer().sent).toHaveLength(2)
  })

  test('of this process is ended or replaced by nobody else who knows its reference', () => {
    const ref = remoteReference()
    const intruder = remotePid(5, OTHER)
    node.receive({ type: 'monitor', from: them, to: process.pid, ref })
    node.receive({ type: 'monitor', from: intruder, to: process.pid, ref }, OTHER)
    node.receive({ type: 'demonitor', from: intruder, to: process.pid, ref }, OTHER)
    process.exit(boom)
    expect(node.sent()).toMatchObject([{ type: 'payload_monitor_p_exit', toPid: them, ref }])
    expect(node.sent(OTHER)).toEqual([])
  })
})

describe('a node that is lost', () => {
  test('is told of by every link and monitor to it, and by nothing else', async () => {
    process.link(them)
    process.monitor({ name: 'rex', node: PEER })
    const there = process.monitor(remotePid(1, OTHER))
    process.link(remotePid(2, OTHER))
    process.link(remotePid(3))
    process.unlink(remotePid(3))
    node.receive({ type: 'monitor', from: them, to: process.pid, ref: remoteReference() })
    node.disconnect()
    expect((await mailOf(process)).map(({ type }) => type).sort()).toEqual(['down', 'exit'])
    process.exit(boom)
    expect(node.sent(OTHER)).toMatchObject([
      { type: 'monitor_p' },
      { type: 'link' },
      { type: 'payload_exit' },
      { type: 'demonitor_p', ref: there },
    ])
  })

  test('is told nothing of what was before when it is back', () => {
    process.link(them)
    linkFromThem(remotePid(3))
    process.monitor(them)
    node.receive({ type: 'monitor', from: them, to: process.pid, ref: remoteReference() })
    node.disconnect()
    node.reconnect()
    process.exit(boom)
    expect(node.sent()).toEqual([])
  })

  test('ends linked processes that do not trap exits', () => {
    const fragile = node.processes.spawn({ trapExit: false })
    fragile.link(them)
    fragile.link(remotePid(2, OTHER))
    node.disconnect()
    expect(fragile.exitReason).toEqual(atom('noconnection'))
    expect(node.peer(OTHER).sent.at(-1)).toMatchObject({ payload: atom('noconnection') })
  })
})

describe('the end', () => {
  test('is told in the order of what was sent, and ends monitors and aliases', () => {
    const ref = process.monitor(them)
    const alias = process.alias()
    process.link(them)
    process.send(them, 1)
    process.exit(boom)
    process.exit(atom('again'))
    expect(process.exitReason).toEqual(boom)
    expect(node.peer().senders.every((sender) => sender === process)).toBe(true)
    expect(node.sent().slice(3)).toMatchObject([
      { type: 'payload_exit', toPid: them },
      { type: 'demonitor_p', ref },
    ])
    node.receive({ type: 'monitor', from: them, to: process.pid, ref: remoteReference() })
    node.receive({ type: 'message', from: them, to: alias, message: body(1) })
    expect(node.peer().sent).toMatchObject([{ payload: atom('noproc') }])
  })

  test('comes with disposal', () => {
    {
      using scoped = node.processes.spawn({ name: 'scoped' })
      expect(node.processes.whereis('scoped')).toBe(scoped)
    }
    expect(node.processes.whereis('scoped')).toBeUndefined()
  })

  test('comes for all, though a peer does not read, or is gone', () => {
    process.link(them)
    process.link(remotePid(1, OTHER))
    node.peer().isFull = true
    process.exit(boom)
    expect(node.sent(OTHER)).toMatchObject([{ type: 'link' }, { type: 'payload_exit' }])
  })

  test('is told as unsendable where the reason is no term, and is the end all the same', async () => {
    process.link(them)
    process.link(remotePid(1, OTHER))
    node.receive({ type: 'monitor', from: them, to: process.pid, ref: remoteReference() })
    const waiting = process.receive()
    node.sent()
    process.exit(1.5)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_PROCESS_EXITED' })
    expect(node.peer().sent).toMatchObject([
      { control: { type: 'payload_exit' }, payload: atom('unsendable') },
      { control: { type: 'payload_monitor_p_exit' }, payload: atom('unsendable') },
    ])
    expect(node.peer(OTHER).sent.at(-1)).toMatchObject({ payload: atom('unsendable') })
    message(process, 1)
    expect(process.mailboxLength).toBe(0)
  })
})

describe('spawning', () => {
  const spawned = remotePid(500)

  test('links and monitors before any other signal of the new process is taken', async () => {
    const spawning = process.spawn(PEER, 'm', 'f', [1], { link: true, monitor: true })
    const [request] = node.peer().exchanges
    expect(request?.exchange.sender).toBe(process)
    request?.answer(spawned)
    const { pid, monitor } = await spawning
    expect(pid).toBe(spawned)
    if (monitor === undefined) throw new Error('no monitor')
    const reason = body(boom)
    node.receive({ type: 'down', from: spawned, to: process.pid, ref: monitor, reason })
    breakLink(boom, spawned)
    expect(await mailOf(process)).toEqual([
      { type: 'down', ref: monitor, process: spawned, reason: boom },
      { type: 'exit', from: spawned, reason: boom },
    ])
  })

  test('neither links nor monitors unless asked to', async () => {
    const spawning = process.spawn(PEER, 'm', 'f')
    node.peer().exchanges[0]?.answer(spawned)
    expect(await spawning).toEqual({ pid: spawned, monitor: undefined })
    process.exit(boom)
    expect(node.sent()).toEqual([])
  })

  test('leaves nothing when the process ended meanwhile', async () => {
    const spawning = process.spawn(PEER, 'm', 'f', [], { link: true, monitor: true })
    process.exit(boom)
    node.peer().exchanges[0]?.answer(spawned)
    await spawning
    expect(node.sent()).toMatchObject([
      { type: 'payload_exit', fromPid: process.pid, toPid: spawned },
      { type: 'demonitor_p', fromPid: process.pid, toProc: spawned },
    ])
  })

  test('fails on a node that is not connected, and when the process has ended', async () => {
    await expect(process.spawn('nobody@h', 'm', 'f')).rejects.toBeInstanceOf(NotConnectedError)
    process.exit()
    await expect(process.spawn(PEER, 'm', 'f')).rejects.toBeInstanceOf(ProcessExitedError)
  })
})

describe('more relations than are kept', () => {
  const LIMIT = 65_536

  test('are refused to a peer, who is told, and leave the others', () => {
    for (let id = 0; id <= LIMIT; id++) {
      linkFromThem(remotePid(id))
      node.receive({ type: 'monitor', from: them, to: process.pid, ref: remoteReference(id) })
    }
    expect(node.peer().sent).toMatchObject([
      { control: { type: 'payload_exit', toPid: remotePid(LIMIT) }, payload: atom('system_limit') },
      {
        control: { type: 'payload_monitor_p_exit', toPid: them, ref: remoteReference(LIMIT) },
        payload: atom('system_limit'),
      },
    ])
    // One that is there already is no more of them.
    linkFromThem(remotePid(1))
    expect(node.peer().sent).toHaveLength(2)
    expect(process.exitReason).toBeUndefined()
  })

  test('fail here', async () => {
    for (let id = 0; id < LIMIT; id++) {
      process.link(remotePid(id))
      process.monitor(them)
      process.alias()
    }
    expect(() => process.link(remotePid(LIMIT))).toThrow(TooManyRelationsError)
    expect(() => process.monitor(them)).toThrow(TooManyRelationsError)
    expect(() => process.alias()).toThrow(TooManyRelationsError)
    for (const options of [{ link: true }, { monitor: true }]) {
      await expect(process.spawn(PEER, 'm', 'f', [], options)).rejects.toBeInstanceOf(
        TooManyRelationsError,
      )
    }
  })

  test('of processes of one node end nothing but themselves', async () => {
    const fans = [node.processes.spawn({}), node.processes.spawn({})]
    for (const fan of fans) {
      for (let count = 0; count < LIMIT / 2 + 1; count++) fan.monitor(process.pid)
    }
    await delivered()
    const [first, second] = fans
    expect(first?.mailboxLength).toBe(0)
    expect(second?.mailboxLength).toBe(2)
  })
})

describe('a peer that does not read', () => {
  test('ends no process, and is told of', () => {
    node.peer().isFull = true
    expect(() => process.send(them, 1)).toThrow(SendQueueFullError)
    expect(() => process.link(them)).toThrow(SendQueueFullError)
    node.peer().isFull = false
    // The link was not made.
    expect(isToldOfTheEnd(them)).toBe(false)
  })
})
