import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SPAWN_REPLY_MONITOR } from '../../src/dist/control.ts'
import { CLIENT_FLAGS } from '../../src/dist/flags.ts'
import { MessageEncoder } from '../../src/dist/message-encoder.ts'
import { atom, binary, Pid, Reference, string, type Term, tuple } from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import {
  ConnectionLostError,
  NotConnectedError,
  UnexpectedReplyError,
} from '../../src/node/errors.ts'
import {
  RemoteCallError,
  RemoteExceptionError,
  RemoteExitError,
  RemoteSignalError,
  RemoteThrowError,
} from '../../src/node/remote-error.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import { PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

let peer: ScriptedPeer
let node: RemoteNode

beforeEach(async () => {
  peer = await ScriptedPeer.start()
  node = await peer.connect()
})

afterEach(async () => {
  await node.close()
  await peer.close()
})

const process = () => new Pid(atom(PEER_NAME), 77, 0, peer.identity.creation)

/** Answers the n-th request with an exit reason made of its reference. */
async function exit(index: number, reason: (reference: Reference) => Term): Promise<void> {
  const { reqId, from } = await peer.nthRequest(index)
  peer.send(
    { type: 'payload_monitor_p_exit', fromProc: process(), toPid: from, ref: reqId },
    reason(reqId),
  )
}

