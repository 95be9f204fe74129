/**
 * The way from what the operating system reports to what Erlang uses, as one sum that comes out exactly.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#memory/0
 */
import { greater, lesser } from './extremes.ts'
import { add, compare, subtract, sum } from './integer.ts'
import { type AllocatorOccupancy, occupancies, together } from './occupancy.ts'
import { type EffectiveSettings, effectiveSettings } from './settings.ts'
import type { Integer, Snapshot } from './snapshot.ts'
import { usage } from './usage.ts'

/** One amount of memory, and what it is made of. */
export interface AccountingLine {
  readonly id: AccountingId
  /** For people: what this memory is. */
  readonly what: string
  /** `undefined` where the snapshot does not tell; nothing is guessed in its place. */
  readonly bytes: Integer | undefined
  /** Where the figure comes from. */
  readonly source: string
  /** Why there is no figure, or what is wrong with it; `undefined` where nothing is. */
  readonly why: string | undefined
  /** Their bytes, those that are known, add up to `bytes`, if that is known. */
  readonly parts: readonly AccountingLine[]
}

export type AccountingId =
  | 'resident'
  | 'allocated'
  | 'used'
  | 'unused_floor'
  | 'unused_above_floor'
  | 'unused_single_block'
  | 'mseg_cache'
  | 'machine_code'
  | 'unexplained'
  | 'not_resident'
  | 'pooled'
  | 'literals'
  | 'literals_reserved'
  | 'lazy_free'
  | 'swapped'
  | 'peak_resident'
  | 'super_carrier'
  | 'super_carrier_used'

/** What one allocator, or one instance of it, holds. Bytes. */
interface Account {
  readonly allocated: Integer
  readonly used: Integer
  readonly unused: Integer
  /** `unused` is the sum of these three: what an idle node has too, waste in multiblock carriers, */
  readonly floor: Integer
  readonly aboveFloor: Integer
  /** and what is unused in single-block carriers. */
  readonly singleBlockUnused: Integer
  /** Of `allocated`, what was abandoned to the pool. */
  readonly pooled: Integer
}

export interface AllocatorAccount extends Account {
  readonly allocator: string
  /** `used` through `allocated`; 1 where nothing is allocated. */
  readonly usage: number
  /** Those that hold something beyond the floor; the most waste first. */
  readonly instances: readonly InstanceAccount[]
  readonly settings: readonly EffectiveSettings[]
}

export interface InstanceAccount extends Account {
  readonly instance: number
}

export interface Accounting {
  /** The whole: what the operating system reports, and its parts. */
  readonly resident: AccountingLine
  /** Figures that say more of memory which is counted in the sum already. */
  readonly notes: readonly AccountingLine[]
  /** The most waste above the floor first; they add up to the line `allocated`. */
  readonly allocators: readonly AllocatorAccount[]
}

const ALLOCATORS = 'erlang:system_info({allocator, Alloc})'

/** Accounts for a node's memory. */
export function accountFor(
  snapshot: Snapshot,
  held: readonly AllocatorOccupancy[] = occupancies(snapshot),
): Accounting {
  const allocated = allocatedLine(snapshot, held)
  const cache = cacheLine(snapshot)
  const code = machineCodeLine(snapshot, held)
  const inside = [allocated, cache, code]
  const known = sum(inside.map(({ bytes }) => bytes ?? 0))
  const difference = subtract(snapshot.os?.resident ?? 0, known)
  const why = snapshot.os === undefined ? noResidentSize(snapshot) : undefined
  const source = snapshot.os?.source ?? 'the operating system'
  const remainder = (id: AccountingId, what: string, bytes: Integer): AccountingLine => ({
    id,
    what,
    bytes: why === undefined ? bytes : undefined,
    source: 'what is left of the resident size',
    why,
    parts: [],
  })
  return {
    resident: {
      id: 'resident',
      what: 'resident, as the operating system reports it',
      bytes: snapshot.os?.resident,
      source,
      why,
      parts: [
        ...inside,
        {
          ...remainder(
            'unexplained',
            'outside the allocators: the emulator itself, libraries, stacks, malloc of NIFs and drivers',
            greater(difference, 0),
          ),
          why: why ?? whyMore(snapshot, difference),
        },
        remainder(
          'not_resident',
          'counted above but not resident: never touched, given back, or swapped out',
          lesser(difference, 0),
        ),
      ],
    },
    notes: notes(snapshot, held),
    allocators: held.map(allocatorAccount),
  }
}

/** The line with that id, wherever it stands. */
export function accountingLine(accounting: Accounting, id: AccountingId): AccountingLine {
  const lines = [accounting.resident, ...accounting.notes]
  for (const line of lines) {
    if (line.id === id) return line
    lines.push(...line.parts)
  }
  throw new RangeError(`no accounting has a line ${id}`)
}

