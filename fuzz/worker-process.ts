/**
 * A worker from the outside: asked for one block after another, and ended when it does not answer.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Answer, Task } from './worker.ts'

/** Characters that are kept of what a worker prints. */
const MAX_PRINTED = 2000

/** A worker that gave no answer. */
export class WorkerLostError extends Error {
  readonly kind: 'hang' | 'end'
  /** The last input that it said it would try, if it was to say so. */
  readonly lastIndex: number | undefined
  constructor(kind: 'hang' | 'end', what: string, lastIndex: number | undefined) {
    super(what)
    this.kind = kind
    this.lastIndex = lastIndex
  }
}

export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  /** The last lines: the indices that were told, and what the process died of. */
  readonly #printed = { stdout: '', stderr: '' }

  constructor() {
    this.#child = fork(new URL('worker.js', import.meta.url), {
      // No more than this: what runs away ends early, and what is large still has room.
      execArgv: ['--max-old-space-size=1024'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    // Who waits is told by `ask`.
    this.#child.on('error', () => {})
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.on('data', (chunk) => {
        this.#printed[name] = (this.#printed[name] + String(chunk)).slice(-MAX_PRINTED)
      })
    }
  }

  /**
   * @param timeout milliseconds
   * @throws {WorkerLostError} when the process ends, or takes too long
   * @throws the signal's reason
   */
  async ask(task: Task, timeout: number, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    return await new Promise<Answer>((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        this.#child.off('message', answered)
        this.#child.off('close', ended)
        settle()
      }
      const lost = (kind: 'hang' | 'end', what: string): void => {
        const last = this.#printed.stdout.match(/^\d+$/gm)?.at(-1)
        const index = last === undefined ? undefined : Number(last)
        done(() => reject(new WorkerLostError(kind, what, index)))
      }
      const answered = (message: unknown): void => {
        const answer: Answer = JSON.parse(String(message))
        done(() => resolve(answer))
      }
      const ended = (code: number | null, by: string | null): void =>
        lost('end', `the process ended (${by ?? code}): ${this.#printed.stderr.trim()}`)
      const aborted = (): void => done(() => reject(signal.reason))
      const timer = setTimeout(() => {
        lost('hang', `no answer within ${timeout / 1000} s`)
        this.#child.kill('SIGKILL')
      }, timeout)
      signal.addEventListener('abort', aborted)
      this.#child.on('message', answered)
      this.#child.on('close', ended)
      this.#child.send(JSON.stringify(task))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const end = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await end
  }
}
