/**
 * A process of ours, as other nodes see it: a pid with a mailbox, that links and monitors.
 *
 * @see https://www.erlang.org/doc/system/ref_man_processes.html
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#link_protocol
 */
import type { FlagName } from '../dist/flags.ts'
import { type Signal, tryRead, type UnreadBody } from '../dist/signals.ts'
import { Atom, EncodeError, isAtom, Pid, Reference, type Term } from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import type { Exchange } from './calls.ts'
import {
  MailboxFullError,
  NotConnectedError,
  ProcessExitedError,
  SendQueueFullError,
  TooManyRelationsError,
} from './errors.ts'
import type { Identity } from './identity.ts'
import { type Mail, Mailbox, type MailboxLimits, type RegisteredName } from './mailbox.ts'
import { spawnExchange } from './spawn.ts'

/** Links of one process, monitors that it has, monitors of it: of each at most so many. */
const MAX_RELATIONS = 65_536

const NORMAL = new Atom('normal')
const KILLED = new Atom('killed')
const NOCONNECTION = new Atom('noconnection')
const SYSTEM_LIMIT = new Atom('system_limit')

/** In place of a reason that could not be read: that a process ended is known all the same. */
const UNREADABLE = new Atom('unreadable')

/** In place of a reason that is no term, or none that the other node knows. */
const UNSENDABLE = new Atom('unsendable')

/** Whom a message can be sent to. A reference is an alias. */
export type Destination = Pid | Reference | RegisteredName

export interface ProcessOptions extends MailboxLimits {
  /** Registers the process, so that it is reached as `{Name, Node}`. */
  readonly name?: string | undefined
  /**
   * Whether exit signals come as mail, as with `process_flag(trap_exit, true)`; else they end the
   * process, unless their reason is `normal`. Unlike in Erlang the default is `true`.
   */
  readonly trapExit?: boolean | undefined
  /**
   * Whether waiting for mail without a time-out keeps the program alive, as long as a connection is
   * there over which some could come. Default `true`.
   */
  readonly keepAlive?: boolean | undefined
}

export interface ReceiveOptions extends Waiting {
  /** Takes the first mail for which this holds, and leaves what came before it. Default: any. */
  readonly matches?: ((mail: Mail) => boolean) | undefined
}

export interface SpawnOptions extends Waiting {
  /** Links the new process to the one that spawns. */
  readonly link?: boolean | undefined
  /** Monitors the new process. */
  readonly monitor?: boolean | undefined
}

/** A process that was spawned on another node. */
export interface Spawned {
  readonly pid: Pid
  /** With the option `monitor`. */
  readonly monitor: Reference | undefined
}

/** What a process needs of its node. */
export interface Surroundings {
  readonly identity: Identity
  /**
   * @throws {NotConnectedError} when the node is not connected
   * @throws {UnsupportedByPeerError} when the node cannot be told such a thing
   * @throws {SendQueueFullError} when the node does not read
   */
  signal(node: string, signal: Signal<Term>, sender: Process): void
  /** Whether the flag is in force with a node. */
  supports(node: string, flag: FlagName): boolean
  call(node: string, exchange: Exchange, waiting: Waiting): Promise<Term>
  addAlias(process: Process): Reference
  removeAlias(alias: Reference): void
  /** A wait without an end begins, or is over; the program lives on meanwhile. */
  beginWait(): void
  endWait(): void
  exited(process: Process): void
}

interface Link {
  readonly pid: Pid
  /** The number of an UNLINK that is not acknowledged yet; until then the link is not active. */
  unlinking: number | undefined
}

interface Monitor {
  readonly ref: Reference
  readonly target: Pid | RegisteredName
}

/** A monitor that another process has of this one. */
interface MonitoredBy {
  readonly pid: Pid
  readonly ref: Reference
  /** How it knows this process. */
  readonly as: Pid | Atom
}

