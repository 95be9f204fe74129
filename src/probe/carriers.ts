/**
 * What is in the carriers of a live node: `instrument:carriers/1`, one allocator after the other.
 *
 * Each scheduler walks through the carriers of its instances, in steps between which it does its other
 * work, and the process that asked holds the answer; so only one allocator is asked for at a time, and
 * how many carriers it has is asked first.
 *
 * @see https://www.erlang.org/doc/apps/runtime_tools/instrument.html#carriers/1
 */
import type { Carrier, CarrierBlocks, CarrierScan } from '../analysis/carriers.ts'
import { sum } from '../analysis/integer.ts'
import type { Integer, Missing } from '../analysis/snapshot.ts'
import { UTIL_ALLOCATORS } from '../analysis/util-allocators.ts'
import {
  Atom,
  formatTerm,
  isAtom,
  isInteger,
  isList,
  isTuple,
  map,
  stringValue,
  type Term,
  Tuple,
} from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { UnexpectedReplyError } from '../node/errors.ts'
import { RemoteError, RemoteExceptionError } from '../node/remote-error.ts'
import { readAllocators } from './allocator-terms.ts'
import { InstrumentMissingError, NoSuchInstanceError } from './carriers-error.ts'
import type { Callee } from './probe.ts'

/** The allocators that `instrument` knows in every release from 23 to 29. */
export const SCANNED_ALLOCATORS: readonly string[] = [...UTIL_ALLOCATORS, 'literal_alloc']

/** What `instrument` takes: from its source, which raises badarg beyond. */
export const MAX_HISTOGRAM_START: number = 2 ** 28
export const MAX_HISTOGRAM_WIDTH = 32

/** `instrument`'s own. */
const DEFAULT_HISTOGRAM_START = 512
const DEFAULT_HISTOGRAM_WIDTH = 14

/**
 * Beyond it an allocator is not scanned. A carrier with blocks of one type takes 30 words on the node,
 * and each scheduler's list of them is copied to the process that asks.
 */
const MAX_CARRIERS = 200_000

export interface CarriersOptions {
  /** These alone; default {@link SCANNED_ALLOCATORS}. */
  readonly allocators?: readonly string[]
  /** Of these schedulers alone; 0 is the global instance. Default all. */
  readonly schedulers?: readonly number[]
  /** Bytes, 1 to 2^28; default 512. What it means depends on the release. */
  readonly histogramStart?: number
  /** How many sizes of free blocks are told apart, 1 to 32; default 14. */
  readonly histogramWidth?: number
  /** Carriers of one allocator beyond which it is not scanned; default 200,000. */
  readonly maxCarriers?: number
}

/**
 * Looks into the carriers of a node. Nothing is written there, but the node runs more than for a
 * snapshot: its schedulers walk through their carriers, and it loads the module `instrument` if it has
 * not yet.
 *
 * An allocator that could not be scanned is in `missing`, and so are those that time did not suffice for.
 *
 * @throws {InstrumentMissingError} when the node has no `instrument`
 * @throws {NoSuchInstanceError} when no allocator has an instance of one of the schedulers
 * @throws {RemoteError} when the node refuses to tell how many carriers it has
 * @throws {UnexpectedReplyError | AllocatorListError | AllocatorShapeError | AllocatorFieldMissingError}
 *   when what it answers is not what was asked
 * @throws {TimeoutError} when there was no time for a single allocator
 * @throws {ConnectionLostError | NotConnectedError}
 */
