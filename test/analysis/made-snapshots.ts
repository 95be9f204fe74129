/**
 * Snapshots in plain data, of which a test says only what it is about.
 */
import type {
  AllocatorInstance,
  CarrierPool,
  Carriers,
  Counter,
  Integer,
  Snapshot,
} from '../../src/analysis/index.ts'

export const KiB: number = 2 ** 10
export const MiB: number = 2 ** 20

/** The same now as ever. */
export function counter(current: Integer, max: Integer = current): Counter {
  return { current, lastMax: current, max }
}

export function carriers(parts: {
  readonly allocated?: Integer
  readonly used?: Integer
  readonly count?: Integer
  readonly blocks?: Integer
  readonly maxAllocated?: Integer
  readonly maxUsed?: Integer
  readonly fromSysAlloc?: Integer
}): Carriers {
  const { allocated = 0, used = 0, count = 1, blocks = 1, fromSysAlloc = 0 } = parts
  return {
    blocks: counter(blocks),
    blocksSize: counter(used, parts.maxUsed),
    blocksByType: [],
    carriers: counter(count),
    carriersSize: counter(allocated, parts.maxAllocated),
    msegAllocCarriers: undefined,
    sysAllocCarriers: fromSysAlloc,
    msegAllocCarriersSize: undefined,
    sysAllocCarriersSize: undefined,
  }
}

export function pool(allocated: Integer, used: Integer, count: Integer = 1): CarrierPool {
  return {
    blocks: 1,
    blocksSize: used,
    blocksByType: [],
    carriers: count,
    carriersSize: allocated,
    statistics: {},
  }
}

export function instance(parts: Partial<AllocatorInstance> = {}): AllocatorInstance {
  return {
    allocator: 'binary_alloc',
    instance: 1,
    options: { mmbcs: 64 * KiB, smbcs: 512 * KiB, sbct: 512 * KiB, as: 'aoffcbf' },
    mbcs: carriers({}),
    mbcsPool: undefined,
    sbcs: carriers({ count: 0, blocks: 0 }),
    calls: {},
    fixTypes: [],
    ...parts,
  }
}

export function snapshot(parts: Partial<Snapshot> = {}): Snapshot {
  return {
    node: undefined,
    takenAt: undefined,
    otpRelease: undefined,
    schedulers: undefined,
    schedulersOnline: undefined,
    memory: undefined,
    allocators: [],
    mseg: [],
    sysAllocOptions: undefined,
    mappers: {},
    disabled: [],
    os: undefined,
    missing: [],
    ...parts,
  }
}

/** What the operating system says. */
export function resident(bytes: Integer): NonNullable<Snapshot['os']> {
  return {
    source: '/proc/self/smaps_rollup',
    resident: bytes,
    lazyFree: 0,
    swapped: 0,
    peakResident: bytes,
  }
}

/** The segment allocator and its mapper, with so much in use and so much mapped. */
export function segments(inUse: Integer, mapped: Integer): Pick<Snapshot, 'mseg' | 'mappers'> {
  return {
    mseg: [
      {
        instance: 0,
        options: {},
        memoryKinds: [
          {
            name: 'all memory',
            cachedSegments: 0,
            cacheHits: 0,
            segments: counter(1),
            segmentsSize: counter(inUse),
            segmentsWatermark: 0,
            calls: {},
          },
        ],
      },
    ],
    mappers: { default_mmap: { options: {}, superCarrier: undefined, osUsed: mapped } },
  }
}
