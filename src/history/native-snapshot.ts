/**
 * beamscope's own snapshot format: all that a live probe learns, as one Erlang term.
 *
 * A file is this map in the External Term Format, compressed; `binary_to_term/1` reads it on any node,
 * and the same map as text is read as well. The node's own terms stand in it untouched.
 *
 * ```erlang
 * #{beamscope => {snapshot, 1},
 *   node => 'rabbit@host' | undefined,
 *   taken_at => <<"2026-01-31T12:00:00.000Z">> | undefined,         % ISO 8601, UTC
 *   otp_release => <<"27">> | undefined,
 *   schedulers => 4 | undefined,
 *   schedulers_online => 4 | undefined,
 *   memory => erlang:memory() | undefined,                          % undefined: it raised notsup
 *   allocators => [{Alloc, erlang:system_info({allocator, Alloc})}],
 *   duration => 1.5 | undefined,                                    % of that answer, in milliseconds
 *   os => #{source => <<"/proc/self/smaps_rollup">>, resident => Bytes, lazy_free => Bytes | undefined,
 *           swapped => Bytes | undefined, peak_resident => Bytes | undefined,
 *           limit => #{bytes => Bytes, source => <<"/sys/fs/cgroup/memory.max">>} | undefined} | undefined,
 *   missing => [{What :: binary(), Why :: binary()}]}
 * ```
 *
 * Only `beamscope` and `allocators` must be there. A reader passes over keys that it does not know, so
 * that keys can be added; the version is raised when an old reader would misread the rest.
 */
import type { Integer, MemoryLimit, Missing, OsMemory } from '../analysis/snapshot.ts'
import { BeamscopeError } from '../errors.ts'
import { atom, binary, float, map, tuple } from '../etf/build.ts'
import { visible } from '../etf/characters.ts'
import { formatTerm } from '../etf/format.ts'
import { isAtom, isInteger, isList, isTuple } from '../etf/match.ts'
import { Atom, ErlangMap, Float, type Term } from '../etf/terms.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'

const VERSION = 1

const MARK = atom('beamscope')
const UNDEFINED = atom('undefined')

/** A field of a snapshot in the native format whose value is not what the format has there. */
export class SnapshotFieldError extends BeamscopeError {
  readonly code = 'ERR_SNAPSHOT_FIELD'
  /** The key; within `os`, `os.resident`. */
  readonly field: string
  readonly expected: string
  constructor(field: string, expected: string, found: Term | undefined) {
    const text = found === undefined ? 'nothing' : shown(found, 100)
    super(`${field}: expected ${expected}, found ${text}`)
    this.field = field
    this.expected = expected
  }
}

/** A term as a message may show it, without what steers a terminal. */
function shown(term: Term, maxLength: number): string {
  return Array.from(formatTerm(term, { maxLength }), visible).join('')
}

/** Whether a term says that it is a snapshot in this format, in whatever version. */
export function isNative(term: Term): term is ErlangMap {
  return term instanceof ErlangMap && term.has(MARK)
}

/** The version of the format that the map claims, as text if it is not one that is known here. */
export function unknownVersion(native: ErlangMap): string | undefined {
  const mark = native.get(MARK)
  const [kind, version] = isTuple(mark, 2) ? mark.elements : []
  if (isAtom(kind, 'snapshot') && version === VERSION) return undefined
  return mark === undefined ? 'none' : shown(mark, 60)
}

export function toNative(raw: RawSnapshot): ErlangMap {
  return map([
    [MARK, tuple(atom('snapshot'), VERSION)],
    [atom('node'), orUndefined(raw.node, atom)],
    [atom('taken_at'), orUndefined(raw.takenAt, binary)],
    [atom('otp_release'), orUndefined(raw.otpRelease, binary)],
    [atom('schedulers'), raw.schedulers ?? UNDEFINED],
    [atom('schedulers_online'), raw.schedulersOnline ?? UNDEFINED],
    [atom('memory'), raw.memory ?? UNDEFINED],
    [atom('allocators'), raw.allocators],
    [atom('duration'), orUndefined(raw.duration, float)],
    [atom('os'), orUndefined(raw.os, osToTerm)],
    [atom('missing'), raw.missing.map(({ what, why }) => tuple(binary(what), binary(why)))],
  ])
}

function osToTerm(os: OsMemory): ErlangMap {
  return map([
    [atom('source'), binary(os.source)],
    [atom('resident'), os.resident],
    [atom('lazy_free'), os.lazyFree ?? UNDEFINED],
    [atom('swapped'), os.swapped ?? UNDEFINED],
    [atom('peak_resident'), os.peakResident ?? UNDEFINED],
    [atom('limit'), orUndefined(os.limit, limitToTerm)],
  ])
}

