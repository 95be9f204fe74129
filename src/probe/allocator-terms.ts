/**
 * Answers to the model: what `erlang:memory()` and `erlang:system_info({allocator, Alloc})` return on
 * OTP 22 and later, and the form in which recon keeps the same (`recon_alloc:snapshot_save/1`).
 *
 * The allocators are read from the bytes in which they came, since most of what a node of many schedulers
 * says is not needed, and terms are made of none of it.
 * Measured, `npm run bench -- --only analysis`: 1.4 MB of 128 schedulers read, and all figures made of them, in
 * 3.6 ms, a tenth of recon's time in the same run.
 * Every part is looked at once. What is not known is passed over; what is known and has another shape
 * is an error, since a figure that was misread is worse than none.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import { sum } from '../analysis/integer.ts'
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
import { NONE, TermCursor } from '../etf/cursor.ts'
import { EncodedTerm } from '../etf/encoded-term.ts'
import { isAtom, isList, isTuple, stringValue } from '../etf/match.ts'
import { compareTerms } from '../etf/order.ts'
import { Atom, type Term } from '../etf/terms.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  MemoryShapeError,
} from './allocator-terms-error.ts'
import { isCount, outline, Place, PropertyList, wrong } from './property-list.ts'

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
      const [key, bytes] = isTuple(pair, 2) ? pair.elements : []
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
 * @throws {DecodeError} when the bytes are no term
 */
export function readAllocators(list: Term | EncodedTerm): AllocatorParts {
  const cursor = new TermCursor(list instanceof EncodedTerm ? list : EncodedTerm.of(list))
  const parts = new Parts(cursor)
  let left = cursor.enterList()
  while (left > 0) {
    parts.addEntry()
    left = left > 1 ? left - 1 : cursor.enterList()
  }
  if (left === NONE) {
    cursor.position = 0
    throw new AllocatorListError(outline(cursor.term()))
  }
  cursor.expectEnd()
  return parts
}

/** The allocators whose answers must be understood: without one of them the sums would be wrong. */
const INDISPENSABLE: ReadonlySet<string> = new Set([
  ...UTIL_ALLOCATORS,
  'literal_alloc',
  'exec_alloc',
])

class Parts implements AllocatorParts {
  readonly allocators: AllocatorInstance[] = []
  readonly mseg: MsegInstance[] = []
  sysAllocOptions: Readonly<Record<string, OptionValue>> | undefined
  mappers: Readonly<Record<string, Mapper>> = {}
  readonly disabled: string[] = []
  readonly unknown: string[] = []
  readonly #cursor: TermCursor
  /** Of the allocator whose instances are being read. */
  #repeated = new RepeatedParts('')

  constructor(cursor: TermCursor) {
    this.#cursor = cursor
  }

  /** `{Alloc, Answer}` or `{{Alloc, Instance}, Properties}`. */
  addEntry(): void {
    const cursor = this.#cursor
    const start = cursor.position
    if (cursor.enterTuple() === 2) {
      const name = cursor.atom()
      if (name !== undefined) {
        this.#addAnswer(name.name)
        return
      }
      if (cursor.enterTuple() === 2) {
        const allocator = cursor.atom()
        const instance = allocator === undefined ? undefined : cursor.integer()
        if (allocator !== undefined && typeof instance === 'number') {
          this.#addInstance(allocator.name, instance)
          return
        }
      }
    }
    cursor.position = start
    throw new AllocatorListError(outline(cursor.term()))
  }

