/**
 * The one server that every node has: `net_adm:ping/1` asks it.
 *
 * @see https://www.erlang.org/doc/apps/kernel/net_adm.html#ping/1
 */
import { Atom, isAtom, isTuple } from '../etf/index.ts'
import { serveGenServer } from './gen-server-process.ts'
import type { Processes } from './processes.ts'

const YES = new Atom('yes')

/** Answers `{is_auth, Node}` with `yes`, and nothing else. */
export function startNetKernel(processes: Processes): void {
  const process = processes.spawn({ name: 'net_kernel', keepAlive: false })
  const serving = serveGenServer(process, {
    handleCall: (request) =>
      isTuple(request, 2) && isAtom(request.elements[0], 'is_auth') ? YES : undefined,
  })
  // Whoever floods its mailbox is not pinged any more; the connections live on.
  serving.catch(() => {})
}
