/**
 * The control messages, each with its opcode, its reading and its writing.
 *
 * The forms with a trace token (`…_TT`) are the same messages with `traceToken` set. Where a message
 * or a reason follows the tuple, it is not a part of what stands here: `payload` says that one does.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#control_message
 */
import { Atom, type Pid, Reference, type Term, Tuple } from '../etf/index.ts'
import type { FieldReader, Mfa } from './control-fields.ts'

/** How one kind of control message stands on the wire. */
export interface ControlCodec<Message> {
  readonly opcode: number
  /** The opcode of the form with a trace token, which makes the tuple one element longer. */
  readonly tracedOpcode?: number
  /** The elements of the form without a trace token, the opcode included. */
  readonly arity: number
  /** Whether later releases may append elements. */
  readonly open?: boolean
  /** Whether a term follows the tuple. */
  readonly payload: boolean
  /** Reads the fields in their order. */
  read(fields: FieldReader): Message
  /** The elements behind the opcode. */
  write(message: Message): readonly Term[]
}

interface Traceable {
  readonly traceToken?: Term | undefined
}

/** What stands in an unused place: the BEAM writes the empty atom, once a cookie. */
const UNUSED = new Atom('')

function token(message: Traceable): readonly Term[] {
  return message.traceToken === undefined ? [] : [message.traceToken]
}

/** Links `fromPid` to `toPid`. */
export interface Link {
  readonly type: 'link'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const link: ControlCodec<Link> = {
  opcode: 1,
  arity: 3,
  payload: false,
  read: (fields) => ({
    type: 'link',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
  }),
  write: ({ fromPid, toPid }) => [fromPid, toPid],
}

/** A message to a process, where SEND_SENDER is not in force. The message follows. */
export interface Send extends Traceable {
  readonly type: 'send'
  readonly toPid: Pid
}

export const send: ControlCodec<Send> = {
  opcode: 2,
  tracedOpcode: 12,
  arity: 3,
  payload: true,
  read: (fields) => {
    fields.unused()
    return { type: 'send', toPid: fields.pid('toPid'), traceToken: fields.traceToken() }
  },
  write: (message) => [UNUSED, message.toPid, ...token(message)],
}

/** A link was broken by the end of `fromPid`. */
export interface Exit extends Traceable {
  readonly type: 'exit'
  readonly fromPid: Pid
  readonly toPid: Pid
  readonly reason: Term
}

export const exit: ControlCodec<Exit> = {
  opcode: 3,
  tracedOpcode: 13,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'exit',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
    traceToken: fields.traceToken(),
    reason: fields.term('reason'),
  }),
  write: (message) => [message.fromPid, message.toPid, ...token(message), message.reason],
}

/** Removes a link. Obsolete: OTP 26 and later refuse it, before 23.3 there is nothing else. */
export interface Unlink {
  readonly type: 'unlink'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const unlink: ControlCodec<Unlink> = {
  opcode: 4,
  arity: 3,
  payload: false,
  read: (fields) => ({
    type: 'unlink',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
  }),
  write: ({ fromPid, toPid }) => [fromPid, toPid],
}

/** Reserved: no release sends it. */
export interface NodeLink {
  readonly type: 'node_link'
}

export const nodeLink: ControlCodec<NodeLink> = {
  opcode: 5,
  arity: 1,
  payload: false,
  read: () => ({ type: 'node_link' }),
  write: () => [],
}

/** A message to a registered process. The message follows. */
export interface RegSend extends Traceable {
  readonly type: 'reg_send'
  readonly fromPid: Pid
  readonly toName: Atom
}

export const regSend: ControlCodec<RegSend> = {
  opcode: 6,
  tracedOpcode: 16,
  arity: 4,
  payload: true,
  read: (fields) => {
    const fromPid = fields.pid('fromPid')
    fields.unused()
    const toName = fields.atom('toName')
    return { type: 'reg_send', fromPid, toName, traceToken: fields.traceToken() }
  },
  write: (message) => [message.fromPid, UNUSED, message.toName, ...token(message)],
}

/** Makes `fromPid` the group leader of `toPid`. */
export interface GroupLeader {
  readonly type: 'group_leader'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const groupLeader: ControlCodec<GroupLeader> = {
  opcode: 7,
  arity: 3,
  payload: false,
  read: (fields) => ({
    type: 'group_leader',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
  }),
  write: ({ fromPid, toPid }) => [fromPid, toPid],
}

/** What `erlang:exit/2` sends. */
export interface Exit2 extends Traceable {
  readonly type: 'exit2'
  readonly fromPid: Pid
  readonly toPid: Pid
  readonly reason: Term
}

export const exit2: ControlCodec<Exit2> = {
  opcode: 8,
  tracedOpcode: 18,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'exit2',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
    traceToken: fields.traceToken(),
    reason: fields.term('reason'),
  }),
  write: (message) => [message.fromPid, message.toPid, ...token(message), message.reason],
}

