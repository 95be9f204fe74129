/**
 * A process of ours that is called as a `gen_server`.
 *
 * @see https://www.erlang.org/doc/apps/stdlib/gen_server.html
 */
import {
  Atom,
  ImproperList,
  isAtom,
  isList,
  isTuple,
  Pid,
  Reference,
  type Term,
  Tuple,
} from '../etf/index.ts'
import { NotConnectedError, SendQueueFullError } from './errors.ts'
import type { Mail } from './mailbox.ts'
import type { Process } from './process.ts'

const HANDLER_FAILED = new Atom('handler_failed')

/** Who called, and how it tells the reply from others: `From` of `handle_call/3`. */
export interface Caller {
  readonly pid: Pid
  readonly tag: Term
}

/** What becomes of each kind of mail, one after the other. */
export interface GenServerHandlers {
  /** Of `gen_server:call`: the reply; `undefined` to call {@link replyTo} later. */
  handleCall(request: Term, from: Caller): Term | undefined | Promise<Term | undefined>
  /** Of `gen_server:cast`. Default: dropped. */
  handleCast?(request: Term): void | Promise<void>
  /** All other mail. Default: dropped. */
  handleInfo?(mail: Mail): void | Promise<void>
}

/**
 * Serves until the process ends, also when a handler calls its `exit`. A handler that fails ends it with the reason `handler_failed`, so that
 * callers need not wait for their time-outs.
 *
 * @throws what a handler throws; {ProcessExitedError | MailboxFullError} when something else ended it
 */
export async function serveGenServer(process: Process, handlers: GenServerHandlers): Promise<void> {
  try {
    for await (const mail of process) {
      // What came before its end is there still, and is not for it to handle any more.
      if (process.exitReason === undefined) await handle(process, handlers, mail)
    }
  } finally {
    process.exit(HANDLER_FAILED)
  }
}

async function handle(process: Process, handlers: GenServerHandlers, mail: Mail): Promise<void> {
  const message = mail.type === 'message' ? mail.message : undefined
  const call = readCall(message)
  if (call !== undefined) {
    const reply = await handlers.handleCall(call.request, call.from)
    if (reply !== undefined && process.exitReason === undefined) replyTo(process, call.from, reply)
    return
  }
  const cast = readCast(message)
  if (cast !== undefined) await handlers.handleCast?.(cast)
  else await handlers.handleInfo?.(mail)
}

/** `{'$gen_cast', Request}`. */
function readCast(message: Term | undefined): Term | undefined {
  if (!isTuple(message, 2)) return undefined
  const [kind, request] = message.elements
  return isAtom(kind, '$gen_cast') ? request : undefined
}

/** `{'$gen_call', {Pid, Tag}, Request}`. */
function readCall(
  message: Term | undefined,
): { readonly from: Caller; readonly request: Term } | undefined {
  if (!isTuple(message, 3)) return undefined
  const [kind, from, request] = message.elements
  if (!isAtom(kind, '$gen_call') || !isTuple(from, 2) || request === undefined) return undefined
  const [pid, tag] = from.elements
  return pid instanceof Pid && tag !== undefined ? { from: { pid, tag }, request } : undefined
}

/**
 * Answers a call, as `gen_server:reply/2`. A caller that is gone does not get the reply.
 *
 * @throws {EncodeError} when the reply is no term
 * @throws {ProcessExitedError} when this process has ended
 */
export function replyTo(process: Process, { pid, tag }: Caller, reply: Term): void {
  const message = new Tuple([tag, reply])
  const alias = aliasOf(tag)
  try {
    if (alias !== undefined && process.canSendTo(alias)) process.send(alias, message)
    else process.send(pid, message)
  } catch (error) {
    const isGone = error instanceof NotConnectedError || error instanceof SendQueueFullError
    if (!isGone) throw error
  }
}

/**
 * The alias in `[alias | Ref]`, or in `[[alias | Ref] | _]`: a reply to it does not come when the caller
 * has given up (`gen:reply/2`).
 */
function aliasOf(tag: Term): Reference | undefined {
  if (tag instanceof ImproperList && tag.elements.length === 1) {
    const [first] = tag.elements
    if (isAtom(first, 'alias')) return tag.tail instanceof Reference ? tag.tail : undefined
    return first instanceof ImproperList ? aliasOf(first) : undefined
  }
  return isList(tag) && tag[0] instanceof ImproperList ? aliasOf(tag[0]) : undefined
}