function allocatedLine(snapshot: Snapshot, held: readonly AllocatorOccupancy[]): AccountingLine {
  const all = together(held.flatMap(({ mbcs, sbcs }) => [mbcs, sbcs]))
  const partial = whyPartial(snapshot)
  const part = (id: AccountingId, what: string, bytes: Integer, from: string): AccountingLine => ({
    id,
    what,
    bytes: held.length === 0 ? undefined : bytes,
    source: `${ALLOCATORS}: ${from}`,
    why: held.length === 0 ? partial : undefined,
    parts: [],
  })
  const unusedOf = 'carriers_size − blocks_size'
  return {
    ...part(
      'allocated',
      'carriers of the allocators',
      all.allocated,
      'carriers_size of mbcs, mbcs_pool and sbcs',
    ),
    why: partial,
    parts: [
      part('used', 'used by blocks', all.used, 'blocks_size of mbcs, mbcs_pool and sbcs'),
      part(
        'unused_floor',
        'unused, as on an idle node',
        sum(held.map(({ floor }) => floor)),
        'options mmbcs and smbcs of each instance',
      ),
      part(
        'unused_above_floor',
        'unused in multiblock carriers, above that floor',
        sum(held.map(({ aboveFloor }) => aboveFloor)),
        `${unusedOf} of mbcs and mbcs_pool`,
      ),
      part(
        'unused_single_block',
        'unused in single-block carriers',
        sum(held.map(({ sbcs }) => sbcs.unused)),
        `${unusedOf} of sbcs`,
      ),
    ],
  }
}

function whyPartial({ allocators, disabled }: Snapshot): string | undefined {
  if (allocators.length === 0) return 'the snapshot holds no allocator'
  if (disabled.length === 0) return undefined
  return `without ${disabled.join(', ')}: disabled, so that malloc serves in place`
}

/**
 * Segments that no carrier is in but that were not given back yet. The two figures may be read at two
 * moments, so a small one below zero counts as none.
 */
function cacheLine(snapshot: Snapshot): AccountingLine {
  const mapper = snapshot.mappers.default_mmap
  const kinds = snapshot.mseg.flatMap(({ memoryKinds }) => memoryKinds)
  const line = {
    id: 'mseg_cache',
    what: 'segments kept in the cache of mseg_alloc',
    source: `${ALLOCATORS}: used of erts_mmap's default_mmap − segments_size of mseg_alloc`,
    parts: [],
  } as const
  if (mapper === undefined || kinds.length === 0) {
    const absent = mapper === undefined ? 'erts_mmap' : 'mseg_alloc'
    return { ...line, bytes: undefined, why: `the snapshot does not hold ${absent}` }
  }
  const mapped = add(mapper.osUsed ?? 0, mapper.superCarrier?.used ?? 0)
  const inUse = sum(kinds.map(({ segmentsSize }) => segmentsSize.current))
  const bytes = subtract(mapped, inUse)
  return compare(bytes, 0) >= 0
    ? { ...line, bytes, why: undefined }
    : { ...line, bytes: 0, why: 'the two figures are not of one moment' }
}

/**
 * The code that the JIT (OTP 24 and later) makes lies outside the allocators; `erlang:memory(total)`
 * counts it, so what it has beyond all blocks is that. Elsewhere there is no such difference.
 */
function machineCodeLine(snapshot: Snapshot, held: readonly AllocatorOccupancy[]): AccountingLine {
  const line = {
    id: 'machine_code',
    what: 'machine code of the JIT, outside the allocators',
    source: 'erlang:memory(total) − used, at most erlang:memory(code)',
    parts: [],
  } as const
  const { total, code } = snapshot.memory ?? {}
  if (total === undefined || code === undefined) {
    return { ...line, bytes: undefined, why: 'the snapshot does not hold erlang:memory()' }
  }
  const { used } = together(held.flatMap(({ mbcs, sbcs }) => [mbcs, sbcs]))
  const bytes = greater(0, lesser(code, subtract(total, used)))
  const why =
    compare(bytes, 0) > 0
      ? 'the operating system may count it twice: it is mapped once to write and once to execute'
      : undefined
  return { ...line, bytes, why }
}

/**
 * Of what was freed in the super carrier (`+MMscs`), the most that can still be resident: it keeps its pages
 * for whatever comes, and was never in use beyond what all segments were at their peaks.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#MMscrpm `+MMscrpm`, on by default
 */