/** `fromPid` monitors `toProc`. */
export interface MonitorP {
  readonly type: 'monitor_p'
  readonly fromPid: Pid
  readonly toProc: Pid | Atom
  readonly ref: Reference
}

export const monitorP: ControlCodec<MonitorP> = {
  opcode: 19,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'monitor_p',
    fromPid: fields.pid('fromPid'),
    toProc: fields.process('toProc'),
    ref: fields.reference('ref'),
  }),
  write: ({ fromPid, toProc, ref }) => [fromPid, toProc, ref],
}

/** `fromPid` no longer monitors `toProc`. */
export interface DemonitorP {
  readonly type: 'demonitor_p'
  readonly fromPid: Pid
  readonly toProc: Pid | Atom
  readonly ref: Reference
}

export const demonitorP: ControlCodec<DemonitorP> = {
  opcode: 20,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'demonitor_p',
    fromPid: fields.pid('fromPid'),
    toProc: fields.process('toProc'),
    ref: fields.reference('ref'),
  }),
  write: ({ fromPid, toProc, ref }) => [fromPid, toProc, ref],
}

/** The monitored `fromProc` has ended. */
export interface MonitorPExit {
  readonly type: 'monitor_p_exit'
  readonly fromProc: Pid | Atom
  readonly toPid: Pid
  readonly ref: Reference
  readonly reason: Term
}

export const monitorPExit: ControlCodec<MonitorPExit> = {
  opcode: 21,
  arity: 5,
  payload: false,
  read: (fields) => ({
    type: 'monitor_p_exit',
    fromProc: fields.process('fromProc'),
    toPid: fields.pid('toPid'),
    ref: fields.reference('ref'),
    reason: fields.term('reason'),
  }),
  write: ({ fromProc, toPid, ref, reason }) => [fromProc, toPid, ref, reason],
}

