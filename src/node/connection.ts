/**
 * One connection to one node, from the end of the handshake on: ticks, and messages both ways.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { type ControlMessage, ControlMessageError } from '../dist/control.ts'
import type { CLIENT_FLAGS } from '../dist/flags.ts'
import { type FrameSplitter, TICK } from '../dist/frames.ts'
import type { Connected } from '../dist/handshake.ts'
import { MessageDecoder } from '../dist/message-decoder.ts'
import { MessageEncoder } from '../dist/message-encoder.ts'
import type { Payload } from '../dist/payload.ts'
import type { Term } from '../etf/index.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import type { Transport } from '../net/transport.ts'
import { createDeferred } from './deferred.ts'
import { publish } from './diagnostics.ts'
import {
  ConnectionLostError,
  NotConnectedError,
  SendQueueFullError,
  SilentPeerError,
} from './errors.ts'
import { Outbox, type Sender } from './outbox.ts'

/** The longest frame that is believed: a snapshot of 128 schedulers takes 1.5 MB. */
const DEFAULT_MAX_FRAME_SIZE = 256 * 1024 * 1024

/** What may wait for the peer to read, in bytes; one message may be larger. */
const MAX_QUEUED = 256 * 1024 * 1024

/** `kernel`'s `net_ticktime`, 60 s; a node that hears nothing for so long cuts the connection. */
const DEFAULT_NET_TICK_TIME = 60_000

/** For the peer to take what is queued. */
const DEFAULT_CLOSE_TIMEOUT = 5_000

/** `kernel`'s `net_tickintensity`: so many ticks in a tick time. */
const NET_TICK_INTENSITY = 4

export interface ConnectionOptions {
  /** The capability flags that are offered to the peer. Default {@link CLIENT_FLAGS}. */
  readonly flags?: bigint | undefined
  /** Milliseconds of silence after which the peer counts as lost. Default 60 s, as OTP's. */
  readonly netTickTime?: number | undefined
  /** The longest frame that is accepted, and the longest message, in bytes. Default 256 MiB. */
  readonly maxFrameSize?: number | undefined
}

/** Who takes what a connection delivers. */
export interface MessageReceiver {
  /** Called once, first. */
  open(connection: Connection): void
  message(control: ControlMessage, payload: Payload | undefined): void
  /** Called once, last. */
  end(error: ConnectionLostError | NotConnectedError): void
}

/** What was counted since the connection stands. */
export interface ConnectionCounters {
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly bytesReceived: number
  readonly ticksReceived: number
  /** Control messages that could not be read and were dropped. */
  readonly messagesDropped: number
}

/** A connection that stands. */
export class Connection {
  readonly connected: Connected
  readonly #transport: Transport
  readonly #splitter: FrameSplitter
  readonly #decoder: MessageDecoder
  readonly #encoder: MessageEncoder
  readonly #outbox: Outbox
  readonly #receiver: MessageReceiver
  readonly #netTickTime: number
  readonly #ticker: NodeJS.Timeout
  readonly #finished = createDeferred()
  #error: ConnectionLostError | NotConnectedError | undefined
  #wroteSinceTick = false
  #lastReceived: number = performance.now()
  #messagesSent = 0
  #messagesReceived = 0
  #bytesReceived = 0
  #ticksReceived = 0
  #messagesDropped = 0

  /** After the handshake; `splitter` may hold frames that came with its last message. */
  constructor(
    transport: Transport,
    splitter: FrameSplitter,
    connected: Connected,
    receiver: MessageReceiver,
    options: ConnectionOptions = {},
  ) {
    this.connected = connected
    this.#transport = transport
    this.#splitter = splitter
    const maxLength = options.maxFrameSize ?? DEFAULT_MAX_FRAME_SIZE
    splitter.switchTo({ headerSize: 4, maxLength })
    this.#decoder = new MessageDecoder(connected.flags, { maxMessageSize: maxLength })
    this.#encoder = new MessageEncoder(connected.flags)
    this.#outbox = new Outbox(transport)
    this.#receiver = receiver
    this.#netTickTime = options.netTickTime ?? DEFAULT_NET_TICK_TIME
    this.#ticker = setInterval(() => this.#tick(), this.#netTickTime / NET_TICK_INTENSITY)
    // What is waited for keeps the process alive, by its own timer.
    this.#ticker.unref()
    transport.unref()
  }

  /** The peer's: `host:port`. */
  get address(): string {
    return this.#transport.remote
  }

  get isOpen(): boolean {
    return this.#error === undefined
  }

  /** Why it has ended; `undefined` while it stands. */
  get error(): ConnectionLostError | NotConnectedError | undefined {
    return this.#error
  }

