/**
 * Signals, which is what processes exchange, and the control messages that carry them: which one it is
 * depends on the flags in force, and whether a trace token goes along.
 *
 * @see https://www.erlang.org/doc/system/ref_man_processes.html#signals
 */
import {
  Atom,
  DecodeError,
  EncodedTerm,
  encode,
  Pid,
  type Reference,
  type Term,
} from '../etf/index.ts'
import type { ControlMessage } from './control.ts'
import { flag, hasFlags } from './flags.ts'
import { MessageTooLargeError } from './fragments.ts'
import type { Payload } from './payload.ts'

/** `Body` is what a message or a reason is: a term, or what still has to be read as one. */
export type Signal<Body> =
  | {
      readonly type: 'message'
      /** `undefined` where the sender is not told of (before `SEND_SENDER`). */
      readonly from: Pid | undefined
      /** A process, a registered name, or an alias. */
      readonly to: Pid | Atom | Reference
      readonly message: Body
    }
  | { readonly type: 'link'; readonly from: Pid; readonly to: Pid }
  | {
      readonly type: 'unlink'
      readonly from: Pid
      readonly to: Pid
      /** To be acknowledged; `undefined` from nodes that know no acknowledgement. */
      readonly id: number | bigint | undefined
    }
  | {
      readonly type: 'unlink_ack'
      readonly from: Pid
      readonly to: Pid
      readonly id: number | bigint
    }
  | {
      readonly type: 'exit'
      /** Whether a link broke; else somebody called `exit/2`. */
      readonly ofLink: boolean
      readonly from: Pid
      readonly to: Pid | Atom | Reference
      readonly reason: Body
    }
  | {
      readonly type: 'monitor' | 'demonitor'
      readonly from: Pid
      readonly to: Pid | Atom
      readonly ref: Reference
    }
  | {
      readonly type: 'down'
      /** Who ended: as it was monitored, by pid or by name. */
      readonly from: Pid | Atom
      readonly to: Pid
      readonly ref: Reference
      readonly reason: Body
    }

/** A reason or a message that may not be decodable; reading it throws then, as `Payload.decode` does. */
export interface UnreadBody {
  /** Bytes on the wire. */
  readonly size: number
  readonly read: Payload['decode']
  readonly encoded: Payload['encoded']
}

/** What a body is, or `undefined` when it cannot be read: it is lost alone, the connection goes on. */
export function tryRead(
  body: UnreadBody,
  options?: Parameters<UnreadBody['read']>[0],
): Term | undefined {
  try {
    return body.read(options)
  } catch (error) {
    if (error instanceof DecodeError || error instanceof MessageTooLargeError) return undefined
    throw error
  }
}

/** The signal that a control message carries; `undefined` for those that carry none. */
export function readSignal(
  control: ControlMessage,
  payload: Payload | undefined,
): Signal<UnreadBody> | undefined {
  switch (control.type) {
    case 'send':
      return { type: 'message', from: undefined, to: control.toPid, message: unread(payload) }
    case 'send_sender':
      return {
        type: 'message',
        from: control.fromPid,
        to: control.toPid,
        message: unread(payload),
      }
    case 'reg_send':
      return {
        type: 'message',
        from: control.fromPid,
        to: control.toName,
        message: unread(payload),
      }
    case 'alias_send':
      return {
        type: 'message',
        from: control.fromPid,
        to: control.alias,
        message: unread(payload),
      }
    case 'altact_sig_send': {
      const { senderPid: from, to } = control
      return control.exit
        ? { type: 'exit', ofLink: false, from, to, reason: unread(payload) }
        : { type: 'message', from, to, message: unread(payload) }
    }
    case 'link':
      return { type: 'link', from: control.fromPid, to: control.toPid }
    case 'unlink':
      return { type: 'unlink', from: control.fromPid, to: control.toPid, id: undefined }
    case 'unlink_id':
      return { type: 'unlink', from: control.fromPid, to: control.toPid, id: control.id }
    case 'unlink_id_ack':
      return { type: 'unlink_ack', from: control.fromPid, to: control.toPid, id: control.id }
    case 'exit':
    case 'exit2':
    case 'payload_exit':
    case 'payload_exit2':
      return {
        type: 'exit',
        ofLink: control.type === 'exit' || control.type === 'payload_exit',
        from: control.fromPid,
        to: control.toPid,
        reason: 'reason' in control ? known(control.reason) : unread(payload),
      }
    case 'monitor_p':
      return { type: 'monitor', from: control.fromPid, to: control.toProc, ref: control.ref }
    case 'demonitor_p':
      return { type: 'demonitor', from: control.fromPid, to: control.toProc, ref: control.ref }
    case 'monitor_p_exit':
    case 'payload_monitor_p_exit':
      return {
        type: 'down',
        from: control.fromProc,
        to: control.toPid,
        ref: control.ref,
        reason: 'reason' in control ? known(control.reason) : unread(payload),
      }
    default:
      return undefined
  }
}

