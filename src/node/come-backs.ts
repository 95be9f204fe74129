/**
 * The nodes that are connected again whenever they are lost.
 */
import { MAX_TIMEOUT } from '../net/deadline.ts'
import { BackOff, retry } from './back-off.ts'
import { NotConnectedError } from './errors.ts'

/**
 * A connection that stood for so many milliseconds was a good one, and pauses begin anew; a node that
 * takes us in and drops us at once is not asked ten times a second.
 */
const STEADY = 5_000

interface Wanted {
  readonly controller: AbortController
  backOff: BackOff
  /** By the clock of `performance`. */
  connectedAt: number
  isTried: boolean
}

export class ComeBacks {
  readonly #connect: (node: string, signal: AbortSignal) => Promise<unknown>
  readonly #wanted = new Map<string, Wanted>()
  #isAwaited = false
  #hold: NodeJS.Timeout | undefined

  constructor(connect: (node: string, signal: AbortSignal) => Promise<unknown>) {
    this.#connect = connect
  }

  has(node: string): boolean {
    return this.#wanted.has(node)
  }

  /** From now on the node, which is connected, is connected again whenever it is lost. */
  add(node: string): void {
    if (this.#wanted.has(node)) return
    this.#wanted.set(node, {
      controller: new AbortController(),
      backOff: new BackOff(),
      connectedAt: performance.now(),
      isTried: false,
    })
  }

  /** Calls off what is under way; it is left lost. */
  delete(node: string): void {
    this.#wanted.get(node)?.controller.abort(new NotConnectedError(node))
    this.#wanted.delete(node)
    this.#keepAlive()
  }

  /** Begins to connect the node again, unless that is under way, as when the user was faster. */
  lost(node: string): void {
    const wanted = this.#wanted.get(node)
    if (wanted === undefined || wanted.isTried) return
    const { signal } = wanted.controller
    if (performance.now() - wanted.connectedAt >= STEADY) wanted.backOff = new BackOff()
    const attempt = async (): Promise<void> => {
      await this.#connect(node, signal)
      // At once: it may be lost again before others know that it is there.
      wanted.isTried = false
      wanted.connectedAt = performance.now()
      this.#keepAlive()
    }
    wanted.isTried = true
    this.#keepAlive()
    void retry(attempt, signal, wanted.backOff)
  }

  /** Whether somebody waits for what only such a node can send: then the program lives on meanwhile. */
  keepAlive(yes: boolean): void {
    this.#isAwaited = yes
    this.#keepAlive()
  }

  #keepAlive(): void {
    const isHeld = this.#isAwaited && [...this.#wanted.values()].some((it) => it.isTried)
    if (isHeld) this.#hold ??= setInterval(() => {}, MAX_TIMEOUT)
    else {
      clearInterval(this.#hold)
      this.#hold = undefined
    }
  }
}
