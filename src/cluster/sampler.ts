/**
 * Takes snapshots of nodes again and again, over connections that are kept: for whoever watches, records or
 * serves what they say.
 */
import { setMaxListeners } from 'node:events'
import type { Snapshot } from '../analysis/snapshot.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { createDeferred } from '../node/deferred.ts'
import { NodeClosedError } from '../node/errors.ts'
import { probe } from '../probe/probe.ts'
import { type RawSnapshot, toSnapshot } from '../probe/raw-snapshot.ts'
import { type AccessOptions, type LastingAccess, openLastingAccess } from './access.ts'
import { DEFAULT_NODE_TIMEOUT, NODE_TIMEOUT_OPTION } from './bounds.ts'
import { Slots } from './slots.ts'

export interface SamplerOptions extends AccessOptions {
  /** How many nodes are asked at a time: 16 by default. */
  readonly concurrency?: number | undefined
}

/** A snapshot of a node. */
export interface Sample {
  readonly type: 'sample'
  readonly node: string
  /** When it was taken, in milliseconds since 1970. */
  readonly time: number
  readonly raw: RawSnapshot
  readonly snapshot: Snapshot
}

/** Why there is none. */
export interface SampleFailure {
  readonly type: 'failure'
  readonly node: string
  /** When that was known, in milliseconds since 1970. */
  readonly time: number
  readonly error: unknown
}

export type Sampled = Sample | SampleFailure

export interface SamplesOptions extends Waiting {
  /** Milliseconds from one sample of a node to the next. */
  readonly interval: number
}

/** Keeps a connection to each node that it was asked for, and connects again when that was lost. */
export class Sampler implements AsyncDisposable {
  readonly #options: SamplerOptions
  readonly #slots: Slots
  readonly #closing = new AbortController()
  /** By node, what is being asked. */
  readonly #asked = new Map<string, Promise<Sampled>>()
  #access: Promise<LastingAccess> | undefined

  /** @throws {RangeError} when `concurrency` is none */
  constructor(options: SamplerOptions = {}) {
    this.#options = options
    this.#slots = new Slots(options.concurrency)
    // Each call listens, of as many nodes as are asked at a time.
    setMaxListeners(0, this.#closing.signal)
  }

  /**
   * A snapshot of a node, or why there is none. A node is asked one question at a time: whoever asks meanwhile
   * has its answer too, by the time-out of who asked first (10 s by default).
   *
   * @throws the signal's reason
   * @throws {NodeClosedError} when the sampler was closed
   * @throws {CookieFileError | InvalidCookieError | NoCookieError} when no cookie is given, and none found
   * @throws {RangeError} when the time-out is none
   */
  async sample(node: string, { timeout, signal }: Waiting = {}): Promise<Sampled> {
    if (timeout !== undefined) checkTimeout('timeout', timeout)
    signal?.throwIfAborted()
    this.#closing.signal.throwIfAborted()
    let asked = this.#asked.get(node)
    if (asked === undefined) {
      asked = this.#slots
        .use(() => this.#ask(node, timeout ?? DEFAULT_NODE_TIMEOUT))
        .finally(() => this.#asked.delete(node))
      this.#asked.set(node, asked)
    }
    return orAborted(asked, signal)
  }

  /**
   * One sample of each node at once, then one at each multiple of the interval. A node that is slow, or an
   * answer that nobody has taken yet, is not asked again: its turns are left out. Which nodes there are is looked
   * up at each turn.
   *
   * @throws the signal's reason, and whatever {@link sample} throws
   * @throws {RangeError} when the interval is none
   */
  async *samples(
    nodes: Iterable<string>,
    { interval, timeout, signal }: SamplesOptions,
  ): AsyncGenerator<Sampled, never, undefined> {
    checkTimeout('interval', interval)
    const results: Sampled[] = []
    const busy = new Set<string>()
    let failure: { readonly reason: unknown } | undefined
    let arrival = createDeferred()
    const ask = (node: string): void => {
      if (busy.has(node)) return
      busy.add(node)
      this.sample(node, { ...(timeout !== undefined && { timeout }), signal }).then(
        (sampled) => {
          results.push(sampled)
          arrival.resolve()
        },
        (reason: unknown) => {
          failure ??= { reason }
          arrival.resolve()
        },
      )
    }
    const askAll = (): void => {
      for (const node of nodes) ask(node)
    }
    const stopWaiting = startDeadline('', undefined, signal, (reason) => {
      failure = { reason }
      arrival.resolve()
    })
    let timer: NodeJS.Timeout | undefined
    const start = performance.now()
    /** Each turn is a multiple of the interval after the start, whatever the clock on the wall does. */
    const schedule = (turn: number): void => {
      const passed = performance.now() - start
      timer = setTimeout(
        () => {
          const late = Math.floor((performance.now() - start) / interval)
          schedule(Math.max(turn, late) + 1)
          askAll()
        },
        turn * interval - passed,
      )
    }
    try {
      askAll()
      schedule(1)
      for (;;) {
        if (failure !== undefined) throw failure.reason
        const result = results.shift()
        if (result === undefined) {
          arrival = createDeferred()
          await arrival.promise
          continue
        }
        yield result
        busy.delete(result.node)
      }
    } finally {
      clearTimeout(timer)
      stopWaiting()
    }
  }

  /** Closes the connection to a node that is not asked any more. */
  async forget(node: string): Promise<void> {
    await (await this.#access?.catch(() => undefined))?.release(node)
  }

  /** Closes all connections; what is being asked fails. Harmless when repeated. */
  async close(): Promise<void> {
    this.#closing.abort(new NodeClosedError())
    const access = this.#access
    this.#access = undefined
    await Promise.allSettled(this.#asked.values())
    await (await access?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask(node: string, timeout: number): Promise<Sampled> {
    const { signal } = this.#closing
    const start = performance.now()
    const left = (): Waiting => ({
      timeout: Math.max(1, Math.ceil(start + timeout - performance.now())),
      signal,
    })
    const access = await this.#open()
    try {
      const raw = await probe(await access.reach(node, left()), left())
      const snapshot = toSnapshot(raw)
      return { type: 'sample', node, time: Date.parse(raw.takenAt ?? ''), raw, snapshot }
    } catch (cause) {
      // What was left for the last step tells the reader nothing.
      const error =
        cause instanceof TimeoutError
          ? new TimeoutError(cause.what, timeout, NODE_TIMEOUT_OPTION, cause.mayBe)
          : cause
      return { type: 'failure', node, time: Date.now(), error }
    }
  }

  /** Once; if it fails, by whoever asks next. */
  #open(): Promise<LastingAccess> {
    this.#access ??= openLastingAccess(this.#options).catch((error: unknown) => {
      this.#access = undefined
      throw error
    })
    return this.#access
  }
}

/** What others wait for as well goes on. */
function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = startDeadline('', undefined, signal, reject)
    void work.then(resolve, reject).finally(stop)
  })
}
