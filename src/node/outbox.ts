/**
 * What waits to be sent: whole messages at once, the fragments of large ones as the peer takes them, so
 * that ticks and small messages never wait behind 100 MB. What one process sends stays in its order.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#fragments
 */
import type { EncodedMessage } from '../dist/message-encoder.ts'
import type { Transport } from '../net/transport.ts'

/** Fragments are handed to the system while less than this waits there: 16 of the BEAM's own size. */
const WINDOW = 1024 * 1024

/** A message of which a part was sent. */
interface Begun {
  readonly frames: Iterator<readonly Uint8Array[]>
  /** The frame that comes next. */
  next: readonly Uint8Array[]
  /** Bytes still to come. */
  left: number
  readonly sender: Sender | undefined
}

/** Whose messages must not overtake each other. */
export type Sender = object

export class Outbox {
  readonly #transport: Transport
  /** By the sender of a message that was begun, those that have to wait for its end. */
  readonly #behind = new Map<Sender, EncodedMessage[]>()
  /** The next to have its turn first. */
  readonly #begun: Begun[] = []
  /** Of all that was begun, bytes still to come. */
  #left = 0
  #isCorked = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Bytes that wait, here and in the transport. */
  get queued(): number {
    return this.#left + this.#transport.queued
  }

  /**
   * Sends the first frame now, and what else there is of the message in turn with others; all of it
   * after what the same sender sent before. What is sent in one turn of the event loop leaves together.
   */
  send(message: EncodedMessage, sender?: Sender): void {
    this.#cork()
    this.#left += message.size
    const before = sender === undefined ? undefined : this.#behind.get(sender)
    if (before === undefined) this.#begin(message, sender)
    else before.push(message)
    this.resume()
  }

  /** Whether what this sender sends has to wait for what it sent before. */
  holdsBack(sender: Sender | undefined): boolean {
    return sender !== undefined && this.#behind.has(sender)
  }

  /** Goes on with what was begun, as long as the system takes what it is given. */
  resume(): void {
    while (this.#transport.queued < WINDOW) {
      if (!this.#proceed()) return
    }
  }

  /** Hands over all that is left, since nothing will come after it. */
  flush(): void {
    while (this.#proceed());
  }

  /** Lets go of all that is left: nothing more will be taken. */
  drop(): void {
    this.#begun.length = 0
    this.#behind.clear()
    this.#left = 0
  }

  /** Writes one frame of the message whose turn it is; says whether there was one. */
  #proceed(): boolean {
    const message = this.#begun.shift()
    if (message === undefined) return false
    if (this.#writeNext(message)) this.#begun.push(message)
    else if (message.sender !== undefined) this.#beginNextOf(message.sender)
    return true
  }

  #begin({ size, frames }: EncodedMessage, sender: Sender | undefined): void {
    const iterator = frames[Symbol.iterator]()
    const { value, done } = iterator.next()
    if (done === true) return
    const message = { frames: iterator, next: value, left: size, sender }
    if (!this.#writeNext(message)) return
    this.#begun.push(message)
    if (sender !== undefined && !this.#behind.has(sender)) this.#behind.set(sender, [])
  }

  /** Begins what waited for a message that is sent, up to the next one that takes its time. */
  #beginNextOf(sender: Sender): void {
    const waiting = this.#behind.get(sender)
    this.#behind.delete(sender)
    for (let next = waiting?.shift(); next !== undefined; next = waiting?.shift()) {
      this.#begin(next, sender)
      if (waiting !== undefined && this.#behind.has(sender)) {
        this.#behind.set(sender, waiting)
        return
      }
    }
  }

  /** Writes the next frame of a message; says whether there is another. */
  #writeNext(message: Begun): boolean {
    for (const chunk of message.next) {
      this.#transport.write(chunk)
      // Headers were not counted in.
      const counted = Math.min(chunk.length, message.left)
      message.left -= counted
      this.#left -= counted
    }
    const { value, done } = message.frames.next()
    if (done === true) return false
    message.next = value
    return true
  }

  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport.cork()
    queueMicrotask(() => {
      this.#isCorked = false
      this.#transport.uncork()
    })
  }
}