export async function probeCarriers(
  node: Callee,
  options: CarriersOptions = {},
  waiting: Waiting = {},
): Promise<CarrierScan> {
  const end = waiting.timeout === undefined ? undefined : performance.now() + waiting.timeout
  const left = (): Waiting =>
    end === undefined ? waiting : { ...waiting, timeout: Math.max(1, end - performance.now()) }
  const { histogramStart = DEFAULT_HISTOGRAM_START, histogramWidth = DEFAULT_HISTOGRAM_WIDTH } =
    options
  const allocators = options.allocators ?? SCANNED_ALLOCATORS
  const [otpRelease, answer] = await Promise.all([
    node.call('erlang', 'system_info', [new Atom('otp_release')], left()).then(stringValue),
    node.call('erlang', 'system_info', [question(allocators)], left()),
  ])
  const { counted, disabled } = countCarriers(node, answer, options.schedulers)

  const missing: Missing[] = []
  const carriers: Carrier[] = []
  const ran: string[] = []
  let scanned = 0
  for (const allocator of allocators) {
    const why = disabled.includes(allocator)
      ? 'disabled on the node'
      : tooMany(counted.get(allocator) ?? 0, options.maxCarriers ?? MAX_CARRIERS)
    if (why !== undefined) {
      missing.push({ what: allocator, why })
      continue
    }
    const request = map([
      [new Atom('allocator_types'), [new Atom(allocator)]],
      [new Atom('histogram_start'), histogramStart],
      [new Atom('histogram_width'), histogramWidth],
      ...(options.schedulers === undefined
        ? []
        : [[new Atom('scheduler_ids'), options.schedulers] as const]),
    ])
    ran.push(`instrument:carriers(${formatTerm(request)})`)
    try {
      const answer = await node.call('instrument', 'carriers', [request], left())
      const found = readCarriers(node, answer, histogramWidth)
      if (found === undefined) {
        missing.push({ what: allocator, why: 'no instance of it is enabled' })
      }
      for (const carrier of found ?? []) carriers.push(carrier)
      scanned++
    } catch (error) {
      if (error instanceof RemoteExceptionError && isAtom(error.reason, 'undef')) {
        throw new InstrumentMissingError(node.name, otpRelease)
      }
      if (error instanceof TimeoutError && scanned > 0) {
        const rest = allocators.slice(allocators.indexOf(allocator))
        missing.push(...rest.map((what) => ({ what, why: 'there was no time left to scan it' })))
        break
      }
      if (!(error instanceof RemoteError)) throw error
      missing.push({ what: allocator, why: error.message })
    }
  }
  return { otpRelease, ran, histogramStart, histogramWidth, carriers, counted, missing }
}

function question(allocators: readonly string[]): Term {
  return new Tuple([new Atom('allocator'), allocators.map((name) => new Atom(name))])
}

function tooMany(count: Integer, most: number): string | undefined {
  if (count <= most) return undefined
  return `it has ${count} carriers, and more than ${most} are not scanned at once: choose schedulers`
}

/** How many carriers each allocator has, with those in the pool. */
function countCarriers(
  node: Callee,
  answer: Term,
  schedulers: readonly number[] | undefined,
): { readonly counted: ReadonlyMap<string, Integer>; readonly disabled: readonly string[] } {
  const { allocators, disabled } = readAllocators(answer)
  const instances = [...new Set(allocators.map(({ instance }) => instance))]
  const unknown = schedulers?.find((scheduler) => !instances.includes(scheduler))
  if (unknown !== undefined && instances.length > 0) {
    throw new NoSuchInstanceError(node.name, unknown, instances)
  }
  const counted = new Map<string, Integer>()
  for (const { allocator, instance, mbcs, mbcsPool, sbcs } of allocators) {
    if (schedulers !== undefined && !schedulers.includes(instance)) continue
    const before = counted.get(allocator) ?? 0
    const own = [mbcs.carriers.current, mbcsPool?.carriers ?? 0, sbcs.carriers.current]
    counted.set(allocator, sum([before, ...own]))
  }
  return { counted, disabled }
}

/** `{ok, {HistogramStart, Carriers}}`; `undefined` for `{error, not_enabled}`. */
function readCarriers(node: Callee, answer: Term, width: number): readonly Carrier[] | undefined {
  const fail = (): never => {
    throw new UnexpectedReplyError(node.name, 'no list of carriers to instrument:carriers/1')
  }
  if (!isTuple(answer, 2)) return fail()
  const [tag, result] = answer.elements
  if (isAtom(tag, 'error') && isAtom(result, 'not_enabled')) return undefined
  if (!isAtom(tag, 'ok') || !isTuple(result, 2)) return fail()
  const [, list] = result.elements
  return isList(list) ? list.map((term) => readCarrier(term, width) ?? fail()) : fail()
}

/** `{Allocator, InPool, TotalSize, UnscannedSize, [{BlockType, Count, Size}], FreeBlocks}`. */
function readCarrier(term: Term, width: number): Carrier | undefined {
  if (!isTuple(term, 6)) return undefined
  const [allocator, inPool, size, unscanned, blocks, free] = term.elements
  if (!isAtom(allocator) || !isAtom(inPool) || !isSize(size) || !isSize(unscanned)) return undefined
  if (!isList(blocks) || !isTuple(free, width)) return undefined
  const types = blocks.map(readBlocks)
  const freeBlocks = free.elements.filter(isSize)
  if (freeBlocks.length !== width || !types.every((it) => it !== undefined)) return undefined
  return {
    allocator: allocator.name,
    inPool: inPool.name === 'true',
    size,
    unscanned,
    blocks: types,
    freeBlocks,
  }
}

function readBlocks(term: Term): CarrierBlocks | undefined {
  if (!isTuple(term, 3)) return undefined
  const [type, count, size] = term.elements
  return isAtom(type) && isSize(count) && isSize(size)
    ? { type: type.name, count, size }
    : undefined
}

function isSize(term: Term | undefined): term is Integer {
  return isInteger(term) && term >= 0
}
