/**
 * Where the diagnosis draws its lines, each with the reason and with what was measured.
 *
 * Measured on OTP 23.2, 25.2, 27.3 and 29.1 in Docker, on nodes that were idle (1 to 64 schedulers), that
 * had been provoked into each state, or that were under load; docs/diagnosis.md has the tables.
 */

const MiB = 2 ** 20
const GiB = 2 ** 30

/** Sizes in bytes, ratios from 0 to 1. */
export interface Thresholds {
  /**
   * An allocator's multiblock carriers are sparse below this usage, the idle floor left out.
   *
   * It is where the emulator itself calls a carrier sparse and abandons it to the pool: `acul` is 60 %.
   * Measured: 0.02 to 0.11 where fragmentation was provoked, 0.48 where every second binary was held;
   * 0.94 and more where binaries or tables were in use, 0.64 at least under load.
   */
  readonly sparseUsage: number
  /**
   * The same for `eheap_alloc`, whose `acul` is 45 %: collecting a heap takes a new one and frees the
   * old, all the time. Below a half more is wasted than used.
   *
   * Measured: 0.05 to 0.08 where fragmentation was provoked, 0.94 with live heaps; under load 0.58 to
   * 0.77 on 2 and 8 schedulers, but 0.35 on 64 of which two could run.
   */
  readonly sparseHeapUsage: number
  /**
   * Waste above the floor below which an allocator is not even named.
   *
   * Measured: idle nodes reach 2 MiB; those that had just been busy 8 MiB with 2 schedulers, 9 with 8.
   */
  readonly wasteOfAllocator: number
  /**
   * Waste above the floor, of all sparse allocators together, that is worth a finding: less than what
   * a fresh node of OTP 27 holds in all (41 MiB).
   */
  readonly waste: number
  /** The same for single-block carriers, whether rounded up or sparse. */
  readonly singleBlockWaste: number
  /**
   * Single-block carriers are sparse below this usage. By default a block that shrinks keeps its carrier
   * while it uses more than 80 % of it, one of a heap while it uses more than 50 % (`rsbcst`); a live
   * node has 0.97 and more.
   */
  readonly sparseSingleBlockUsage: number
  /** Part of all memory from which on a state decides on the verdict and is a warning. */
  readonly decisiveShare: number
  /** From here on a state is a warning, however large the node is. */
  readonly warning: number
  /** More than half of all memory, and at least this much of it, is critical. */
  readonly critical: number
  /** Part of all memory from which on that holds. */
  readonly criticalShare: number
  /**
   * What is resident of the emulator itself: its program and libraries, stacks, and tables that it takes
   * with `malloc`. Measured: 11 MiB (OTP 25), 3 MiB (27), at least, since carriers are not all
   * resident; all of an idle node without any allocator (`+Mea min`) is 29 to 70 MiB.
   */
  readonly emulator: number
  /** What the operating system reports beyond everything that is known before it is worth a finding. */
  readonly outside: number
  /**
   * What an idle node uses, without and for each scheduler.
   *
   * Measured: 8 (OTP 25) to 23 MiB (29) with one or two schedulers, 32 to 45 MiB with 64.
   */
  readonly idleUse: number
  readonly idleUseOfScheduler: number
  /** What is used beyond that before a node counts as large; 1000 held binaries of 100 kB are 95 MiB. */
  readonly largeUse: number
  /** Segments in `mseg_alloc`'s cache, before they are worth a word. An idle node has up to 5 MiB. */
  readonly cache: number
  /** Pages that the operating system may take back and still counts, before they are worth a word. */
  readonly lazyFree: number
  /** What carriers in the pool do not use, before they are worth a word: as {@link waste}. */
  readonly abandoned: number
  /** Searches in the pool that found nothing, before it counts as not reused; there must be more than hits. */
  readonly poolSearches: number
  /**
   * Below this part of segments that come from the cache, it is too small for the load. recon says so of
   * 0.8, and it means nothing of few calls: idle nodes have 0.2 to 0.7 of at most 80.
   */
  readonly cacheHitRate: number
  /**
   * Calls for segments, before that means anything. Measured: 1000 at most in every other state; 20,000
   * where 40 large heaps came and went 500 times, with a rate of 0.28.
   */
  readonly segmentCalls: number
  /** Blocks in carriers of their own: `mmsbc`, up to which an instance has segments for them. */
  readonly singleBlocks: number
  /** Through blocks in multiblock carriers, before there are many; live nodes have 0, under load 0.24. */
  readonly singleBlockRatio: number
  /** Up to so many times `sbct`, such blocks are not so large that carriers of their own suit them. */
  readonly nearThreshold: number
  /** Blocks of this part of `lmbcs` on average are too large for carriers of that size. */
  readonly carrierShare: number
  /**
   * Milliseconds until the allocators answered, before a node counts as slow: each scheduler gives its
   * part of the answer itself, when it comes to it.
   *
   * Measured on the node: 0.5 ms at most with 2 idle schedulers, 24 with 64; with 200 processes that
   * compute on two cores 95 ms, and 1004 with 64 schedulers.
   */
  readonly slowAnswer: number
  /** Tables of the emulator in `ll_alloc`: an idle node has up to 42 MiB there. */
  readonly tables: number
}

export const THRESHOLDS: Thresholds = {
  sparseUsage: 0.6,
  sparseHeapUsage: 0.5,
  wasteOfAllocator: 12 * MiB,
  waste: 32 * MiB,
  singleBlockWaste: 64 * MiB,
  sparseSingleBlockUsage: 0.75,
  decisiveShare: 0.25,
  warning: GiB,
  critical: GiB,
  criticalShare: 0.5,
  emulator: 32 * MiB,
  outside: 64 * MiB,
  idleUse: 24 * MiB,
  idleUseOfScheduler: 0.375 * MiB,
  largeUse: 64 * MiB,
  cache: 64 * MiB,
  lazyFree: 32 * MiB,
  abandoned: 32 * MiB,
  poolSearches: 100,
  cacheHitRate: 0.8,
  segmentCalls: 10_000,
  singleBlocks: 256,
  singleBlockRatio: 0.1,
  nearThreshold: 4,
  carrierShare: 0.25,
  slowAnswer: 2000,
  tables: 128 * MiB,
}
