/**
 * Pages that are open, to which each answer of their node is pushed.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { messageOf } from '../errors.ts'
import { hintOf } from '../present/error-text.ts'
import { TooManyError } from './errors.ts'
import type { Observations, ObservedNode } from './observations.ts'
import type { Page } from './page.ts'

const MAX_VIEWERS = 64

/** Seconds after which a browser may try again. */
const RETRY_AFTER = 30

/** Messages that wait for a reader, besides the one that is being written. Whoever is slower is dropped. */
const MAX_QUEUED = 2

/** Between two signs of life, in milliseconds: proxies cut what is silent for a minute or half of one. */
const HEARTBEAT = 15_000

/** After it was dropped a browser comes back, after so many milliseconds. */
const RETRY = 2_000

interface Viewer {
  readonly node: ObservedNode
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  /** Ends its connection at once, with whatever was not read. */
  readonly drop: () => void
}

const encoder = new TextEncoder()

export class Viewers {
  readonly #page: Page
  readonly #viewers = new Set<Viewer>()
  readonly #stop: () => void
  #heartbeat: NodeJS.Timeout | undefined

  constructor(observations: Observations, page: Page) {
    this.#page = page
    this.#stop = observations.listen((node) => this.#tell(node))
  }

  get count(): number {
    return this.#viewers.size
  }

  /**
   * What a viewer reads, beginning with what is known.
   *
   * @throws {TooManyError}
   */
  open(node: ObservedNode, drop: () => void): ReadableStream<Uint8Array> {
    if (this.#viewers.size >= MAX_VIEWERS) {
      throw new TooManyError(503, `${MAX_VIEWERS} pages are open already`, RETRY_AFTER)
    }
    let viewer: Viewer | undefined
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          viewer = { node, controller, drop }
          this.#viewers.add(viewer)
          this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT)
          const known = this.#message(node) ?? ''
          controller.enqueue(encoder.encode(`retry: ${RETRY}\n\n${known}`))
        },
        cancel: () => {
          if (viewer !== undefined) this.#remove(viewer)
        },
      },
      new CountQueuingStrategy({ highWaterMark: MAX_QUEUED }),
    )
  }

  /** Ends all of them, as a server does that goes. */
  close(): void {
    this.#stop()
    for (const viewer of this.#viewers) {
      this.#remove(viewer)
      viewer.controller.close()
    }
  }

  #tell(node: ObservedNode): void {
    // By name: who was forgotten and came back is another object.
    const theirs = [...this.#viewers].filter((viewer) => viewer.node.node === node.node)
    if (theirs.length === 0) return
    const message = this.#message(node)
    if (message === undefined) return
    const bytes = encoder.encode(message)
    for (const viewer of theirs) this.#push(viewer, bytes)
  }

  #beat(): void {
    const bytes = encoder.encode(':\n\n')
    for (const viewer of this.#viewers) this.#push(viewer, bytes)
  }

  #push(viewer: Viewer, bytes: Uint8Array): void {
    if ((viewer.controller.desiredSize ?? 0) > 0) {
      viewer.controller.enqueue(bytes)
      return
    }
    this.#remove(viewer)
    viewer.drop()
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer)
    if (this.#viewers.size > 0) return
    clearInterval(this.#heartbeat)
    this.#heartbeat = undefined
  }

  /** `undefined` before anything is known. */
  #message(node: ObservedNode): string | undefined {
    const { silence } = node
    if (silence !== undefined) {
      const { error } = silence
      return eventText('failure', { message: messageOf(error), hint: hintOf(error) ?? '' })
    }
    const update = this.#page.update(node)
    return update === undefined ? undefined : eventText('sample', update)
  }
}

/** JSON has no line end of its own. */
function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
