import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ControlMessage,
  controlTerm,
  hasPayload,
  readControl,
} from '../../src/dist/control.ts'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { MessageTooLargeError } from '../../src/dist/fragments.ts'
import { Payload } from '../../src/dist/payload.ts'
import { readSignal, type Signal, tryRead, writeSignal } from '../../src/dist/signals.ts'
import { atom, encode, Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import { arbitraryControl } from './arbitrary-control.ts'

const from = new Pid(atom('a@localhost'), 1, 0, 7)
const to = new Pid(atom('b@localhost'), 2, 0, 9)
const ref = new Reference(atom('a@localhost'), 7, [1, 2, 3])
const rex = atom('rex')
const boom = atom('boom')
const token = tuple(1, 17, 1, from, 0)
const none = atom('')

/** A body as it stands on the wire where there is no distribution header. */
const BODY = encode(boom)

/** A signal, its body read. */
function readWhole(control: Term, bytes: Uint8Array | undefined): Signal<Term> | undefined {
  const message = readControl(control)
  const payload = bytes && new Payload(bytes, undefined, undefined)
  const signal = readSignal(message, payload)
  switch (signal?.type) {
    case 'message':
      return { ...signal, message: signal.message.read() }
    case 'exit':
    case 'down':
      return { ...signal, reason: signal.reason.read() }
    default:
      return signal
  }
}

const message = { type: 'message', from, message: boom } as const
const exit = { type: 'exit', from, to, reason: boom } as const
const down = { type: 'down', to, ref, reason: boom } as const

/** Each control message, without and with a trace token, and the signal that it carries. */
const forms: readonly (readonly [name: string, control: Term, signal: Signal<Term>])[] = [
  ['LINK', tuple(1, from, to), { type: 'link', from, to }],
  ['SEND', tuple(2, none, to), { ...message, from: undefined, to }],
  ['EXIT', tuple(3, from, to, boom), { ...exit, ofLink: true }],
  ['UNLINK', tuple(4, from, to), { type: 'unlink', from, to, id: undefined }],
  ['REG_SEND', tuple(6, from, none, rex), { ...message, to: rex }],
  ['EXIT2', tuple(8, from, to, boom), { ...exit, ofLink: false }],
  ['SEND_TT', tuple(12, none, to, token), { ...message, from: undefined, to }],
  ['EXIT_TT', tuple(13, from, to, token, boom), { ...exit, ofLink: true }],
  ['REG_SEND_TT', tuple(16, from, none, rex, token), { ...message, to: rex }],
  ['EXIT2_TT', tuple(18, from, to, token, boom), { ...exit, ofLink: false }],
  ['MONITOR_P', tuple(19, from, to, ref), { type: 'monitor', from, to, ref }],
  ['MONITOR_P by name', tuple(19, from, rex, ref), { type: 'monitor', from, to: rex, ref }],
  ['DEMONITOR_P', tuple(20, from, rex, ref), { type: 'demonitor', from, to: rex, ref }],
  ['MONITOR_P_EXIT', tuple(21, from, to, ref, boom), { ...down, from }],
  ['MONITOR_P_EXIT by name', tuple(21, rex, to, ref, boom), { ...down, from: rex }],
  ['SEND_SENDER', tuple(22, from, to), { ...message, to }],
  ['SEND_SENDER_TT', tuple(23, from, to, token), { ...message, to }],
  ['PAYLOAD_EXIT', tuple(24, from, to), { ...exit, ofLink: true }],
  ['PAYLOAD_EXIT_TT', tuple(25, from, to, token), { ...exit, ofLink: true }],
  ['PAYLOAD_EXIT2', tuple(26, from, to), { ...exit, ofLink: false }],
  ['PAYLOAD_EXIT2_TT', tuple(27, from, to, token), { ...exit, ofLink: false }],
  ['PAYLOAD_MONITOR_P_EXIT', tuple(28, rex, to, ref), { ...down, from: rex }],
  ['ALIAS_SEND', tuple(33, from, ref), { ...message, to: ref }],
  ['ALIAS_SEND_TT', tuple(34, from, ref, token), { ...message, to: ref }],
  [
    'UNLINK_ID',
    tuple(35, 2n ** 64n - 1n, from, to),
    { type: 'unlink', from, to, id: 2n ** 64n - 1n },
  ],
  ['UNLINK_ID_ACK', tuple(36, 5, from, to), { type: 'unlink_ack', from, to, id: 5 }],
  // The flags: PRIO 1, TOKEN 2, ALIAS 4, NAME 8, EXIT 16.
  ['ALTACT_SIG_SEND to a pid', tuple(37, 1, from, to), { ...message, to }],
  ['ALTACT_SIG_SEND to an alias', tuple(37, 5, from, ref), { ...message, to: ref }],
  ['ALTACT_SIG_SEND to a name', tuple(37, 9, from, rex), { ...message, to: rex }],
  ['ALTACT_SIG_SEND with a token', tuple(37, 6, from, ref, token), { ...message, to: ref }],
  ['ALTACT_SIG_SEND of an exit', tuple(37, 17, from, to), { ...exit, ofLink: false }],
  [
    'ALTACT_SIG_SEND of an exit to an alias, with a token',
    tuple(37, 22, from, ref, token),
    { ...exit, to: ref, ofLink: false },
  ],
]

describe('a signal', () => {
  it.each(forms)('is read from %s', (_, control, signal) => {
    const { type } = readControl(control)
    expect(readWhole(control, hasPayload(type) ? BODY : undefined)).toEqual(signal)
  })

  it('is in no other message', () => {
    const others: readonly ControlMessage[] = [
      { type: 'node_link' },
      { type: 'group_leader', fromPid: from, toPid: to },
      { type: 'spawn_reply', reqId: ref, to, flags: 0, result: from },
    ]
    for (const control of others) expect(readSignal(control, undefined)).toBeUndefined()
  })

  it('is read from whatever can be read as a control message', () => {
    fc.assert(
      fc.property(arbitraryControl, (control) => {
        const payload = hasPayload(control.type)
          ? new Payload(BODY, undefined, undefined)
          : undefined
        const signal = readSignal(control, payload)
        const carriesNone = ['node_link', 'group_leader', 'spawn_request', 'spawn_reply']
        expect(signal === undefined).toBe(carriesNone.includes(control.type))
      }),
    )
  })

  it('has the size of its body, also when that was read with the control message', () => {
    const payload = new Payload(BODY, undefined, undefined)
    expect(readSignal({ type: 'send', toPid: to }, payload)).toMatchObject({
      message: { size: BODY.length },
    })
    // Else a mailbox would hold any number of bytes.
    const control = { type: 'exit2', fromPid: from, toPid: to, reason: boom } as const
    expect(readSignal(control, undefined)).toMatchObject({ reason: { size: BODY.length } })
  })

  it('whose body cannot be read is lost alone, however that came about', () => {
    // 131: the version; 250: no tag.
    const invalid = new Payload(Uint8Array.of(131, 250), undefined, undefined)
    const truncated = new Payload(Uint8Array.of(131), undefined, undefined)
    const refused = new Payload(BODY, undefined, new MessageTooLargeError(2, 1))
    for (const payload of [invalid, truncated, refused]) {
      const signal = readSignal({ type: 'send', toPid: to }, payload)
      if (signal?.type !== 'message') throw new Error('no message')
      expect(tryRead(signal.message)).toBeUndefined()
    }
    const bug = new Error('a bug is none of these')
    const read = () => {
      throw bug
    }
    expect(() => tryRead({ size: 0, read, encoded: read })).toThrow(bug)
  })
})

describe('a signal to a node', () => {
  const all = CLIENT_FLAGS
  const without = (...names: readonly (keyof typeof flag)[]) =>
    names.reduce((flags, name) => flags & ~flag[name], all)

  it.each<[string, Signal<Term>, bigint, Term, body: boolean]>([
    ['LINK', { type: 'link', from, to }, all, tuple(1, from, to), false],
    ['UNLINK', { type: 'unlink', from, to, id: undefined }, all, tuple(4, from, to), false],
    ['UNLINK_ID', { type: 'unlink', from, to, id: 5 }, all, tuple(35, 5, from, to), false],
    ['UNLINK_ID_ACK', { type: 'unlink_ack', from, to, id: 5 }, all, tuple(36, 5, from, to), false],
    ['MONITOR_P', { type: 'monitor', from, to: rex, ref }, all, tuple(19, from, rex, ref), false],
    ['DEMONITOR_P', { type: 'demonitor', from, to, ref }, all, tuple(20, from, to, ref), false],
    ['SEND_SENDER', { ...message, to }, all, tuple(22, from, to), true],
    ['SEND', { ...message, to }, without('SEND_SENDER'), tuple(2, none, to), true],
    ['SEND from nobody', { ...message, from: undefined, to }, all, tuple(2, none, to), true],
    ['REG_SEND', { ...message, to: rex }, all, tuple(6, from, none, rex), true],
    ['ALTACT_SIG_SEND', { ...message, to: ref }, all, tuple(37, 4, from, ref), true],
    ['ALIAS_SEND', { ...message, to: ref }, without('ALTACT_SIG'), tuple(33, from, ref), true],
    ['PAYLOAD_EXIT', { ...exit, ofLink: true }, all, tuple(24, from, to), true],
    ['PAYLOAD_EXIT2', { ...exit, ofLink: false }, all, tuple(26, from, to), true],
    ['EXIT', { ...exit, ofLink: true }, without('EXIT_PAYLOAD'), tuple(3, from, to, boom), false],
    ['EXIT2', { ...exit, ofLink: false }, without('EXIT_PAYLOAD'), tuple(8, from, to, boom), false],
    ['PAYLOAD_MONITOR_P_EXIT', { ...down, from: rex }, all, tuple(28, rex, to, ref), true],
    [
      'MONITOR_P_EXIT',
      { ...down, from },
      without('EXIT_PAYLOAD'),
      tuple(21, from, to, ref, boom),
      false,
    ],
  ])('is written as %s', (_, signal, flags, control, hasBody) => {
    const outgoing = writeSignal(signal, flags)
    if (outgoing === undefined) throw new Error('cannot be written')
    expect(controlTerm(outgoing.control)).toEqual(control)
    expect(outgoing.payload).toEqual(hasBody ? boom : undefined)
    expect(hasPayload(outgoing.control.type)).toBe(hasBody)
  })

  it.each<[string, Signal<Term>, bigint]>([
    [
      'a message to an alias where none are known',
      { ...message, to: ref },
      without('ALIAS', 'ALTACT_SIG'),
    ],
    ['a message from nobody to a name', { ...message, from: undefined, to: rex }, all],
    ['a message from nobody to an alias', { ...message, from: undefined, to: ref }, all],
    ['an exit to an alias', { ...exit, to: ref, ofLink: false }, all],
  ])('cannot be %s', (_, signal, flags) => {
    expect(writeSignal(signal, flags)).toBeUndefined()
  })
})
