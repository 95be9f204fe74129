/** Garbage, collected when a test says so. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  if (typeof gc !== 'function') throw new TypeError('this engine collects garbage at its own time')
  gc()
}

/** Bytes in use when nothing is left that could be collected. */
export function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