export function keptBySuperCarrier({ mappers, mseg }: Snapshot): Integer {
  const superCarrier = mappers.default_mmap?.superCarrier
  if (superCarrier === undefined) return 0
  const sizes = mseg.flatMap(({ memoryKinds }) => memoryKinds.map((kind) => kind.segmentsSize))
  const peak = sum(sizes.map(({ max }) => max))
  const now = sum(sizes.map(({ current }) => current))
  const free = subtract(superCarrier.total, superCarrier.used)
  return greater(0, lesser(free, subtract(peak, now)))
}

function whyMore(snapshot: Snapshot, unexplained: Integer): string | undefined {
  const kept = keptBySuperCarrier(snapshot)
  return compare(kept, 0) > 0 && compare(unexplained, 0) > 0
    ? `up to ${String(lesser(kept, unexplained))} bytes may be free in the super carrier, which keeps its pages`
    : undefined
}

function noResidentSize({ missing }: Snapshot): string {
  return (
    missing.find(({ what }) => what === 'resident size')?.why ??
    'the snapshot does not hold the resident size'
  )
}

function notes(snapshot: Snapshot, held: readonly AllocatorOccupancy[]): readonly AccountingLine[] {
  const { os } = snapshot
  const osSource = os?.source ?? 'the operating system'
  const osAbsent = os === undefined ? noResidentSize(snapshot) : `${os.source} does not tell`
  const literals = held.find(({ allocator }) => allocator === 'literal_alloc')
  return [
    note(
      'pooled',
      'of the carriers, those abandoned to the pool',
      held.length === 0 ? undefined : sum(held.map(({ pool }) => pool.allocated)),
      `${ALLOCATORS}: carriers_size of mbcs_pool`,
      'the snapshot holds no allocator',
    ),
    note(
      'literals',
      'of the carriers, those of literals: constants of code, and persistent terms',
      literals?.mbcs.allocated,
      `${ALLOCATORS}: carriers_size of literal_alloc`,
      'the snapshot does not hold literal_alloc',
    ),
    ...superCarrierNotes(snapshot),
    note(
      'lazy_free',
      'of the resident size, what the operating system takes back as soon as it needs it',
      os?.lazyFree,
      osSource,
      osAbsent,
    ),
    note('swapped', 'swapped out', os?.swapped, osSource, osAbsent),
    note('peak_resident', 'the largest resident size so far', os?.peakResident, osSource, osAbsent),
  ]
}

/** What is reserved is addresses; what is used of it is among the carriers and the cache. */
function superCarrierNotes({ mappers }: Snapshot): readonly AccountingLine[] {
  const of = (name: string): { readonly total: Integer; readonly used: Integer } | undefined => {
    const mapper = mappers[name]
    return mapper === undefined ? undefined : (mapper.superCarrier ?? { total: 0, used: 0 })
  }
  const source = (name: string): string => `${ALLOCATORS}: supercarrier of erts_mmap's ${name}`
  const absent = 'the snapshot does not hold erts_mmap'
  const superCarrier = of('default_mmap')
  return [
    note(
      'super_carrier',
      'address space reserved by the super carrier (+MMscs)',
      superCarrier?.total,
      source('default_mmap'),
      absent,
    ),
    note(
      'super_carrier_used',
      'of the carriers and the cache, what lies in the super carrier',
      superCarrier?.used,
      source('default_mmap'),
      absent,
    ),
    note(
      'literals_reserved',
      'address space reserved for literals (+MIscs), resident only where carriers are',
      of('literal_mmap')?.total,
      source('literal_mmap'),
      absent,
    ),
  ]
}

function note(
  id: AccountingId,
  what: string,
  bytes: Integer | undefined,
  source: string,
  absent: string,
): AccountingLine {
  return { id, what, bytes, source, why: bytes === undefined ? absent : undefined, parts: [] }
}

function allocatorAccount(held: AllocatorOccupancy): AllocatorAccount {
  const account = accountOf(held)
  return {
    allocator: held.allocator,
    ...account,
    usage: usage(account.used, account.allocated),
    instances: held.instances
      .filter(({ aboveFloor, sbcs }) => compare(aboveFloor, 0) > 0 || sbcs.allocated !== 0)
      .map((each) => ({ instance: each.instance.instance, ...accountOf(each) }))
      .sort((left, right) => compare(right.aboveFloor, left.aboveFloor)),
    settings: effectiveSettings(held.instances.map(({ instance }) => instance)),
  }
}

function accountOf(
  held: Pick<AllocatorOccupancy, 'mbcs' | 'sbcs' | 'pool' | 'floor' | 'aboveFloor'>,
): Account {
  const { allocated, used, unused } = together([held.mbcs, held.sbcs])
  return {
    allocated,
    used,
    unused,
    floor: held.floor,
    aboveFloor: held.aboveFloor,
    singleBlockUnused: held.sbcs.unused,
    pooled: held.pool.allocated,
  }
}