  #addAnswer(allocator: string): void {
    const cursor = this.#cursor
    const start = cursor.position
    if (cursor.atom()?.name === 'false') {
      if (!this.disabled.includes(allocator)) this.disabled.push(allocator)
      return
    }
    cursor.position = start
    if (allocator === 'erts_mmap') {
      this.mappers = readMappers(cursor)
      return
    }
    let left = cursor.enterList()
    while (left > 0) {
      this.#addEntryOf(allocator)
      left = left > 1 ? left - 1 : cursor.enterList()
    }
    if (left === NONE) {
      cursor.position = start
      this.#passOver(new Place(allocator, undefined), 'a list of instances or false')
    }
  }

  /** `{instance, N, Properties}`. */
  #addEntryOf(allocator: string): void {
    const cursor = this.#cursor
    const start = cursor.position
    if (cursor.enterTuple() === 3 && cursor.atom()?.name === 'instance') {
      const instance = cursor.integer()
      if (typeof instance === 'number') {
        this.#addInstance(allocator, instance)
        return
      }
    }
    cursor.position = start
    this.#passOver(new Place(allocator, undefined), '{instance, N, Properties}')
  }

  /** Its properties. */
  #addInstance(allocator: string, instance: number): void {
    const cursor = this.#cursor
    const at = new Place(allocator, instance)
    if (allocator === 'erts_mmap') {
      this.mappers = readMappers(cursor)
      return
    }
    const start = cursor.position
    if (cursor.enterList() === NONE) {
      this.#passOver(at, 'a property list')
      return
    }
    cursor.position = start
    if (allocator !== this.#repeated.allocator) this.#repeated = new RepeatedParts(allocator)
    if (allocator === 'sys_alloc') {
      // Read in any case: the cursor has to go behind it.
      const { options } = readInstance(cursor, at, this.#repeated)
      this.sysAllocOptions ??= options
    } else if (allocator === 'mseg_alloc') {
      this.mseg.push(readMsegInstance(cursor, instance, at))
    } else {
      const { options, mbcs, mbcsPool, sbcs, calls, fixTypes } = readInstance(
        cursor,
        at,
        this.#repeated,
      )
      if (mbcs !== undefined && sbcs !== undefined) {
        const parts = { options, mbcsPool, calls, fixTypes, mbcs, sbcs }
        this.allocators.push({ allocator, instance, ...parts })
      } else if (options.e === false) {
        if (!this.disabled.includes(allocator)) this.disabled.push(allocator)
      } else if (INDISPENSABLE.has(allocator)) {
        throw new AllocatorFieldMissingError(at.within(mbcs === undefined ? 'mbcs' : 'sbcs'))
      } else if (!this.unknown.includes(allocator)) {
        this.unknown.push(allocator)
      }
    }
  }

  /** An answer that cannot be read: fatal if its allocator counts, else no more than noted. */
  #passOver(at: Place, expected: string): void {
    const { allocator } = at
    const found = this.#cursor.term()
    if (INDISPENSABLE.has(allocator) || allocator === 'mseg_alloc' || allocator === 'sys_alloc') {
      throw wrong(at, expected, found)
    }
    if (!this.unknown.includes(allocator)) this.unknown.push(allocator)
  }
}

/** Reads a part of an answer, which begins where the cursor stands, and goes behind it. */
type Read<Part> = (cursor: TermCursor, at: Place) => Part

/**
 * A part that instances of an allocator have in common, byte for byte: options always, much else where a
 * node has more schedulers than work. What was made of the last one is used again.
 */
class Repeated<Part> {
  #last: { readonly start: number; readonly end: number; readonly part: Part } | undefined

  read(cursor: TermCursor, at: Place, read: Read<Part>): Part {
    const last = this.#last
    if (last !== undefined && cursor.skipSame(last.start, last.end)) return last.part
    const start = cursor.position
    const part = read(cursor, at)
    this.#last = { start, end: cursor.position, part }
    return part
  }
}

/** Of one allocator: what its bytes mean depends on whose they are. */
class RepeatedParts {
  readonly allocator: string
  readonly options = new Repeated<AllocatorInstance['options']>()
  readonly mbcs = new Repeated<Carriers>()
  readonly mbcsPool = new Repeated<CarrierPool>()
  readonly sbcs = new Repeated<Carriers>()
  readonly calls = new Repeated<AllocatorInstance['calls']>()
  readonly fixTypes = new Repeated<AllocatorInstance['fixTypes']>()

  constructor(allocator: string) {
    this.allocator = allocator
  }
}

