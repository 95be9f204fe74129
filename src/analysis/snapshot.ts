/**
 * What a node said of its memory at one moment, as plain data: the only input of the analysis.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */

/**
 * Exact: a `number` while it is a safe integer, a `bigint` beyond. No node counts beyond 2^64; what the
 * analysis computes is right below 2^1023, where doubles end.
 */
export type Integer = number | bigint

/** One counted thing: now, its maximum since somebody last asked, and its maximum ever. */
export interface Counter {
  readonly current: Integer
  /** Every reader resets this for every other reader: never rely on it. */
  readonly lastMax: Integer
  readonly max: Integer
}

/** The blocks of one allocator's data; since OTP 22 a carrier may hold those of several. */
export interface BlocksOfType {
  readonly allocator: string
  readonly count: Counter
  /** Bytes. */
  readonly size: Counter
}

/** The multiblock (`mbcs`) or single-block (`sbcs`) carriers of an instance. Sizes in bytes. */
export interface Carriers {
  /** Over all types, as recon sums them; `blocksByType` is empty before OTP 23, which has no more. */
  readonly blocks: Counter
  readonly blocksSize: Counter
  readonly blocksByType: readonly BlocksOfType[]
  readonly carriers: Counter
  readonly carriersSize: Counter
  /** How many carriers come from `mseg_alloc`, and how many from `sys_alloc`. */
  readonly msegAllocCarriers: Integer | undefined
  readonly sysAllocCarriers: Integer | undefined
  readonly msegAllocCarriersSize: Integer | undefined
  readonly sysAllocCarriersSize: Integer | undefined
}

/** The carriers an instance abandoned, free for others to fetch (`mbcs_pool`). It keeps no maximum. */
export interface CarrierPool {
  readonly blocks: Integer
  readonly blocksSize: Integer
  readonly blocksByType: readonly {
    readonly allocator: string
    readonly count: Integer
    readonly size: Integer
  }[]
  readonly carriers: Integer
  readonly carriersSize: Integer
  /** `fetch`, `fail_pooled`, `skip_size` and whatever else the release counts. */
  readonly statistics: Readonly<Record<string, Integer>>
}

/** The value of an option: an integer, or an atom's name, or the text of anything else. */
export type OptionValue = Integer | boolean | string

/** One instance of an `alloc_util` allocator: 0 is global, the others belong to a scheduler each. */
export interface AllocatorInstance {
  readonly allocator: string
  readonly instance: number
  readonly options: Readonly<Record<string, OptionValue>>
  readonly mbcs: Carriers
  /** Absent where carrier migration is off. */
  readonly mbcsPool: CarrierPool | undefined
  readonly sbcs: Carriers
  /** `binary_alloc`, `mseg_alloc` and so on, since the start. */
  readonly calls: Readonly<Record<string, Integer>>
  /** Allocated and used bytes by type; only `fix_alloc`'s instance 0 has them. */
  readonly fixTypes: readonly {
    readonly type: string
    readonly allocated: Integer
    readonly used: Integer
  }[]
}

/** A kind of memory that an instance of `mseg_alloc` serves; there is one, "all memory", on 64 bits. */
export interface MsegMemoryKind {
  readonly name: string
  readonly cachedSegments: Integer
  readonly cacheHits: Integer
  readonly segments: Counter
  /** Bytes. */
  readonly segmentsSize: Counter
  readonly segmentsWatermark: Integer
  readonly calls: Readonly<Record<string, Integer>>
}

/** One instance of the segment allocator, which keeps a cache of unmapped segments. */
export interface MsegInstance {
  readonly instance: number
  readonly options: Readonly<Record<string, OptionValue>>
  /** In Erlang's order of terms; recon looks at the first alone. */
  readonly memoryKinds: readonly MsegMemoryKind[]
}

/** One mapper of `erts_mmap`. Sizes in bytes. */
export interface Mapper {
  readonly options: Readonly<Record<string, OptionValue>>
  /** Address space reserved at the start, and how much of it is in use. */
  readonly superCarrier:
    | {
        readonly total: Integer
        readonly used: Integer
        readonly sizes: Readonly<Record<string, Integer>>
      }
    | undefined
  /** What was mapped from the operating system outside a super carrier. */
  readonly osUsed: Integer | undefined
}

/** How much memory the node's process may take at most, and who says so. */
export interface MemoryLimit {
  readonly bytes: Integer
  /** For people: `/sys/fs/cgroup/memory.max`, or `/proc/meminfo` where it is all that the machine has. */
  readonly source: string
}

/** What the operating system says of the node's process. Bytes. */
export interface OsMemory {
  /** Where the figures come from, for people: `/proc/self/smaps_rollup`. */
  readonly source: string
  readonly resident: Integer
  /** Pages given back with `MADV_FREE` that still count as resident; only smaps knows. */
  readonly lazyFree: Integer | undefined
  readonly swapped: Integer | undefined
  readonly peakResident: Integer | undefined
  /** Older snapshots do not hold it. */
  readonly limit?: MemoryLimit | undefined
}

/** Something that could not be had, and why: nothing is ever guessed in its place. */
export interface Missing {
  /** What: `erlang:memory()`, `resident size`, `sl_alloc`. */
  readonly what: string
  readonly why: string
}

/** A snapshot. What a file does not hold, or a node did not say, is `undefined`. */
export interface Snapshot {
  readonly node: string | undefined
  /** ISO 8601, UTC. */
  readonly takenAt: string | undefined
  /** `"27"`. */
  readonly otpRelease: string | undefined
  readonly schedulers: number | undefined
  readonly schedulersOnline: number | undefined
  /** `erlang:memory()` by its keys, in bytes; `undefined` where it raises `notsup`. */
  readonly memory: Readonly<Record<string, Integer>> | undefined
  /** In the order of the source: recon's sums of floats depend on it. */
  readonly allocators: readonly AllocatorInstance[]
  readonly mseg: readonly MsegInstance[]
  readonly sysAllocOptions: Readonly<Record<string, OptionValue>> | undefined
  readonly mappers: Readonly<Record<string, Mapper>>
  /** Allocators that answered `false`. */
  readonly disabled: readonly string[]
  readonly os: OsMemory | undefined
  readonly missing: readonly Missing[]
  /** How long the allocators took to answer, in milliseconds, the way there and back included. */
  readonly duration?: number | undefined
}
