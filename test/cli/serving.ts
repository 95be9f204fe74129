/**
 * `beamscope serve` in this process, until the test has seen enough.
 */
import { vi } from 'vitest'
import { InterruptedError } from '../../src/cli/interruption.ts'
import { run } from '../../src/cli/program.ts'
import { makeContext } from './made-context.ts'

export interface Serving extends AsyncDisposable {
  readonly port: number
  /** All that was printed so far. */
  printed(): string
  /** As Ctrl-C does; answers the exit code. */
  interrupt(): Promise<number>
}

/** Starts it on any free port of this machine; fails if it ends instead. */
export async function startServing(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Serving> {
  const controller = new AbortController()
  const { context, written } = makeContext({}, env)
  let code: number | undefined
  const running = run(['serve', '--listen', '0', ...argv], {
    ...context,
    signal: controller.signal,
  }).then((it) => {
    code = it
    return it
  })
  const port = await vi.waitUntil(
    () => {
      if (code !== undefined) throw new Error(`it ended with ${code}: ${written()}`)
      const [, digits] = /^Serving .* at http:\/\/127\.0\.0\.1:(\d+)\//m.exec(written()) ?? []
      return digits
    },
    { timeout: 30_000 },
  )
  const interrupt = async (): Promise<number> => {
    controller.abort(new InterruptedError('SIGINT'))
    return running
  }
  return {
    port: Number(port),
    printed: written,
    interrupt,
    [Symbol.asyncDispose]: async () => {
      await interrupt()
    },
  }
}
