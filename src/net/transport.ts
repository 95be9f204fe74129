/**
 * A stream of bytes to a peer, whatever carries it.
 */

/** Who takes what a transport delivers. */
export interface Receiver {
  /** A chunk as it came, lent until this returns: its memory is that of the next one. */
  data(chunk: Uint8Array): void
  /** The system has taken everything that was queued, after it once could not. */
  drain?(): void
  /** Called once, last: `undefined` when the peer or `close()` ended the stream in order. */
  end(error: Error | undefined): void
}

export interface Transport {
  /** `host:port`, for messages. */
  readonly remote: string
  /** Bytes handed to `write` that the system has not taken yet. */
  readonly queued: number
  /** Begins delivery; until then nothing is read. */
  start(receiver: Receiver): void
  /** Hands a chunk over; it must not be written to any more. Ignored once closed. */
  write(chunk: Uint8Array): void
  /** Collects what is written until `uncork`, so that it leaves together. */
  cork(): void
  uncork(): void
  /**
   * Sends what is queued, then ends this side of the stream; what comes is dropped, until the peer ends
   * its own or `patience` (5,000 ms by default) is over. Harmless when repeated.
   */
  close(patience?: number): void
  /** Ends the stream now and drops what is queued. */
  destroy(): void
  /** An open stream keeps the process alive; this is how it is to begin with. Harmless when repeated. */
  ref(): void
  /** An open stream does not keep the process alive, until `ref`. Harmless when repeated. */
  unref(): void
}

/** A port on which transports arrive. */
export interface Listener {
  readonly port: number
  /** Stops listening; transports that arrived live on. */
  close(): Promise<void>
  /** Listening keeps the process alive; this is how it is to begin with. Harmless when repeated. */
  ref(): void
  /** Listening does not keep the process alive, until `ref`; transports that arrived still do. */
  unref(): void
}