/** Made by `HiddenNode.spawn`. Iterating over it takes its mail until it ends. */
export class Process implements AsyncIterable<Mail>, Disposable {
  readonly pid: Pid
  readonly name: string | undefined
  readonly #surroundings: Surroundings
  readonly #trapExit: boolean
  readonly #keepAlive: boolean
  readonly #mailbox: Mailbox
  readonly #links = new Map<string, Link>()
  /** By the number of the reference. */
  readonly #monitors = new Map<number, Monitor>()
  /** By who asked, and the reference, which others may know. */
  readonly #monitoredBy = new Map<string, MonitoredBy>()
  /** By the number of the reference. */
  readonly #aliases = new Map<number, Reference>()
  #unlinks = 0
  #exit: { readonly reason: Term; readonly error: Error | undefined } | undefined

  /** @internal */
  constructor(pid: Pid, surroundings: Surroundings, options: ProcessOptions) {
    this.pid = pid
    this.name = options.name
    this.#surroundings = surroundings
    this.#trapExit = options.trapExit ?? true
    this.#keepAlive = options.keepAlive ?? true
    this.#mailbox = new Mailbox(options)
  }

  /** Why it ended; `undefined` while it lives. */
  get exitReason(): Term | undefined {
    return this.#exit?.reason
  }

  /** How much mail waits to be taken. */
  get mailboxLength(): number {
    return this.#mailbox.length
  }

  /**
   * Sends a message. What one process sends to another arrives in the order in which it was sent. Whether
   * the receiver is there is not known: monitor it.
   *
   * @throws {NotConnectedError} when its node is not connected
   * @throws {UnsupportedByPeerError} when it is an alias, and its node knows none
   * @throws {SendQueueFullError} when its node does not read
   * @throws {EncodeError} when the message is no term
   * @throws {ProcessExitedError} when this process has ended
   */
  send(to: Destination, message: Term): void {
    const from = this.#live()
    if (to instanceof Pid || to instanceof Reference) {
      this.#signal(to.node.name, { type: 'message', from, to, message })
    } else {
      this.#signal(to.node, { type: 'message', from, to: new Atom(to.name), message })
    }
  }

  /** Whether the alias's node is connected and can be sent to by aliases. */
  canSendTo(alias: Reference): boolean {
    return this.#surroundings.supports(alias.node.name, 'ALIAS')
  }

  /**
   * Takes mail. Without a time-out it waits for ever, or until the process ends.
   *
   * @throws {TimeoutError} after the time-out; with a signal, its reason
   * @throws {ProcessExitedError | MailboxFullError} when there is no more and the process has ended
   */
  async receive(options: ReceiveOptions = {}): Promise<Mail> {
    const mail = await this.#take(options)
    if (mail === undefined) throw this.#exit?.error ?? this.#exited()
    return mail
  }

  /**
   * Takes mail until the process has called `exit` and none is left.
   *
   * @throws {ProcessExitedError | MailboxFullError} when something else ended the process
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Mail, void, void> {
    for (;;) {
      const mail = await this.#take({})
      if (mail === undefined) {
        if (this.#exit?.error !== undefined) throw this.#exit.error
        return
      }
      yield mail
    }
  }

  /**
   * Links to a process; when one ends, the other gets an exit signal. Linking twice does nothing more.
   *
   * @throws {NotConnectedError | SendQueueFullError | ProcessExitedError} as `send`
   * @throws {TooManyRelationsError}
   */
  link(pid: Pid): void {
    const from = this.#live()
    const key = pidKey(pid)
    const link = this.#links.get(key)
    if (key === pidKey(from) || (link !== undefined && link.unlinking === undefined)) return
    if (link === undefined) this.#checkRoom(this.#links)
    this.#signal(pid.node.name, { type: 'link', from, to: pid })
    this.#links.set(key, { pid, unlinking: undefined })
  }

  /**
   * Ends a link; its exit signal does not come any more. Harmless where there is none.
   *
   * @throws {SendQueueFullError | ProcessExitedError}
   */
  unlink(pid: Pid): void {
    const from = this.#live()
    const key = pidKey(pid)
    const link = this.#links.get(key)
    if (link === undefined || link.unlinking !== undefined) return
    const acknowledged = this.#surroundings.supports(pid.node.name, 'UNLINK_ID')
    const id = acknowledged ? ++this.#unlinks : undefined
    this.#signal(pid.node.name, { type: 'unlink', from, to: pid, id })
    if (id === undefined) this.#links.delete(key)
    else link.unlinking = id
  }

