/**
 * Terms to the model: what `erlang:memory()` and `erlang:system_info({allocator, Alloc})` answer on
 * OTP 22 and later, and the form in which recon keeps the same (`recon_alloc:snapshot_save/1`).
 *
 * Every term is looked at once. What is not known is passed over; what is known and has another shape
 * is an error, since a figure that was misread is worse than none.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import { add, multiply, sum } from '../analysis/integer.ts'
import type {
  AllocatorInstance,
  BlocksOfType,
  CarrierPool,
  Carriers,
  Counter,
  Integer,
  Mapper,
  MsegInstance,
  MsegMemoryKind,
  OptionValue,
  Snapshot,
} from '../analysis/snapshot.ts'
import { UTIL_ALLOCATORS } from '../analysis/util-allocators.ts'
import { formatTerm } from '../etf/format.ts'
import { isAtom, isInteger, isList, isTuple, stringValue } from '../etf/match.ts'
import { compareTerms } from '../etf/order.ts'
import { Atom, type Term, type Tuple } from '../etf/terms.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  AllocatorShapeError,
  MemoryShapeError,
} from './allocator-terms-error.ts'

/** The parts of a snapshot that the allocators' answers make. */
export type AllocatorParts = Pick<
  Snapshot,
  'allocators' | 'mseg' | 'sysAllocOptions' | 'mappers' | 'disabled'
> & {
  /** Allocators that this module does not know, with an answer in no form that it knows. */
  readonly unknown: readonly string[]
}

/**
 * Reads `erlang:memory()`: `[{total, Bytes}, …]`.
 *
 * @throws {MemoryShapeError} when the term is anything else
 */
export function readMemory(term: Term): Readonly<Record<string, Integer>> {
  if (!isList(term)) throw new MemoryShapeError(outline(term))
  return Object.fromEntries(
    term.map((pair) => {
      const [key, bytes] = elements(pair, 2)
      if (!isAtom(key) || !isCount(bytes)) throw new MemoryShapeError(outline(pair))
      return [key.name, bytes]
    }),
  )
}

/**
 * Reads `[{Alloc, Answer}, …]`, where `false` is the answer of a disabled allocator, or recon's
 * `[{{Alloc, Instance}, Properties}, …]`.
 *
 * @throws {AllocatorListError} when the term is neither
 * @throws {AllocatorShapeError} when an answer does not have the shape of any release
 * @throws {AllocatorFieldMissingError} when one lacks what every release has
 */
export function readAllocators(term: Term): AllocatorParts {
  if (!isList(term)) throw new AllocatorListError(outline(term))
  const parts = new Parts()
  for (const entry of term) {
    const [key, value] = elements(entry, 2)
    if (value === undefined) throw new AllocatorListError(outline(entry))
    if (isAtom(key)) parts.addAnswer(key.name, value)
    else {
      const [allocator, instance] = elements(key, 2)
      if (!(isAtom(allocator) && typeof instance === 'number')) {
        throw new AllocatorListError(outline(entry))
      }
      parts.addInstance(allocator.name, instance, value)
    }
  }
  return parts
}

/** The allocators whose answers must be understood: without one of them the sums would be wrong. */
const INDISPENSABLE: ReadonlySet<string> = new Set([
  ...UTIL_ALLOCATORS,
  'literal_alloc',
  'exec_alloc',
])

/** Beyond any counter: words have 64 bits, and sums over blocks of all types hardly more. */
const MAX_COUNT = 1n << 128n

class Parts implements AllocatorParts {
  readonly allocators: AllocatorInstance[] = []
  readonly mseg: MsegInstance[] = []
  sysAllocOptions: Readonly<Record<string, OptionValue>> | undefined
  mappers: Readonly<Record<string, Mapper>> = {}
  readonly disabled: string[] = []
  readonly unknown: string[] = []