  /** Resolves when nothing of it is left, after what was queued when it was closed has been sent. */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get counters(): ConnectionCounters {
    return {
      messagesSent: this.#messagesSent,
      messagesReceived: this.#messagesReceived,
      bytesReceived: this.#bytesReceived,
      ticksReceived: this.#ticksReceived,
      messagesDropped: this.#messagesDropped,
    }
  }

  /**
   * Sends a message. A small one may arrive before a large one that was sent earlier, unless both have
   * the same sender.
   *
   * @throws {NotConnectedError} when the connection is closed
   * @throws {SendQueueFullError} when the peer has not read what was sent before
   * @throws {EncodeError} when the payload is no term
   */
  send(control: ControlMessage, payload?: Term, sender?: Sender): void {
    if (this.#error !== undefined) throw new NotConnectedError(this.connected.peer.name.full)
    if (this.#outbox.queued > MAX_QUEUED) {
      throw new SendQueueFullError(this.connected.peer.name.full, MAX_QUEUED)
    }
    const isNext = !this.#outbox.holdsBack(sender)
    this.#outbox.send(this.#encoder.encodeFrames(control, payload, isNext), sender)
    this.#messagesSent += 1
    this.#wroteSinceTick = true
  }

  /**
   * Sends what is queued and closes; resolves when the peer has read it all and closed too, or after the
   * time-out (default 5 s, 0 for not at all), when what is left is dropped. Harmless when repeated.
   *
   * @throws the signal's reason, after everything was dropped
   */
  async close({ timeout = DEFAULT_CLOSE_TIMEOUT, signal }: Waiting = {}): Promise<void> {
    if (timeout !== 0) checkTimeout('timeout', timeout)
    if (this.#error === undefined) {
      this.#end(new NotConnectedError(this.connected.peer.name.full))
      this.#outbox.flush()
      this.#transport.close(timeout)
    }
    const what = `closing the connection to ${this.connected.peer.name.full}`
    const stop = startDeadline(what, timeout, signal, () => this.#transport.destroy())
    await this.#finished.promise
    stop()
    signal?.throwIfAborted()
  }

  /** Cuts the connection now. */
  abort(cause: unknown): void {
    if (this.#error !== undefined) return
    this.#transport.destroy()
    this.#outbox.drop()
    this.#end(new ConnectionLostError(this.connected.peer.name.full, cause))
  }

  /** Whether the connection keeps the process alive; at first it does not. */
  keepAlive(yes: boolean): void {
    if (yes) this.#transport.ref()
    else this.#transport.unref()
  }

  /** The transport can take more. */
  resume(): void {
    if (this.#error === undefined) this.#outbox.resume()
  }

  /** Takes the frames that have come together in the splitter. */
  receive(): void {
    this.#lastReceived = performance.now()
    try {
      for (;;) {
        const frame = this.#error === undefined ? this.#splitter.next() : undefined
        if (frame === undefined) return
        this.#bytesReceived += 4 + frame.length
        this.#take(frame)
      }
    } catch (error) {
      // Where the next message begins, or what its atoms are, is not known any more.
      this.abort(error)
    }
  }

  /** The transport ended. */
  lost(cause: Error | undefined): void {
    this.#finished.resolve()
    if (this.#error !== undefined) return
    this.#outbox.drop()
    this.#end(new ConnectionLostError(this.connected.peer.name.full, cause))
  }

  #take(frame: Uint8Array): void {
    let received: ReturnType<MessageDecoder['decode']>
    try {
      received = this.#decoder.decode(frame)
    } catch (error) {
      if (!(error instanceof ControlMessageError)) throw error
      // The frames around it are whole: this message alone is lost.
      this.#messagesDropped += 1
      return
    }
    if (received.kind === 'tick') {
      this.#ticksReceived += 1
      this.#tellOfTick('received')
    }
    if (received.kind !== 'message') return
    this.#messagesReceived += 1
    this.#receiver.message(received.control, received.payload)
  }

  #tick(): void {
    // When the program was busy, timers come first: what has arrived meanwhile is yet to be read.
    if (this.#isSilent()) setImmediate(() => this.#giveUpIfSilent())
    if (!this.#wroteSinceTick) {
      this.#transport.write(TICK)
      this.#tellOfTick('sent')
    }
    this.#wroteSinceTick = false
  }

  #isSilent(): boolean {
    return performance.now() - this.#lastReceived > this.#netTickTime
  }

  #giveUpIfSilent(): void {
    if (!this.#isSilent()) return
    this.abort(new SilentPeerError(this.connected.peer.name.full, this.#netTickTime))
  }

  #tellOfTick(direction: 'sent' | 'received'): void {
    publish('beamscope:tick', () => ({ node: this.connected.peer.name.full, direction }))
  }

  #end(error: ConnectionLostError | NotConnectedError): void {
    this.#error = error
    clearInterval(this.#ticker)
    publish('beamscope:close', () => ({ node: this.connected.peer.name.full, error }))
    this.#receiver.end(error)
  }
}
