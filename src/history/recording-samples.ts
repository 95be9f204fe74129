/**
 * Between snapshots and the records of a recording.
 *
 * A sample is the map of a native snapshot (see native-snapshot.ts) without its node, which the stream has, and
 * without its time, if that is the record's as `Date` prints it. A key record deflates that map, in the
 * External Term Format without a version byte; a difference record deflates what changed in it (see
 * sample-difference.ts), with the last 32 KiB of what the stream inflated to since its key record as the
 * dictionary: the same figures change again and again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1951
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { BeamscopeError } from '../errors.ts'
import { EncodedTerm } from '../etf/encoded-term.ts'
import { ErlangMap, type Term } from '../etf/terms.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { fromNative, toNative, unknownVersion } from './native-snapshot.ts'
import type { ScannedRecord } from './record-scanner.ts'
import {
  type RecordingDamage,
  RecordingError,
  RecordingTooLargeError,
  UnrecordableSnapshotError,
} from './recording-error.ts'
import {
  type Checksum,
  isRecordable,
  MAX_SAMPLE_SIZE,
  MAX_STREAMS,
  nodeBytes,
  type RecordingRecord,
  writeRecord,
} from './recording-format.ts'
import { applyDifference, difference, type Layout, layoutOf } from './sample-difference.ts'

/** As far as deflate looks back. */
const WINDOW_SIZE = 32 * 1024

/** After so many samples all of one is written again: as many are lost if one is damaged. */
export const DEFAULT_KEY_EVERY = 64

/** Beyond, all of a sample is written again. */
const MAX_BASE_SIZE = 2 * MAX_SAMPLE_SIZE

/** Bytes of all that is held while a recording is read. As terms they may take fifty times as much. */
const MAX_HELD = 4 * MAX_SAMPLE_SIZE

/** How many records of a node may wait to be asked for. */
const MAX_PENDING = 256

/** What a record takes that waits to be asked for, besides what it holds. */
const RECORD_OVERHEAD = 512

/** A record that is whole, and breaks the rules of the format. */
export class SampleContentError extends BeamscopeError {
  readonly code = 'ERR_RECORDING_CONTENT'
}

/** A sample, and what the next one of its node can refer to. */
interface Base {
  readonly sample: Term
  /** Once a difference was applied to it. */
  readonly layout: Layout | undefined
  /** No less than what it takes, encoded. */
  readonly size: number
  readonly window: Uint8Array
}

/** A snapshot of a recording. */
export interface RecordedSample {
  readonly node: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly raw: RawSnapshot
}

interface WrittenStream {
  readonly stream: number
  readonly base: Base
  readonly checksum: Checksum
  /** How many records follow the key record. */
  readonly differences: number
}

/** Makes records of the snapshots of any number of nodes. */
export class SampleEncoder {
  readonly #source: string
  readonly #keyEvery: number
  readonly #streams = new Map<string, WrittenStream>()

  constructor(source: string, keyEvery: number = DEFAULT_KEY_EVERY) {
    this.#source = source
    this.#keyEvery = keyEvery
  }

  /**
   * The record of a snapshot. Only once it was `kept` does the next one of its node build on it.
   *
   * @throws {UnrecordableSnapshotError}
   */
  encode(raw: RawSnapshot): {
    readonly bytes: Uint8Array
    readonly isKey: boolean
    kept(): void
  } {
    const { node, time, body, sample } = this.#check(raw)
    const before = this.#streams.get(node)
    const stream = before?.stream ?? this.#streams.size
    if (stream >= MAX_STREAMS) throw this.#unrecordable(`there are ${MAX_STREAMS} nodes already`)
    const changes = before === undefined ? undefined : this.#changes(before, sample, body.length)
    const base =
      before === undefined || changes === undefined
        ? startOf(sample, body)
        : next(before.base, sample, changes)
    const record: RecordingRecord =
      before === undefined || changes === undefined
        ? { type: 'key', stream, time, node, size: body.length, deflated: deflate(body) }
        : {
            type: 'difference',
            stream,
            time,
            base: before.checksum,
            size: changes.length,
            deflated: deflate(changes, before.base.window),
          }
    const { bytes, checksum } = writeRecord(record)
    const isKey = record.type === 'key'
    const differences = isKey || before === undefined ? 0 : before.differences + 1
    const kept = (): void => {
      this.#streams.set(node, { stream, base, checksum, differences })
    }
    return { bytes, isKey, kept }
  }

