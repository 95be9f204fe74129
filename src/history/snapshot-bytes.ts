/**
 * Snapshots in bytes, in every form that operators have them, recognised by content.
 *
 * | form | is |
 * | --- | --- |
 * | `native` | beamscope's own: see native-snapshot.ts |
 * | `etf` | `term_to_binary({erlang:memory(), [{Alloc, erlang:system_info({allocator, Alloc})}, …]})` |
 * | `terms` | the same as text, the raw dump that recon's documentation describes |
 * | `recon` | text of `recon_alloc:snapshot_save/1` |
 *
 * Any of these terms is read from bytes of the External Term Format, compressed or not, and from text.
 * A list of allocators alone is read too: where one is disabled, `erlang:memory()` raises `notsup`.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#snapshot_load-1
 */
import type { Missing, Snapshot } from '../analysis/snapshot.ts'
import { BeamscopeError } from '../errors.ts'
import { tuple } from '../etf/build.ts'
import { decode } from '../etf/decode.ts'
import { DecodeError, TermLimitError } from '../etf/decode-error.ts'
import { encode } from '../etf/encode.ts'
import { formatTerm } from '../etf/format.ts'
import { isAtom, isList, isTuple } from '../etf/match.ts'
import { parseTerm } from '../etf/parse.ts'
import { ParseError, ParseLimitError } from '../etf/parse-error.ts'
import type { Term } from '../etf/terms.ts'
import { type RawSnapshot, toSnapshot } from '../probe/raw-snapshot.ts'
import { fromNative, isNative, toNative, unknownVersion } from './native-snapshot.ts'
import { fromReconForm, isReconForm, toReconForm } from './recon-snapshot.ts'
import { isRecording } from './recording-format.ts'
import {
  CorruptSnapshotError,
  NotASnapshotError,
  SnapshotContentError,
  SnapshotTooLargeError,
  SnapshotVersionError,
} from './snapshot-error.ts'

/** The forms that a snapshot can be written in. */
export type SnapshotFormat = 'native' | 'etf' | 'terms' | 'recon'

/** A snapshot that was read. */
export interface LoadedSnapshot {
  readonly format: SnapshotFormat
  readonly raw: RawSnapshot
  readonly snapshot: Snapshot
}

export interface ReadSnapshotOptions {
  /** What errors call the bytes: a file's path. */
  readonly source?: string
  /** In bytes, and so much again for what compressed bytes become. Default 256 MiB. */
  readonly maxSize?: number
}

export { isRecording }

/** A node of 1024 schedulers answers in some 10 MB. */
export const DEFAULT_MAX_SIZE: number = 256 * 1024 * 1024

/** The first byte of the External Term Format; no text begins with it, not in UTF-8 either. */
const ETF_VERSION = 131

/**
 * Reads a snapshot.
 *
 * @throws {NotASnapshotError} when the bytes are something else
 * @throws {CorruptSnapshotError} when they break off, or break the rules of their format
 * @throws {SnapshotContentError} when an answer in them has a shape that no node gives
 * @throws {SnapshotVersionError} when a newer beamscope wrote them
 * @throws {SnapshotTooLargeError} when they are over the limit
 */
export function readSnapshot(
  bytes: Uint8Array,
  { source = 'snapshot', maxSize = DEFAULT_MAX_SIZE }: ReadSnapshotOptions = {},
): LoadedSnapshot {
  if (bytes.length > maxSize) throw tooManyBytes(source, maxSize)
  if (bytes.length === 0) throw new NotASnapshotError(source, 'it is empty')
  const isText = bytes[0] !== ETF_VERSION
  const term = isText ? termOfText(bytes, source) : termOfEtf(bytes, source, maxSize)
  try {
    const { format, raw } = recognise(term, isText, source)
    const snapshot = toSnapshot(raw)
    if (isList(raw.allocators) && raw.allocators.length > 0 && isEmpty(snapshot)) {
      throw new NotASnapshotError(source, 'none of its parts is an allocator')
    }
    return { format, raw, snapshot }
  } catch (error) {
    if (error instanceof NotASnapshotError || error instanceof SnapshotVersionError) throw error
    if (error instanceof BeamscopeError) throw new SnapshotContentError(source, error)
    throw error
  }
}

/** Writes a snapshot. In all forms but `native`, all but memory and allocators is lost. */
export function writeSnapshot(raw: RawSnapshot, format: SnapshotFormat): Uint8Array {
  switch (format) {
    case 'native':
      return encode(toNative(raw), { compressed: 6 })
    case 'etf':
      return encode(tuple(raw.memory ?? [], fromReconForm(raw.allocators)))
    case 'terms':
      return text(tuple(raw.memory ?? [], fromReconForm(raw.allocators)))
    case 'recon':
      return text(tuple(raw.memory ?? [], toReconForm(raw.allocators)))
  }
}

/** The error for bytes over the limit. */
export function tooManyBytes(source: string, limit: number): SnapshotTooLargeError {
  return new SnapshotTooLargeError(source, `it has more than ${limit} bytes`, limit)
}