function limitToTerm({ bytes, source }: MemoryLimit): ErlangMap {
  return map([
    [atom('bytes'), bytes],
    [atom('source'), binary(source)],
  ])
}

function orUndefined<Value>(value: Value | undefined, toTerm: (value: Value) => Term): Term {
  return value === undefined ? UNDEFINED : toTerm(value)
}

/** @throws {SnapshotFieldError} when a field has another value than the format allows */
export function fromNative(native: ErlangMap): RawSnapshot {
  const fields = new Fields(native, '')
  const allocators = native.get(atom('allocators'))
  if (allocators === undefined) {
    throw new SnapshotFieldError('allocators', 'a list of allocators', undefined)
  }
  return {
    node: fields.read('node', 'an atom', (term) => (term instanceof Atom ? term.name : undefined)),
    takenAt: fields.read('taken_at', 'a time in ISO 8601, UTC', readTime),
    otpRelease: fields.read('otp_release', 'a binary', readText),
    schedulers: fields.read('schedulers', 'a count', readCount),
    schedulersOnline: fields.read('schedulers_online', 'a count', readCount),
    memory: fields.read('memory', 'a term', (term) => term),
    allocators,
    duration: fields.read('duration', 'milliseconds', readDuration),
    os: fields.read('os', 'a map', (term) =>
      term instanceof ErlangMap ? osFromTerm(term) : undefined,
    ),
    missing: fields.read('missing', 'a list of {What, Why}', readMissing) ?? [],
  }
}

function osFromTerm(os: ErlangMap): OsMemory {
  const fields = new Fields(os, 'os.')
  const size = (name: string) => fields.read(name, 'a size', readSize)
  const source = fields.require('source', 'a binary', readText)
  const resident = fields.require('resident', 'a size', readSize)
  return {
    source,
    resident,
    lazyFree: size('lazy_free'),
    swapped: size('swapped'),
    peakResident: size('peak_resident'),
    limit: fields.read('limit', 'a map', (term) =>
      term instanceof ErlangMap ? limitFromTerm(term) : undefined,
    ),
  }
}

function limitFromTerm(limit: ErlangMap): MemoryLimit {
  const fields = new Fields(limit, 'os.limit.')
  return {
    bytes: fields.require('bytes', 'a size', readSize),
    source: fields.require('source', 'a binary', readText),
  }
}

/** The fields of a map whose keys are atoms, and whose values may be `undefined`. */
class Fields {
  readonly #map: ErlangMap
  readonly #prefix: string
  constructor(map: ErlangMap, prefix: string) {
    this.#map = map
    this.#prefix = prefix
  }

  /** What `accept` makes of a field that is there; `undefined` from it means that it is none. */
  read<Value>(
    name: string,
    expected: string,
    accept: (term: Term) => Value | undefined,
  ): Value | undefined {
    const term = this.#map.get(atom(name))
    if (term === undefined || isAtom(term, 'undefined')) return undefined
    const value = accept(term)
    if (value === undefined) throw new SnapshotFieldError(this.#prefix + name, expected, term)
    return value
  }

  /** The same of a field that must be there. */
  require<Value>(name: string, expected: string, accept: (term: Term) => Value | undefined): Value {
    const value = this.read(name, expected, accept)
    if (value === undefined) {
      throw new SnapshotFieldError(this.#prefix + name, expected, undefined)
    }
    return value
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readText(term: Term): string | undefined {
  if (!(term instanceof Uint8Array)) return undefined
  try {
    return utf8.decode(term)
  } catch {
    return undefined
  }
}

function readTime(term: Term): string | undefined {
  const text = readText(term)
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/.test(text))
    return undefined
  return Number.isNaN(Date.parse(text)) ? undefined : text
}

function readSize(term: Term): Integer | undefined {
  return isInteger(term) ? term : undefined
}

function readCount(term: Term): number | undefined {
  return typeof term === 'number' && term >= 0 ? term : undefined
}

function readDuration(term: Term): number | undefined {
  const value = term instanceof Float ? term.value : readCount(term)
  return value !== undefined && value >= 0 ? value : undefined
}

function readMissing(term: Term): readonly Missing[] | undefined {
  if (!isList(term)) return undefined
  const missing: Missing[] = []
  for (const entry of term) {
    const [whatTerm, whyTerm] = isTuple(entry, 2) ? entry.elements : []
    const what = whatTerm === undefined ? undefined : readText(whatTerm)
    const why = whyTerm === undefined ? undefined : readText(whyTerm)
    if (what === undefined || why === undefined) return undefined
    missing.push({ what, why })
  }
  return missing
}
