/**
 * The processes of one node: who is there under which pid, name or alias, and what becomes of signals to
 * those that are not.
 *
 * @see https://www.erlang.org/doc/system/ref_man_processes.html#registered-processes
 */
import { type FlagName, flag, hasFlags } from '../dist/flags.ts'
import { type Outgoing, type Signal, type UnreadBody, writeSignal } from '../dist/signals.ts'
import { Atom, EncodedTerm, Pid, type Reference, type Term } from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import type { Exchange } from './calls.ts'
import {
  NameTakenError,
  NotConnectedError,
  TooManyProcessesError,
  UnsupportedByPeerError,
} from './errors.ts'
import type { Identity } from './identity.ts'
import { Process, type ProcessOptions, type Surroundings } from './process.ts'

const MAX_PROCESSES = 65_536

const NOPROC = new Atom('noproc')

/** A node that is connected. */
export interface Peer {
  /** The flags in force. */
  readonly flags: bigint
  /** @throws {NotConnectedError | SendQueueFullError | EncodeError} */
  send(outgoing: Outgoing, sender?: object): void
  start(exchange: Exchange, waiting: Waiting): Promise<Term>
}

/** What the processes need of the rest of their node. */
export interface ProcessesOptions extends Pick<Surroundings, 'beginWait' | 'endWait'> {
  readonly identity: Identity
  /** `undefined` for a node that is not connected. */
  readonly peer: (node: string) => Peer | undefined
}

export class Processes implements Surroundings {
  readonly identity: Identity
  readonly #options: ProcessesOptions
  readonly #byNumber = new Map<number, Process>()
  readonly #byName = new Map<string, Process>()
  /** By the number of the reference. */
  readonly #byAlias = new Map<number, Process>()
  /** What processes of this node have sent each other and not received. */
  readonly #local: Signal<UnreadBody>[] = []

  constructor(options: ProcessesOptions) {
    this.identity = options.identity
    this.#options = options
  }

  /**
   * @throws {NameTakenError} when another process has the name
   * @throws {TooManyProcessesError}
   */
  spawn(options: ProcessOptions): Process {
    const { name } = options
    if (name !== undefined && this.#byName.has(name)) throw new NameTakenError(name)
    if (this.#byNumber.size >= MAX_PROCESSES) throw new TooManyProcessesError(MAX_PROCESSES)
    let pid = this.identity.makePid()
    // The numbers begin again some day.
    while (this.#isTaken(pid)) pid = this.identity.makePid()
    const process = new Process(pid, this, options)
    this.#byNumber.set(this.#number(pid), process)
    if (name !== undefined) this.#byName.set(name, process)
    return process
  }

  /** The process that is registered under a name. */
  whereis(name: string): Process | undefined {
    return this.#byName.get(name)
  }

  /**
   * Takes a signal that came from a node.
   *
   * @throws {SendQueueFullError} when the node asks for answers that it does not read
   */
  receive(node: string, signal: Signal<UnreadBody>): void {
    const process = this.#find(signal.to)
    // What a node asks for others would stay when it is gone.
    const asksForItself = !(signal.from instanceof Pid) || signal.from.node.name === node
    if (process !== undefined && asksForItself) process.deliver(node, signal)
    else if (process === undefined) this.#answerForNobody(node, signal)
  }

  /** The connection to a node is gone. */
  nodeDown(node: string): void {
    for (const process of [...this.#byNumber.values()]) process.nodeDown(node)
  }

  /** Ends all processes. */
  close(): void {
    for (const process of [...this.#byNumber.values()]) process.exit()
  }

  signal(node: string, signal: Signal<Term>, sender?: object): void {
    if (node === this.identity.name.full) {
      this.#queueLocal(unread(signal))
      return
    }
    const peer = this.#peer(node)
    const outgoing = writeSignal(signal, peer.flags)
    if (outgoing === undefined) throw new UnsupportedByPeerError(node, 'ALIAS')
    peer.send(outgoing, sender)
  }

  supports(node: string, name: FlagName): boolean {
    if (node === this.identity.name.full) return true
    return hasFlags(this.#options.peer(node)?.flags ?? 0n, flag[name])
  }

  async call(node: string, exchange: Exchange, waiting: Waiting): Promise<Term> {
    return this.#peer(node).start(exchange, waiting)
  }

  addAlias(process: Process): Reference {
    const alias = this.identity.makeReference()
    this.#byAlias.set(this.identity.referenceNumber(alias) ?? 0, process)
    return alias
  }

  removeAlias(alias: Reference): void {
    this.#byAlias.delete(this.identity.referenceNumber(alias) ?? 0)
  }

  beginWait(): void {
    this.#options.beginWait()
  }

  endWait(): void {
    this.#options.endWait()
  }

  exited(process: Process): void {
    this.#byNumber.delete(this.#number(process.pid))
    if (process.name !== undefined) this.#byName.delete(process.name)
  }

  #find(to: Pid | Atom | Reference): Process | undefined {
    if (to instanceof Pid) {
      const number = this.identity.pidNumber(to)
      return number === undefined ? undefined : this.#byNumber.get(number)
    }
    if (to instanceof Atom) return this.#byName.get(to.name)
    const number = this.identity.referenceNumber(to)
    return number === undefined ? undefined : this.#byAlias.get(number)
  }

  /** Comes in a later turn of the event loop, as over a wire, so that others have theirs in between. */
  #queueLocal(signal: Signal<UnreadBody>): void {
    if (this.#local.length === 0) setImmediate(() => this.#deliverLocal())
    this.#local.push(signal)
  }

  #deliverLocal(): void {
    for (const signal of this.#local.splice(0)) this.receive(this.identity.name.full, signal)
  }

  #answerForNobody(node: string, signal: Signal<UnreadBody>): void {
    const answer = answerForNobody(signal)
    if (answer !== undefined) this.signal(node, answer)
  }

  #peer(node: string): Peer {
    const peer = this.#options.peer(node)
    if (peer === undefined) throw new NotConnectedError(node)
    return peer
  }

  #isTaken(pid: Pid): boolean {
    const number = this.#number(pid)
    return this.#byNumber.has(number) || number === this.#number(this.identity.pid)
  }

  #number(pid: Pid): number {
    return this.identity.pidNumber(pid) ?? 0
  }
}

function answerForNobody(signal: Signal<UnreadBody>): Signal<Term> | undefined {
  switch (signal.type) {
    case 'link':
      return { type: 'exit', ofLink: true, from: signal.to, to: signal.from, reason: NOPROC }
    case 'unlink': {
      const { from: to, to: from, id } = signal
      return id === undefined ? undefined : { type: 'unlink_ack', from, to, id }
    }
    case 'monitor':
      return { type: 'down', from: signal.to, to: signal.from, ref: signal.ref, reason: NOPROC }
    default:
      return undefined
  }
}

/** A signal of ours as one that came. */
function unread(signal: Signal<Term>): Signal<UnreadBody> {
  switch (signal.type) {
    case 'message':
      return { ...signal, message: known(signal.message) }
    case 'exit':
    case 'down':
      return { ...signal, reason: known(signal.reason) }
    default:
      return signal
  }
}

function known(term: Term): UnreadBody {
  return { size: 0, read: () => term, encoded: () => EncodedTerm.of(term) }
}