describe('erpc', () => {
  test('asks for a monitored process that runs erpc:execute_call/4', async () => {
    const result = node.call('lists', 'sum', [[1, 2]])
    const { control, payload } = await peer.nth(0)
    expect(control).toMatchObject({
      type: 'spawn_request',
      mfa: { module: atom('erpc'), function: atom('execute_call'), arity: 4 },
      optList: [atom('monitor')],
    })
    expect(payload).toEqual([expect.any(Reference), atom('lists'), atom('sum'), [[1, 2]]])
    await exit(0, (reference) => tuple(reference, atom('return'), 3))
    expect(await result).toBe(3)
  })

  test.each([
    ['throw', RemoteThrowError, (ref: Reference) => tuple(ref, atom('throw'), 7)],
    ['exit', RemoteExitError, (ref: Reference) => tuple(ref, atom('exit'), 7)],
    ['error', RemoteExceptionError, (ref: Reference) => tuple(ref, atom('error'), 7, [])],
    [
      'an error of erpc itself',
      RemoteCallError,
      (ref: Reference) => tuple(ref, atom('error'), tuple(atom('erpc'), 7)),
    ],
    ['a signal', RemoteSignalError, () => 7],
  ])('maps %s to its own error, with the reason', async (_, type, reason) => {
    const result = node.call('m', 'f')
    const rejected = expect(result).rejects.toMatchObject({ node: PEER_NAME, reason: 7 })
    await exit(0, reason)
    await rejected
    await expect(result).rejects.toBeInstanceOf(type)
  })

  test('says what to do about a node that has as many processes as it may', async () => {
    const result = node.call('m', 'f')
    const rejected = expect(result).rejects.toMatchObject({
      code: 'ERR_REMOTE_CALL',
      reason: atom('system_limit'),
      hint: expect.stringContaining('erl +P'),
    })
    const { reqId, from } = await peer.nthRequest(0)
    const reply = { type: 'spawn_reply', reqId, to: from, flags: 0 } as const
    peer.send({ ...reply, result: atom('system_limit') })
    await rejected
  })

  test('hands over a result that is not decoded, and decodes a reason to fail', async () => {
    const result = node.callEncoded('lists', 'seq', [1, 3])
    await exit(0, (reference) => tuple(reference, atom('return'), [1, 2, 3]))
    expect((await result).decode()).toEqual([1, 2, 3])
    const failed = node.callEncoded('m', 'f')
    const rejected = expect(failed).rejects.toMatchObject({ node: PEER_NAME, reason: 7 })
    await exit(1, (reference) => tuple(reference, atom('error'), 7, []))
    await rejected
    await expect(failed).rejects.toBeInstanceOf(RemoteExceptionError)
  })

  test('keeps the stack of an error', async () => {
    const stack = [tuple(atom('m'), atom('f'), 0, [])]
    const result = node.call('m', 'f')
    const rejected = expect(result).rejects.toMatchObject({ remoteStack: stack })
    await exit(0, (reference) => tuple(reference, atom('error'), atom('undef'), stack))
    await rejected
  })

  test('maps noconnection to a lost connection', async () => {
    const rejected = expect(node.call('m', 'f')).rejects.toBeInstanceOf(ConnectionLostError)
    await exit(0, () => atom('noconnection'))
    await rejected
  })

  test('maps a refused spawn request, which has no process', async () => {
    const rejected = expect(node.call('m', 'f')).rejects.toMatchObject({
      code: 'ERR_REMOTE_CALL',
      reason: atom('system_limit'),
    })
    const { reqId, from } = await peer.nthRequest(0)
    peer.send({ type: 'spawn_reply', reqId, to: from, flags: 0, result: atom('system_limit') })
    await rejected
  })

  test('rejects a result of an unknown kind', async () => {
    const rejected = expect(node.call('m', 'f')).rejects.toBeInstanceOf(UnexpectedReplyError)
    await exit(0, (reference) => tuple(reference, atom('shrug'), 1))
    await rejected
  })

  test('matches answers in any order, and ignores those nobody waits for', async () => {
    const calls = [1, 2, 3].map((n) => node.call('m', 'f', [n]))
    for (const index of [2, 0, 0, 1, 2]) {
      await exit(index, (reference) => tuple(reference, atom('return'), index))
    }
    expect(await Promise.all(calls)).toEqual([0, 1, 2])
    expect(node.counters.callsPending).toBe(0)
  })

  test('ignores an answer to a reference of somebody else', async () => {
    const result = node.call('m', 'f')
    const { reqId, from } = await peer.nthRequest(0)
    const foreign = new Reference(reqId.node, reqId.creation + 1, reqId.words)
    const answer = { fromProc: process(), toPid: from } as const
    peer.send({ type: 'payload_monitor_p_exit', ...answer, ref: foreign }, atom('wrong'))
    await exit(0, (reference) => tuple(reference, atom('return'), atom('right')))
    expect(await result).toEqual(atom('right'))
  })

  test('gives up after the time-out and takes the monitor off the process', async () => {
    const rejected = expect(node.call('m', 'f', [], { timeout: 50 })).rejects.toBeInstanceOf(
      TimeoutError,
    )
    const { reqId, from } = await peer.nthRequest(0)
    const result = process()
    peer.send({ type: 'spawn_reply', reqId, to: from, flags: SPAWN_REPLY_MONITOR, result })
    await rejected
    expect((await peer.nth(1)).control).toMatchObject({
      type: 'demonitor_p',
      toProc: result,
      ref: reqId,
    })
    expect(node.counters.callsPending).toBe(0)
  })

  test('takes the monitor off a process that is told of after the time-out', async () => {
    const late = node.call('m', 'f', [], { timeout: 20 })
    await expect(late).rejects.toBeInstanceOf(TimeoutError)
    await expect(late).rejects.toMatchObject({
      hint: expect.stringMatching(/blocked by a NIF; .*--timeout/),
    })
    const { reqId, from } = await peer.nthRequest(0)
    peer.send({
      type: 'spawn_reply',
      reqId,
      to: from,
      flags: SPAWN_REPLY_MONITOR,
      result: process(),
    })
    expect((await peer.nth(1)).control).toMatchObject({ type: 'demonitor_p', ref: reqId })
  })

  test('ends with the reason of an aborted signal, and at once if it was aborted before', async () => {
    const controller = new AbortController()
    const result = node.call('m', 'f', [], { signal: controller.signal })
    const reason = new Error('enough')
    await peer.nth(0)
    controller.abort(reason)
    await expect(result).rejects.toBe(reason)
    await expect(node.call('m', 'f', [], { signal: controller.signal })).rejects.toBe(reason)
    expect(peer.received).toHaveLength(1)
  })

  test('fails alone when its arguments are no terms', async () => {
    const rejected = expect(node.call('m', 'f', [1.5])).rejects.toMatchObject({
      code: 'ERR_TERM_NOT_ENCODABLE',
    })
    await rejected
    const result = node.call('m', 'f')
    await exit(0, (reference) => tuple(reference, atom('return'), 1))
    expect(await result).toBe(1)
  })

  test('fails alone when its answer cannot be decoded', async () => {
    const bad = node.call('m', 'f')
    const good = node.call('m', 'f')
    const { reqId, from } = await peer.nthRequest(0)
    // A frame whose payload has an unknown tag: the control message says whose it is.
    peer.sendRaw(...exitWithBadPayload(reqId, from))
    await expect(bad).rejects.toMatchObject({
      code: 'ERR_NODE_UNEXPECTED_REPLY',
      cause: { code: 'ERR_TERM_INVALID' },
    })
    await exit(1, (reference) => tuple(reference, atom('return'), 2))
    expect(await good).toBe(2)
  })
})

