/**
 * What the carriers of a node hold one by one: how many are nearly empty, and which blocks keep them.
 *
 * @see https://www.erlang.org/doc/apps/runtime_tools/instrument.html#carriers/1
 */
import { add, compare, divide, subtract, sum, toDouble } from './integer.ts'
import type { Integer, Missing } from './snapshot.ts'
import { THRESHOLDS } from './thresholds.ts'

/** Blocks of one allocator's data in a carrier. */
export interface CarrierBlocks {
  readonly type: string
  readonly count: Integer
  /** Bytes. */
  readonly size: Integer
}

/** One carrier, as `instrument:carriers/1` describes it. Sizes in bytes. */
export interface Carrier {
  readonly allocator: string
  readonly inPool: boolean
  readonly size: Integer
  /** What was not looked at, because the carrier changed hands meanwhile. */
  readonly unscanned: Integer
  readonly blocks: readonly CarrierBlocks[]
  /** How many free blocks there are of each size; what the sizes are depends on the release. */
  readonly freeBlocks: readonly Integer[]
}

/** A scan of the carriers of a node. */
export interface CarrierScan {
  /** `"27"`; `undefined` where the node did not say. */
  readonly otpRelease: string | undefined
  /** What was run on the node for it, as Erlang text. */
  readonly ran: readonly string[]
  /** As it was asked for: `histogram_start`, and how many sizes the node tells apart. */
  readonly histogramStart: number
  readonly histogramWidth: number
  readonly carriers: readonly Carrier[]
  /** How many carriers each allocator says it has; a scan takes time, so that it may see others. */
  readonly counted: ReadonlyMap<string, Integer>
  readonly missing: readonly Missing[]
}

/** Carriers together. */
export interface CarrierTotals {
  readonly carriers: number
  readonly size: Integer
  readonly used: Integer
  readonly unscanned: Integer
}

/** Those that are used from `from` to below `to`, both ratios; the last goes up to 1 and with it. */
export interface UsageBucket extends CarrierTotals {
  readonly from: number
  readonly to: number
}

/** Free blocks of `from` bytes and more, and below `to`; the last has no end. */
export interface FreeBlockBucket {
  readonly from: number
  readonly to: number | undefined
  readonly count: Integer
}

/** Carriers that blocks keep although they use little of them. */
export interface PinnedCarriers extends CarrierTotals {
  /** Carriers count if less than this of them is used. */
  readonly below: number
  readonly blocks: Integer
  /** The blocks, by what they are; the largest sum first. */
  readonly byType: readonly CarrierBlocks[]
}

/** What a scan says of one allocator. */
export interface CarrierReport extends CarrierTotals {
  readonly allocator: string
  /** Of used and scanned bytes; 1 where there is nothing to use. */
  readonly usage: number
  /** How many it says it has; `undefined` where it did not say. */
  readonly counted: Integer | undefined
  readonly pool: CarrierTotals
  /** No block at all is in them: main carriers, which are never given back. */
  readonly empty: CarrierTotals
  readonly pinned: PinnedCarriers
  readonly usageHistogram: readonly UsageBucket[]
  readonly freeBlocks: readonly FreeBlockBucket[]
}

/** 0–5 %, 5–10 % and so on. */
const USAGE_BUCKETS = 20

/** What each allocator's carriers hold; the one whose pinned carriers hold most for nothing first. */
export function carrierReports(scan: CarrierScan): readonly CarrierReport[] {
  const bounds = freeBlockBounds(scan)
  const groups = new Map<string, Carrier[]>()
  for (const carrier of scan.carriers) {
    const group = groups.get(carrier.allocator)
    if (group === undefined) groups.set(carrier.allocator, [carrier])
    else group.push(carrier)
  }
  return Array.from(groups, ([allocator, carriers]): CarrierReport => {
    const totals = totalsOf(carriers)
    return {
      allocator,
      ...totals,
      usage: usageOf(totals),
      counted: scan.counted.get(allocator),
      pool: totalsOf(carriers.filter(({ inPool }) => inPool)),
      empty: totalsOf(carriers.filter((carrier) => isEmpty(carrier))),
      pinned: pinnedCarriers(carriers, sparseBelow(allocator)),
      usageHistogram: usageHistogram(carriers),
      freeBlocks: freeBlockHistogram(carriers, bounds),
    }
  }).sort((left, right) => compare(unused(right.pinned), unused(left.pinned)))
}

/** What pinned carriers hold for nothing. */
export function unused({ size, used, unscanned }: CarrierTotals): Integer {
  return subtract(subtract(size, unscanned), used)
}

/** The same lines as the diagnosis draws. */
function sparseBelow(allocator: string): number {
  return allocator === 'eheap_alloc' ? THRESHOLDS.sparseHeapUsage : THRESHOLDS.sparseUsage
}