  addAnswer(allocator: string, answer: Term): void {
    if (isAtom(answer, 'false')) {
      this.disabled.push(allocator)
    } else if (allocator === 'erts_mmap') {
      this.mappers = readMappers(answer)
    } else if (!isList(answer)) {
      this.#passOver(new Place(allocator, undefined), 'a list of instances or false', answer)
    } else {
      for (const entry of answer) {
        const [tag, instance, properties] = elements(entry, 3)
        if (isAtom(tag, 'instance') && typeof instance === 'number' && properties !== undefined) {
          this.addInstance(allocator, instance, properties)
        } else {
          this.#passOver(new Place(allocator, undefined), '{instance, N, Properties}', entry)
        }
      }
    }
  }

  addInstance(allocator: string, instance: number, properties: Term): void {
    const at = new Place(allocator, instance)
    if (allocator === 'erts_mmap') {
      this.mappers = readMappers(properties)
    } else if (!isList(properties)) {
      this.#passOver(at, 'a property list', properties)
    } else if (allocator === 'sys_alloc') {
      this.sysAllocOptions ??= readInstance(properties, at).options
    } else if (allocator === 'mseg_alloc') {
      this.mseg.push(readMsegInstance(properties, instance, at))
    } else {
      const { mbcs, sbcs, ...rest } = readInstance(properties, at)
      if (mbcs !== undefined && sbcs !== undefined) {
        this.allocators.push({ allocator, instance, ...rest, mbcs, sbcs })
      } else if (rest.options.e === false) {
        if (!this.disabled.includes(allocator)) this.disabled.push(allocator)
      } else if (INDISPENSABLE.has(allocator)) {
        throw new AllocatorFieldMissingError(at.within(mbcs === undefined ? 'mbcs' : 'sbcs'))
      } else if (!this.unknown.includes(allocator)) {
        this.unknown.push(allocator)
      }
    }
  }

  /** An answer that cannot be read: fatal if its allocator counts, else no more than noted. */
  #passOver(at: Place, expected: string, found: Term): void {
    const { allocator } = at
    if (INDISPENSABLE.has(allocator) || allocator === 'mseg_alloc' || allocator === 'sys_alloc') {
      throw wrong(at, expected, found)
    }
    if (!this.unknown.includes(allocator)) this.unknown.push(allocator)
  }
}

/** Where in an allocator's answer the reader stands; the path is put together only for an error. */
class Place {
  readonly allocator: string
  readonly instance: number | undefined
  readonly #outer: Place | undefined
  readonly #name: string
  constructor(allocator: string, instance: number | undefined, outer?: Place, name = '') {
    this.allocator = allocator
    this.instance = instance
    this.#outer = outer
    this.#name = name
  }

  within(name: string): Place {
    return new Place(this.allocator, this.instance, this, name)
  }

  /** Names of fields with dots between: `mbcs.carriers_size`. Empty at the instance itself. */
  get path(): string {
    const outer = this.#outer?.path ?? ''
    return outer === '' ? this.#name : `${outer}.${this.#name}`
  }
}

function readInstance(
  properties: readonly Term[],
  at: Place,
): Omit<AllocatorInstance, 'allocator' | 'instance' | 'mbcs' | 'sbcs'> & {
  readonly mbcs: Carriers | undefined
  readonly sbcs: Carriers | undefined
} {
  let options: AllocatorInstance['options'] | undefined
  let mbcs: Carriers | undefined
  let mbcsPool: CarrierPool | undefined
  let sbcs: Carriers | undefined
  let calls: AllocatorInstance['calls'] | undefined
  let fixTypes: AllocatorInstance['fixTypes'] | undefined
  for (const property of properties) {
    const [key, value] = elements(property, 2)
    if (!isAtom(key) || value === undefined) continue
    switch (key.name) {
      case 'options':
        options ??= readOptions(value, at.within('options'))
        break
      case 'mbcs':
        mbcs ??= readCarriers(value, at.within('mbcs'))
        break
      case 'mbcs_pool':
        mbcsPool ??= readPool(value, at.allocator, at.within('mbcs_pool'))
        break
      case 'sbcs':
        sbcs ??= readCarriers(value, at.within('sbcs'))
        break
      case 'calls':
        calls ??= readCalls(value, at.within('calls'))
        break
      case 'fix_types':
        fixTypes ??= readFixTypes(value, at.within('fix_types'))
        break
    }
  }
  return {
    options: options ?? {},
    mbcs,
    mbcsPool,
    sbcs,
    calls: calls ?? {},
    fixTypes: fixTypes ?? [],
  }
}