describe('rpc', () => {
  const call = () => node.call('m', 'f', [1], { protocol: 'rpc' })

  async function reply(value: Term): Promise<void> {
    const { control, payload } = await peer.nth(0)
    expect(control).toMatchObject({ type: 'reg_send', toName: atom('rex') })
    const message = payload as { elements: readonly { elements: readonly Term[] }[] }
    const [, client, request] = message.elements
    expect(request).toEqual(tuple(atom('call'), atom('m'), atom('f'), [1], atom('user')))
    const [from, tag] = client?.elements ?? []
    if (!(from instanceof Pid) || tag === undefined) throw new Error('the call has no client')
    peer.send({ type: 'send', toPid: from }, tuple(tag, value))
  }

  test('asks rex as gen_server:call/2 does', async () => {
    const result = call()
    await reply(42)
    expect(await result).toBe(42)
  })

  test.each([
    ['nodedown', atom('nodedown'), ConnectionLostError],
    ['a reason of rpc', atom('timeout'), RemoteCallError],
    ['an exit', tuple(atom('EXIT'), atom('gone')), RemoteExitError],
    [
      'an error with its stack',
      tuple(atom('EXIT'), tuple(atom('undef'), [tuple(atom('m'), atom('f'), [1], [])])),
      RemoteExceptionError,
    ],
    ['an exit with a pair', tuple(atom('EXIT'), tuple(atom('a'), atom('b'))), RemoteExitError],
  ])('maps badrpc with %s', async (_, reason, type) => {
    const rejected = expect(call()).rejects.toBeInstanceOf(type)
    await reply(tuple(atom('badrpc'), reason))
    await rejected
  })
})

describe('a gen_server call', () => {
  const SERVER = atom('counter')

  test('monitors the server, asks it, and takes the monitor off when it has answered', async () => {
    const result = node.genServerCall(SERVER, tuple(atom('add'), 1))
    const { control: monitor } = await peer.nth(0)
    if (monitor.type !== 'monitor_p') throw new Error(`${monitor.type} came first`)
    expect(monitor.toProc).toEqual(SERVER)
    const { control, payload } = await peer.nth(1)
    expect(control).toMatchObject({ type: 'reg_send', toName: SERVER })
    const client = tuple(monitor.fromPid, monitor.ref)
    expect(payload).toEqual(tuple(atom('$gen_call'), client, tuple(atom('add'), 1)))
    peer.send({ type: 'send', toPid: monitor.fromPid }, tuple(monitor.ref, 42))
    expect(await result).toBe(42)
    expect((await peer.nth(2)).control).toMatchObject({
      type: 'demonitor_p',
      toProc: SERVER,
      ref: monitor.ref,
    })
  })

  test('goes to a pid as well', async () => {
    const result = node.genServerCall(process(), 1)
    expect((await peer.nth(1)).control).toMatchObject({ type: 'send', toPid: process() })
    const { control } = await peer.nth(0)
    if (control.type !== 'monitor_p') throw new Error(`${control.type} came first`)
    peer.send({ type: 'send', toPid: control.fromPid }, tuple(control.ref, atom('ok')))
    expect(await result).toEqual(atom('ok'))
  })

  test('ends with the server, for the same reason', async () => {
    const rejected = expect(node.genServerCall(SERVER, 1)).rejects.toMatchObject({
      code: 'ERR_REMOTE_EXIT',
      reason: atom('noproc'),
    })
    const { control } = await peer.nth(0)
    if (control.type !== 'monitor_p') throw new Error(`${control.type} came first`)
    const { fromPid: toPid, toProc: fromProc, ref } = control
    peer.send({ type: 'monitor_p_exit', fromProc, toPid, ref, reason: atom('noproc') })
    await rejected
  })

  test('takes the monitor off when it is given up, and ignores the late answer', async () => {
    await expect(node.genServerCall(SERVER, 1, { timeout: 20 })).rejects.toBeInstanceOf(
      TimeoutError,
    )
    const { control } = await peer.nth(2)
    if (control.type !== 'demonitor_p') throw new Error(`${control.type} came last`)
    expect(control.toProc).toEqual(SERVER)
    peer.send({ type: 'send', toPid: control.fromPid }, tuple(control.ref, 1))
    expect(node.counters.callsPending).toBe(0)
  })
})