/** A message to a process, with its sender. The message follows. */
export interface SendSender extends Traceable {
  readonly type: 'send_sender'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const sendSender: ControlCodec<SendSender> = {
  opcode: 22,
  tracedOpcode: 23,
  arity: 3,
  payload: true,
  read: (fields) => ({
    type: 'send_sender',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [message.fromPid, message.toPid, ...token(message)],
}

/** {@link Exit} where EXIT_PAYLOAD is in force. The reason follows. */
export interface PayloadExit extends Traceable {
  readonly type: 'payload_exit'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const payloadExit: ControlCodec<PayloadExit> = {
  opcode: 24,
  tracedOpcode: 25,
  arity: 3,
  payload: true,
  read: (fields) => ({
    type: 'payload_exit',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [message.fromPid, message.toPid, ...token(message)],
}

/** {@link Exit2} where EXIT_PAYLOAD is in force. The reason follows. */
export interface PayloadExit2 extends Traceable {
  readonly type: 'payload_exit2'
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const payloadExit2: ControlCodec<PayloadExit2> = {
  opcode: 26,
  tracedOpcode: 27,
  arity: 3,
  payload: true,
  read: (fields) => ({
    type: 'payload_exit2',
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [message.fromPid, message.toPid, ...token(message)],
}

/** {@link MonitorPExit} where EXIT_PAYLOAD is in force. The reason follows. */
export interface PayloadMonitorPExit {
  readonly type: 'payload_monitor_p_exit'
  readonly fromProc: Pid | Atom
  readonly toPid: Pid
  readonly ref: Reference
}

export const payloadMonitorPExit: ControlCodec<PayloadMonitorPExit> = {
  opcode: 28,
  arity: 4,
  payload: true,
  read: (fields) => ({
    type: 'payload_monitor_p_exit',
    fromProc: fields.process('fromProc'),
    toPid: fields.pid('toPid'),
    ref: fields.reference('ref'),
  }),
  write: ({ fromProc, toPid, ref }) => [fromProc, toPid, ref],
}

/** Asks for a new process. The list of arguments follows. */
export interface SpawnRequest extends Traceable {
  readonly type: 'spawn_request'
  /** Also the reference of the monitor that the option `monitor` asks for. */
  readonly reqId: Reference
  readonly from: Pid
  readonly groupLeader: Pid
  readonly mfa: Mfa
  readonly optList: readonly Term[]
}

export const spawnRequest: ControlCodec<SpawnRequest> = {
  opcode: 29,
  tracedOpcode: 30,
  arity: 6,
  payload: true,
  read: (fields) => ({
    type: 'spawn_request',
    reqId: fields.reference('reqId'),
    from: fields.pid('from'),
    groupLeader: fields.pid('groupLeader'),
    mfa: fields.mfa('mfa'),
    optList: fields.list('optList'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [
    message.reqId,
    message.from,
    message.groupLeader,
    new Tuple([message.mfa.module, message.mfa.function, message.mfa.arity]),
    message.optList,
    ...token(message),
  ],
}

/** The flags of {@link SpawnReply}. */
export const SPAWN_REPLY_LINK = 1
export const SPAWN_REPLY_MONITOR = 2

/** The answer to {@link SpawnRequest}. */
export interface SpawnReply extends Traceable {
  readonly type: 'spawn_reply'
  readonly reqId: Reference
  readonly to: Pid
  /** `SPAWN_REPLY_LINK` and `SPAWN_REPLY_MONITOR`, for what was set up. */
  readonly flags: number
  /** The new process, or why there is none. */
  readonly result: Pid | Atom
}

export const spawnReply: ControlCodec<SpawnReply> = {
  opcode: 31,
  tracedOpcode: 32,
  arity: 5,
  payload: false,
  read: (fields) => ({
    type: 'spawn_reply',
    reqId: fields.reference('reqId'),
    to: fields.pid('to'),
    flags: fields.flags('flags'),
    result: fields.process('result'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [message.reqId, message.to, message.flags, message.result, ...token(message)],
}

/** A message to a process alias; deprecated as of OTP 28. The message follows. */
export interface AliasSend extends Traceable {
  readonly type: 'alias_send'
  readonly fromPid: Pid
  readonly alias: Reference
}

export const aliasSend: ControlCodec<AliasSend> = {
  opcode: 33,
  tracedOpcode: 34,
  arity: 3,
  payload: true,
  read: (fields) => ({
    type: 'alias_send',
    fromPid: fields.pid('fromPid'),
    alias: fields.reference('alias'),
    traceToken: fields.traceToken(),
  }),
  write: (message) => [message.fromPid, message.alias, ...token(message)],
}

/** Removes a link; to be answered by {@link UnlinkIdAck} before any other signal to `fromPid`. */
export interface UnlinkId {
  readonly type: 'unlink_id'
  /** 1 to 2^64 - 1. */
  readonly id: number | bigint
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const unlinkId: ControlCodec<UnlinkId> = {
  opcode: 35,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'unlink_id',
    id: fields.unsigned('id', 1, 64),
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
  }),
  write: ({ id, fromPid, toPid }) => [id, fromPid, toPid],
}

/** The answer to {@link UnlinkId}; `toPid` is who unlinked. */
export interface UnlinkIdAck {
  readonly type: 'unlink_id_ack'
  readonly id: number | bigint
  readonly fromPid: Pid
  readonly toPid: Pid
}

export const unlinkIdAck: ControlCodec<UnlinkIdAck> = {
  opcode: 36,
  arity: 4,
  payload: false,
  read: (fields) => ({
    type: 'unlink_id_ack',
    id: fields.unsigned('id', 1, 64),
    fromPid: fields.pid('fromPid'),
    toPid: fields.pid('toPid'),
  }),
  write: ({ id, fromPid, toPid }) => [id, fromPid, toPid],
}

/**
 * A signal with properties of its own: a message, or an exit signal when `exit` is set. To a pid, or
 * to a registered name (an atom), or to an alias (a reference). The message or the reason follows.
 */
export interface AltactSigSend extends Traceable {
  readonly type: 'altact_sig_send'
  readonly priority: boolean
  readonly exit: boolean
  readonly senderPid: Pid
  readonly to: Pid | Atom | Reference
}

/** `ERTS_DOP_ALTACT_SIG_FLG_…` in `erts/emulator/beam/dist.h`. */
const PRIO = 1
const TOKEN = 2
const ALIAS = 4
const NAME = 8
const EXIT = 16

export const altactSigSend: ControlCodec<AltactSigSend> = {
  opcode: 37,
  arity: 4,
  open: true,
  payload: true,
  read: (fields) => {
    const flags = fields.flags('flags')
    const senderPid = fields.pid('senderPid')
    const to = readTarget(fields, flags)
    const traceToken = (flags & TOKEN) === 0 ? undefined : fields.term('traceToken')
    const priority = (flags & PRIO) !== 0
    const exit = (flags & EXIT) !== 0
    return { type: 'altact_sig_send', priority, exit, senderPid, to, traceToken }
  },
  write: (message) => {
    const { priority, exit, senderPid, to, traceToken } = message
    let flags = 0
    if (priority) flags |= PRIO
    if (traceToken !== undefined) flags |= TOKEN
    if (to instanceof Reference) flags |= ALIAS
    if (to instanceof Atom) flags |= NAME
    if (exit) flags |= EXIT
    return [flags, senderPid, to, ...token(message)]
  },
}

function readTarget(fields: FieldReader, flags: number): Pid | Atom | Reference {
  switch (flags & (ALIAS | NAME)) {
    case 0:
      return fields.pid('to')
    case ALIAS:
      return fields.reference('to')
    case NAME:
      return fields.atom('to')
    default:
      return fields.reject('has both an alias and a name as', 'to')
  }
}
