/**
 * Bytes to terms: every tag of the External Term Format.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { inflateSync } from 'node:zlib'
import { toBigIntLE } from 'bigint-buffer'
import { AtomTable } from './atom-table.ts'
import { InvalidTermError, TermLimitError, TruncatedTermError } from './decode-error.ts'
import * as tag from './tags.ts'
import {
  Atom,
  BitString,
  DuplicateKeyError,
  ErlangMap,
  ExportFun,
  Float,
  Fun,
  ImproperList,
  LocalTerm,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
} from './terms.ts'

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

/**
 * Decodes one term as `term_to_binary/1` made it: the version byte, the term, nothing more.
 *
 * @throws {TruncatedTermError} when the bytes end too early
 * @throws {InvalidTermError} when they break the format, or something follows the term
 * @throws {TermLimitError} when the term is over one of the limits
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Term {
  const reader = new TermReader(bytes, options)
  const term = reader.readVersioned()
  reader.expectEnd()
  return term
}

const DEFAULT_MAX_DEPTH = 10_000

/** Levels that are read by a function that calls itself: no term of a snapshot has more than 12. */
const MAX_CALLS = 64
const DEFAULT_MAX_TERMS = 5_000_000
const DEFAULT_MAX_INFLATED_SIZE = 64 * 1024 * 1024

/** The BEAM's own limit for one integer, 2^26 bits: `MAX_BIGINT` digits in `erts/emulator/beam/big.h`. */
const MAX_INTEGER_BYTES = 8 * 1024 * 1024

/** Up to 512 bits. */
const MAX_WORDS = 8

/** Both are the BEAM's: 255 characters, of at most four bytes each in UTF-8. */
const MAX_ATOM_CHARACTERS = 255
const MAX_ATOM_BYTES = 255 * 4

const atoms = new AtomTable()
const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A term that is being put together. */
type Frame = {
  kind: 'tuple' | 'list' | 'improper_list' | 'map' | 'fun' | 'old_fun' | 'export' | 'record'
  /** The parts read so far; its places beyond `filled` are empty. */
  parts: Term[]
  filled: number
  count: number
  /** Where the term began. */
  offset: number
  /** What stood before the parts. */
  head: FunHead | boolean | undefined
}

type FunHead = {
  readonly arity: number
  readonly uniq: Uint8Array
  readonly index: number
  readonly end: number
}

/** A tag, and four bytes that count. */
const LONGEST_HEAD = 5

/** What is read, how far it is read, and what is allowed. */
class Input {
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
  readonly frames: Frame[] = []
  position = 0
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

/**
 * Reads terms one after another from the same bytes.
 *
 * Nesting beyond some levels is kept on a stack of its own, not on the native one. Every count is checked
 * against the bytes that remain before anything is allocated for it; the counts of a whole term together
 * cannot exceed its bytes either, since each part takes at least one: so nested counts cannot multiply.
 */
export class TermReader {
  readonly #input: Input

  constructor(bytes: Uint8Array, options: DecodeOptions = {}) {
    this.#input = new Input(bytes, options)
  }

  /** Where the next read begins. */
  get position(): number {
    return this.#input.position
  }

  /** Whether nothing is left to read. */
  get atEnd(): boolean {
    return this.#input.position === this.#input.bytes.length
  }

