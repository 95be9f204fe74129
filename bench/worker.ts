/**
 * A process of its own for what is measured in JavaScript, so that no heap, compiler or collector of one
 * contestant disturbs another. It waits for tasks, and ends with this process, however that ends.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Milliseconds for a task; the longest here is a sweep of a thousand nodes. */
const TASK_TIMEOUT = 180_000

interface Request {
  readonly id: number
  readonly task: string
  readonly args: readonly unknown[]
}

interface Response<Answer> {
  readonly id: number
  readonly value: Answer
  readonly error?: string
}

/** The programs: each file is one. */
export type Program = 'codec-worker' | 'client-worker' | 'analysis-worker' | 'replay-worker'

export interface WorkerOptions {
  readonly signal: AbortSignal
  /** Of Node.js, such as `--expose-gc`. */
  readonly flags?: readonly string[]
}

export class Worker implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  #requests = 0

  constructor(program: Program, { signal, flags = [] }: WorkerOptions) {
    this.#signal = signal
    this.#child = fork(new URL(`${program}.js`, import.meta.url), {
      execArgv: [...flags],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    // Who waits is told by `ask`.
    this.#child.on('error', () => {})
    this.#child.setMaxListeners(0)
  }

  /**
   * Runs a task there; whoever asks knows what it returns.
   *
   * @throws {Error} with the message of what the task threw; or when the process ends, or takes too long
   * @throws the signal's reason
   */
  async ask<Answer = void>(task: string, ...args: readonly unknown[]): Promise<Answer> {
    this.#signal.throwIfAborted()
    const id = ++this.#requests
    const request: Request = { id, task, args }
    return await new Promise<Answer>((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', aborted)
        this.#child.off('message', answered)
        this.#child.off('exit', ended)
        settle()
      }
      const answered = (message: unknown): void => {
        const { id: of, value, error }: Response<Answer> = JSON.parse(String(message))
        if (of !== id) return
        done(() => (error === undefined ? resolve(value) : reject(new Error(error))))
      }
      const ended = (): void => done(() => reject(new Error(`the process of ${task} ended`)))
      const aborted = (): void => done(() => reject(this.#signal.reason))
      const timer = setTimeout(() => {
        done(() => reject(new Error(`${task} took over ${TASK_TIMEOUT} ms`)))
        this.#child.kill('SIGKILL')
      }, TASK_TIMEOUT)
      this.#signal.addEventListener('abort', aborted)
      this.#child.on('message', answered)
      this.#child.on('exit', ended)
      this.#child.send(JSON.stringify(request), (error) => {
        if (error !== null) done(() => reject(error))
      })
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

/** Workers that end together. */
export class Workers implements AsyncDisposable {
  readonly #signal: AbortSignal
  readonly #workers: Worker[] = []

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  start(program: Program, flags: readonly string[] = []): Worker {
    const worker = new Worker(program, { signal: this.#signal, flags })
    this.#workers.push(worker)
    return worker
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((it) => it[Symbol.asyncDispose]()))
  }
}

/** The other side: answers requests, one after the other, until whoever asks is gone. */
export function serve(tasks: Readonly<Record<string, (...args: never[]) => unknown>>): void {
  process.on('disconnect', () => process.exit())
  // Ctrl-C meets the whole group; whoever started us ends us.
  process.on('SIGINT', () => {})
  process.on('message', async (message) => {
    const request: Request & { readonly args: never[] } = JSON.parse(String(message))
    const { id, task, args } = request
    const answer = async (): Promise<Partial<Response<unknown>>> => {
      try {
        const work = tasks[task]
        if (work === undefined) throw new Error(`there is no task ${task}`)
        return { value: await work(...args) }
      } catch (error) {
        return { error: error instanceof Error ? error.message : String(error) }
      }
    }
    process.send?.(JSON.stringify({ id, ...(await answer()) }))
  })
}