function readInstance(
  cursor: TermCursor,
  at: Place,
  repeated: RepeatedParts,
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
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.arity !== 2) continue
    switch (properties.name) {
      case 'options':
        options ??= repeated.options.read(properties.value(), at.within('options'), readOptions)
        break
      case 'mbcs':
        mbcs ??= repeated.mbcs.read(properties.value(), at.within('mbcs'), readCarriers)
        break
      case 'mbcs_pool':
        mbcsPool ??= repeated.mbcsPool.read(properties.value(), at.within('mbcs_pool'), readPool)
        break
      case 'sbcs':
        sbcs ??= repeated.sbcs.read(properties.value(), at.within('sbcs'), readCarriers)
        break
      case 'calls':
        calls ??= repeated.calls.read(properties.value(), at.within('calls'), readCalls)
        break
      case 'fix_types':
        fixTypes ??= repeated.fixTypes.read(
          properties.value(),
          at.within('fix_types'),
          readFixTypes,
        )
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

function readCarriers(cursor: TermCursor, at: Place): Carriers {
  let blocks: Counter | undefined
  let blocksSize: Counter | undefined
  let blocksByType: readonly BlocksOfType[] | undefined
  let carriers: Counter | undefined
  let carriersSize: Counter | undefined
  let msegAllocCarriers: Integer | undefined
  let sysAllocCarriers: Integer | undefined
  let msegAllocCarriersSize: Integer | undefined
  let sysAllocCarriersSize: Integer | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    switch (properties.name) {
      case 'blocks':
        // OTP 23 counts by type, `{blocks, [{Type, …}]}`; OTP 22, and recon, in one counter.
        if (properties.arity === 2) {
          blocksByType ??= readByType(properties, at, readBlocks)
          blocks ??= sumCounters(blocksByType.map(({ count }) => count))
          blocksSize ??= sumCounters(blocksByType.map(({ size }) => size))
        } else blocks ??= properties.counter()
        break
      case 'raw_blocks':
        blocksByType ??= readByType(properties, at, readBlocks)
        break
      case 'blocks_size':
        blocksSize ??= properties.counter()
        break
      case 'carriers':
        carriers ??= properties.counter()
        break
      case 'carriers_size':
        carriersSize ??= properties.counter()
        break
      case 'mseg_alloc_carriers':
        msegAllocCarriers ??= properties.current()
        break
      case 'sys_alloc_carriers':
        sysAllocCarriers ??= properties.current()
        break
      case 'mseg_alloc_carriers_size':
        msegAllocCarriersSize ??= properties.current()
        break
      case 'sys_alloc_carriers_size':
        sysAllocCarriersSize ??= properties.current()
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

/** `[{count, C, L, M}, {size, C, L, M}]`. */
function readBlocks(cursor: TermCursor, at: Place, allocator: string): BlocksOfType {
  let count: Counter | undefined
  let size: Counter | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.name === 'count') count ??= properties.counter()
    else if (properties.name === 'size') size ??= properties.counter()
  }
  return {
    allocator,
    count: required(count, at, 'count'),
    size: required(size, at, 'size'),
  }
}

function readPool(cursor: TermCursor, at: Place): CarrierPool {
  let blocks: Integer | undefined
  let blocksSize: Integer | undefined
  let blocksByType: CarrierPool['blocksByType'] | undefined
  let foreign: CarrierPool['blocksByType'] = []
  let carriers: Integer | undefined
  let carriersSize: Integer | undefined
  const statistics: Record<string, Integer> = {}
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    switch (properties.name) {
      case 'blocks':
        if (properties.isCount) blocks ??= properties.current()
        else {
          blocksByType ??= readByType(properties, at, readPooledBlocks)
          blocks ??= sum(blocksByType.map(({ count }) => count))
          blocksSize ??= sum(blocksByType.map(({ size }) => size))
        }
        break
      case 'raw_blocks':
        blocksByType ??= readByType(properties, at, readPooledBlocks)
        break
      case 'foreign_blocks':
        foreign = readByType(properties, at, readPooledBlocks)
        break
      case 'blocks_size':
        blocksSize ??= properties.current()
        break
      case 'carriers':
        carriers ??= properties.current()
        break
      case 'carriers_size':
        carriersSize ??= properties.current()
        break
      default:
        if (properties.arity === 3) put(statistics, properties.name, properties.giga())
    }
  }
  const own = {
    allocator: at.allocator,
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
    statistics,
  }
}

