/** Runs a program to its end. */
import { execFile } from 'node:child_process'
import { ProgramMissingError, ProgramTimeoutError } from './errors.ts'

/** A program and its arguments. */
export type Command = readonly [string, ...string[]]

export interface ProgramOptions {
  /** What the program reads from its standard input. */
  readonly input?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Milliseconds until the program is killed. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

export interface ProgramResult {
  /** `null` if a signal ended the program. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A value of 20 MB of Erlang text, in Base64, with room to spare. */
const maxOutput = 64 * 1024 * 1024

/**
 * Runs `command` without a shell. A status other than 0 is a result like any other.
 *
 * @throws {ProgramMissingError} the program is not on PATH
 * @throws {ProgramTimeoutError} it did not end in time
 */
export function runProgram(command: Command, options: ProgramOptions): Promise<ProgramResult> {
  const [program, ...programArguments] = command
  const { timeout, signal } = options
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      programArguments,
      {
        env: options.environment ?? process.env,
        killSignal: 'SIGKILL',
        maxBuffer: maxOutput,
        timeout,
        ...(signal && { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve({ status: 0, stdout, stderr })
        } else if (signal?.aborted) {
          reject(signal.reason)
        } else if (error.code === 'ENOENT') {
          reject(new ProgramMissingError(program, { cause: error }))
        } else if (typeof error.code === 'string') {
          reject(error)
        } else if (error.killed) {
          reject(new ProgramTimeoutError(program, timeout))
        } else {
          resolve({ status: error.code ?? null, stdout, stderr })
        }
      },
    )
    // A program that ends without reading its input closes the pipe; its status tells why.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
  })
}
