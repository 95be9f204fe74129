/**
 * One round: an operation again and again until the time is over, and at least once.
 */
import type { Figures } from './interleave.ts'

/** Nanoseconds of one operation, on the clock and on processors; and how many there were. */
export async function repeat(
  operation: () => unknown,
  milliseconds: number,
): Promise<Figures & { readonly time: number; readonly cpu: number; readonly count: number }> {
  const start = performance.now()
  const end = start + milliseconds
  const cpu = process.cpuUsage()
  let count = 0
  let now: number
  do {
    const result = operation()
    // Whoever waits for nothing is not made to wait.
    if (result instanceof Promise) await result
    count++
    now = performance.now()
  } while (now < end)
  const { user, system } = process.cpuUsage(cpu)
  return { time: ((now - start) * 1e6) / count, cpu: ((user + system) * 1e3) / count, count }
}
