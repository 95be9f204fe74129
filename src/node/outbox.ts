/**
 * What waits to be sent: whole messages at once, the fragments of large ones as the peer takes them, so
 * that ticks and small messages never wait behind 100 MB.
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
}

export class Outbox {
  readonly #transport: Transport
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
   * Sends the first frame now, and what else there is of the message in turn with others. What is sent
   * in one turn of the event loop leaves together.
   */
  send({ size, frames }: EncodedMessage): void {
    this.#cork()
    const iterator = frames[Symbol.iterator]()
    const { value, done } = iterator.next()
    if (done === true) return
    this.#left += size
    const message = { frames: iterator, next: value, left: size }
    if (this.#writeNext(message)) this.#begun.push(message)
    this.resume()
  }

  /** Goes on with what was begun, as long as the system takes what it is given. */
  resume(): void {
    while (this.#transport.queued < WINDOW) {
      const message = this.#begun.shift()
      if (message === undefined) return
      if (this.#writeNext(message)) this.#begun.push(message)
    }
  }

  /** Hands over all that is left, since nothing will come after it. */
  flush(): void {
    for (const message of this.#begun.splice(0)) while (this.#writeNext(message));
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
