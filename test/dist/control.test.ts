import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ControlMessage,
  ControlMessageError,
  controlTerm,
  hasPayload,
  readControl,
} from '../../src/dist/control.ts'
import {
  atom,
  decode,
  encode,
  equals,
  float,
  Pid,
  Reference,
  string,
  type Term,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'
import { arbitraryControl } from './arbitrary-control.ts'

const from = new Pid(atom('a@localhost'), 1, 0, 7)
const to = new Pid(atom('b@localhost'), 2, 0, 9)
const ref = new Reference(atom('a@localhost'), 7, [1, 2, 3])
const none = atom('')
const token = tuple(1, 17, 1, from, 0)

/** The tuples of the documentation, in its order, and what each of them is. */
const documented: readonly (readonly [name: string, Tuple, ControlMessage])[] = [
  ['LINK', tuple(1, from, to), { type: 'link', fromPid: from, toPid: to }],
  ['SEND', tuple(2, none, to), { type: 'send', toPid: to }],
  [
    'EXIT',
    tuple(3, from, to, atom('r')),
    { type: 'exit', fromPid: from, toPid: to, reason: atom('r') },
  ],
  ['UNLINK', tuple(4, from, to), { type: 'unlink', fromPid: from, toPid: to }],
  ['NODE_LINK', tuple(5), { type: 'node_link' }],
  [
    'REG_SEND',
    tuple(6, from, none, atom('rex')),
    { type: 'reg_send', fromPid: from, toName: atom('rex') },
  ],
  ['GROUP_LEADER', tuple(7, from, to), { type: 'group_leader', fromPid: from, toPid: to }],
  ['EXIT2', tuple(8, from, to, 5), { type: 'exit2', fromPid: from, toPid: to, reason: 5 }],
  ['SEND_TT', tuple(12, none, to, token), { type: 'send', toPid: to, traceToken: token }],
  [
    'EXIT_TT',
    tuple(13, from, to, token, atom('r')),
    { type: 'exit', fromPid: from, toPid: to, traceToken: token, reason: atom('r') },
  ],
  [
    'REG_SEND_TT',
    tuple(16, from, none, atom('rex'), token),
    { type: 'reg_send', fromPid: from, toName: atom('rex'), traceToken: token },
  ],
  [
    'EXIT2_TT',
    tuple(18, from, to, token, 5),
    { type: 'exit2', fromPid: from, toPid: to, traceToken: token, reason: 5 },
  ],
  ['MONITOR_P', tuple(19, from, to, ref), { type: 'monitor_p', fromPid: from, toProc: to, ref }],
  [
    'MONITOR_P by name',
    tuple(19, from, atom('rex'), ref),
    { type: 'monitor_p', fromPid: from, toProc: atom('rex'), ref },
  ],
  [
    'DEMONITOR_P',
    tuple(20, from, to, ref),
    { type: 'demonitor_p', fromPid: from, toProc: to, ref },
  ],
  [
    'MONITOR_P_EXIT',
    tuple(21, from, to, ref, atom('r')),
    { type: 'monitor_p_exit', fromProc: from, toPid: to, ref, reason: atom('r') },
  ],
  ['SEND_SENDER', tuple(22, from, to), { type: 'send_sender', fromPid: from, toPid: to }],
  [
    'SEND_SENDER_TT',
    tuple(23, from, to, token),
    { type: 'send_sender', fromPid: from, toPid: to, traceToken: token },
  ],
  ['PAYLOAD_EXIT', tuple(24, from, to), { type: 'payload_exit', fromPid: from, toPid: to }],
  [
    'PAYLOAD_EXIT_TT',
    tuple(25, from, to, token),
    { type: 'payload_exit', fromPid: from, toPid: to, traceToken: token },
  ],
  ['PAYLOAD_EXIT2', tuple(26, from, to), { type: 'payload_exit2', fromPid: from, toPid: to }],
  [
    'PAYLOAD_EXIT2_TT',
    tuple(27, from, to, token),
    { type: 'payload_exit2', fromPid: from, toPid: to, traceToken: token },
  ],
  [
    'PAYLOAD_MONITOR_P_EXIT',
    tuple(28, atom('rex'), to, ref),
    { type: 'payload_monitor_p_exit', fromProc: atom('rex'), toPid: to, ref },
  ],
  [
    'SPAWN_REQUEST',
    tuple(29, ref, from, to, tuple(atom('erpc'), atom('execute_call'), 4), [atom('monitor')]),
    {
      type: 'spawn_request',
      reqId: ref,
      from,
      groupLeader: to,
      mfa: { module: atom('erpc'), function: atom('execute_call'), arity: 4 },
      optList: [atom('monitor')],
    },
  ],
  [
    'SPAWN_REQUEST_TT',
    tuple(30, ref, from, to, tuple(atom('m'), atom('f'), 0), [], token),
    {
      type: 'spawn_request',
      reqId: ref,
      from,
      groupLeader: to,
      mfa: { module: atom('m'), function: atom('f'), arity: 0 },
      optList: [],
      traceToken: token,
    },
  ],
  [
    'SPAWN_REPLY',
    tuple(31, ref, to, 2, from),
    { type: 'spawn_reply', reqId: ref, to, flags: 2, result: from },
  ],
  [
    'SPAWN_REPLY_TT',
    tuple(32, ref, to, 0, atom('notsup'), token),
    { type: 'spawn_reply', reqId: ref, to, flags: 0, result: atom('notsup'), traceToken: token },
  ],
  ['ALIAS_SEND', tuple(33, from, ref), { type: 'alias_send', fromPid: from, alias: ref }],
  [
    'ALIAS_SEND_TT',
    tuple(34, from, ref, token),
    { type: 'alias_send', fromPid: from, alias: ref, traceToken: token },
  ],
  ['UNLINK_ID', tuple(35, 1, from, to), { type: 'unlink_id', id: 1, fromPid: from, toPid: to }],
  [
    'UNLINK_ID_ACK',
    tuple(36, 2n ** 64n - 1n, from, to),
    { type: 'unlink_id_ack', id: 2n ** 64n - 1n, fromPid: from, toPid: to },
  ],
  [
    'ALTACT_SIG_SEND of a priority message',
    tuple(37, 1, from, to),
    { type: 'altact_sig_send', priority: true, exit: false, senderPid: from, to },
  ],
  [
    'ALTACT_SIG_SEND to an alias, traced',
    tuple(37, 2 + 4, from, ref, token),
    {
      type: 'altact_sig_send',
      priority: false,
      exit: false,
      senderPid: from,
      to: ref,
      traceToken: token,
    },
  ],
  [
    'ALTACT_SIG_SEND of an exit signal to a name',
    tuple(37, 8 + 16, from, atom('rex')),
    { type: 'altact_sig_send', priority: false, exit: true, senderPid: from, to: atom('rex') },
  ],
]

describe('readControl', () => {
  it.each(documented)('reads %s', (_name, term, message) => {
    expect(readControl(term)).toEqual(message)
  })

  it('takes anything for an element that is unused', () => {
    expect(readControl(tuple(2, 17, to))).toEqual({ type: 'send', toPid: to })
    expect(readControl(tuple(6, from, [], atom('x')))).toMatchObject({ type: 'reg_send' })
  })

  it('ignores flags and elements that later releases append to ALTACT_SIG_SEND', () => {
    const later = tuple(37, 2n ** 80n + 4n + 2n, from, ref, token, atom('more'), 1)
    expect(readControl(later)).toEqual({
      type: 'altact_sig_send',
      priority: false,
      exit: false,
      senderPid: from,
      to: ref,
      traceToken: token,
    })
  })

  it('rejects more or fewer elements in all others', () => {
    for (const [name, { elements }] of documented) {
      const message = (term: Tuple) => () => readControl(term)
      const longer = new Tuple([...elements, 1])
      if (!name.startsWith('ALTACT')) expect(message(longer), name).toThrow(ControlMessageError)
      expect(message(new Tuple(elements.slice(0, -1))), name).toThrow(ControlMessageError)
    }
  })

  it('rejects every field that is not of its type, and says which', () => {
    const wrong: readonly (readonly [Tuple, string])[] = [
      [tuple(1, atom('a'), to), 'fromPid'],
      [tuple(1, from, ref), 'toPid'],
      [tuple(2, none, atom('name')), 'toPid'],
      [tuple(6, from, none, to), 'toName'],
      [tuple(19, from, 1, ref), 'toProc'],
      [tuple(19, from, to, to), 'ref'],
      [tuple(21, ref, to, ref, 1), 'fromProc'],
      [tuple(28, from, atom('x'), ref), 'toPid'],
      [tuple(29, from, from, to, tuple(atom('m'), atom('f'), 0), []), 'reqId'],
      [tuple(29, ref, from, to, tuple(atom('m'), atom('f')), []), 'mfa'],
      [tuple(29, ref, from, to, tuple(atom('m'), 2, 0), []), 'mfa'],
      [tuple(29, ref, from, to, tuple(atom('m'), atom('f'), -1), []), 'mfa'],
      [tuple(29, ref, from, to, tuple(atom('m'), atom('f'), float(1)), []), 'mfa'],
      [tuple(29, ref, from, to, tuple(atom('m'), atom('f'), 0), atom('x')), 'optList'],
      [tuple(31, ref, to, -1, from), 'flags'],
      [tuple(31, ref, to, float(0), from), 'flags'],
      [tuple(31, ref, to, 0, 1), 'result'],
      [tuple(33, from, from), 'alias'],
      [tuple(35, 0, from, to), 'id'],
      [tuple(35, -1, from, to), 'id'],
      [tuple(35, 2n ** 64n, from, to), 'id'],
      [tuple(35, float(1), from, to), 'id'],
      [tuple(36, 0, from, to), 'id'],
      [tuple(37, -1, from, to), 'flags'],
      [tuple(37, 0, atom('a'), to), 'senderPid'],
      [tuple(37, 0, from, atom('name')), 'to'],
      [tuple(37, 4, from, to), 'to'],
      [tuple(37, 8, from, to), 'to'],
      [tuple(37, 4 + 8, from, ref), 'to'],
      [tuple(37, 2, from, to), 'traceToken'],
    ]
    for (const [term, field] of wrong) {
      const opcode = Number(term.elements[0])
      const error = expect.objectContaining({ code: 'ERR_CONTROL_MESSAGE', opcode, field })
      expect(() => readControl(term), `${opcode} ${field}`).toThrow(error)
    }
  })

  it('rejects what is no control message at all', () => {
    const others: readonly Term[] = [
      1,
      atom('tick'),
      [],
      [1, from, to],
      string('link'),
      tuple(),
      tuple(atom('link'), from, to),
      tuple(float(1), from, to),
      tuple(2n ** 70n, from, to),
      tuple(-1),
      tuple(0),
      tuple(9, from, to),
      tuple(38),
      tuple(Number.MAX_SAFE_INTEGER),
    ]
    for (const term of others) expect(() => readControl(term)).toThrow(ControlMessageError)
  })
})

describe('controlTerm', () => {
  it.each(documented)('writes %s', (_name, term, message) => {
    expect(equals(controlTerm(message), term)).toBe(true)
  })

  it('writes what readControl reads, over the wire too', () => {
    fc.assert(
      fc.property(arbitraryControl, (message) => {
        const term = controlTerm(message)
        const read = readControl(term)
        expect(read).toEqual(message)
        const received = readControl(decode(encode(term)))
        expect(received.type).toBe(message.type)
        expect(equals(controlTerm(received), term)).toBe(true)
      }),
    )
  })
})

describe('hasPayload', () => {
  it('tells which messages a term follows', () => {
    const followed = documented.filter(([, , message]) => hasPayload(message.type))
    expect(followed.map(([, { elements }]) => elements[0])).toEqual([
      2, 6, 12, 16, 22, 23, 24, 25, 26, 27, 28, 29, 30, 33, 34, 37, 37, 37,
    ])
  })
})
