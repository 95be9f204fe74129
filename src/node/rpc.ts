/**
 * What `rpc` sends to the server `rex`, and what its answers mean: for nodes without `erpc`.
 *
 * @see https://www.erlang.org/doc/apps/kernel/rpc.html
 */
import { Atom, isAtom, isTuple, type Term, Tuple } from '../etf/index.ts'
import type { Exchange } from './calls.ts'
import { ConnectionLostError } from './errors.ts'
import { genCall } from './gen-server.ts'
import type { Identity } from './identity.ts'
import { RemoteCallError, RemoteExceptionError, RemoteExitError } from './remote-error.ts'

const REX = new Atom('rex')
const CALL = new Atom('call')
/** The group leader of the call: the node's own `user` process. */
const USER = new Atom('user')

/** A request in the form of `gen_server:call/2`: the reference tells answers apart. */
export function rpcExchange(
  local: Identity,
  node: string,
  module: string,
  name: string,
  args: readonly Term[],
): Exchange {
  const request = new Tuple([CALL, new Atom(module), new Atom(name), args, USER])
  return {
    what: `${module}:${name}/${args.length}`,
    request: (reference) => [
      {
        control: { type: 'reg_send', fromPid: local.pid, toName: REX },
        payload: genCall(local, reference, request),
      },
    ],
    readReply: (reply) => readRpcResult(node, reply),
  }
}

/**
 * The result in an answer of `rex`. A function that itself returns `{badrpc, Reason}` cannot be told
 * from a failure: that is `rpc`'s own flaw, and why `erpc` exists.
 *
 * @throws {RemoteError} when the function did not return
 * @throws {ConnectionLostError} for `nodedown`
 */
function readRpcResult(node: string, reply: Term): Term {
  if (!isTuple(reply, 2) || !isAtom(reply.elements[0], 'badrpc')) return reply
  const reason = reply.elements[1] ?? reply
  if (isAtom(reason, 'nodedown')) throw new ConnectionLostError(node)
  if (isTuple(reason, 2) && isAtom(reason.elements[0], 'EXIT')) {
    const [, cause = reason] = reason.elements
    // An error comes with its stack: {Reason, [{M,F,A,Location}, …]}.
    if (isTuple(cause, 2)) {
      const [error, stack] = cause.elements
      if (error !== undefined && isStack(stack)) throw new RemoteExceptionError(node, error, stack)
    }
    throw new RemoteExitError(node, cause)
  }
  throw new RemoteCallError(node, reason)
}

function isStack(term: Term | undefined): term is readonly Term[] {
  return Array.isArray(term) && term.length > 0 && term.every((frame) => isTuple(frame))
}
