/**
 * The processes of a node whose only peers are scripts: what is signalled to a peer is kept, and what a
 * peer signals is whatever the test says.
 */
import { setImmediate } from 'node:timers/promises'
import { CLIENT_FLAGS } from '../../src/dist/flags.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import type { Outgoing, Signal, UnreadBody } from '../../src/dist/signals.ts'
import { atom, EncodedTerm, encode, Pid, Reference, type Term } from '../../src/etf/index.ts'
import type { Exchange } from '../../src/node/calls.ts'
import { SendQueueFullError } from '../../src/node/errors.ts'
import { Identity } from '../../src/node/identity.ts'
import { type Peer, Processes } from '../../src/node/processes.ts'

export const LOCAL = 'local@127.0.0.1'
export const PEER = 'peer@127.0.0.1'
export const OTHER = 'other@127.0.0.1'

/** A pid of a peer. */
export function remotePid(id = 77, node: string = PEER): Pid {
  return new Pid(atom(node), id, 0, 5)
}

/** A reference of a peer. */
export function remoteReference(id = 1, node: string = PEER): Reference {
  return new Reference(atom(node), 5, [id, 2, 3])
}

/** What came with a signal, as if so many bytes had come. */
export function body(term: Term, size = 1): UnreadBody {
  return { size, read: () => term, encoded: () => EncodedTerm.of(term) }
}

/** What cannot be read. */
export function badBody(error: Error): UnreadBody {
  const fail = () => {
    throw error
  }
  return { size: 1, read: fail, encoded: fail }
}

class FakePeer implements Peer {
  flags: bigint = CLIENT_FLAGS
  isFull = false
  readonly sent: Outgoing[] = []
  readonly senders: unknown[] = []
  readonly node: string
  /** What a spawn request is answered with. */
  readonly exchanges: { readonly exchange: Exchange; answer(pid: Pid): void }[] = []

  constructor(node: string) {
    this.node = node
  }

  send(outgoing: Outgoing, sender?: object): void {
    if (this.isFull) throw new SendQueueFullError(this.node, 0)
    if (outgoing.payload !== undefined) encode(outgoing.payload)
    this.sent.push(outgoing)
    this.senders.push(sender)
  }

  start(exchange: Exchange): Promise<Term> {
    const reference = this.identity.makeReference()
    return new Promise((resolve) => {
      const answer = (pid: Pid): void => resolve(exchange.readSpawned?.(reference, pid) ?? pid)
      this.exchanges.push({ exchange, answer })
    })
  }

  get identity(): Identity {
    return identity
  }
}

const identity = new Identity(parseNodeName(LOCAL))

export class LoneProcesses {
  readonly processes: Processes
  readonly identity: Identity = identity
  readonly peers: Map<string, FakePeer> = new Map([
    [PEER, new FakePeer(PEER)],
    [OTHER, new FakePeer(OTHER)],
  ])
  /** Waits without an end that are under way. */
  waits = 0

  constructor() {
    this.processes = new Processes({
      identity,
      peer: (node) => this.peers.get(node),
      beginWait: () => {
        this.waits += 1
      },
      endWait: () => {
        this.waits -= 1
      },
    })
  }

  peer(node: string = PEER): FakePeer {
    const peer = this.peers.get(node)
    if (peer === undefined) throw new Error(`${node} is gone`)
    return peer
  }

  /** The control messages that were sent to a node, and are now forgotten. */
  sent(node: string = PEER): Outgoing['control'][] {
    return this.peer(node)
      .sent.splice(0)
      .map(({ control }) => control)
  }

  /** A signal comes from a node. */
  receive(signal: Signal<UnreadBody>, node: string = PEER): void {
    this.processes.receive(node, signal)
  }

  reconnect(node: string = PEER): void {
    this.peers.set(node, new FakePeer(node))
  }

  disconnect(node: string = PEER): void {
    this.peers.delete(node)
    this.processes.nodeDown(node)
  }
}

/** Lets processes of one node have what they sent each other, and the answers to that. */
export async function delivered(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate()
}