function totalsOf(carriers: readonly Carrier[]): CarrierTotals {
  return {
    carriers: carriers.length,
    size: sum(carriers.map(({ size }) => size)),
    used: sum(carriers.map(usedIn)),
    unscanned: sum(carriers.map(({ unscanned }) => unscanned)),
  }
}

function usedIn({ blocks }: Carrier): Integer {
  return sum(blocks.map(({ size }) => size))
}

/** What was not scanned says nothing, for or against. */
function usageOf({ size, used, unscanned }: Omit<CarrierTotals, 'carriers'>): number {
  const scanned = subtract(size, unscanned)
  return toDouble(scanned) <= 0 ? 1 : Math.min(1, divide(used, scanned))
}

function usageOfCarrier(carrier: Carrier): number {
  return usageOf({ size: carrier.size, used: usedIn(carrier), unscanned: carrier.unscanned })
}

/** One that was not scanned to its end may hold blocks that nobody saw. */
function isEmpty({ blocks, unscanned }: Carrier): boolean {
  return toDouble(unscanned) === 0 && blocks.every(({ count }) => toDouble(count) === 0)
}

function pinnedCarriers(carriers: readonly Carrier[], below: number): PinnedCarriers {
  const pinned = carriers.filter(
    (carrier) =>
      carrier.blocks.some(({ count }) => toDouble(count) > 0) && usageOfCarrier(carrier) < below,
  )
  const types = new Map<string, CarrierBlocks>()
  for (const { type, count, size } of pinned.flatMap(({ blocks }) => blocks)) {
    const before = types.get(type) ?? { count: 0, size: 0 }
    types.set(type, { type, count: add(before.count, count), size: add(before.size, size) })
  }
  const byType = [...types.values()].sort((left, right) => compare(right.size, left.size))
  return {
    below,
    ...totalsOf(pinned),
    blocks: sum(byType.map(({ count }) => count)),
    byType,
  }
}

function usageHistogram(carriers: readonly Carrier[]): readonly UsageBucket[] {
  const buckets = Array.from({ length: USAGE_BUCKETS }, (): Carrier[] => [])
  for (const carrier of carriers) {
    const index = Math.floor(usageOfCarrier(carrier) * USAGE_BUCKETS)
    buckets[Math.min(index, USAGE_BUCKETS - 1)]?.push(carrier)
  }
  return buckets.map((members, index) => ({
    from: index / USAGE_BUCKETS,
    to: (index + 1) / USAGE_BUCKETS,
    ...totalsOf(members),
  }))
}

/** Where a size of free blocks begins, and which places of the node's histogram count for it. */
interface Bound {
  readonly from: number
  readonly to: number | undefined
  readonly places: readonly number[]
}

/**
 * The sizes that the places of the histogram stand for.
 *
 * The documentation says that the first ends at `histogram_start`. It does not: free blocks of known
 * sizes (300 of each, in steps of 32 bytes, with starts of 128, 256 and 300) moved from the first size to
 * the second at twice the start on all of OTP 23.2, 25.2, 27.3 and 29.1. From there on
 *
 * - OTP 23 and 25 have place k from 2·start·(2^k − 1) on: 2, 6, 14, 30 times the start;
 * - OTP 27 and 29 have place k from start·2^(k − 1) on: 2, 4, 8, 16 times the start, where place 0 stays
 *   empty and place 1 has all that is smaller.
 *
 * Nobody measured OTP 26, which is taken for one of the latter unless something is in place 0.
 */
function freeBlockBounds(scan: CarrierScan): readonly Bound[] {
  const { histogramStart: start, histogramWidth: width } = scan
  const isOld =
    Number(scan.otpRelease) < 26 ||
    scan.carriers.some(({ freeBlocks: [first] }) => toDouble(first ?? 0) > 0)
  const lower = (place: number): number =>
    isOld ? 2 * start * (2 ** place - 1) : place < 2 ? 0 : start * 2 ** (place - 1)
  const first = isOld ? 0 : Math.min(1, width - 1)
  return Array.from({ length: width - first }, (_, index) => {
    const place = first + index
    return {
      from: lower(place),
      to: place === width - 1 ? undefined : lower(place + 1),
      places: index === 0 ? Array.from({ length: first + 1 }, (_, each) => each) : [place],
    }
  })
}

function freeBlockHistogram(
  carriers: readonly Carrier[],
  bounds: readonly Bound[],
): readonly FreeBlockBucket[] {
  return bounds.map(({ from, to, places }) => ({
    from,
    to,
    count: sum(
      carriers.flatMap((carrier) => places.map((place) => carrier.freeBlocks[place] ?? 0)),
    ),
  }))
}
