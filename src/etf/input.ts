/**
 * Bytes of the External Term Format as they are read: every size is checked against what is there.
 */
import { InvalidTermError, TermLimitError, TruncatedTermError } from './decode-error.ts'
import { LONGEST_HEAD } from './hot-path.ts'
import type { KnownAtom } from './known-atom.ts'
import type { Atom, ErlangMap } from './terms.ts'

export interface DecodeOptions {
  /** How deep terms may be nested. Default 10,000; the decoder itself has no limit. */
  readonly maxDepth?: number
  /**
   * How many terms may stand within those that are read, in all. Default 5 million: each may take some
   * 200 bytes of memory, fifty times what it takes on the wire.
   */
  readonly maxTerms?: number
  /** What a compressed term may grow to, in bytes. Default 64 MiB. */
  readonly maxInflatedSize?: number
  /**
   * `view`: binaries share memory with the input, which must not be written to any more.
   * Default `copy`.
   */
  readonly binaries?: 'copy' | 'view'
  /** The atoms of a distribution header, for `ATOM_CACHE_REF`. */
  readonly atomCacheRefs?: readonly Atom[]
}

const DEFAULT_MAX_DEPTH = 10_000
const DEFAULT_MAX_TERMS = 5_000_000
const DEFAULT_MAX_INFLATED_SIZE = 64 * 1024 * 1024

/** Up to so many bytes V8 keeps in its own heap, where they cost less than a call of `slice()`. */
const SHORT = 64

/** What is read, how far it is read, and what is allowed. */
export class Input {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly length: number
  readonly maxDepth: number
  readonly maxTerms: number
  readonly maxInflatedSize: number
  readonly copies: boolean
  readonly atomCacheRefs: readonly Atom[]
  /** From here on, fewer bytes are left than the longest head of a term that is common has. */
  readonly lastUnchecked: number
  position = 0
  /** The atom that was read last, if it was known; and those of the header that were met. */
  lastAtom: KnownAtom | undefined
  readonly cachedAtoms: (KnownAtom | undefined)[] = []
  /** By their size, the maps that were read last. */
  readonly maps: (ErlangMap | undefined)[] = []
  /** How many terms were announced as parts of others. */
  parts = 0

  constructor(bytes: Uint8Array, options: DecodeOptions) {
    // A plain Uint8Array over the same memory: a Buffer's slice() would not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.length = bytes.byteLength
    this.lastUnchecked = bytes.byteLength - LONGEST_HEAD
    this.maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH
    this.maxTerms = options.maxTerms ?? DEFAULT_MAX_TERMS
    this.maxInflatedSize = options.maxInflatedSize ?? DEFAULT_MAX_INFLATED_SIZE
    this.copies = options.binaries !== 'view'
    this.atomCacheRefs = options.atomCacheRefs ?? []
  }
}

export function expectEnd({ bytes, position }: Input): void {
  const left = bytes.length - position
  if (left > 0) throw new InvalidTermError(`${left} bytes follow the term`, position)
}

/** Allows a term of `count` parts at a depth, or does not. */
export function enter(input: Input, depth: number, count: number, offset: number): void {
  if (depth >= input.maxDepth) {
    throw new TermLimitError(
      `terms are nested deeper than ${input.maxDepth} levels`,
      offset,
      input.maxDepth,
    )
  }
  claim(input, count, offset)
}

/** Believes a count only if the bytes can hold that many parts. */
export function claim(input: Input, count: number, offset: number): void {
  input.parts += count
  const left = input.bytes.length - input.position
  if (count > left || input.parts > input.bytes.length) {
    throw new TruncatedTermError(`${count} parts are announced, ${left} bytes are left`, offset)
  }
  if (input.parts > input.maxTerms) {
    throw new TermLimitError(`more than ${input.maxTerms} terms`, offset, input.maxTerms)
  }
}

export function need(input: Input, count: number): void {
  const left = input.bytes.length - input.position
  if (count > left) {
    throw new TruncatedTermError(`${count} bytes are needed, ${left} are left`, input.position)
  }
}

/** Goes on behind so many bytes. */
export function take(
  input: Input,
  length: number,
): { readonly start: number; readonly end: number } {
  need(input, length)
  const start = input.position
  const end = start + length
  input.position = end
  return { start, end }
}

export function uint8(input: Input): number {
  if (input.position >= input.bytes.length) need(input, 1)
  return input.view.getUint8(input.position++)
}

export function uint16(input: Input): number {
  need(input, 2)
  const value = input.view.getUint16(input.position)
  input.position += 2
  return value
}

export function uint32(input: Input): number {
  need(input, 4)
  const value = input.view.getUint32(input.position)
  input.position += 4
  return value
}

export function int32(input: Input): number {
  need(input, 4)
  const value = input.view.getInt32(input.position)
  input.position += 4
  return value
}

export function uint64(input: Input): number | bigint {
  need(input, 8)
  const value = input.view.getBigUint64(input.position)
  input.position += 8
  return exact(value)
}

export function readBytes(input: Input, length: number): Uint8Array {
  need(input, length)
  const start = input.position
  input.position += length
  const end = start + length
  if (!input.copies) return input.bytes.subarray(start, end)
  if (length > SHORT) return input.bytes.slice(start, end)
  const copy = new Uint8Array(length)
  for (let i = 0; i < length; i++) copy[i] = input.view.getUint8(start + i)
  return copy
}

const MIN_SAFE_INTEGER = BigInt(Number.MIN_SAFE_INTEGER)
const MAX_SAFE_INTEGER = BigInt(Number.MAX_SAFE_INTEGER)

export function exact(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value
  return value >= MIN_SAFE_INTEGER && value <= MAX_SAFE_INTEGER ? Number(value) : value
}
