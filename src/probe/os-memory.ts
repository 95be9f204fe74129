/**
 * What Linux says of the memory of a process.
 *
 * @see https://docs.kernel.org/filesystems/proc.html `/proc/PID/smaps_rollup`, `/proc/PID/status`
 */
import type { OsMemory } from '../analysis/snapshot.ts'

export const SMAPS_ROLLUP = '/proc/self/smaps_rollup'
export const STATUS = '/proc/self/status'

/**
 * Reads both files, either of which may be missing. `smaps_rollup` knows what is merely not taken back
 * yet (`LazyFree`); only `status` knows the peak. `undefined` where neither tells the resident size.
 */
export function readOsMemory(
  smapsRollup: string | undefined,
  status: string | undefined,
): OsMemory | undefined {
  const smaps = readFields(smapsRollup)
  const state = readFields(status)
  const rollup = smaps.get('Rss')
  const resident = rollup ?? state.get('VmRSS')
  if (resident === undefined) return undefined
  return {
    source: rollup === undefined ? STATUS : SMAPS_ROLLUP,
    resident,
    lazyFree: smaps.get('LazyFree'),
    swapped: smaps.get('Swap') ?? state.get('VmSwap'),
    peakResident: state.get('VmHWM'),
  }
}

/** The lines `Name:   123 kB`, in bytes. */
function readFields(text: string | undefined): ReadonlyMap<string, number> {
  const fields = new Map<string, number>()
  for (const [, name, kilobytes] of (text ?? '').matchAll(/^(\w+):\s+(\d+) kB$/gm)) {
    if (name !== undefined) fields.set(name, Number(kilobytes) * 1024)
  }
  return fields
}
