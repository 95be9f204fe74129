/**
 * Control messages: the tuple in front of everything that is not a tick.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#control_message
 */
import { isTuple, type Term, Tuple } from '../etf/index.ts'
import { ControlMessageError, FieldReader } from './control-fields.ts'
import * as messages from './control-messages.ts'

export { ControlMessageError, type Mfa } from './control-fields.ts'
export type * from './control-messages.ts'
export { SPAWN_REPLY_LINK, SPAWN_REPLY_MONITOR } from './control-messages.ts'

interface ControlMessages {
  link: messages.Link
  send: messages.Send
  exit: messages.Exit
  unlink: messages.Unlink
  node_link: messages.NodeLink
  reg_send: messages.RegSend
  group_leader: messages.GroupLeader
  exit2: messages.Exit2
  monitor_p: messages.MonitorP
  demonitor_p: messages.DemonitorP
  monitor_p_exit: messages.MonitorPExit
  send_sender: messages.SendSender
  payload_exit: messages.PayloadExit
  payload_exit2: messages.PayloadExit2
  payload_monitor_p_exit: messages.PayloadMonitorPExit
  spawn_request: messages.SpawnRequest
  spawn_reply: messages.SpawnReply
  alias_send: messages.AliasSend
  unlink_id: messages.UnlinkId
  unlink_id_ack: messages.UnlinkIdAck
  altact_sig_send: messages.AltactSigSend
}

/** Any control message, told apart by `type`. */
export type ControlMessage = ControlMessages[keyof ControlMessages]

type Codecs = { readonly [T in keyof ControlMessages]: messages.ControlCodec<ControlMessages[T]> }

const codecs: Codecs = {
  link: messages.link,
  send: messages.send,
  exit: messages.exit,
  unlink: messages.unlink,
  node_link: messages.nodeLink,
  reg_send: messages.regSend,
  group_leader: messages.groupLeader,
  exit2: messages.exit2,
  monitor_p: messages.monitorP,
  demonitor_p: messages.demonitorP,
  monitor_p_exit: messages.monitorPExit,
  send_sender: messages.sendSender,
  payload_exit: messages.payloadExit,
  payload_exit2: messages.payloadExit2,
  payload_monitor_p_exit: messages.payloadMonitorPExit,
  spawn_request: messages.spawnRequest,
  spawn_reply: messages.spawnReply,
  alias_send: messages.aliasSend,
  unlink_id: messages.unlinkId,
  unlink_id_ack: messages.unlinkIdAck,
  altact_sig_send: messages.altactSigSend,
}

/** What reading takes of a codec. */
interface Form {
  readonly arity: number
  readonly open: boolean
  readonly traced: boolean
  read(fields: FieldReader): ControlMessage
}

/** Both forms of every message, by opcode. */
const forms: readonly (Form | undefined)[] = indexForms()

function indexForms(): readonly (Form | undefined)[] {
  const index: (Form | undefined)[] = []
  for (const codec of Object.values(codecs)) {
    const { arity, open = false, read } = codec
    index[codec.opcode] = { arity, open, traced: false, read }
    if (codec.tracedOpcode !== undefined) {
      index[codec.tracedOpcode] = { arity: arity + 1, open, traced: true, read }
    }
  }
  return index
}

/**
 * Reads a control message from its tuple.
 *
 * @throws {ControlMessageError} for an unknown opcode, a wrong arity, or a field of a wrong type
 */
export function readControl(term: Term): ControlMessage {
  if (!isTuple(term)) throw new ControlMessageError('is no tuple')
  const [opcode] = term.elements
  if (typeof opcode !== 'number') throw new ControlMessageError('does not begin with an opcode')
  const form = forms[opcode]
  if (form === undefined) throw new ControlMessageError('is unknown', { opcode })
  const arity = term.elements.length
  if (arity < form.arity || (arity > form.arity && !form.open)) {
    throw new ControlMessageError(`has ${arity} elements, not ${form.arity}`, { opcode })
  }
  return form.read(new FieldReader(opcode, form.traced, term.elements))
}

/** The tuple of a control message: the form with a trace token when it has one. */
export function controlTerm(message: ControlMessage): Tuple {
  return tupleOf(message.type, message)
}

function tupleOf<T extends keyof ControlMessages>(type: T, message: ControlMessages[T]): Tuple {
  const codec = codecs[type]
  const traced = 'traceToken' in message && message.traceToken !== undefined
  const opcode = (traced ? codec.tracedOpcode : undefined) ?? codec.opcode
  return new Tuple([opcode, ...codec.write(message)])
}

/** Whether a term follows a control message of that type: a message, a reason, or arguments. */
export function hasPayload(type: ControlMessage['type']): boolean {
  return codecs[type].payload
}