function readCarriers(term: Term, at: Place): Carriers {
  let blocks: Counter | undefined
  let blocksSize: Counter | undefined
  let blocksByType: readonly BlocksOfType[] | undefined
  let carriers: Counter | undefined
  let carriersSize: Counter | undefined
  let msegAllocCarriers: Integer | undefined
  let sysAllocCarriers: Integer | undefined
  let msegAllocCarriersSize: Integer | undefined
  let sysAllocCarriersSize: Integer | undefined
  for (const tuple of properties(term, at)) {
    const name = nameOf(tuple)
    switch (name) {
      case 'blocks':
        // OTP 23 counts by type, `{blocks, [{Type, …}]}`; OTP 22, and recon, in one counter.
        if (tuple.elements.length === 2) {
          blocksByType ??= readBlocksByType(tuple, at)
          blocks ??= sumCounters(blocksByType.map(({ count }) => count))
          blocksSize ??= sumCounters(blocksByType.map(({ size }) => size))
        } else blocks ??= readCounter(tuple, at)
        break
      case 'raw_blocks':
        blocksByType ??= readBlocksByType(tuple, at)
        break
      case 'blocks_size':
        blocksSize ??= readCounter(tuple, at)
        break
      case 'carriers':
        carriers ??= readCounter(tuple, at)
        break
      case 'carriers_size':
        carriersSize ??= readCounter(tuple, at)
        break
      case 'mseg_alloc_carriers':
        msegAllocCarriers ??= readCurrent(tuple, at)
        break
      case 'sys_alloc_carriers':
        sysAllocCarriers ??= readCurrent(tuple, at)
        break
      case 'mseg_alloc_carriers_size':
        msegAllocCarriersSize ??= readCurrent(tuple, at)
        break
      case 'sys_alloc_carriers_size':
        sysAllocCarriersSize ??= readCurrent(tuple, at)
        break
    }
  }
  return {
    blocks: required(blocks, at, 'blocks'),
    blocksSize: required(blocksSize, at, 'blocks_size'),
    blocksByType: blocksByType ?? [],
    carriers: required(carriers, at, 'carriers'),
    carriersSize: required(carriersSize, at, 'carriers_size'),
    msegAllocCarriers,
    sysAllocCarriers,
    msegAllocCarriersSize,
    sysAllocCarriersSize,
  }
}

/** `{blocks, [{Type, [{count, C, L, M}, {size, C, L, M}]}]}`. */
function readBlocksByType(tuple: Tuple, at: Place): readonly BlocksOfType[] {
  return byType(tuple, at, (allocator, list, here) => {
    let count: Counter | undefined
    let size: Counter | undefined
    for (const tuple of properties(list, here)) {
      const name = nameOf(tuple)
      if (name === 'count') count ??= readCounter(tuple, here)
      else if (name === 'size') size ??= readCounter(tuple, here)
    }
    return {
      allocator,
      count: required(count, here, 'count'),
      size: required(size, here, 'size'),
    }
  })
}