  /** @throws {InvalidTermError} when bytes are left */
  expectEnd(): void {
    expectEnd(this.#input)
  }

  /** Reads a term with the version byte before it; it may be compressed. */
  readVersioned(): Term {
    return readVersioned(this.#input)
  }

  /** Reads a term without the version byte, as it stands behind a distribution header. */
  read(): Term {
    return readShallow(this.#input, 0)
  }
}

function expectEnd({ bytes, position }: Input): void {
  const left = bytes.length - position
  if (left > 0) throw new InvalidTermError(`${left} bytes follow the term`, position)
}

function readVersioned(input: Input): Term {
  const version = uint8(input)
  if (version !== tag.VERSION) {
    throw new InvalidTermError(
      `a term begins with ${tag.VERSION}, not with ${version}`,
      input.position - 1,
    )
  }
  if (input.position < input.bytes.length) {
    const first = input.view.getUint8(input.position)
    if (first === tag.COMPRESSED) return readCompressed(input)
  }
  return readWhole(input)
}

/** Reads what may follow the version byte or be compressed: a term, or one of a single node. */
function readWhole(input: Input): Term {
  if (input.position < input.bytes.length) {
    if (input.view.getUint8(input.position) === tag.LOCAL) return readLocal(input)
  }
  return readShallow(input, 0)
}

/**
 * The hot path: terms that are not nested deeply, read by a function that calls itself. It makes tuples of
 * their parts at once, and reads by itself what is commonest, since V8 puts only so much of what a function
 * calls into it. What stands too near to the end for that is left to {@link readDeep}, which checks each read.
 */
function readShallow(input: Input, depth: number): Term {
  const { view, lastUnchecked } = input
  for (;;) {
    const offset = input.position
    if (offset > lastUnchecked) return readDeep(input, depth)
    switch (view.getUint8(offset)) {
      case tag.SMALL_ATOM_UTF8: {
        const start = offset + 2
        const end = start + view.getUint8(offset + 1)
        const known = end > input.length ? undefined : atoms.find(view, start, end)
        if (known === undefined) return readDeep(input, depth)
        input.position = end
        return known
      }
      case tag.ATOM: {
        const start = offset + 3
        const end = start + view.getUint16(offset + 1)
        const known = end > input.length ? undefined : atoms.find(view, start, end)
        if (known === undefined) return readDeep(input, depth)
        input.position = end
        return known
      }
      case tag.SMALL_INTEGER:
        input.position = offset + 2
        return view.getUint8(offset + 1)
      case tag.INTEGER:
        input.position = offset + 5
        return view.getInt32(offset + 1)
      case tag.NIL:
        input.position = offset + 1
        return []
      case tag.SMALL_TUPLE: {
        const count = view.getUint8(offset + 1)
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 2
        enter(input, depth, count, offset)
        const inner = depth + 1
        switch (count) {
          case 2:
            return new Tuple([readShallow(input, inner), readShallow(input, inner)])
          case 3:
            return new Tuple([
              readShallow(input, inner),
              readShallow(input, inner),
              readShallow(input, inner),
            ])
          case 4:
            return new Tuple([
              readShallow(input, inner),
              readShallow(input, inner),
              readShallow(input, inner),
              readShallow(input, inner),
            ])
          default:
            return new Tuple(readParts(input, [], count, inner))
        }
      }
      case tag.LIST: {
        const count = view.getUint32(offset + 1)
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 5
        // [| Tail] is Tail, to the BEAM too.
        if (count === 0) continue
        enter(input, depth, count, offset)
        return readTail(input, readParts(input, [], count, depth + 1), depth + 1)
      }
      case tag.MAP: {
        const count = view.getUint32(offset + 1) * 2
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 5
        enter(input, depth, count, offset)
        return buildMap(readParts(input, [], count, depth + 1), offset)
      }
      case tag.LARGE_TUPLE:
      case tag.EXPORT:
      case tag.NEW_FUN:
      case tag.FUN:
      case tag.RECORD:
        return readDeep(input, depth)
      default:
        return readLeaf(input, uint8(input), offset)
    }
  }
}

function readParts(input: Input, parts: Term[], count: number, depth: number): Term[] {
  for (let i = 0; i < count; i++) parts.push(readShallow(input, depth))
  return parts
}

/** What follows the elements of a list; a tail that is a list goes on with them, however often. */
function readTail(input: Input, parts: Term[], depth: number): Term {
  for (;;) {
    const offset = input.position
    switch (uint8(input)) {
      case tag.NIL:
        return parts
      case tag.LIST: {
        const count = uint32(input)
        claim(input, count, offset)
        readParts(input, parts, count, depth)
        break
      }
      case tag.STRING:
        for (const byte of readString(input, offset)) parts.push(byte)
        return parts
      default:
        input.position = offset
        return new ImproperList(parts, readShallow(input, depth))
    }
  }
}

/** Reads a term that may be nested as deeply as is allowed, with a stack of its own. */
function readDeep(input: Input, outermost: number): Term {
  let depth = outermost - 1
  for (;;) {
    const offset = input.position
    let value: Term | undefined
    const next = uint8(input)
    switch (next) {
      case tag.SMALL_TUPLE:
        depth = open(input, depth, 'tuple', uint8(input), offset)
        break
      case tag.LARGE_TUPLE:
        depth = open(input, depth, 'tuple', uint32(input), offset)
        break
      case tag.LIST: {
        const count = uint32(input)
        if (count === 0) continue
        depth = open(input, depth, 'list', count, offset)
        break
      }
      case tag.MAP:
        depth = open(input, depth, 'map', uint32(input) * 2, offset)
        break
      case tag.EXPORT:
        depth = open(input, depth, 'export', 3, offset)
        break
      case tag.NEW_FUN: {
        const head = readFunHead(input, offset)
        // Module, old index, old uniq and pid stand before the free variables.
        depth = open(input, depth, 'fun', 4 + uint32(input), offset, head)
        break
      }
      case tag.FUN:
        depth = open(input, depth, 'old_fun', 4 + uint32(input), offset)
        break
      case tag.RECORD: {
        const fields = uint32(input)
        const flags = uint8(input)
        // Bit 0: exported. OTP 29 refuses the others, which we could not write back.
        if (flags > 1) throw new InvalidTermError(`a record with the flags ${flags}`, offset)
        // Module and name, then the names of the fields, then their values.
        depth = open(input, depth, 'record', 2 + 2 * fields, offset, flags === 1)
        break
      }
      default:
        value = readLeaf(input, next, offset)
    }

    // Hand what is complete to the frame around it, which may complete that one in turn.
    for (;;) {
      if (value !== undefined) {
        if (depth < outermost) return value
        const frame = frameAt(input, depth)
        frame.parts[frame.filled++] = value
      }
      if (depth < outermost) break
      const frame = frameAt(input, depth)
      if (frame.filled < frame.count) break
      if (frame.kind === 'list' && !endList(input, frame)) break
      value = close(input, frame)
      depth--
    }
  }
}

function frameAt(input: Input, depth: number): Frame {
  const frame = input.frames[depth]
  if (frame === undefined) throw new RangeError(`no frame at depth ${depth}`)
  return frame
}

/** Begins a term of `count` parts and returns its depth. */
function open(
  input: Input,
  outer: number,
  kind: Frame['kind'],
  count: number,
  offset: number,
  head?: Frame['head'],
): number {
  const depth = outer + 1
  enter(input, depth, count, offset)
  const parts = new Array<Term>(count)
  const frame = input.frames[depth]
  if (frame === undefined) {
    input.frames[depth] = { kind, parts, filled: 0, count, offset, head }
  } else {
    frame.kind = kind
    frame.parts = parts
    frame.filled = 0
    frame.count = count
    frame.offset = offset
    frame.head = head
  }
  return depth
}

/** Allows a term of `count` parts at a depth, or does not. */
function enter(input: Input, depth: number, count: number, offset: number): void {
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
function claim(input: Input, count: number, offset: number): void {
  input.parts += count
  const left = input.bytes.length - input.position
  if (count > left || input.parts > input.bytes.length) {
    throw new TruncatedTermError(`${count} parts are announced, ${left} bytes are left`, offset)
  }
  if (input.parts > input.maxTerms) {
    throw new TermLimitError(`more than ${input.maxTerms} terms`, offset, input.maxTerms)
  }
}

/**
 * Looks at the tail of a list whose elements are all there. Returns whether the list is complete;
 * a tail that is a list goes on in the same frame, however often.
 */
function endList(input: Input, frame: Frame): boolean {
  for (;;) {
    const offset = input.position
    switch (uint8(input)) {
      case tag.NIL:
        return true
      case tag.LIST: {
        const count = uint32(input)
        claim(input, count, offset)
        frame.count += count
        if (count > 0) return false
        break
      }
      case tag.STRING:
        for (const byte of readString(input, offset)) frame.parts.push(byte)
        return true
      default:
        input.position = offset
        frame.kind = 'improper_list'
        frame.count += 1
        return false
    }
  }
}

function close(input: Input, frame: Frame): Term {
  const { parts, offset, head } = frame
  // The pool must not keep what was handed out.
  frame.parts = []
  switch (frame.kind) {
    case 'tuple':
      return new Tuple(parts)
    case 'list':
      return parts
    case 'improper_list': {
      const tail = parts.pop()
      // `#endList` saw a tail coming, and a list has an element before it.
      if (tail === undefined) throw new InvalidTermError('a list has no tail', offset)
      return new ImproperList(parts, tail)
    }
    case 'map':
      return buildMap(parts, offset)
    case 'export':
      return buildExport(parts, offset)
    case 'fun':
      return buildFun(parts, head, input.position, offset)
    case 'old_fun':
      return buildOldFun(parts, offset)
    case 'record':
      return buildRecord(parts, head === true, offset)
  }
}

/** Reads what has no parts. */
function readLeaf(input: Input, next: number, offset: number): Term {
  switch (next) {
    case tag.SMALL_INTEGER:
      return uint8(input)
    case tag.INTEGER:
      return int32(input)
    case tag.NIL:
      return []
    case tag.BINARY:
      return readBytes(input, uint32(input))
    case tag.STRING:
      return readString(input, offset)
    case tag.NEW_FLOAT:
      return readNewFloat(input, offset)
    case tag.FLOAT:
      return readOldFloat(input, offset)
    case tag.SMALL_BIG:
      return readBig(input, uint8(input), offset)
    case tag.LARGE_BIG:
      return readBig(input, uint32(input), offset)
    case tag.NEW_PID:
      return readPid(input, 'uint32')
    case tag.PID:
      return readPid(input, 'uint8')
    case tag.V4_PORT:
      return new Port(readAtom(input), uint64(input), uint32(input))
    case tag.NEW_PORT:
      return new Port(readAtom(input), uint32(input), uint32(input))
    case tag.PORT:
      return new Port(readAtom(input), uint32(input), uint8(input))
    case tag.NEWER_REFERENCE:
      return readReference(input, 'uint32', offset)
    case tag.NEW_REFERENCE:
      return readReference(input, 'uint8', offset)
    case tag.REFERENCE: {
      const node = readAtom(input)
      const word = uint32(input)
      return new Reference(node, uint8(input), [word])
    }
    case tag.BIT_BINARY:
      return readBitString(input, offset)
    case tag.COMPRESSED:
      throw new InvalidTermError('a compressed term stands inside another one', offset)
    default: {
      const atom = taggedAtom(input, next, offset)
      if (atom !== undefined) return atom
      throw new InvalidTermError(`tag ${next} is unknown`, offset)
    }
  }
}

function need(input: Input, count: number): void {
  const left = input.bytes.length - input.position
  if (count > left) {
    throw new TruncatedTermError(`${count} bytes are needed, ${left} are left`, input.position)
  }
}

function uint8(input: Input): number {
  if (input.position >= input.bytes.length) need(input, 1)
  return input.view.getUint8(input.position++)
}

function uint16(input: Input): number {
  need(input, 2)
  const value = input.view.getUint16(input.position)
  input.position += 2
  return value
}

function uint32(input: Input): number {
  need(input, 4)
  const value = input.view.getUint32(input.position)
  input.position += 4
  return value
}

function int32(input: Input): number {
  need(input, 4)
  const value = input.view.getInt32(input.position)
  input.position += 4
  return value
}

function uint64(input: Input): number | bigint {
  need(input, 8)
  const value = input.view.getBigUint64(input.position)
  input.position += 8
  return exact(value)
}

function readBytes(input: Input, length: number): Uint8Array {
  need(input, length)
  const start = input.position
  input.position += length
  return input.copies
    ? input.bytes.slice(start, start + length)
    : input.bytes.subarray(start, start + length)
}

function readString(input: Input, offset: number): number[] {
  const length = uint16(input)
  need(input, length)
  claim(input, length, offset)
  const codes = new Array<number>(length)
  for (let i = 0; i < length; i++) codes[i] = input.view.getUint8(input.position + i)
  input.position += length
  return codes
}

function readNewFloat(input: Input, offset: number): Float {
  need(input, 8)
  const value = input.view.getFloat64(input.position)
  input.position += 8
  return finite(value, offset)
}

/** 31 bytes of text as `sprintf("%.20e")` prints it, filled up with zero bytes. */
function readOldFloat(input: Input, offset: number): Float {
  const text = latin1.decode(readBytes(input, 31)).replace(/\0.*$/s, '')
  // Number() alone would take an empty text, white space and 0x10.
  if (!/^[-+]?\d+\.\d+(e[-+]?\d+)?$/i.test(text)) {
    throw new InvalidTermError('a float is no number', offset)
  }
  return finite(Number(text), offset)
}

/** Little-endian magnitude behind a sign byte. */
function readBig(input: Input, length: number, offset: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) {
    throw new TermLimitError(`an integer of ${length} bytes`, offset, MAX_INTEGER_BYTES)
  }
  const negative = uint8(input) !== 0
  const { start, end } = take(input, length)
  const magnitude = length <= 8 ? readWord(input, start, end) : readWords(input, start, end)
  const value = exact(magnitude)
  return negative && value !== 0 ? -value : value
}

/** Up to eight bytes: two words are quicker than one BigInt, which most of these need not become. */
function readWord({ view }: Input, start: number, end: number): number | bigint {
  const middle = Math.min(start + 4, end)
  let low = 0
  let high = 0
  for (let i = end - 1; i >= middle; i--) high = high * 256 + view.getUint8(i)
  for (let i = middle - 1; i >= start; i--) low = low * 256 + view.getUint8(i)
  return high <= 0x1f_ffff ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low)
}

/** Eight bytes at a time, as long as that is quicker than to convert them all at once. */
function readWords(input: Input, start: number, end: number): bigint {
  if (end - start > MAX_WORDS * 8) {
    return toBigIntLE(Buffer.from(input.bytes.buffer, input.bytes.byteOffset + start, end - start))
  }
  let at = start + Math.floor((end - start) / 8) * 8
  let value = BigInt(readWord(input, at, end))
  while (at > start) {
    at -= 8
    value = (value << 64n) | input.view.getBigUint64(at, true)
  }
  return value
}

function atomUtf8(input: Input, length: number, offset: number): Atom {
  if (length > MAX_ATOM_BYTES) {
    throw new TermLimitError(`an atom of ${length} bytes`, offset, MAX_ATOM_CHARACTERS)
  }
  const { start, end } = take(input, length)
  const known = atoms.find(input.view, start, end) ?? atoms.add(input.view, start, end)
  if (known !== undefined) return known
  let name: string
  try {
    name = utf8.decode(input.bytes.subarray(start, end))
  } catch (cause) {
    throw new InvalidTermError('an atom is not UTF-8', offset, { cause })
  }
  let characters = 0
  for (const _ of name) characters++
  if (characters > MAX_ATOM_CHARACTERS) {
    throw new TermLimitError(`an atom of ${characters} characters`, offset, MAX_ATOM_CHARACTERS)
  }
  return new Atom(name)
}

function atomLatin1(input: Input, length: number, offset: number): Atom {
  if (length > MAX_ATOM_CHARACTERS) {
    throw new TermLimitError(`an atom of ${length} characters`, offset, MAX_ATOM_CHARACTERS)
  }
  const { start, end } = take(input, length)
  const known = atoms.find(input.view, start, end) ?? atoms.add(input.view, start, end)
  // Not TextDecoder: its latin1 is windows-1252.
  return known ?? new Atom(String.fromCharCode(...input.bytes.subarray(start, end)))
}

/** Goes on behind so many bytes. */
function take(input: Input, length: number): { readonly start: number; readonly end: number } {
  need(input, length)
  const start = input.position
  const end = start + length
  input.position = end
  return { start, end }
}

function cachedAtom(input: Input, offset: number): Atom {
  const index = uint8(input)
  const atom = input.atomCacheRefs[index]
  if (atom === undefined) {
    throw new InvalidTermError(`the header defines no atom ${index}`, offset)
  }
  return atom
}

/** The node of a pid, a port or a reference. */
function readAtom(input: Input): Atom {
  const offset = input.position
  const next = uint8(input)
  const atom = taggedAtom(input, next, offset)
  if (atom !== undefined) return atom
  throw new InvalidTermError(`an atom should stand here, not tag ${next}`, offset)
}

/** The atom behind a tag, `undefined` if that is of something else. */
function taggedAtom(input: Input, next: number, offset: number): Atom | undefined {
  switch (next) {
    case tag.SMALL_ATOM_UTF8:
      return atomUtf8(input, uint8(input), offset)
    case tag.ATOM_UTF8:
      return atomUtf8(input, uint16(input), offset)
    case tag.ATOM:
      return atomLatin1(input, uint16(input), offset)
    case tag.SMALL_ATOM:
      return atomLatin1(input, uint8(input), offset)
    case tag.ATOM_CACHE_REF:
      return cachedAtom(input, offset)
    default:
      return undefined
  }
}

function readPid(input: Input, creation: 'uint8' | 'uint32'): Pid {
  const node = readAtom(input)
  const id = uint32(input)
  const serial = uint32(input)
  return new Pid(node, id, serial, creation === 'uint8' ? uint8(input) : uint32(input))
}

function readReference(input: Input, creation: 'uint8' | 'uint32', offset: number): Reference {
  const length = uint16(input)
  // Five words since V4_NC; the BEAM refuses more.
  if (length < 1 || length > 5) {
    throw new InvalidTermError(`a reference of ${length} words`, offset)
  }
  const node = readAtom(input)
  const number = creation === 'uint8' ? uint8(input) : uint32(input)
  const words: number[] = []
  for (let i = 0; i < length; i++) words.push(uint32(input))
  return new Reference(node, number, words)
}

function readBitString(input: Input, offset: number): Uint8Array | BitString {
  const length = uint32(input)
  const bits = uint8(input)
  if (bits > 8 || (bits === 0) !== (length === 0)) {
    throw new InvalidTermError(
      `a bitstring of ${length} bytes with ${bits} bits in the last`,
      offset,
    )
  }
  const bytes = readBytes(input, length)
  if (bits === 8 || bits === 0) return bytes
  const last = bytes[length - 1] ?? 0
  const significant = last & (0xff << (8 - bits))
  if (significant === last) return new BitString(bytes, bits)
  // What the other bits hold is undefined: zero them, but never in the input.
  const clean = bytes.slice()
  clean[length - 1] = significant
  return new BitString(clean, bits)
}

function readFunHead(input: Input, offset: number): FunHead {
  const size = uint32(input)
  input.position -= 4
  // The size counts its own four bytes.
  need(input, size)
  const end = input.position + size
  input.position += 4
  const arity = uint8(input)
  need(input, 16)
  const uniq = input.bytes.slice(input.position, input.position + 16)
  input.position += 16
  const index = uint32(input)
  if (input.position > end) {
    throw new InvalidTermError(`a fun of ${size} bytes cannot hold its own fields`, offset)
  }
  return { arity, uniq, index, end }
}

function readLocal(input: Input): LocalTerm {
  const bytes = input.bytes.slice(input.position + 1)
  input.position = input.bytes.length
  return new LocalTerm(bytes)
}

function readCompressed(input: Input): Term {
  const offset = input.position
  input.position += 1
  const size = uint32(input)
  if (size > input.maxInflatedSize) {
    throw new TermLimitError(
      `a compressed term of ${size} bytes is over the limit of ${input.maxInflatedSize}`,
      offset,
      input.maxInflatedSize,
    )
  }
  const { bytes, consumed } = inflate(input.bytes.subarray(input.position), size, offset)
  if (bytes.length !== size) {
    throw new InvalidTermError(
      `a compressed term announces ${size} bytes and holds ${bytes.length}`,
      offset,
    )
  }
  const inner = new Input(bytes, {
    maxDepth: input.maxDepth,
    maxTerms: input.maxTerms,
    // Not views by themselves: one small binary would keep all the inflated bytes.
    binaries: input.copies ? 'copy' : 'view',
    atomCacheRefs: input.atomCacheRefs,
  })
  let term: Term
  try {
    term = readWhole(inner)
    expectEnd(inner)
  } catch (cause) {
    if (cause instanceof TermLimitError) throw cause
    // Offsets of the inflated bytes would mislead; the cause keeps them.
    throw new InvalidTermError('a compressed term holds no term', offset, { cause })
  }
  input.position += consumed
  return term
}

/** Inflates at most `size` bytes and says how many of the input it took. */
function inflate(
  input: Uint8Array,
  size: number,
  offset: number,
): { readonly bytes: Uint8Array; readonly consumed: number } {
  let result: unknown
  try {
    result = inflateSync(input, { maxOutputLength: Math.max(size, 1), info: true })
  } catch (cause) {
    // zlib's word for an end that comes too early.
    if (isNodeError(cause) && cause.code === 'Z_BUF_ERROR') {
      throw new TruncatedTermError('a compressed term is cut short', offset, { cause })
    }
    throw new InvalidTermError('a compressed term cannot be inflated', offset, { cause })
  }
  if (!isInflated(result)) throw new InvalidTermError('zlib gave no buffer', offset)
  return { bytes: result.buffer, consumed: result.engine.bytesWritten }
}

function isNodeError(value: unknown): value is Error & { readonly code: unknown } {
  return value instanceof Error && 'code' in value
}

/** What `inflateSync` returns for `info: true`, which its types leave out. */
function isInflated(
  value: unknown,
): value is { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } } {
  return typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value
}

function exact(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value
}

function finite(value: number, offset: number): Float {
  if (!Number.isFinite(value)) throw new InvalidTermError('a float is not finite', offset)
  return new Float(value)
}

function buildMap(parts: readonly Term[], offset: number): ErlangMap {
  const keys: Term[] = []
  const values: Term[] = []
  for (let i = 1; i < parts.length; i += 2) {
    const key = parts[i - 1]
    const value = parts[i]
    if (key === undefined || value === undefined) break
    keys.push(key)
    values.push(value)
  }
  try {
    return new ErlangMap(keys, values)
  } catch (cause) {
    if (!(cause instanceof DuplicateKeyError)) throw cause
    throw new InvalidTermError(cause.message, offset, { cause })
  }
}

function buildExport(parts: readonly Term[], offset: number): ExportFun {
  const [module, name, arity] = parts
  if (module instanceof Atom && name instanceof Atom && isByte(arity)) {
    return new ExportFun(module, name, arity)
  }
  throw new InvalidTermError('an export is not module, function and arity', offset)
}

function buildFun(parts: readonly Term[], head: Frame['head'], end: number, offset: number): Fun {
  const [module, oldIndex, oldUniq, pid, ...freeVariables] = parts
  if (
    typeof head === 'object' &&
    // Over the distribution OTP 23 leaves out of the size what binaries of more than 64 bytes take.
    head.end <= end &&
    module instanceof Atom &&
    isInteger(oldIndex) &&
    isInteger(oldUniq) &&
    pid instanceof Pid
  ) {
    const { arity, uniq, index } = head
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, pid, freeVariables })
  }
  throw new InvalidTermError('a fun does not hold what it announces', offset)
}

