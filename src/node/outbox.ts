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
  /** Bytes still to come. */
  left: number
}

export class Outbox {
  readonly #transport: Transport
  /** The next to have its turn first. */
  readonly #begun: Begun[] = []
  #isCorked = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Bytes that wait, here and in the transport. */
  get queued(): number {
    return this.#begun.reduce((sum, { left }) => sum + left, this.#transport.queued)
  }

  /**
   * Sends the first frame now, and what else there is of the message in turn with others. What is sent
   * in one turn of the event loop leaves together.
   */
  send({ size, frames }: EncodedMessage): void {
    this.#cork()
    const message = { frames: frames[Symbol.iterator](), left: size }
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

  /** Writes the next frame of a message; says whether there was one. */
  #writeNext(message: Begun): boolean {
    const { value, done } = message.frames.next()
    if (done === true) return false
    for (const chunk of value) {
      this.#transport.write(chunk)
      message.left = Math.max(0, message.left - chunk.length)
    }
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