describe('the end of a connection', () => {
  test('fails every call in flight, and each later one', async () => {
    const calls = [node.call('m', 'f'), node.call('m', 'f', [], { protocol: 'rpc' })]
    const settled = Promise.allSettled(calls)
    await peer.nth(1)
    peer.transport?.destroy()
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_NODE_CONNECTION_LOST' } })
    }
    expect(node.isConnected).toBe(false)
    await expect(node.call('m', 'f')).rejects.toBeInstanceOf(NotConnectedError)
  })

  test('by close() ends calls with NotConnectedError, and the peer sees it', async () => {
    const rejected = expect(node.call('m', 'f')).rejects.toBeInstanceOf(NotConnectedError)
    await peer.nth(0)
    await node.close()
    await node.close()
    await rejected
    await peer.untilEnd()
  })
})

describe('what a called function does to its group leader', () => {
  test('is answered: printing goes on, reading finds the end', async () => {
    const call = node.call('m', 'f')
    const { from } = await peer.nthRequest(0)
    for (const [index, request, expected] of [
      [1, tuple(atom('put_chars'), atom('unicode'), string('hi')), atom('ok')],
      [2, tuple(atom('get_line'), atom('unicode'), string('> ')), atom('eof')],
      [3, tuple(atom('dance')), tuple(atom('error'), atom('request'))],
    ] as const) {
      const tag = atom(`tag${index}`)
      peer.send({ type: 'send', toPid: from }, tuple(atom('io_request'), process(), tag, request))
      const { control, payload } = await peer.nth(index)
      expect(control).toMatchObject({ type: 'send', toPid: process() })
      expect(payload).toEqual(tuple(atom('io_reply'), tag, expected))
    }
    await exit(0, (reference) => tuple(reference, atom('return'), 1))
    await call
  })

  test('linking to it is fine, and ending the link is acknowledged', async () => {
    const call = node.call('m', 'f')
    const { from } = await peer.nthRequest(0)
    peer.send({ type: 'link', fromPid: process(), toPid: from })
    peer.send({ type: 'unlink_id', id: 7, fromPid: process(), toPid: from })
    expect((await peer.nth(1)).control).toEqual({
      type: 'unlink_id_ack',
      id: 7,
      fromPid: from,
      toPid: process(),
    })
    await exit(0, (reference) => tuple(reference, atom('return'), 1))
    await call
  })

  test('printing more than a message may hold loses that message alone', async () => {
    await using small = await peer.connect({ maxFrameSize: 100_000, flags: CLIENT_FLAGS })
    const call = small.call('m', 'f')
    const { from } = await peer.nthRequest(0)
    const tooMuch = binary('x'.repeat(300_000))
    const request = tuple(atom('put_chars'), atom('unicode'), tooMuch)
    peer.send(
      { type: 'send', toPid: from },
      tuple(atom('io_request'), process(), atom('t'), request),
    )
    await exit(0, (reference) => tuple(reference, atom('return'), 1))
    expect(await call).toBe(1)
  })

  test('monitoring it is fine, monitoring anything else finds no process', async () => {
    const call = node.call('m', 'f')
    const { from, reqId } = await peer.nthRequest(0)
    const monitor = { type: 'monitor_p', fromPid: process(), ref: reqId } as const
    peer.send({ ...monitor, toProc: from })
    peer.send({ ...monitor, toProc: atom('nobody') })
    expect(await peer.nth(1)).toMatchObject({
      control: { type: 'payload_monitor_p_exit', fromProc: atom('nobody') },
      payload: atom('noproc'),
    })
    await exit(0, (reference) => tuple(reference, atom('return'), 1))
    await call
  })
})

/** A PAYLOAD_MONITOR_P_EXIT whose payload is `131 255 1`. */
function exitWithBadPayload(ref: Reference, toPid: Pid): number[] {
  const control = { type: 'payload_monitor_p_exit', fromProc: process(), toPid, ref } as const
  const frame = new MessageEncoder(0n).encode(control, 1).flatMap((chunk) => [...chunk])
  // The payload `131 97 1` stands last.
  frame[frame.length - 2] = 255
  return frame
}