  /**
   * Monitors a process: its end comes as mail of the type `down`, with this reference, and with the
   * reason `noproc` when it is not there, `noconnection` when its node is lost.
   *
   * @throws {NotConnectedError | SendQueueFullError | ProcessExitedError} as `send`
   * @throws {TooManyRelationsError}
   */
  monitor(target: Pid | RegisteredName): Reference {
    const from = this.#live()
    this.#checkRoom(this.#monitors)
    const ref = this.#surroundings.identity.makeReference()
    const [node, to] = addressOf(target)
    this.#signal(node, { type: 'monitor', from, to, ref })
    this.#monitors.set(this.#number(ref), { ref, target })
    return ref
  }

  /** Ends a monitor; mail of it that has come is dropped, as with `[flush]`. */
  demonitor(ref: Reference): void {
    this.#live()
    const number = this.#number(ref)
    const monitor = this.#monitors.get(number)
    this.#monitors.delete(number)
    if (monitor !== undefined) this.#endMonitor(monitor)
    this.#mailbox.drop((mail) => mail.type === 'down' && refKey(mail.ref) === refKey(ref))
  }

  /**
   * A reference under which this process can be sent to until `unalias`, by nodes of OTP 24 and later.
   *
   * @throws {ProcessExitedError | TooManyRelationsError}
   */
  alias(): Reference {
    this.#live()
    this.#checkRoom(this.#aliases)
    const alias = this.#surroundings.addAlias(this)
    this.#aliases.set(this.#number(alias), alias)
    return alias
  }

  /** What is sent to the alias from now on is dropped. */
  unalias(alias: Reference): void {
    if (this.#aliases.delete(this.#number(alias))) this.#surroundings.removeAlias(alias)
  }

  /**
   * Spawns a process on another node that applies the function (`spawn_request`, OTP 23 and later).
   * Giving up does not stop it, unless it was to be linked: then its exit reason is `abandoned`.
   *
   * @throws {RemoteCallError} when the node does not
   * @throws {NotConnectedError | ConnectionLostError | ProcessExitedError | TooManyRelationsError}
   * @throws {TimeoutError} after the time-out, default 10 s; with a signal, its reason
   */
  async spawn(
    node: string,
    module: string,
    name: string,
    args: readonly Term[] = [],
    options: SpawnOptions = {},
  ): Promise<Spawned> {
    const { link = false, monitor = false } = options
    this.#live()
    if (link) this.#checkRoom(this.#links)
    if (monitor) this.#checkRoom(this.#monitors)
    let reference: Reference | undefined
    const started = (ref: Reference, pid: Pid): void => {
      reference = ref
      if (this.#exit === undefined) {
        if (monitor) this.#monitors.set(this.#number(ref), { ref, target: pid })
        if (link) this.#links.set(pidKey(pid), { pid, unlinking: undefined })
      } else {
        // It cannot have been told of an end that came first.
        if (link) this.#breakLink(pid, this.#exit.reason)
        if (monitor) this.#endMonitor({ ref, target: pid })
      }
    }
    const exchange = spawnExchange(this.#surroundings.identity, {
      sender: this,
      module,
      name,
      args,
      link,
      monitor,
      started,
    })
    const pid = await this.#surroundings.call(node, exchange, options)
    if (!(pid instanceof Pid)) throw new TypeError('a spawn request is answered with a pid')
    return { pid, monitor: monitor ? reference : undefined }
  }

  /** Sends an exit signal to another process, as `exit/2`. */
  sendExit(to: Pid, reason: Term): void {
    const from = this.#live()
    this.#signal(to.node.name, { type: 'exit', ofLink: false, from, to, reason })
  }

  /**
   * Ends this process: whoever is linked to it or monitors it is told the reason, or `unsendable` where it
   * is no term.
   */
  exit(reason: Term = NORMAL): void {
    this.#terminate(reason, undefined)
  }

  [Symbol.dispose](): void {
    this.exit()
  }

