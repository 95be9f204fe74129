/**
 * What Linux says of the memory of a process, and of how much it may take.
 *
 * @see https://docs.kernel.org/filesystems/proc.html `/proc/PID/smaps_rollup`, `/proc/PID/status`, `/proc/meminfo`
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files `memory.max`
 * @see https://docs.kernel.org/admin-guide/cgroup-v1/memory.html `memory.limit_in_bytes`
 */
import type { MemoryLimit, OsMemory } from '../analysis/snapshot.ts'

export const SMAPS_ROLLUP = '/proc/self/smaps_rollup'
export const STATUS = '/proc/self/status'

/** Of the control group of a container, as it is seen in there; version 2, and 1. */
export const MEMORY_MAX = '/sys/fs/cgroup/memory.max'
export const LIMIT_IN_BYTES = '/sys/fs/cgroup/memory/memory.limit_in_bytes'

/** Of the whole machine. */
export const MEMINFO = '/proc/meminfo'

/** The text of each of these files, where it could be read. */
export interface OsFiles {
  readonly smapsRollup?: string | undefined
  readonly status?: string | undefined
  readonly memoryMax?: string | undefined
  readonly limitInBytes?: string | undefined
  readonly meminfo?: string | undefined
}

/**
 * Reads the files, any of which may be missing. `smaps_rollup` knows what is merely not taken back
 * yet (`LazyFree`); only `status` knows the peak. `undefined` where neither tells the resident size.
 */
export function readOsMemory({ smapsRollup, status, ...limits }: OsFiles): OsMemory | undefined {
  const rollup = read(smapsRollup, RSS)
  const resident = rollup ?? read(status, VM_RSS)
  if (resident === undefined) return undefined
  const limit = readLimit(limits)
  return {
    source: rollup === undefined ? STATUS : SMAPS_ROLLUP,
    resident,
    lazyFree: read(smapsRollup, LAZY_FREE),
    swapped: read(smapsRollup, SWAP) ?? read(status, VM_SWAP),
    peakResident: read(status, VM_HWM),
    ...(limit === undefined ? {} : { limit }),
  }
}

/**
 * The least of what stands there: a group may be allowed more than the machine has. A group without a limit
 * says `max`; in version 1 it is the largest number of whole pages, which is no exact integer here.
 */
function readLimit({
  memoryMax,
  limitInBytes,
  meminfo,
}: Pick<OsFiles, 'memoryMax' | 'limitInBytes' | 'meminfo'>): MemoryLimit | undefined {
  const limits: readonly (readonly [bytes: number | undefined, source: string])[] = [
    [readBytes(memoryMax), MEMORY_MAX],
    [readBytes(limitInBytes), LIMIT_IN_BYTES],
    [read(meminfo, MEM_TOTAL), MEMINFO],
  ]
  let least: { readonly bytes: number; readonly source: string } | undefined
  for (const [bytes, source] of limits) {
    if (bytes === undefined || bytes === 0) continue
    if (least === undefined || bytes < least.bytes) least = { bytes, source }
  }
  return least
}

/** The line `Name:   123 kB`. Of some 140 lines in these files seven are of use. */
const line = (name: string): RegExp => new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm')

const RSS = line('Rss')
const LAZY_FREE = line('LazyFree')
const SWAP = line('Swap')
const VM_RSS = line('VmRSS')
const VM_SWAP = line('VmSwap')
const VM_HWM = line('VmHWM')
const MEM_TOTAL = line('MemTotal')

/** A file with one figure, in bytes. */
function readBytes(text: string | undefined): number | undefined {
  const [, digits] = /^(\d{1,20})\s*$/.exec(text ?? '') ?? []
  const bytes = Number(digits)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** In bytes; what is too large to be exact was not written by Linux. */
function read(text: string | undefined, pattern: RegExp): number | undefined {
  const [, kilobytes] = pattern.exec(text ?? '') ?? []
  const bytes = Number(kilobytes) * 1024
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