function buildOldFun(parts: readonly Term[], offset: number): OldFun {
  const [pid, module, index, uniq, ...freeVariables] = parts
  if (pid instanceof Pid && module instanceof Atom && isInteger(index) && isInteger(uniq)) {
    return new OldFun(pid, module, index, uniq, freeVariables)
  }
  throw new InvalidTermError('an old fun does not hold what it should', offset)
}

function buildRecord(parts: readonly Term[], exported: boolean, offset: number): NativeRecord {
  const [module, name, ...rest] = parts
  const count = rest.length / 2
  const fields: [Atom, Term][] = []
  const names = new Set<string>()
  for (let i = 0; i < count; i++) {
    const field = rest[i]
    const value = rest[count + i]
    if (!(field instanceof Atom) || value === undefined) {
      throw new InvalidTermError('a field of a record is not named by an atom', offset)
    }
    fields.push([field, value])
    names.add(field.name)
  }
  if (names.size < count) throw new InvalidTermError('a record has one field twice', offset)
  if (module instanceof Atom && name instanceof Atom) {
    return new NativeRecord(module, name, exported, fields)
  }
  throw new InvalidTermError('a record is not named by atoms', offset)
}

function isInteger(term: Term | undefined): term is number | bigint {
  return typeof term === 'number' || typeof term === 'bigint'
}

function isByte(term: Term | undefined): term is number {
  return typeof term === 'number' && term >= 0 && term <= 255
}