function readPool(term: Term, allocator: string, at: Place): CarrierPool {
  let blocks: Integer | undefined
  let blocksSize: Integer | undefined
  let blocksByType: CarrierPool['blocksByType'] | undefined
  let foreign: CarrierPool['blocksByType'] = []
  let carriers: Integer | undefined
  let carriersSize: Integer | undefined
  const statistics: [string, Integer][] = []
  for (const tuple of properties(term, at)) {
    const name = nameOf(tuple)
    switch (name) {
      case 'blocks':
        if (isInteger(tuple.elements[1])) blocks ??= readCurrent(tuple, at)
        else {
          blocksByType ??= readPooledByType(tuple, at)
          blocks ??= sum(blocksByType.map(({ count }) => count))
          blocksSize ??= sum(blocksByType.map(({ size }) => size))
        }
        break
      case 'raw_blocks':
        blocksByType ??= readPooledByType(tuple, at)
        break
      case 'foreign_blocks':
        foreign = readPooledByType(tuple, at)
        break
      case 'blocks_size':
        blocksSize ??= readCurrent(tuple, at)
        break
      case 'carriers':
        carriers ??= readCurrent(tuple, at)
        break
      case 'carriers_size':
        carriersSize ??= readCurrent(tuple, at)
        break
      default:
        if (tuple.elements.length === 3) statistics.push([name, readGiga(tuple, at)])
    }
  }
  const own = {
    allocator,
    count: required(blocks, at, 'blocks'),
    size: required(blocksSize, at, 'blocks_size'),
  }
  return {
    blocks: own.count,
    blocksSize: own.size,
    // OTP 22 has its own type in `blocks`, the others in `foreign_blocks`.
    blocksByType: blocksByType ?? [own, ...foreign],
    carriers: required(carriers, at, 'carriers'),
    carriersSize: required(carriersSize, at, 'carriers_size'),
    statistics: Object.fromEntries(statistics),
  }
}

/** `{blocks, [{Type, [{count, N}, {size, N}]}]}`, which OTP 22 calls `blocks` and `blocks_size`. */
function readPooledByType(tuple: Tuple, at: Place): CarrierPool['blocksByType'] {
  return byType(tuple, at, (allocator, list, here) => {
    let count: Integer | undefined
    let size: Integer | undefined
    for (const tuple of properties(list, here)) {
      const name = nameOf(tuple)
      if (name === 'count' || name === 'blocks') count ??= readCurrent(tuple, here)
      else if (name === 'size' || name === 'blocks_size') size ??= readCurrent(tuple, here)
    }
    return {
      allocator,
      count: required(count, here, 'count'),
      size: required(size, here, 'size'),
    }
  })
}

/** Reads the list in `{Name, [{Type, Properties}]}`. */
function byType<Blocks>(
  tuple: Tuple,
  at: Place,
  read: (allocator: string, list: Term, at: Place) => Blocks,
): readonly Blocks[] {
  const here = at.within(nameOf(tuple))
  const list = tuple.elements[1]
  if (!isList(list)) throw wrong(here, 'a list by type', tuple)
  return list.map((entry) => {
    const [type, value] = elements(entry, 2)
    if (!isAtom(type) || value === undefined) throw wrong(here, '{Type, Properties}', entry)
    return read(type.name, value, here.within(type.name))
  })
}

function readMsegInstance(list: readonly Term[], instance: number, at: Place): MsegInstance {
  let options: MsegInstance['options'] | undefined
  const kinds: Term[] = []
  for (const property of list) {
    const [key, value] = elements(property, 2)
    if (value === undefined) continue
    if (isAtom(key, 'options')) options ??= readOptions(value, at.within('options'))
    else if (isAtom(key, 'memkind')) kinds.push(value)
  }
  kinds.sort(compareTerms)
  const here = at.within('memkind')
  return {
    instance,
    options: options ?? {},
    memoryKinds: kinds.map((kind) => readKind(kind, here)),
  }
}

