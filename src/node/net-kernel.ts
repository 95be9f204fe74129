/**
 * The one server that every node has: `net_adm:ping/1` asks it.
 *
 * @see https://www.erlang.org/doc/apps/kernel/net_adm.html#ping/1
 */
import { Atom, isAtom, isTuple, Tuple } from '../etf/index.ts'
import { serveGenServer } from './gen-server-process.ts'
import type { Processes } from './processes.ts'

const YES = new Atom('yes')

/**
 * `spawn` of OTP 23 asks the `net_kernel` once it was refused, and waits for ever; this is what it takes
 * for the error `notsup`.
 */
const REFUSAL = new Tuple([new Atom('EXIT'), new Tuple([new Atom('notsup'), []])])

/** Answers `{is_auth, Node}` with `yes`, and refuses all else. */
export function startNetKernel(processes: Processes): void {
  const process = processes.spawn({ name: 'net_kernel', keepAlive: false })
  const serving = serveGenServer(process, {
    handleCall: (request) =>
      isTuple(request, 2) && isAtom(request.elements[0], 'is_auth') ? YES : REFUSAL,
  })
  // Whoever floods its mailbox is not pinged any more; the connections live on.
  serving.catch(() => {})
}
