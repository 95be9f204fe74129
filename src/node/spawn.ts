/**
 * What `spawn_request` sends, and what its answer means.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#spawn_request/5
 */
import { Atom, type Pid, type Reference, type Term } from '../etf/index.ts'
import type { Exchange } from './calls.ts'
import type { Identity } from './identity.ts'

const LINK = new Atom('link')
const MONITOR = new Atom('monitor')

export interface SpawnRequest {
  readonly sender: { readonly pid: Pid }
  readonly module: string
  readonly name: string
  readonly args: readonly Term[]
  readonly link: boolean
  readonly monitor: boolean
  /** Called before any other signal of the new process is taken. */
  readonly started: (reference: Reference, pid: Pid) => void
}

/** The result is the new pid. */
export function spawnExchange(local: Identity, request: SpawnRequest): Exchange {
  const { sender, module, name, args, link, monitor, started } = request
  return {
    what: `spawning ${module}:${name}/${args.length}`,
    sender,
    request: (reference) => [
      {
        control: {
          type: 'spawn_request',
          reqId: reference,
          from: sender.pid,
          // What it prints is taken there.
          groupLeader: local.pid,
          mfa: { module: new Atom(module), function: new Atom(name), arity: args.length },
          optList: [...(link ? [LINK] : []), ...(monitor ? [MONITOR] : [])],
        },
        payload: args,
      },
    ],
    readSpawned: (reference, pid) => {
      started(reference, pid)
      return pid
    },
  }
}