function readKind(term: Term, at: Place): MsegMemoryKind {
  let name: string | undefined
  let cachedSegments: Integer | undefined
  let cacheHits: Integer | undefined
  let segments: Counter | undefined
  let segmentsSize: Counter | undefined
  let segmentsWatermark: Integer | undefined
  let calls: MsegMemoryKind['calls'] | undefined
  const status = at.within('status')
  for (const tuple of properties(term, at)) {
    const key = nameOf(tuple)
    const value = tuple.elements[1]
    if (value === undefined) continue
    if (key === 'name') name ??= stringValue(value)
    else if (key === 'calls') calls ??= readCalls(value, at.within('calls'))
    else if (key === 'status') {
      for (const tuple of properties(value, status)) {
        const name = nameOf(tuple)
        switch (name) {
          case 'cached_segments':
            cachedSegments ??= readCurrent(tuple, status)
            break
          case 'cache_hits':
            cacheHits ??= readCurrent(tuple, status)
            break
          case 'segments':
            segments ??= readCounter(tuple, status)
            break
          case 'segments_size':
            segmentsSize ??= readCounter(tuple, status)
            break
          case 'segments_watermark':
            segmentsWatermark ??= readCurrent(tuple, status)
            break
        }
      }
    }
  }
  return {
    name: name ?? '',
    cachedSegments: required(cachedSegments, status, 'cached_segments'),
    cacheHits: required(cacheHits, status, 'cache_hits'),
    segments: required(segments, status, 'segments'),
    segmentsSize: required(segmentsSize, status, 'segments_size'),
    segmentsWatermark: required(segmentsWatermark, status, 'segments_watermark'),
    calls: required(calls, at, 'calls'),
  }
}

/** `[{default_mmap, […]}, {literal_mmap, […]}]`: `erts_mmap` has mappers instead of instances. */
function readMappers(term: Term): Readonly<Record<string, Mapper>> {
  const at = new Place('erts_mmap', undefined)
  return Object.fromEntries(
    properties(term, at).map((tuple) => [
      nameOf(tuple),
      readMapper(tuple, at.within(nameOf(tuple))),
    ]),
  )
}

function readMapper(mapper: Tuple, at: Place): Mapper {
  let options: Mapper['options'] | undefined
  let superCarrier: Mapper['superCarrier']
  let osUsed: Integer | undefined
  const list = mapper.elements[1]
  if (list === undefined) throw wrong(at, '{Mapper, Properties}', mapper)
  for (const tuple of properties(list, at)) {
    const name = nameOf(tuple)
    const value = tuple.elements[1]
    if (value === undefined) continue
    const here = at.within(name)
    if (name === 'options') options ??= readOptions(value, here)
    else if (name === 'supercarrier') {
      const sizes = readSizes(value, here)
      superCarrier ??= {
        total: required(sizes.total, here, 'sizes.total'),
        used: required(sizes.used, here, 'sizes.used'),
        sizes,
      }
    } else if (name === 'os') osUsed ??= readSizes(value, here).used
  }
  return { options: options ?? {}, superCarrier, osUsed }
}

/** The sizes in `[{sizes, [{used, N}, …]}, …]`. */
function readSizes(term: Term, at: Place): Readonly<Record<string, Integer>> {
  for (const tuple of properties(term, at)) {
    const name = nameOf(tuple)
    if (name !== 'sizes' || tuple.elements[1] === undefined) continue
    const here = at.within('sizes')
    const sizes = properties(tuple.elements[1], here)
    return Object.fromEntries(sizes.map((tuple) => [nameOf(tuple), readCurrent(tuple, here)]))
  }
  throw new AllocatorFieldMissingError(at.within('sizes'))
}

function readOptions(term: Term, at: Place): Readonly<Record<string, OptionValue>> {
  const options: [string, OptionValue][] = []
  for (const tuple of properties(term, at)) {
    const name = nameOf(tuple)
    const value = tuple.elements[1]
    if (value !== undefined && tuple.elements.length === 2) options.push([name, optionValue(value)])
  }
  return Object.fromEntries(options)
}

