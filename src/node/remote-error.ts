/**
 * What can become of a call on the remote side: the exceptions that `erpc:call/4` raises.
 *
 * @see https://www.erlang.org/doc/apps/kernel/erpc.html#call/5
 */
import { BeamscopeError } from '../errors.ts'
import { formatTerm, isAtom, type Term } from '../etf/index.ts'

/** How much of a reason is printed in a message; the whole is in the error's fields. */
const REASON_LENGTH = 400

function describe(reason: Term): string {
  return formatTerm(reason, { maxLength: REASON_LENGTH })
}

/** A call that the node took, and that did not return. */
export abstract class RemoteError extends BeamscopeError {
  readonly node: string
  readonly reason: Term
  constructor(message: string, node: string, reason: Term, options?: { readonly hint?: string }) {
    super(message, options)
    this.node = node
    this.reason = reason
  }
}

/** The function called `throw/1`; `reason` is what it threw. */
export class RemoteThrowError extends RemoteError {
  readonly code = 'ERR_REMOTE_THROW'
  constructor(node: string, reason: Term) {
    super(`${node}: the function threw ${describe(reason)}`, node, reason)
  }
}

/** The function called `exit/1`. */
export class RemoteExitError extends RemoteError {
  readonly code = 'ERR_REMOTE_EXIT'
  constructor(node: string, reason: Term) {
    super(`${node}: the function exited with ${describe(reason)}`, node, reason)
  }
}

/** An error of the run-time system or of `error/1`; `stack` is Erlang's stack trace. */
export class RemoteExceptionError extends RemoteError {
  readonly code = 'ERR_REMOTE_EXCEPTION'
  readonly remoteStack: Term
  constructor(node: string, reason: Term, remoteStack: Term) {
    super(`${node}: the function failed with ${describe(reason)}`, node, reason)
    this.remoteStack = remoteStack
  }
}

/** The process that ran the function was ended from outside. */
export class RemoteSignalError extends RemoteError {
  readonly code = 'ERR_REMOTE_SIGNAL'
  constructor(node: string, reason: Term) {
    super(`${node}: the function was ended by the signal ${describe(reason)}`, node, reason)
  }
}

/** `net_kernel` ends when it cannot start a process for who connects, and the node with it: OTP 23 to 29. */
const PROCESS_LIMIT_HINT =
  'the node has as many processes as it may (erl +P): keep this connection until some have ended, ' +
  'since the node itself ends when anybody connects to it now'

/** The node could not carry the call out: `{erpc, Reason}` or `{badrpc, Reason}`. */
export class RemoteCallError extends RemoteError {
  readonly code = 'ERR_REMOTE_CALL'
  constructor(node: string, reason: Term) {
    const options = isAtom(reason, 'system_limit') ? { hint: PROCESS_LIMIT_HINT } : undefined
    super(`${node}: the call could not be made: ${describe(reason)}`, node, reason, options)
  }
}
