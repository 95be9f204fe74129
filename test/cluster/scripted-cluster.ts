/**
 * A cluster of nodes that do what a test says: they share a port mapper, are reached as every node is, and
 * count who is connected to them.
 */
import { SPAWN_REPLY_MONITOR } from '../../src/dist/control.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { writeSignal } from '../../src/dist/signals.ts'
import { register } from '../../src/epmd/client.ts'
import { startEpmdServer } from '../../src/epmd/server.ts'
import { Atom, atom, isAtom, isList, Pid, type Term, tuple } from '../../src/etf/index.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Listener, Transport } from '../../src/net/transport.ts'
import type { Connection } from '../../src/node/connection.ts'
import { accept } from '../../src/node/establish.ts'
import { Identity } from '../../src/node/identity.ts'

export const COOKIE: Cookie = new Cookie('secret')

/** What an {@link Answerer} throws for the function to fail with. */
export class Raised extends Error {
  readonly reason: Term
  constructor(reason: Term) {
    super('raised')
    this.reason = reason
  }
}

/** What a called function returns. */
export type Answerer = (module: string, name: string, args: readonly Term[]) => Promise<Term> | Term

/**
 * Besides a node that answers: one that is not registered, one that is and listens no more, one that takes
 * connections and says nothing, or what is no handshake, or no frame after it, one with another cookie, and
 * one that cuts the connection when it is called.
 */
export type Behaviour =
  | Answerer
  | 'absent'
  | 'deaf'
  | 'silent'
  | 'babbling'
  | 'broken'
  | 'foreign'
  | 'cutting'

/** Any call answers with the node's name. */
export const itself: Answerer = () => atom('itself')

/** Any call fails. */
export const failing: Answerer = () => {
  throw new Raised(atom('oops'))
}

/** No call is ever answered. */
export const hanging: Answerer = () => new Promise(() => {})

export interface ScriptedClusterOptions {
  /** Of a port mapper that runs; by default they bring one of their own. */
  readonly epmdPort?: number
  readonly cookie?: Cookie
}

export class ScriptedCluster implements AsyncDisposable {
  /** The nodes that were connected to, in that order, each as often as it was. */
  readonly connected: string[] = []
  /** By which names each node knows those who were connected to it, in that order. */
  readonly clients: Map<string, string[]> = new Map()
  /** How many connections there were at most at once. */
  most = 0
  /** How a sweep reaches them. */
  readonly options: { readonly cookie: Cookie; readonly epmdPort: number }
  readonly #resources: AsyncDisposable[] = []
  readonly #listeners: Listener[] = []
  readonly #transports = new Map<Transport, string>()

  private constructor(cookie: Cookie, epmdPort: number) {
    this.options = { cookie, epmdPort }
  }

  static async start(
    nodes: Readonly<Record<string, Behaviour>> = {},
    { epmdPort, cookie = COOKIE }: ScriptedClusterOptions = {},
  ): Promise<ScriptedCluster> {
    // A connection for each name that is registered, and a look-up for each node that is asked.
    const own =
      epmdPort === undefined ? await startEpmdServer({ maxConnections: 2_000 }) : undefined
    const cluster = new ScriptedCluster(cookie, epmdPort ?? own?.port ?? 0)
    if (own !== undefined) cluster.#resources.push(own)
    for (const [name, behaviour] of Object.entries(nodes)) await cluster.#add(name, behaviour)
    return cluster
  }

  /** The nodes that are connected now. */
  get open(): readonly string[] {
    return [...this.#transports.values()]
  }

  async #add(name: string, behaviour: Behaviour): Promise<void> {
    if (behaviour === 'absent') return
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) =>
      this.#accept(name, behaviour, transport),
    )
    const { alive } = parseNodeName(name)
    const registrant = { name: alive, port: listener.port, kind: 'normal' } as const
    const epmd = { host: '127.0.0.1', port: this.options.epmdPort }
    this.#resources.push(await register(registrant, epmd))
    if (behaviour === 'deaf') await listener.close()
    else this.#listeners.push(listener)
  }

  /** Cuts all connections of a node. */
  cut(node: string): void {
    for (const [transport, name] of this.#transports) if (name === node) transport.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) await listener.close()
    for (const transport of this.#transports.keys()) transport.destroy()
    for (const resource of this.#resources) await resource[Symbol.asyncDispose]()
  }

  #accept(name: string, behaviour: Behaviour, transport: Transport): void {
    this.connected.push(name)
    this.#transports.set(transport, name)
    this.most = Math.max(this.most, this.#transports.size)
    const end = (): void => {
      this.#transports.delete(transport)
    }
    if (behaviour === 'silent' || behaviour === 'babbling') {
      transport.start({ data() {}, end })
      if (behaviour === 'babbling') transport.write(Buffer.from('220 mail.example.org ESMTP\r\n'))
      return
    }
    const self = new Identity(parseNodeName(name))
    let connection: Connection | undefined
    const receiver: Parameters<typeof accept>[1] = {
      open: (opened) => {
        connection = opened
        const clients = this.clients.get(name) ?? []
        this.clients.set(name, [...clients, opened.connected.peer.name.full])
        // A frame of one byte, 255, which no message begins with.
        if (behaviour === 'broken') transport.write(Uint8Array.of(0, 0, 0, 1, 255))
      },
      message(control, payload) {
        if (control.type !== 'spawn_request' || connection === undefined) return
        if (behaviour === 'cutting') transport.destroy()
        if (typeof behaviour !== 'function') return
        const { reqId, from } = control
        const process = new Pid(self.atom, 100, 0, self.creation)
        const spawned = { type: 'spawn_reply', reqId, to: from, result: process } as const
        connection.send({ ...spawned, flags: SPAWN_REPLY_MONITOR })
        const flags = connection.connected.flags
        void outcomeOf(behaviour, payload?.decode()).then((reason) => {
          const down = { type: 'down', from: process, to: from, ref: reqId, reason } as const
          const signal = writeSignal(down, flags)
          if (signal !== undefined && connection?.isOpen) {
            connection.send(signal.control, signal.payload)
          }
        })
      },
      end,
    }
    const cookie = behaviour === 'foreign' ? new Cookie('another') : this.options.cookie
    accept(transport, receiver, { self, cookie, admit: () => 'ok' }).catch(end)
  }
}

/** The exit reason in which `erpc:execute_call/4` has its result. */
async function outcomeOf(answerer: Answerer, request: Term | undefined): Promise<Term> {
  const [reference, module, name, args] = isList(request) ? request : []
  if (reference === undefined || !isAtom(module) || !isAtom(name) || !isList(args)) {
    return new Atom('badarg')
  }
  try {
    return tuple(reference, atom('return'), await answerer(module.name, name.name, args))
  } catch (error) {
    if (!(error instanceof Raised)) throw error
    return tuple(reference, atom('error'), error.reason, [])
  }
}