function optionValue(term: Term): OptionValue {
  if (isInteger(term)) return term
  if (isAtom(term, 'true')) return true
  if (isAtom(term, 'false')) return false
  return term instanceof Atom ? term.name : outline(term)
}

function readCalls(term: Term, at: Place): Readonly<Record<string, Integer>> {
  return Object.fromEntries(
    properties(term, at).map((tuple) => [nameOf(tuple), readGiga(tuple, at)]),
  )
}

/** `[{Type, Allocated, Used}, …]`. */
function readFixTypes(term: Term, at: Place): AllocatorInstance['fixTypes'] {
  return properties(term, at).map((tuple) => {
    const [, allocated, used] = elements(tuple, 3)
    if (!isCount(allocated) || !isCount(used)) throw wrong(at, '{Type, Allocated, Used}', tuple)
    return { type: nameOf(tuple), allocated, used }
  })
}

function sumCounters(counters: readonly Counter[]): Counter {
  return {
    current: sum(counters.map(({ current }) => current)),
    lastMax: sum(counters.map(({ lastMax }) => lastMax)),
    max: sum(counters.map(({ max }) => max)),
  }
}

/** `{Name, Current, LastMax, Max}`. */
function readCounter(tuple: Tuple, at: Place): Counter {
  const [, current, lastMax, max] = tuple.elements
  if (tuple.elements.length !== 4 || !isCount(current) || !isCount(lastMax) || !isCount(max)) {
    throw wrong(at, `{${nameOf(tuple)}, Current, LastMax, Max}`, tuple)
  }
  return { current, lastMax, max }
}

/** The first figure of `{Name, N}`, or of `{Name, Current, LastMax, Max}` as in early releases. */
function readCurrent(tuple: Tuple, at: Place): Integer {
  const current = tuple.elements[1]
  if (!isCount(current)) throw wrong(at, `{${nameOf(tuple)}, N}`, tuple)
  return current
}

/** `{Name, Giga, N}` is Giga · 10⁹ + N: counters outgrew small integers on 32 bits. */
function readGiga(tuple: Tuple, at: Place): Integer {
  const [, giga, ones] = elements(tuple, 3)
  if (!isCount(giga) || !isCount(ones)) throw wrong(at, `{${nameOf(tuple)}, Giga, N}`, tuple)
  return add(multiply(giga, 1_000_000_000), ones)
}

/** The tuples of a property list; what else stands in it is passed over. */
function properties(term: Term, at: Place): readonly Tuple[] {
  if (!isList(term)) throw wrong(at, 'a property list', term)
  return term.every(isProperty) ? term : term.filter(isProperty)
}

function isProperty(term: Term): term is Tuple {
  return isTuple(term) && isAtom(term.elements[0])
}

function nameOf(tuple: Tuple): string {
  const name = tuple.elements[0]
  return isAtom(name) ? name.name : '_'
}

const NOTHING: readonly Term[] = []

/** The elements of a tuple of that arity, of which there are none if the term is anything else. */
function elements(term: Term | undefined, arity: number): readonly Term[] {
  return isTuple(term, arity) ? term.elements : NOTHING
}

function isCount(term: Term | undefined): term is Integer {
  if (typeof term === 'bigint') return term < MAX_COUNT && term > -MAX_COUNT
  return typeof term === 'number'
}

function required<Value>(value: Value | undefined, at: Place, name: string): Value {
  if (value === undefined) throw new AllocatorFieldMissingError(at.within(name))
  return value
}

/** How much of a term a message shows. */
const OUTLINE_LENGTH = 120

function outline(term: Term): string {
  return formatTerm(term, { maxLength: OUTLINE_LENGTH })
}

function wrong(at: Place, expected: string, found: Term): AllocatorShapeError {
  return new AllocatorShapeError(at, expected, outline(found))
}
