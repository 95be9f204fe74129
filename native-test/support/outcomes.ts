/** What became of that which waits while something breaks, and the figures of it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ErlangRelease } from '../../src/testing/images.ts'

/** How many of the promises ended in which way; fails when some do not end in time. */
export async function outcomes(
  promises: readonly Promise<unknown>[],
  timeout: number,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  const count = (outcome: string): void => {
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  const all = promises.map((promise) =>
    promise.then(
      () => count('fulfilled'),
      (error) => count(error.code ?? String(error)),
    ),
  )
  const late = delay(timeout, 'late', { ref: false })
  if ((await Promise.race([Promise.all(all), late])) === 'late') {
    throw new Error(`of ${promises.length} there ended ${JSON.stringify(counts)} in ${timeout} ms`)
  }
  return counts
}

/** Asks until it holds; `expect.poll` takes tests one at a time. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  let cause: unknown
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(50)) {
    try {
      if (await holds()) return
    } catch (error) {
      cause = error
    }
  }
  throw new Error(`it never came about: ${holds}`, { cause })
}

/**
 * Prints a measured figure, in milliseconds, for the table in docs/faults.md: `fault | OTP 27 | killed |
 * calls | ERR_NODE_CONNECTION_LOST | 42 ms`.
 */
export function tellFault(
  release: ErlangRelease | number,
  fault: string,
  what: string,
  outcome: string,
  milliseconds: number,
): void {
  const time = `${Math.round(milliseconds)} ms`
  console.log(['fault', `OTP ${release}`, fault, what, outcome, time].join(' | '))
}