/** `[{count, N}, {size, N}]`, which OTP 22 calls `blocks` and `blocks_size`. */
function readPooledBlocks(
  cursor: TermCursor,
  at: Place,
  allocator: string,
): CarrierPool['blocksByType'][number] {
  let count: Integer | undefined
  let size: Integer | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    const { name } = properties
    if (name === 'count' || name === 'blocks') count ??= properties.current()
    else if (name === 'size' || name === 'blocks_size') size ??= properties.current()
  }
  return {
    allocator,
    count: required(count, at, 'count'),
    size: required(size, at, 'size'),
  }
}

/** Reads the list in `{Name, [{Type, Properties}]}`. */
function readByType<Blocks>(
  properties: PropertyList,
  at: Place,
  read: (cursor: TermCursor, at: Place, allocator: string) => Blocks,
): readonly Blocks[] {
  const here = at.within(properties.name)
  if (properties.arity < 2) throw properties.wrong('a list by type')
  const types = new PropertyList(properties.value(), here)
  const blocks: Blocks[] = []
  while (types.next()) {
    const type = types.name
    if (types.arity !== 2) throw types.wrong('Properties')
    blocks.push(read(types.value(), here.within(type), type))
  }
  return blocks
}

function readMsegInstance(cursor: TermCursor, instance: number, at: Place): MsegInstance {
  let options: MsegInstance['options'] | undefined
  const kinds: { readonly term: Term; readonly kind: MsegMemoryKind }[] = []
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.arity !== 2) continue
    if (properties.name === 'options') {
      options ??= readOptions(properties.value(), at.within('options'))
    } else if (properties.name === 'memkind') {
      const start = properties.value().position
      const kind = readKind(cursor, at.within('memkind'))
      cursor.position = start
      kinds.push({ term: cursor.term(), kind })
    }
  }
  kinds.sort((left, right) => compareTerms(left.term, right.term))
  return { instance, options: options ?? {}, memoryKinds: kinds.map(({ kind }) => kind) }
}

function readKind(cursor: TermCursor, at: Place): MsegMemoryKind {
  let name: string | undefined
  let status: Omit<MsegMemoryKind, 'name' | 'calls'> | undefined
  let calls: MsegMemoryKind['calls'] | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.arity < 2) continue
    if (properties.name === 'name') name ??= stringValue(properties.value().term())
    else if (properties.name === 'calls') {
      calls ??= readCalls(properties.value(), at.within('calls'))
    } else if (properties.name === 'status') {
      status ??= readStatus(properties.value(), at.within('status'))
    }
  }
  return {
    name: name ?? '',
    ...required(status, at, 'status'),
    calls: required(calls, at, 'calls'),
  }
}

function readStatus(cursor: TermCursor, at: Place): Omit<MsegMemoryKind, 'name' | 'calls'> {
  let cachedSegments: Integer | undefined
  let cacheHits: Integer | undefined
  let segments: Counter | undefined
  let segmentsSize: Counter | undefined
  let segmentsWatermark: Integer | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    switch (properties.name) {
      case 'cached_segments':
        cachedSegments ??= properties.current()
        break
      case 'cache_hits':
        cacheHits ??= properties.current()
        break
      case 'segments':
        segments ??= properties.counter()
        break
      case 'segments_size':
        segmentsSize ??= properties.counter()
        break
      case 'segments_watermark':
        segmentsWatermark ??= properties.current()
        break
    }
  }
  return {
    cachedSegments: required(cachedSegments, at, 'cached_segments'),
    cacheHits: required(cacheHits, at, 'cache_hits'),
    segments: required(segments, at, 'segments'),
    segmentsSize: required(segmentsSize, at, 'segments_size'),
    segmentsWatermark: required(segmentsWatermark, at, 'segments_watermark'),
  }
}

