/**
 * A transport without a socket: what comes is handed over at once, and what is sent is kept.
 */
import type { Receiver, Transport } from '../src/net/transport.ts'

export class FakeTransport implements Transport {
  readonly remote = 'fake:1'
  readonly queued = 0
  /** All that was written. */
  readonly written: Uint8Array[] = []
  #receiver: Receiver | undefined
  #memory = new Uint8Array(1024)
  #isOpen = true

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** A chunk arrives, in memory that is overwritten right after: whoever keeps a part has to copy it. */
  deliver(chunk: Uint8Array): void {
    if (!this.#isOpen) return
    if (chunk.length > this.#memory.length) this.#memory = new Uint8Array(chunk.length * 2)
    this.#memory.set(chunk)
    this.#receiver?.data(this.#memory.subarray(0, chunk.length))
    this.#memory.fill(0xee, 0, chunk.length)
  }

  /** The peer is gone. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#receiver?.end(undefined)
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
  }

  write(chunk: Uint8Array): void {
    if (this.#isOpen) this.written.push(chunk)
  }

  close(): void {
    this.#endLater()
  }

  destroy(): void {
    this.#endLater()
  }

  cork(): void {}
  uncork(): void {}
  ref(): void {}
  unref(): void {}

  /** Never from within a call, as with a socket. */
  #endLater(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    queueMicrotask(() => this.#receiver?.end(undefined))
  }
}
