/**
 * Asks every node of a list the same question, some of them at a time, and hands out each answer as it comes:
 * what is slow, gone or refusing keeps nobody else.
 */
import { setMaxListeners } from 'node:events'
import type { Snapshot } from '../analysis/snapshot.ts'
import { checkTimeout, MAX_TIMEOUT, startDeadline, type Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { createDeferred } from '../node/deferred.ts'
import type { Callee } from '../probe/probe.ts'
import { takeSnapshot } from '../probe/take-snapshot.ts'
import { type Access, type AccessOptions, openAccess, type Question } from './access.ts'
import {
  checkConcurrency,
  DEFAULT_CONCURRENCY,
  DEFAULT_NODE_TIMEOUT,
  NODE_TIMEOUT_OPTION,
} from './bounds.ts'

/**
 * `timeout` is for the whole sweep, and none by default: nodes that have not answered by then have failed.
 * When `signal` is aborted, the iteration throws its reason.
 */
export interface SweepOptions extends AccessOptions, Waiting {
  /** Milliseconds for each node, from resolving its name to its last answer: 10 s by default. */
  readonly nodeTimeout?: number | undefined
  /** How many nodes are asked at a time, answers that nobody has taken yet included: 16 by default. */
  readonly concurrency?: number | undefined
}

/** What became of one node. `duration` is in milliseconds. */
export type SweepResult<Answer> =
  | {
      readonly status: 'answered'
      readonly node: string
      readonly duration: number
      readonly answer: Answer
    }
  | {
      readonly status: 'failed'
      readonly node: string
      readonly duration: number
      readonly error: unknown
    }

/** How far a sweep is. */
export interface SweepProgress {
  readonly answered: number
  readonly failed: number
  readonly running: number
  /** The node that is asked for longest, and for how many milliseconds. */
  readonly slowest: { readonly node: string; readonly duration: number } | undefined
}

/** Milliseconds in which a question that minds the time that it has says what it waited for. */
const GRACE = 100

/** Timers may be early by a millisecond; as much again for the rounding of what is left. */
const TIMER_ERROR = 2

/**
 * Asks each node, once, however often it stands in the list. By default a snapshot is taken.
 *
 * @throws {RangeError} when `concurrency`, `nodeTimeout` or `timeout` is none
 */
export function sweep<Answer>(
  nodes: Iterable<string>,
  options: SweepOptions & { readonly ask: Question<Answer> },
): Sweep<Answer>
export function sweep(nodes: Iterable<string>, options?: SweepOptions): Sweep<Snapshot>
export function sweep<Answer>(
  nodes: Iterable<string>,
  { ask, ...options }: SweepOptions & { readonly ask?: Question<Answer> } = {},
): Sweep<Answer | Snapshot> {
  const question = ask ?? ((node: Callee, left: () => Waiting) => takeSnapshot(node, left()))
  return new Sweep<Answer | Snapshot>(nodes, question, options)
}

/** Begins when it is iterated. An iteration that is left early closes what it has opened. */
export class Sweep<Answer> implements AsyncIterable<SweepResult<Answer>> {
  readonly #nodes: Iterable<string>
  readonly #question: Question<Answer>
  readonly #options: SweepOptions
  readonly #concurrency: number
  readonly #nodeTimeout: number
  /** When each node that is being asked was begun. */
  readonly #running = new Map<string, number>()
  #answered = 0
  #failed = 0

  /** @internal */
  constructor(nodes: Iterable<string>, question: Question<Answer>, options: SweepOptions) {
    const {
      concurrency = DEFAULT_CONCURRENCY,
      nodeTimeout = DEFAULT_NODE_TIMEOUT,
      timeout,
    } = options
    checkConcurrency(concurrency)
    checkTimeout('nodeTimeout', nodeTimeout)
    if (timeout !== undefined) checkTimeout('timeout', timeout)
    this.#nodes = nodes
    this.#question = question
    this.#options = options
    this.#concurrency = concurrency
    this.#nodeTimeout = nodeTimeout
  }

  get progress(): SweepProgress {
    // They stand there in the order in which they were begun.
    const [slowest] = this.#running
    return {
      answered: this.#answered,
      failed: this.#failed,
      running: this.#running.size,
      slowest: slowest && { node: slowest[0], duration: performance.now() - slowest[1] },
    }
  }

  /**
   * @throws the signal's reason
   * @throws what {@link openAccess} throws: no cookie, or with `via` no seed
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<SweepResult<Answer>, void, undefined> {
    this.#answered = 0
    this.#failed = 0
    const { signal, timeout } = this.#options
    const controller = new AbortController()
    // Each call listens, of as many nodes as are asked at a time.
    setMaxListeners(0, controller.signal)
    const stop = startDeadline('the whole sweep', timeout, signal, (reason) =>
      controller.abort(reason),
    )
    try {
      controller.signal.throwIfAborted()
      const opening = { timeout: this.#nodeTimeout, signal: controller.signal }
      const access = await openAccess(this.#options, opening)
      const close = async (): Promise<void> => access[Symbol.asyncDispose]()
      // At once, even if nobody takes the results any more, but after all that wait were told the reason.
      controller.signal.addEventListener('abort', () => queueMicrotask(close))
      try {
        yield* this.#results(access, controller)
      } finally {
        await close()
      }
    } finally {
      stop()
    }
  }

  async *#results(
    access: Access,
    controller: AbortController,
  ): AsyncGenerator<SweepResult<Answer>, void, undefined> {
    const nodes = new Set(this.#nodes).values()
    const results: SweepResult<Answer>[] = []
    const tasks = new Set<Promise<void>>()
    let arrival = createDeferred()
    const begin = (node: string): void => {
      const task = this.#ask(node, access, controller.signal).then((result) => {
        tasks.delete(task)
        results.push(result)
        arrival.resolve()
      })
      tasks.add(task)
    }
    try {
      for (;;) {
        this.#options.signal?.throwIfAborted()
        // An answer keeps its place until it is taken: whoever is slow to take them slows the sweep down.
        while (tasks.size + results.length < this.#concurrency) {
          const next = nodes.next()
          if (next.done) break
          begin(next.value)
        }
        const result = results.shift()
        if (result !== undefined) yield result
        else if (tasks.size === 0) return
        else {
          arrival = createDeferred()
          await arrival.promise
        }
      }
    } finally {
      // If it is left early, those that are asked give up, and close their connections.
      controller.abort()
      await Promise.all(tasks)
    }
  }

  async #ask(node: string, access: Access, signal: AbortSignal): Promise<SweepResult<Answer>> {
    const start = performance.now()
    const duration = (): number => performance.now() - start
    const what = `all that was asked of ${node}`
    const left = (): Waiting & { readonly timeout: number } => {
      signal.throwIfAborted()
      const timeout = this.#nodeTimeout - duration()
      if (timeout <= 0) throw new TimeoutError(what, this.#nodeTimeout, NODE_TIMEOUT_OPTION)
      return { timeout, signal }
    }
    const ask: Question<Answer> = async (callee) => {
      const timeout = Math.min(left().timeout + GRACE, MAX_TIMEOUT)
      return orGivenUp(this.#question(callee, left), what, { timeout, signal })
    }
    this.#running.set(node, start)
    try {
      const answer = await access.ask(node, ask, left)
      this.#answered++
      return { status: 'answered', node, duration: duration(), answer }
    } catch (error) {
      this.#failed++
      return { status: 'failed', node, ...this.#failure(error, duration(), signal) }
    } finally {
      this.#running.delete(node)
    }
  }

  /** What was left for the last step tells the reader nothing: the time-out is that of the node. */
  #failure(error: unknown, duration: number, { reason }: AbortSignal): Failure {
    const isOver = error instanceof TimeoutError && duration >= this.#nodeTimeout - TIMER_ERROR
    return isOver && error !== reason
      ? {
          duration,
          error: new TimeoutError(error.what, this.#nodeTimeout, NODE_TIMEOUT_OPTION, error.mayBe),
        }
      : { duration, error }
  }
}

type Failure = Pick<SweepResult<unknown> & { readonly status: 'failed' }, 'duration' | 'error'>

/** A question that does not mind its time or the signal is left to itself; nobody hears how it ends. */
function orGivenUp<Answer>(
  asked: Promise<Answer>,
  what: string,
  waiting: Waiting,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stop = startDeadline(what, waiting.timeout, waiting.signal, reject)
    void asked.then(resolve, reject).finally(stop)
  })
}
