/**
 * What `erpc` sends, and what its answers mean.
 *
 * @see https://www.erlang.org/doc/apps/kernel/erpc.html
 */
import {
  Atom,
  type EncodedTerm,
  equals,
  isAtom,
  isTuple,
  type Reference,
  type Term,
  TermCursor,
} from '../etf/index.ts'
import type { Exchange } from './calls.ts'
import { ConnectionLostError, UnexpectedReplyError } from './errors.ts'
import type { Identity } from './identity.ts'
import {
  RemoteCallError,
  RemoteExceptionError,
  RemoteExitError,
  RemoteSignalError,
  RemoteThrowError,
} from './remote-error.ts'

const ERPC = new Atom('erpc')
const EXECUTE_CALL = new Atom('execute_call')
const MONITOR = new Atom('monitor')

/** A process for the call, monitored, since its exit reason carries the result. */
export function erpcExchange(
  local: Identity,
  node: string,
  module: string,
  name: string,
  args: readonly Term[],
): Exchange {
  return {
    what: `${module}:${name}/${args.length}`,
    request: (reference) => [
      {
        control: {
          type: 'spawn_request',
          reqId: reference,
          from: local.pid,
          groupLeader: local.pid,
          mfa: { module: ERPC, function: EXECUTE_CALL, arity: 4 },
          optList: [MONITOR],
        },
        payload: [reference, new Atom(module), new Atom(name), args],
      },
    ],
    readExit: (reference, reason) => readErpcResult(node, reference, reason),
  }
}

/** The same, with a result that is not decoded. */
export function encodedErpcExchange(...call: Parameters<typeof erpcExchange>): Exchange {
  return { ...erpcExchange(...call), readEncodedExit: readEncodedResult }
}

/** `Value` in `{Reference, return, Value}`. */
function readEncodedResult(reference: Reference, reason: EncodedTerm): EncodedTerm | undefined {
  const cursor = new TermCursor(reason)
  if (cursor.enterTuple() !== 3 || !equals(cursor.term(), reference)) return undefined
  return cursor.atom()?.name === 'return' ? cursor.rest() : undefined
}

/**
 * The result in the exit reason of the process that made the call.
 *
 * @throws {RemoteError} when the function did not return
 * @throws {ConnectionLostError} when the process lived on a node that is gone
 */
function readErpcResult(node: string, reference: Reference, reason: Term): Term {
  if (
    isTuple(reason) &&
    reason.elements[0] !== undefined &&
    equals(reason.elements[0], reference)
  ) {
    const [, kind, value, stack] = reason.elements
    if (isAtom(kind) && value !== undefined) {
      switch (kind.name) {
        case 'return':
          return value
        case 'throw':
          throw new RemoteThrowError(node, value)
        case 'exit':
          throw new RemoteExitError(node, value)
        case 'error':
          if (isTuple(value, 2) && isAtom(value.elements[0], 'erpc') && stack === undefined) {
            throw new RemoteCallError(node, value.elements[1] ?? value)
          }
          throw new RemoteExceptionError(node, value, stack ?? [])
      }
    }
    throw new UnexpectedReplyError(node, 'an erpc result of an unknown kind')
  }
  if (isAtom(reason, 'noconnection')) throw new ConnectionLostError(node)
  throw new RemoteSignalError(node, reason)
}
