/**
 * A node that answers from a recording over a real socket: for a demonstration without Erlang, and in
 * place of a node in tests.
 *
 * It is reached as every node is (EPMD, handshake, cookie) and carries out nothing: calls are looked up.
 */
import type { Introduction } from '../dist/accept-handshake.ts'
import { type ControlMessage, SPAWN_REPLY_MONITOR } from '../dist/control.ts'
import type { Cookie } from '../dist/cookie.ts'
import type { HandshakeStatus } from '../dist/handshake-messages.ts'
import { parseNodeName } from '../dist/node-name.ts'
import type { Payload } from '../dist/payload.ts'
import { writeSignal } from '../dist/signals.ts'
import { Atom, DecodeError, isAtom, isList, isTuple, Pid, type Term, Tuple } from '../etf/index.ts'
import { listenTcp } from '../net/tcp.ts'
import type { Listener, Transport } from '../net/transport.ts'
import type { Connection, MessageReceiver } from '../node/connection.ts'
import { accept } from '../node/establish.ts'
import { Identity } from '../node/identity.ts'
import { type Loan, NamePool } from '../node/name-pool.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { Answers, type Outcome } from './answers.ts'

/** More clients than this are turned away. */
const MAX_CONNECTIONS = 1_000

export interface ReplayNodeOptions {
  readonly name: string
  readonly cookie: Cookie
  /** What it answers from; a function is asked at each call. */
  readonly recording: RawSnapshot | (() => RawSnapshot)
  /** Where to listen. Default: a free port of the loopback interface. */
  readonly host?: string
  readonly port?: number
}

export class ReplayNode implements AsyncDisposable {
  readonly name: string
  readonly creation: number
  readonly #identity: Identity
  readonly #options: ReplayNodeOptions
  readonly #answers: Answers
  readonly #transports = new Set<Transport>()
  readonly #names = new NamePool()
  #listener: Listener | undefined

  private constructor(options: ReplayNodeOptions) {
    const name = parseNodeName(options.name)
    this.name = name.full
    this.#identity = new Identity(name)
    this.creation = this.#identity.creation
    this.#options = options
    const { recording } = options
    const read = typeof recording === 'function' ? recording : () => recording
    this.#answers = new Answers(() => ({ ...read(), node: name.full }))
  }

  /**
   * Starts listening. Registering in an EPMD is the caller's choice.
   *
   * @throws {InvalidNodeNameError} when `name` is no node name
   * @throws {SocketError} when the port cannot be had
   */
  static async start(options: ReplayNodeOptions): Promise<ReplayNode> {
    const node = new ReplayNode(options)
    const { host = '127.0.0.1', port = 0 } = options
    node.#listener = await listenTcp({ host, port }, (transport) => node.#accept(transport))
    return node
  }

  /** The port that a client is to dial. */
  get port(): number {
    return this.#listener?.port ?? 0
  }

