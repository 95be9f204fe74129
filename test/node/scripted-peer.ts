/**
 * A peer that does what a real node cannot be made to do: it shakes hands, and the test does the rest.
 */
import type { ControlMessage } from '../../src/dist/control.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import type { Payload } from '../../src/dist/payload.ts'
import type { Term } from '../../src/etf/index.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'
import type { Connection, MessageReceiver } from '../../src/node/connection.ts'
import { accept } from '../../src/node/establish.ts'
import { HiddenNode, type HiddenNodeOptions } from '../../src/node/hidden-node.ts'
import { Identity } from '../../src/node/identity.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'

export const PEER_NAME = 'peer@127.0.0.1'
export const COOKIE: Cookie = new Cookie('secret')

/** Frames can then be written down by hand. */
const WITHOUT_HEADER = CLIENT_FLAGS & ~(flag.DIST_HDR_ATOM_CACHE | flag.FRAGMENTS)

export interface Received {
  readonly control: ControlMessage
  readonly payload: Term | undefined
}

export class ScriptedPeer implements MessageReceiver {
  readonly received: Received[] = []
  readonly identity: Identity = new Identity(parseNodeName(PEER_NAME))
  ended = false
  transport: Transport | undefined
  connection: Connection | undefined
  port = 0
  #stopListening: () => Promise<void> = async () => {}
  #waiting: (() => void)[] = []

  static async start(): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer()
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) => {
      peer.transport = transport
      const options = { self: peer.identity, cookie: COOKIE, admit: () => 'ok' as const }
      accept(transport, peer, options).catch(() => {})
    })
    peer.port = listener.port
    peer.#stopListening = () => listener.close()
    return peer
  }

  /** A client of this peer; with nothing else said, one whose frames have no distribution header. */
  connect(options: Partial<HiddenNodeOptions> = {}): Promise<RemoteNode> {
    const defaults = { cookie: COOKIE, port: this.port, flags: WITHOUT_HEADER }
    return new HiddenNode({ ...defaults, ...options }).connect(PEER_NAME)
  }

  open(connection: Connection): void {
    this.connection = connection
  }

  message(control: ControlMessage, payload: Payload | undefined): void {
    this.received.push({ control, payload: payload?.decode() })
    for (const wake of this.#waiting.splice(0)) wake()
  }

  end(): void {
    this.ended = true
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The n-th message that came, from 0; waits for it. */
  async nth(index: number): Promise<Received> {
    for (;;) {
      const message = this.received[index]
      if (message !== undefined) return message
      if (this.ended) throw new Error(`the connection ended before message ${index}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** The n-th message, which has to be a spawn request. */
  async nthRequest(index: number): Promise<ControlMessage & { readonly type: 'spawn_request' }> {
    const { control } = await this.nth(index)
    if (control.type !== 'spawn_request') throw new Error(`${control.type} is no spawn request`)
    return control
  }

  /** Waits until the client closed the connection. */
  async untilEnd(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  send(control: ControlMessage, payload?: Term): void {
    this.connection?.send(control, payload)
  }

  /** Sends bytes as they are, frame or not. */
  sendRaw(...bytes: readonly number[]): void {
    this.transport?.write(Uint8Array.from(bytes))
  }

  async close(): Promise<void> {
    this.transport?.destroy()
    await this.#stopListening()
  }
}
