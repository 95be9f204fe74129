import { beforeEach, describe, expect, test } from 'vitest'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { atom, ImproperList, type Term, tuple } from '../../src/etf/index.ts'
import { MailboxFullError } from '../../src/node/errors.ts'
import {
  type Caller,
  type GenServerHandlers,
  replyTo,
  serveGenServer,
} from '../../src/node/gen-server-process.ts'
import type { Mail } from '../../src/node/mailbox.ts'
import type { Process } from '../../src/node/process.ts'
import {
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
const caller = remotePid()
const boom = atom('boom')

beforeEach(() => {
  node = new LoneProcesses()
  process = node.processes.spawn({ name: 'server' })
})

function send(message: Term): void {
  node.receive({ type: 'message', from: caller, to: process.pid, message: body(message) })
}

/** `{'$gen_call', {Pid, Tag}, Request}`. */
function call(request: Term, tag: Term = remoteReference(), pid: Term = caller): void {
  send(tuple(atom('$gen_call'), tuple(pid, tag), request))
}

function serve(handlers: Partial<GenServerHandlers>): Promise<void> {
  return serveGenServer(process, { handleCall: (request) => request, ...handlers })
}

/** What was sent to a node: to whom, and what. */
function replies(of: string = PEER): unknown[] {
  return node
    .peer(of)
    .sent.splice(0)
    .map(({ control, payload }) => {
      const to = 'toPid' in control ? control.toPid : 'to' in control ? control.to : undefined
      return [control.type, to, payload]
    })
}

describe('a gen_server', () => {
  test('answers a call with its tag, one after the other, also when it takes time', async () => {
    void serve({
      handleCall: async (request) => {
        await delivered()
        return tuple(atom('ok'), request)
      },
    })
    for (const request of [1, 2, 3]) call(request, remoteReference(request))
    await expect.poll(() => node.peer().sent.length).toBe(3)
    expect(replies()).toEqual(
      [1, 2, 3].map((it) => [
        'send_sender',
        caller,
        tuple(remoteReference(it), tuple(atom('ok'), it)),
      ]),
    )
  })

  test('answers to the alias in the tag, whose caller may have given up, where it can', async () => {
    void serve({})
    const alias = remoteReference(9)
    const tag = new ImproperList([atom('alias')], alias)
    call(1, tag)
    call(2, new ImproperList([tag], atom('x')))
    call(3, [tag, atom('x')])
    await delivered()
    expect(replies()).toEqual([
      ['altact_sig_send', alias, tuple(tag, 1)],
      ['altact_sig_send', alias, tuple(new ImproperList([tag], atom('x')), 2)],
      ['altact_sig_send', alias, tuple([tag, atom('x')], 3)],
    ])
    node.peer().flags = CLIENT_FLAGS & ~(flag.ALIAS | flag.ALTACT_SIG)
    call(4, tag)
    await delivered()
    expect(replies()).toEqual([['send_sender', caller, tuple(tag, 4)]])
  })

  test.each<[string, Term]>([
    ['no alias', new ImproperList([atom('alias')], 1)],
    ['another name', new ImproperList([atom('other')], remoteReference())],
    ['a list', [1, 2]],
    ['an empty list', []],
    ['a number', 5],
    ['a deep nest', nest(10_000)],
  ])('answers to the pid when the tag is %s', async (_, tag) => {
    void serve({})
    call(1, tag)
    await delivered()
    expect(replies()).toEqual([['send_sender', caller, tuple(tag, 1)]])
  })

  test('answers later when the handler has no reply yet', async () => {
    const callers: Caller[] = []
    void serve({
      handleCall: (_, from) => {
        callers.push(from)
        return undefined
      },
    })
    call(1)
    await delivered()
    expect(replies()).toEqual([])
    for (const from of callers) replyTo(process, from, atom('late'))
    expect(replies()).toEqual([['send_sender', caller, tuple(remoteReference(), atom('late'))]])
  })

  test('takes casts and all other mail', async () => {
    const seen: unknown[] = []
    void serve({
      handleCast: (request) => {
        seen.push(request)
      },
      handleInfo: (mail) => {
        seen.push(mail)
      },
    })
    send(tuple(atom('$gen_cast'), 1))
    send(2)
    process.monitor(caller)
    node.receive({ type: 'link', from: caller, to: process.pid })
    node.receive({ type: 'exit', ofLink: true, from: caller, to: process.pid, reason: body(boom) })
    await delivered()
    expect(seen).toEqual([
      1,
      { type: 'message', message: 2, from: caller },
      { type: 'exit', from: caller, reason: boom },
    ])
  })

  test('drops casts and other mail that nobody handles', async () => {
    const serving = serve({})
    send(tuple(atom('$gen_cast'), 1))
    send(2)
    call(3)
    await delivered()
    expect(replies()).toHaveLength(1)
    process.exit()
    await serving
  })

  test.each<[string, Term]>([
    ['of another size', tuple(atom('$gen_call'), tuple(caller, 1))],
    ['from nobody', tuple(atom('$gen_call'), tuple(atom('me'), 1), 2)],
    ['from a pid without a tag', tuple(atom('$gen_call'), caller, 2)],
    ['of another kind', tuple(atom('$gen_cull'), tuple(caller, 1), 2)],
  ])('takes what looks like a call %s for other mail', async (_, message) => {
    const seen: Mail[] = []
    void serve({
      handleInfo: (mail) => {
        seen.push(mail)
      },
    })
    send(message)
    await delivered()
    expect(seen).toEqual([{ type: 'message', message, from: caller }])
    expect(replies()).toEqual([])
  })

  test('does not mind callers that are gone, or do not read', async () => {
    const serving = serve({})
    call(1, 1, remotePid(1, 'gone@127.0.0.1'))
    call(1, new ImproperList([atom('alias')], remoteReference(1, 'gone@127.0.0.1')))
    node.peer().isFull = true
    call(2)
    await delivered()
    node.peer().isFull = false
    call(3)
    await delivered()
    expect(replies().at(-1)).toEqual(['send_sender', caller, tuple(remoteReference(), 3)])
    process.exit()
    await serving
  })

  test('answers the node of the caller, wherever the call came from', async () => {
    void serve({})
    call(1, 1, remotePid(1, OTHER))
    await delivered()
    expect(replies(OTHER)).toEqual([['send_sender', remotePid(1, OTHER), tuple(1, 1)]])
  })
})

describe('the end of a gen_server', () => {
  test.each<[string, Partial<GenServerHandlers>, Term]>([
    ['handleCall', { handleCall: fail }, tuple(atom('$gen_call'), tuple(caller, 1), 2)],
    ['handleCast', { handleCast: fail }, tuple(atom('$gen_cast'), 2)],
    ['handleInfo', { handleInfo: async () => fail() }, 2],
  ])('comes with handler_failed when %s fails', async (_, handlers, message) => {
    node.receive({ type: 'monitor', from: caller, to: process.pid, ref: remoteReference() })
    const serving = serve(handlers)
    send(message)
    await expect(serving).rejects.toThrow('no')
    expect(process.exitReason).toEqual(atom('handler_failed'))
    expect(node.peer().sent).toMatchObject([
      { control: { type: 'payload_monitor_p_exit' }, payload: atom('handler_failed') },
    ])
  })

  test('comes with handler_failed when a reply is no term', async () => {
    const serving = serve({ handleCall: () => 1.5 })
    call(1)
    await expect(serving).rejects.toMatchObject({ code: 'ERR_TERM_NOT_ENCODABLE' })
    expect(process.exitReason).toEqual(atom('handler_failed'))
  })

  test('is in order when a handler ends the process, and nothing is handled after it', async () => {
    const seen: Term[] = []
    const serving = serve({
      handleCall: (request) => {
        seen.push(request)
        process.exit(boom)
        return atom('ok')
      },
    })
    call(1)
    call(2)
    await serving
    expect(process.exitReason).toEqual(boom)
    // A process that has ended does nothing more.
    expect(seen).toEqual([1])
    expect(replies()).toEqual([])
  })

  test('is told of when something else ended the process, also amid a call', async () => {
    const seen: Term[] = []
    const serving = serve({
      handleCall: async (request) => {
        seen.push(request)
        await delivered()
        return atom('ok')
      },
    })
    call(1)
    call(2)
    const reason = body(atom('kill'))
    node.receive({ type: 'exit', ofLink: false, from: caller, to: process.pid, reason })
    await expect(serving).rejects.toMatchObject({
      code: 'ERR_PROCESS_EXITED',
      reason: atom('killed'),
    })
    expect(seen.length).toBeLessThan(2)
    expect(replies()).toEqual([])
  })

  test('comes when more is sent than it takes', async () => {
    const small = node.processes.spawn({ maxMessages: 10 })
    const serving = serveGenServer(small, { handleCall: () => undefined })
    const fill = (message: Term): void => {
      node.receive({ type: 'message', from: caller, to: small.pid, message: body(message) })
    }
    for (let count = 0; count < 12; count++) fill(count)
    await expect(serving).rejects.toBeInstanceOf(MailboxFullError)
  })
})

function fail(): never {
  throw new Error('no')
}

/** `[[[…]]]`. */
function nest(depth: number): Term {
  let term: Term = []
  for (let level = 0; level < depth; level++) term = [term]
  return term
}