  /**
   * Takes a signal that came from a node to this process. Links and monitors beyond what is kept are
   * answered as if they had been there and broke, with the reason `system_limit`.
   *
   * @internal
   * @throws {SendQueueFullError} when the node asks for answers that it does not read
   */
  deliver(node: string, signal: Signal<UnreadBody>): void {
    if (this.#exit !== undefined) return
    switch (signal.type) {
      case 'message': {
        const message = tryRead(signal.message)
        if (message === undefined) return
        this.#put({ type: 'message', message, from: signal.from }, signal.message.size)
        return
      }
      case 'link': {
        const key = pidKey(signal.from)
        if (this.#links.has(key)) return
        if (hasRoom(this.#links)) this.#links.set(key, { pid: signal.from, unlinking: undefined })
        else this.#signal(node, brokenLink(this.pid, signal.from, SYSTEM_LIMIT))
        return
      }
      case 'unlink':
        this.#unlinked(signal)
        return
      case 'unlink_ack': {
        const key = pidKey(signal.from)
        const unlinking = this.#links.get(key)?.unlinking
        if (unlinking !== undefined && unlinking === signal.id) this.#links.delete(key)
        return
      }
      case 'exit':
        this.#exitSignal(signal)
        return
      case 'monitor': {
        const by: MonitoredBy = { pid: signal.from, ref: signal.ref, as: signal.to }
        if (hasRoom(this.#monitoredBy)) this.#monitoredBy.set(monitorKey(signal), by)
        else this.#signal(node, brokenMonitor(by, SYSTEM_LIMIT))
        return
      }
      case 'demonitor':
        this.#monitoredBy.delete(monitorKey(signal))
        return
      case 'down': {
        const number = this.#number(signal.ref)
        const monitor = this.#monitors.get(number)
        if (monitor === undefined || addressOf(monitor.target)[0] !== node) return
        this.#monitors.delete(number)
        const reason = tryRead(signal.reason) ?? UNREADABLE
        this.#put({ type: 'down', ...nameOf(monitor), reason }, signal.reason.size)
      }
    }
  }

  /** @internal The connection to a node is gone, and with it all that was agreed over it. */
  nodeDown(node: string): void {
    for (const [key, by] of this.#monitoredBy) {
      if (by.pid.node.name === node) this.#monitoredBy.delete(key)
    }
    for (const [number, monitor] of this.#monitors) {
      if (addressOf(monitor.target)[0] !== node) continue
      this.#monitors.delete(number)
      this.#put({ type: 'down', ...nameOf(monitor), reason: NOCONNECTION }, 0)
    }
    for (const [key, link] of this.#links) {
      if (link.pid.node.name !== node) continue
      this.#links.delete(key)
      if (link.unlinking === undefined) this.#takeExit(link.pid, NOCONNECTION, 0)
    }
  }

  #take({ timeout, signal, matches = () => true }: ReceiveOptions): Promise<Mail | undefined> {
    const waiting = { signal, ...(timeout === undefined ? {} : { timeout }) }
    const taken = this.#mailbox.take(`mail for ${this.#describe()}`, matches, waiting)
    // With a time-out, its timer does.
    if (timeout !== undefined || !this.#keepAlive) return taken
    this.#surroundings.beginWait()
    return taken.finally(() => this.#surroundings.endWait())
  }

  #unlinked({ from, id }: Signal<UnreadBody> & { readonly type: 'unlink' }): void {
    const key = pidKey(from)
    // One that both sides are ending stays until our own UNLINK is acknowledged.
    if (this.#links.get(key)?.unlinking === undefined) this.#links.delete(key)
    if (id === undefined) return
    this.#signal(from.node.name, { type: 'unlink_ack', from: this.pid, to: from, id })
  }

  #exitSignal({ from, ofLink, reason }: Signal<UnreadBody> & { readonly type: 'exit' }): void {
    if (ofLink) {
      const key = pidKey(from)
      const link = this.#links.get(key)
      this.#links.delete(key)
      if (link === undefined || link.unlinking !== undefined) return
    }
    const why = tryRead(reason) ?? UNREADABLE
    if (!ofLink && isAtom(why, 'kill')) {
      this.#terminate(KILLED, new ProcessExitedError(this.#describe(), KILLED))
    } else {
      this.#takeExit(from, why, reason.size)
    }
  }

  #takeExit(from: Pid, reason: Term, size: number): void {
    if (this.#trapExit) this.#put({ type: 'exit', from, reason }, size)
    else if (!isAtom(reason, 'normal')) {
      this.#terminate(reason, new ProcessExitedError(this.#describe(), reason))
    }
  }

  #put(mail: Mail, size: number): void {
    if (this.#exit !== undefined || this.#mailbox.put(mail, size)) return
    // As a process of the BEAM that outgrows its `max_heap_size`.
    this.#terminate(KILLED, new MailboxFullError(this.#describe(), this.#mailbox.length))
  }

  #terminate(reason: Term, error: Error | undefined): void {
    if (this.#exit !== undefined) return
    this.#exit = { reason, error }
    for (const alias of this.#aliases.values()) this.#surroundings.removeAlias(alias)
    this.#surroundings.exited(this)
    this.#mailbox.close()
    for (const { pid, unlinking } of this.#links.values()) {
      if (unlinking === undefined) this.#breakLink(pid, reason)
    }
    for (const by of this.#monitoredBy.values()) {
      this.#tellEnd(by.pid.node.name, (why) => brokenMonitor(by, why), reason)
    }
    for (const monitor of this.#monitors.values()) this.#endMonitor(monitor)
    this.#links.clear()
    this.#monitoredBy.clear()
    this.#monitors.clear()
    this.#aliases.clear()
  }

  #breakLink(to: Pid, reason: Term): void {
    this.#tellEnd(to.node.name, (why) => brokenLink(this.pid, to, why), reason)
  }

  #tellEnd(node: string, signal: (reason: Term) => Signal<Term>, reason: Term): void {
    try {
      this.#trySignal(node, signal(reason))
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error
      this.#trySignal(node, signal(UNSENDABLE))
    }
  }

  #endMonitor({ ref, target }: Monitor): void {
    const [node, to] = addressOf(target)
    this.#trySignal(node, { type: 'demonitor', from: this.pid, to, ref })
  }

  #signal(node: string, signal: Signal<Term>): void {
    this.#surroundings.signal(node, signal, this)
  }

  /** For what the other node will find out by itself, when it is gone or hangs. */
  #trySignal(node: string, signal: Signal<Term>): void {
    try {
      this.#signal(node, signal)
    } catch (error) {
      if (error instanceof NotConnectedError || error instanceof SendQueueFullError) return
      throw error
    }
  }

  #checkRoom(relations: Relations): void {
    if (!hasRoom(relations)) throw new TooManyRelationsError(this.#describe(), MAX_RELATIONS)
  }

  /** Of a reference of ours; 0, which none has, of any other. */
  #number(reference: Reference): number {
    return this.#surroundings.identity.referenceNumber(reference) ?? 0
  }

  #live(): Pid {
    if (this.#exit !== undefined) throw this.#exited()
    return this.pid
  }

  #exited(): ProcessExitedError {
    return new ProcessExitedError(this.#describe(), this.#exit?.reason ?? NORMAL)
  }

  #describe(): string {
    return this.name ?? `process ${this.pid.id}.${this.pid.serial}`
  }
}

function pidKey({ node, id, serial, creation }: Pid): string {
  return `${id}.${serial}.${creation}.${node.name}`
}

interface Relations {
  readonly size: number
}

function hasRoom({ size }: Relations): boolean {
  return size < MAX_RELATIONS
}

function brokenLink(from: Pid, to: Pid, reason: Term): Signal<Term> {
  return { type: 'exit', ofLink: true, from, to, reason }
}

function brokenMonitor({ pid: to, ref, as: from }: MonitoredBy, reason: Term): Signal<Term> {
  return { type: 'down', from, to, ref, reason }
}

function monitorKey({ from, ref }: { readonly from: Pid; readonly ref: Reference }): string {
  return `${pidKey(from)} ${refKey(ref)}`
}

function refKey({ node, words, creation }: Reference): string {
  return `${words.join('.')}.${creation}.${node.name}`
}

function addressOf(target: Pid | RegisteredName): readonly [node: string, to: Pid | Atom] {
  return target instanceof Pid ? [target.node.name, target] : [target.node, new Atom(target.name)]
}

function nameOf({ ref, target }: Monitor): {
  readonly ref: Reference
  readonly process: Pid | RegisteredName
} {
  return { ref, process: target }
}