  #check(raw: RawSnapshot): {
    readonly node: string
    readonly time: number
    readonly body: Uint8Array
    readonly sample: Term
  } {
    const { node, takenAt } = raw
    if (node === undefined) throw this.#unrecordable('it is of no node')
    if (takenAt === undefined) throw this.#unrecordable('it does not say when it was taken')
    if (nodeBytes(node) === undefined) throw this.#unrecordable('the name of its node is none')
    const time = Date.parse(takenAt)
    if (!isRecordable(time))
      throw this.#unrecordable('it was taken at no time that can be recorded')
    const isExact = new Date(time).toISOString() === takenAt
    try {
      const native = toNative({ ...raw, node: undefined, takenAt: isExact ? undefined : takenAt })
      // What would not be read is not written.
      fromNative(native)
      const body = EncodedTerm.of(native).bytes
      if (body.length > MAX_SAMPLE_SIZE) throw this.#unrecordable('it is too large')
      // As a reader will have it, whatever the caller's term is made of.
      return { node, time, body, sample: new EncodedTerm(body).decode() }
    } catch (cause) {
      if (!(cause instanceof BeamscopeError) || cause instanceof RecordingError) throw cause
      throw this.#unrecordable(cause.message, cause)
    }
  }

  /** What changed; nothing when all of the sample is to be written. */
  #changes(
    { base, differences }: WrittenStream,
    sample: Term,
    sampleSize: number,
  ): Uint8Array | undefined {
    if (differences + 1 >= this.#keyEvery) return undefined
    const changes = difference(base.sample, sample)
    const isShorter = changes.length < sampleSize
    return isShorter && base.size + changes.length <= MAX_BASE_SIZE ? changes : undefined
  }

  #unrecordable(reason: string, cause?: unknown): UnrecordableSnapshotError {
    return new UnrecordableSnapshotError(this.#source, reason, { cause })
  }
}

/** Follows which record builds on which, without looking into them. */
export class Lineage {
  readonly #streams = new Map<number, { readonly node: string; readonly checksum: Checksum }>()

  /** The node of a record; `undefined` when what it builds on is not there. */
  follow({ record, checksum }: ScannedRecord): string | undefined {
    const before = this.#streams.get(record.stream)
    if (record.type === 'difference' && record.base !== before?.checksum) return undefined
    const node = record.type === 'key' ? record.node : before?.node
    if (node !== undefined) this.#streams.set(record.stream, { node, checksum })
    return node
  }
}

export interface SampleFilter {
  /** The name of a node: others are left out. */
  readonly node?: string | undefined
  /** The first and the last moment, in milliseconds since 1970. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

interface ReadStream {
  /** What was not asked for until now. */
  pending: ScannedRecord[]
  base: Base | undefined
  /** Of what `pending` and `base` take. */
  held: number
}

/** Makes snapshots of the records that are asked for, and of those that they build on. */
export class SampleDecoder {
  readonly #source: string
  readonly #filter: SampleFilter
  readonly #lineage = new Lineage()
  readonly #streams = new Map<number, ReadStream>()
  #held = 0

  constructor(source: string, filter: SampleFilter = {}) {
    this.#source = source
    this.#filter = filter
  }

  /**
   * The sample of the next record, if it is asked for, or what is wrong with it.
   *
   * @throws {RecordingTooLargeError}
   */
  decode(scanned: ScannedRecord): readonly (RecordedSample | RecordingDamage)[] {
    const { record, offset, bytes } = scanned
    const node = this.#lineage.follow(scanned)
    if (node === undefined) return [{ offset, bytes, reason: 'orphan' }]
    const stream = this.#streams.get(record.stream) ?? { pending: [], base: undefined, held: 0 }
    if (record.type === 'key') this.#release(record.stream, stream)
    const { node: wanted = node, from = 0, to = Number.POSITIVE_INFINITY } = this.#filter
    if (node !== wanted) return []
    if (record.type === 'difference' && !this.#streams.has(record.stream)) {
      return [{ offset, bytes, reason: 'orphan' }]
    }
    this.#streams.set(record.stream, stream)
    stream.pending.push(scanned)
    this.#hold(stream, stream.held + record.deflated.length + RECORD_OVERHEAD)
    const isWanted = record.time >= from && record.time <= to
    if (!isWanted && stream.pending.length < MAX_PENDING) return []
    const decoded = this.#read(record.stream, stream, node)
    return isWanted ? decoded : decoded.filter((it) => !('raw' in it))
  }

