/**
 * The command line in this process, with streams of the test's own.
 */
import { Readable, Writable } from 'node:stream'
import { run } from '../../src/cli/program.ts'

export interface CliOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  /** Standard output and standard error are a terminal of so many columns. */
  readonly columns?: number
  readonly signal?: AbortSignal
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stdoutBytes: Uint8Array
  readonly stderr: string
}

export async function runCli(
  argv: readonly string[],
  { input = '', env = {}, columns, signal = new AbortController().signal }: CliOptions = {},
): Promise<CliResult> {
  const stdout = new Capture(columns)
  const stderr = new Capture(columns)
  const code = await run(argv, {
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    env,
    signal,
    exitCode: 0,
    verbose: false,
  })
  return {
    code,
    stdout: stdout.bytes.toString(),
    stdoutBytes: stdout.bytes,
    stderr: stderr.bytes.toString(),
  }
}

class Capture extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  readonly #chunks: Buffer[] = []
  constructor(columns: number | undefined) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns ?? 80
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
