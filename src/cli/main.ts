#!/usr/bin/env node
import { exitCodeOf } from './exit-code.ts'
/**
 * The program `beamscope`: the process around the command line.
 */
import { InterruptedError } from './interruption.ts'
import { run } from './program.ts'

/** How long a command may take to clean up after a signal. Milliseconds. */
const GRACE = 2_000

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
  process.exit(error.code === 'EPIPE' ? 0 : 5)
})
process.stderr.on('error', () => {})

const code = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: controller.signal,
  exitCode: 0,
  verbose: false,
})
// Nothing should be left that keeps the process alive; after a signal it does not wait for that.
if (controller.signal.aborted) process.exit(code)
process.exitCode = code
