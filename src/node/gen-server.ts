/**
 * What `gen_server:call/3` sends, and what its answers mean.
 *
 * @see https://www.erlang.org/doc/apps/stdlib/gen_server.html#call/3
 */
import { Atom, isAtom, Pid, type Reference, type Term, Tuple } from '../etf/index.ts'
import type { Exchange } from './calls.ts'
import { ConnectionLostError } from './errors.ts'
import type { Identity } from './identity.ts'
import { RemoteExitError } from './remote-error.ts'

const GEN_CALL = new Atom('$gen_call')

/** `{'$gen_call', {From, Tag}, Request}`; the tag comes back with the reply. */
export function genCall(local: Identity, tag: Reference, request: Term): Tuple {
  return new Tuple([GEN_CALL, new Tuple([local.pid, tag]), request])
}

/** A request to a server that is monitored while it thinks: its end is an answer too. */
export function genServerExchange(
  local: Identity,
  node: string,
  server: Pid | Atom,
  request: Term,
): Exchange {
  return {
    what: `gen_server call to ${server instanceof Pid ? `process ${server.id}` : server.name}`,
    monitored: server,
    request: (reference) => [
      {
        control: { type: 'monitor_p', fromPid: local.pid, toProc: server, ref: reference },
      },
      {
        control:
          server instanceof Pid
            ? { type: 'send', toPid: server }
            : { type: 'reg_send', fromPid: local.pid, toName: server },
        payload: genCall(local, reference, request),
      },
    ],
    readReply: (reply) => reply,
    readExit: (_, reason) => {
      if (isAtom(reason, 'noconnection')) throw new ConnectionLostError(node)
      throw new RemoteExitError(node, reason)
    },
  }
}
