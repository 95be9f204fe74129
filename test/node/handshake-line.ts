/**
 * A line on which a test shakes hands message by message, and stops wherever it likes.
 */
import { encodeFrame, FrameSplitter } from '../../src/dist/frames.ts'
import { connectTcp, listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'

const HOST = '127.0.0.1'

export class HandshakeLine {
  readonly transport: Transport
  readonly #messages: Uint8Array[] = []
  #ended = false
  #wake: () => void = () => {}

  constructor(transport: Transport) {
    this.transport = transport
    const splitter = new FrameSplitter({ headerSize: 2, maxLength: 4096 })
    transport.start({
      data: (chunk) => {
        splitter.push(chunk)
        let message = splitter.next()
        while (message !== undefined) {
          this.#messages.push(message)
          message = splitter.next()
        }
        this.#wake()
      },
      end: () => {
        this.#ended = true
        this.#wake()
      },
    })
  }

  static async open(port: number): Promise<HandshakeLine> {
    return new HandshakeLine(await connectTcp({ host: HOST, port }))
  }

  get ended(): boolean {
    return this.#ended
  }

  send(message: Uint8Array): void {
    for (const chunk of encodeFrame([message], 2)) this.transport.write(chunk)
  }

  /** The next message that comes; `undefined` when the line ends first. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined || this.#ended) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** A message of text, such as a status. */
  async nextText(): Promise<string | undefined> {
    const message = await this.next()
    return message && Buffer.from(message).toString('latin1')
  }

  async untilEnd(): Promise<void> {
    while ((await this.next()) !== undefined);
  }
}

export interface LineListener extends AsyncDisposable {
  readonly port: number
  /** The next line that somebody opens. */
  next(): Promise<HandshakeLine>
}

export async function listenForLines(): Promise<LineListener> {
  const all: HandshakeLine[] = []
  let taken = 0
  let wake = (): void => {}
  const listener = await listenTcp({ host: HOST, port: 0 }, (transport) => {
    all.push(new HandshakeLine(transport))
    wake()
  })
  return {
    port: listener.port,
    async next() {
      for (;;) {
        const line = all[taken]
        if (line !== undefined) {
          taken++
          return line
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async [Symbol.asyncDispose]() {
      for (const line of all) line.transport.destroy()
      await listener.close()
    },
  }
}