  /** Reads what is pending, and makes a snapshot of the last one. */
  #read(
    number: number,
    stream: ReadStream,
    node: string,
  ): readonly (RecordedSample | RecordingDamage)[] {
    const { pending } = stream
    stream.pending = []
    let sample: RecordedSample | undefined
    for (const [index, { record, offset, bytes }] of pending.entries()) {
      try {
        stream.base = baseOf(record, stream.base)
        const isLast = index === pending.length - 1
        if (isLast) sample = sampleOf(stream.base.sample, node, record.time)
      } catch (cause) {
        if (!(cause instanceof BeamscopeError)) throw cause
        this.#release(number, stream)
        const after = pending.slice(index + 1)
        return [
          { offset, bytes, reason: 'unreadable', cause },
          ...after.map((it) => ({ offset: it.offset, bytes: it.bytes, reason: 'orphan' as const })),
        ]
      }
    }
    this.#hold(stream, stream.base === undefined ? 0 : stream.base.size)
    return sample === undefined ? [] : [sample]
  }

  #release(number: number, stream: ReadStream): void {
    this.#hold(stream, 0)
    stream.pending = []
    stream.base = undefined
    this.#streams.delete(number)
  }

  #hold(stream: ReadStream, size: number): void {
    this.#held += size - stream.held
    stream.held = size
    if (this.#held > MAX_HELD) throw new RecordingTooLargeError(this.#source, MAX_HELD)
  }
}

function sampleOf(sample: Term, node: string, time: number): RecordedSample {
  if (!(sample instanceof ErlangMap)) throw new SampleContentError('a sample is no map')
  const version = unknownVersion(sample)
  if (version !== undefined) throw new SampleContentError(`a sample in version ${version}`)
  const raw = fromNative(sample)
  const takenAt = raw.takenAt ?? new Date(time).toISOString()
  if (Date.parse(takenAt) !== time) throw new SampleContentError('a sample has two times')
  return { node, time, raw: { ...raw, node, takenAt } }
}

/** @throws {BeamscopeError} when the record does not say what it should */
function baseOf(record: RecordingRecord, before: Base | undefined): Base {
  if (record.type === 'key') {
    const body = inflate(record)
    return startOf(new EncodedTerm(body).decode(), body)
  }
  if (before === undefined) throw new SampleContentError('a difference from nothing')
  const changes = inflate(record, before.window)
  if (before.size + changes.length > MAX_BASE_SIZE) {
    throw new SampleContentError('the differences are larger than what they begin with')
  }
  const { sample: term, layout = layoutOf(term) } = before
  const after = applyDifference({ term, layout }, changes)
  return next(before, after.term, changes, after.layout)
}

function startOf(sample: Term, body: Uint8Array): Base {
  return {
    sample,
    layout: undefined,
    size: body.length + WINDOW_SIZE,
    window: lastOf([body]),
  }
}

function next({ size, window }: Base, sample: Term, changes: Uint8Array, layout?: Layout): Base {
  return { sample, layout, size: size + changes.length, window: lastOf([window, changes]) }
}

/** What the next record may refer to. */
function lastOf(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts).subarray(-WINDOW_SIZE))
}

function deflate(bytes: Uint8Array, dictionary?: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, { level: 9, ...(dictionary && { dictionary }) })
}

function inflate({ deflated, size }: RecordingRecord, dictionary?: Uint8Array): Uint8Array {
  let bytes: Uint8Array
  try {
    const maxOutputLength = Math.max(size, 1)
    bytes = inflateRawSync(deflated, { maxOutputLength, ...(dictionary && { dictionary }) })
  } catch (cause) {
    throw new SampleContentError('a record cannot be inflated', { cause })
  }
  if (bytes.length !== size) throw new SampleContentError('a record inflates to another size')
  return bytes
}