/** A control message, with the term that follows it where one does. */
export interface Outgoing {
  readonly control: ControlMessage
  readonly payload?: Term
}

/**
 * The control message that carries a signal where `flags` are in force. Both nodes of a signal may lack
 * what it needs: an alias can only be sent to with `ALIAS`, which is `undefined` then.
 */
export function writeSignal(signal: Signal<Term>, flags: bigint): Outgoing | undefined {
  switch (signal.type) {
    case 'message':
      return writeMessage(signal, flags)
    case 'link':
      return { control: { type: 'link', fromPid: signal.from, toPid: signal.to } }
    case 'unlink': {
      const { from: fromPid, to: toPid, id } = signal
      if (id === undefined) return { control: { type: 'unlink', fromPid, toPid } }
      return { control: { type: 'unlink_id', id, fromPid, toPid } }
    }
    case 'unlink_ack': {
      const { from: fromPid, to: toPid, id } = signal
      return { control: { type: 'unlink_id_ack', id, fromPid, toPid } }
    }
    case 'exit':
      return writeExit(signal, flags)
    case 'monitor':
    case 'demonitor': {
      const { from: fromPid, to: toProc, ref } = signal
      const type = signal.type === 'monitor' ? 'monitor_p' : 'demonitor_p'
      return { control: { type, fromPid, toProc, ref } }
    }
    case 'down': {
      const { from: fromProc, to: toPid, ref, reason } = signal
      return hasFlags(flags, flag.EXIT_PAYLOAD)
        ? { control: { type: 'payload_monitor_p_exit', fromProc, toPid, ref }, payload: reason }
        : { control: { type: 'monitor_p_exit', fromProc, toPid, ref, reason } }
    }
  }
}

function writeMessage(
  { from, to, message }: Signal<Term> & { readonly type: 'message' },
  flags: bigint,
): Outgoing | undefined {
  if (to instanceof Pid) {
    return from !== undefined && hasFlags(flags, flag.SEND_SENDER)
      ? { control: { type: 'send_sender', fromPid: from, toPid: to }, payload: message }
      : { control: { type: 'send', toPid: to }, payload: message }
  }
  if (from === undefined) return undefined
  if (to instanceof Atom) {
    return { control: { type: 'reg_send', fromPid: from, toName: to }, payload: message }
  }
  // ALIAS_SEND is deprecated as of OTP 28, and to be removed in 30.
  if (hasFlags(flags, flag.ALTACT_SIG)) {
    const control = { type: 'altact_sig_send', priority: false, exit: false } as const
    return { control: { ...control, senderPid: from, to }, payload: message }
  }
  if (!hasFlags(flags, flag.ALIAS)) return undefined
  return { control: { type: 'alias_send', fromPid: from, alias: to }, payload: message }
}

function writeExit(
  { ofLink, from, to, reason }: Signal<Term> & { readonly type: 'exit' },
  flags: bigint,
): Outgoing | undefined {
  if (!(to instanceof Pid)) return undefined
  if (hasFlags(flags, flag.EXIT_PAYLOAD)) {
    const type = ofLink ? 'payload_exit' : 'payload_exit2'
    return { control: { type, fromPid: from, toPid: to }, payload: reason }
  }
  return { control: { type: ofLink ? 'exit' : 'exit2', fromPid: from, toPid: to, reason } }
}

function unread(payload: Payload | undefined): UnreadBody {
  return {
    size: payload?.byteLength ?? 0,
    read: (options) => payload?.decode(options) ?? [],
    encoded: () => payload?.encoded() ?? EncodedTerm.of([]),
  }
}

/** A reason inside of a control message has been read with it. */
function known(reason: Term): UnreadBody {
  return {
    get size() {
      return encode(reason).length
    },
    read: () => reason,
    encoded: () => EncodedTerm.of(reason),
  }
}