/** `[{default_mmap, […]}, {literal_mmap, […]}]`: `erts_mmap` has mappers instead of instances. */
function readMappers(cursor: TermCursor): Readonly<Record<string, Mapper>> {
  const at = new Place('erts_mmap', undefined)
  const mappers: Record<string, Mapper> = {}
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    const { name } = properties
    if (properties.arity < 2) throw properties.wrong('Properties')
    put(mappers, name, readMapper(properties.value(), at.within(name)))
  }
  return mappers
}

function readMapper(cursor: TermCursor, at: Place): Mapper {
  let options: Mapper['options'] | undefined
  let superCarrier: Mapper['superCarrier']
  let osUsed: Integer | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    const { name } = properties
    if (properties.arity < 2) continue
    const here = at.within(name)
    if (name === 'options') options ??= readOptions(properties.value(), here)
    else if (name === 'supercarrier') {
      const sizes = readSizes(properties.value(), here)
      superCarrier ??= {
        total: required(sizes.total, here, 'sizes.total'),
        used: required(sizes.used, here, 'sizes.used'),
        sizes,
      }
    } else if (name === 'os') osUsed ??= readSizes(properties.value(), here).used
  }
  return { options: options ?? {}, superCarrier, osUsed }
}

/** The sizes in `[{sizes, [{used, N}, …]}, …]`. */
function readSizes(cursor: TermCursor, at: Place): Readonly<Record<string, Integer>> {
  let sizes: Record<string, Integer> | undefined
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.name !== 'sizes' || properties.arity < 2 || sizes !== undefined) continue
    sizes = {}
    const each = new PropertyList(properties.value(), at.within('sizes'))
    while (each.next()) put(sizes, each.name, each.current())
  }
  return required(sizes, at, 'sizes')
}

function readOptions(cursor: TermCursor, at: Place): Readonly<Record<string, OptionValue>> {
  const options: Record<string, OptionValue> = {}
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    if (properties.arity === 2) {
      put(options, properties.name, readOption(properties.value()))
    }
  }
  return options
}

function readOption(cursor: TermCursor): OptionValue {
  const value = cursor.atom() ?? cursor.integer()
  if (value === undefined) return outline(cursor.term())
  if (!(value instanceof Atom)) return value
  return value.name === 'true' || (value.name === 'false' ? false : value.name)
}

function readCalls(cursor: TermCursor, at: Place): Readonly<Record<string, Integer>> {
  const calls: Record<string, Integer> = {}
  const properties = new PropertyList(cursor, at)
  while (properties.next()) put(calls, properties.name, properties.giga())
  return calls
}

/** `[{Type, Allocated, Used}, …]`. */
function readFixTypes(cursor: TermCursor, at: Place): AllocatorInstance['fixTypes'] {
  const types: { type: string; allocated: Integer; used: Integer }[] = []
  const properties = new PropertyList(cursor, at)
  while (properties.next()) {
    const { name: type } = properties
    types.push({ type, ...properties.allocatedAndUsed() })
  }
  return types
}

function sumCounters(counters: readonly Counter[]): Counter {
  return {
    current: sum(counters.map(({ current }) => current)),
    lastMax: sum(counters.map(({ lastMax }) => lastMax)),
    max: sum(counters.map(({ max }) => max)),
  }
}

/** Names come from the node, `__proto__` like any other. */
function put<Value>(record: Record<string, Value>, name: string, value: Value): void {
  if (name !== '__proto__') record[name] = value
  else {
    const descriptor = { value, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(record, name, descriptor)
  }
}

function required<Value>(value: Value | undefined, at: Place, name: string): Value {
  if (value === undefined) throw new AllocatorFieldMissingError(at.within(name))
  return value
}