  /** Stops listening and cuts all connections. */
  async close(): Promise<void> {
    await this.#listener?.close()
    for (const transport of this.#transports) transport.destroy()
    this.#transports.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(transport: Transport): void {
    if (this.#transports.size >= MAX_CONNECTIONS) {
      transport.destroy()
      return
    }
    this.#transports.add(transport)
    let loan: Loan | undefined
    const admit = ({ name, host }: Introduction): HandshakeStatus => {
      if (name !== undefined) return 'ok'
      loan = this.#names.lend(host)
      return loan.status
    }
    const end = (wasConnected: boolean): void => {
      this.#transports.delete(transport)
      loan?.end(wasConnected)
    }
    const session = new Session(this.#identity, this.#answers, () => end(true))
    const options = { self: this.#identity, cookie: this.#options.cookie, admit }
    // A client that fails the handshake is its own business; the others go on.
    accept(transport, session, options).catch(() => end(false))
  }
}

/** One client. */
class Session implements MessageReceiver {
  readonly #identity: Identity
  readonly #answers: Answers
  readonly #ended: () => void
  #connection: Connection | undefined
  #processes = 100

  constructor(identity: Identity, answers: Answers, ended: () => void) {
    this.#identity = identity
    this.#answers = answers
    this.#ended = ended
  }

  open(connection: Connection): void {
    this.#connection = connection
  }

  end(): void {
    this.#ended()
  }

  message(control: ControlMessage, payload: Payload | undefined): void {
    const term = decodeOrDrop(payload)
    switch (control.type) {
      case 'spawn_request':
        this.#spawn(control, term)
        break
      case 'reg_send':
        this.#registered(control.toName.name, term)
        break
      default:
        break
    }
  }

  /** A request of `erpc:call/5`: the result is the exit reason of the process that it asks for. */
  #spawn(
    request: ControlMessage & { readonly type: 'spawn_request' },
    args: Term | undefined,
  ): void {
    const { reqId, from, mfa } = request
    const process = this.#newPid()
    this.#connection?.send({
      type: 'spawn_reply',
      reqId,
      to: from,
      flags: SPAWN_REPLY_MONITOR,
      result: process,
    })
    const erpc = mfa.module.name === 'erpc' && mfa.function.name === 'execute_call'
    const [result, module, name, list] = isList(args) ? args : []
    let reason: Term
    if (erpc && result !== undefined && isAtom(module) && isAtom(name) && isList(list)) {
      reason = erpcReason(result, this.#answers.answer(module.name, name.name, list))
    } else {
      reason = new Tuple([new Atom('undef'), []])
    }
    const flags = this.#connection?.connected.flags ?? 0n
    const down = writeSignal({ type: 'down', from: process, to: from, ref: reqId, reason }, flags)
    if (down !== undefined) this.#connection?.send(down.control, down.payload)
  }

  /** `{'$gen_call', {From, Tag}, Request}` to `rex`, or to `net_kernel`, which `net_adm:ping` asks. */
  #registered(server: string, message: Term | undefined): void {
    if (!isTuple(message, 3) || !isAtom(message.elements[0], '$gen_call')) return
    const [, client, request] = message.elements
    if (!isTuple(client, 2) || !isTuple(request)) return
    const [from, tag] = client.elements
    if (!(from instanceof Pid) || tag === undefined) return
    const reply = server === 'rex' ? this.#rex(request) : netKernel(server, request)
    if (reply === undefined) return
    this.#connection?.send({ type: 'send', toPid: from }, new Tuple([tag, reply]))
  }

  #rex(request: Tuple): Term | undefined {
    const [kind, module, name, args] = request.elements
    if (!isAtom(kind, 'call') || !isAtom(module) || !isAtom(name) || !isList(args)) return undefined
    const outcome = this.#answers.answer(module.name, name.name, args)
    if (outcome.type === 'return') return outcome.value
    const exit = new Tuple([new Atom('EXIT'), new Tuple([outcome.reason, outcome.stack])])
    return new Tuple([new Atom('badrpc'), exit])
  }

  #newPid(): Pid {
    this.#processes += 1
    const { atom, creation } = this.#identity
    // 15 bits of id, as all releases take them.
    return new Pid(atom, this.#processes % 2 ** 15, 0, creation)
  }
}

function erpcReason(result: Term, outcome: Outcome): Tuple {
  return outcome.type === 'return'
    ? new Tuple([result, new Atom('return'), outcome.value])
    : new Tuple([result, new Atom('error'), outcome.reason, outcome.stack])
}

function netKernel(server: string, request: Tuple): Term | undefined {
  const asked = server === 'net_kernel' && isAtom(request.elements[0], 'is_auth')
  return asked ? new Atom('yes') : undefined
}

/** A message that cannot be decoded is dropped: it says neither what it asks nor who. */
function decodeOrDrop(payload: Payload | undefined): Term | undefined {
  try {
    return payload?.decode()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
