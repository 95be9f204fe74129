/** A program that runs while a test does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { vi } from 'vitest'
import type { Command } from './index.ts'

export interface RunningProgramOptions {
  readonly environment: Readonly<Record<string, string>>
  /** What it prints once it is ready. */
  readonly ready: RegExp
}

export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess
  #output = ''

  private constructor([program, ...programArguments]: Command, environment: NodeJS.ProcessEnv) {
    this.#child = spawn(program, programArguments, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
    })
    this.#child.once('error', (error) => {
      this.#output += error.message
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
  }

  /** Starts it, and waits until it is ready. */
  static async start(command: Command, options: RunningProgramOptions): Promise<RunningProgram> {
    const running = new RunningProgram(command, options.environment)
    const checkReady = (): void => {
      if (options.ready.test(running.output)) return
      throw new Error(`${command.join(' ')} is not ready: ${running.output}`)
    }
    try {
      await vi.waitFor(checkReady, { timeout: 60_000, interval: 50 })
    } catch (error) {
      await running[Symbol.asyncDispose]()
      throw error
    }
    return running
  }

  /** All that it has printed. */
  get output(): string {
    return this.#output
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, pid, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