/** What names an allocator. A file without one may be anything, a password too: nothing of it is shown. */
const ALLOCATOR = /\b(?:\w+_alloc|erts_mmap)\b/

/** Whether an entry of the list is of an allocator, in either form. */
function isOfAllocator(entry: Term): boolean {
  const [key] = isTuple(entry, 2) ? entry.elements : []
  const [name] = isTuple(key, 2) ? key.elements : [key]
  return isAtom(name) && ALLOCATOR.test(name.name)
}

/** What kind of term it is: what it says may be nobody's business. */
function kindOf(term: Term): string {
  if (isTuple(term)) return `a tuple of ${term.elements.length}`
  if (isList(term)) return term.length === 0 ? 'an empty list' : 'a list'
  return isAtom(term) ? 'an atom' : 'another term'
}

/** One term for `file:consult/1`. */
function text(term: Term): Uint8Array {
  return new TextEncoder().encode(`${formatTerm(term, { layout: 'pretty' })}.\n`)
}

function termOfEtf(bytes: Uint8Array, source: string, maxSize: number): Term {
  try {
    return decode(bytes, { maxInflatedSize: maxSize })
  } catch (error) {
    if (error instanceof TermLimitError) {
      throw new SnapshotTooLargeError(source, error.message, error.limit, { cause: error })
    }
    if (error instanceof DecodeError) {
      throw new CorruptSnapshotError(source, error.message, error, { cause: error })
    }
    throw error
  }
}

function termOfText(bytes: Uint8Array, source: string): Term {
  const foreign = foreignKind(bytes)
  if (foreign !== undefined) throw new NotASnapshotError(source, foreign)
  const characters = decodeText(bytes)
  try {
    return parseTerm(characters)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const isSnapshot = ALLOCATOR.test(characters)
    if (error instanceof ParseLimitError) {
      // The cause has a line of the text.
      const options = isSnapshot ? { cause: error } : {}
      throw new SnapshotTooLargeError(source, error.message, error.limit, options)
    }
    if (!isSnapshot) {
      const { line, column, offset } = error
      const isCut = characters.slice(offset).trim() === ''
      const what = isCut ? 'it ends within a term' : 'no Erlang term'
      throw new NotASnapshotError(source, `${what}, at line ${line}, column ${column}`)
    }
    // What begins like no tuple, map or list was never a snapshot.
    throw /^(\s|%.*\n)*[{[#]/.test(characters.slice(0, 4096))
      ? new CorruptSnapshotError(source, error.message, error, { cause: error })
      : new NotASnapshotError(source, error.message, { cause: error })
  }
}

/** What the bytes are where a few of them tell. */
function foreignKind(bytes: Uint8Array): string | undefined {
  // RFC 1952, section 2.3.1.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'it is compressed with gzip; unpack it first'
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 512))
  if (start.startsWith('=erl_crash_dump')) return 'it is a crash dump'
  if (isRecording(bytes)) return 'it is a recording, of many snapshots'
  if (start.includes('\0')) return 'it is neither text nor in the External Term Format'
  return undefined
}

/** Erlang writes files in UTF-8, or, as recon's `~p` does, in Latin-1. */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('latin1').decode(bytes)
  }
}

function recognise(
  term: Term,
  isText: boolean,
  source: string,
): { readonly format: SnapshotFormat; readonly raw: RawSnapshot } {
  if (isNative(term)) {
    const version = unknownVersion(term)
    if (version !== undefined) throw new SnapshotVersionError(source, version)
    return { format: 'native', raw: fromNative(term) }
  }
  const [memory, allocators] = isTuple(term, 2) ? term.elements : [undefined, term]
  if (!isList(allocators) || (memory === undefined && allocators.length === 0)) {
    throw new NotASnapshotError(source, `it holds ${kindOf(term)}`)
  }
  const isKnown =
    memory !== undefined && !isAtom(memory) && !(isList(memory) && memory.length === 0)
  if (allocators.length > 0 && !allocators.some(isOfAllocator)) {
    throw new NotASnapshotError(source, 'none of its parts is an allocator')
  }
  return {
    format: isReconForm(allocators) ? 'recon' : isText ? 'terms' : 'etf',
    raw: {
      node: undefined,
      takenAt: undefined,
      otpRelease: undefined,
      schedulers: undefined,
      schedulersOnline: undefined,
      memory: isKnown ? memory : undefined,
      allocators,
      os: undefined,
      missing: isKnown ? [RESIDENT] : [MEMORY, RESIDENT],
    },
  }
}

const MEMORY: Missing = { what: 'erlang:memory()', why: 'the file does not hold it' }
const RESIDENT: Missing = {
  what: 'resident size',
  why: 'the file holds nothing of the operating system',
}

function isEmpty(snapshot: Snapshot): boolean {
  return (
    snapshot.allocators.length === 0 &&
    snapshot.mseg.length === 0 &&
    snapshot.sysAllocOptions === undefined &&
    Object.keys(snapshot.mappers).length === 0 &&
    snapshot.disabled.length === 0
  )
}
