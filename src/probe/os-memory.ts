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
  const rollup = read(smapsRollup, RSS)
  const resident = rollup ?? read(status, VM_RSS)
  if (resident === undefined) return undefined
  return {
    source: rollup === undefined ? STATUS : SMAPS_ROLLUP,
    resident,
    lazyFree: read(smapsRollup, LAZY_FREE),
    swapped: read(smapsRollup, SWAP) ?? read(status, VM_SWAP),
    peakResident: read(status, VM_HWM),
  }
}

/** The line `Name:   123 kB`. Of the two files' 80 lines or so, six are of use. */
const line = (name: string): RegExp => new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm')

const RSS = line('Rss')
const LAZY_FREE = line('LazyFree')
const SWAP = line('Swap')
const VM_RSS = line('VmRSS')
const VM_SWAP = line('VmSwap')
const VM_HWM = line('VmHWM')

/** In bytes; what is too large to be exact was not written by Linux. */
function read(text: string | undefined, pattern: RegExp): number | undefined {
  const [, kilobytes] = pattern.exec(text ?? '') ?? []
  const bytes = Number(kilobytes) * 1024
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
