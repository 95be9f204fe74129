/**
 * The process around the command line.
 */
import type { Context } from './context.ts'
import { exitCodeOf } from './exit-code.ts'
import { InterruptedError } from './interruption.ts'
import { run } from './program.ts'

/** How long a command may take to clean up after a signal. Milliseconds. */
const GRACE = 2_000

/** Runs the command line of the process, and sets its exit code. */
export async function start(): Promise<void> {
  const controller = new AbortController()

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const reason = new InterruptedError(signal)
      // Whoever asks twice does not want to wait.
      if (controller.signal.aborted) process.exit(exitCodeOf(reason))
      controller.abort(reason)
      setTimeout(() => process.exit(exitCodeOf(reason)), GRACE).unref()
    })
  }

  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read has enough, as `head` does.
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`beamscope: standard output cannot be written: ${error.message}\n`)
    process.exit(5)
  })
  process.stderr.on('error', () => {})

  const context: Context = {
    // Made when it is read first, which most commands do not: that takes longer than to parse the options.
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: controller.signal,
    exitCode: 0,
    verbose: false,
  }

  const code = await run(process.argv.slice(2), context)
  // Nothing should be left that keeps the process alive; after a signal it does not wait for that.
  if (controller.signal.aborted) process.exit(code)
  process.exitCode = code
}
