/**
 * What the programs beside the product have in common: how they are interrupted, and how they tell how far they are.
 */

/** Aborted by the first SIGINT or SIGTERM, so that what was begun can be cleaned up; the second one ends it all. */
export function interruptible(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new Error(`interrupted by ${signal}`))
    })
  }
  return controller.signal
}

/** Writes lines to standard error, each behind the seconds since this was called. */
export function reporter(): (text: string) => void {
  const start = performance.now()
  return (text) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(0).padStart(4)
    process.stderr.write(`${seconds} s  ${text}\n`)
  }
}
