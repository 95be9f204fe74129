/**
 * The Erlang I/O protocol, as far as a group leader needs it that only listens: what a called function
 * prints is taken, so that printing does not block it; nothing can be read.
 *
 * @see https://www.erlang.org/doc/apps/stdlib/io_protocol.html
 */
import { Atom, isAtom, isTuple, Pid, type Term, Tuple } from '../etf/index.ts'

const IO_REPLY = new Atom('io_reply')
const OK = new Atom('ok')
const EOF = new Atom('eof')
const UNSUPPORTED = new Tuple([new Atom('error'), new Atom('request')])

export interface IoReply {
  readonly to: Pid
  readonly message: Term
}

/** The reply to an I/O request, `undefined` when the message is none. */
export function replyToIoRequest(message: Term): IoReply | undefined {
  if (!isTuple(message, 4)) return undefined
  const [kind, from, replyAs, request] = message.elements
  if (!isAtom(kind, 'io_request') || !(from instanceof Pid)) return undefined
  if (replyAs === undefined || request === undefined) return undefined
  return { to: from, message: new Tuple([IO_REPLY, replyAs, answer(request)]) }
}

function answer(request: Term): Term {
  const name = isTuple(request) ? request.elements[0] : request
  if (!isAtom(name)) return UNSUPPORTED
  switch (name.name) {
    case 'put_chars':
    case 'requests':
    case 'setopts':
      return OK
    case 'get_chars':
    case 'get_line':
    case 'get_until':
    case 'get_password':
      return EOF
    default:
      return UNSUPPORTED
  }
}
