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
const DEFAULT_MAX_TERMS = 5_000_000
const DEFAULT_MAX_INFLATED_SIZE = 64 * 1024 * 1024

/** The BEAM's own limit for one integer, 2^26 bits: `MAX_BIGINT` digits in `erts/emulator/beam/big.h`. */
const MAX_INTEGER_BYTES = 8 * 1024 * 1024

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

/**
 * Reads terms one after another from the same bytes.
 *
 * Nesting is kept on a stack of its own, not on the native one. Every count is checked against the
 * bytes that remain before anything is allocated for it; the counts of a whole term together cannot
 * exceed its bytes either, since each part takes at least one: so nested counts cannot multiply.
 */
export class TermReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #maxDepth: number
  readonly #maxTerms: number
  readonly #maxInflatedSize: number
  readonly #copies: boolean
  readonly #atomCacheRefs: readonly Atom[]
  readonly #frames: Frame[] = []
  #position = 0
  #parts = 0

  constructor(bytes: Uint8Array, options: DecodeOptions = {}) {
    // A plain Uint8Array over the same memory: a Buffer's slice() would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH
    this.#maxTerms = options.maxTerms ?? DEFAULT_MAX_TERMS
    this.#maxInflatedSize = options.maxInflatedSize ?? DEFAULT_MAX_INFLATED_SIZE
    this.#copies = options.binaries !== 'view'
    this.#atomCacheRefs = options.atomCacheRefs ?? []
  }

  /** Where the next read begins. */
  get position(): number {
    return this.#position
  }

  /** Whether nothing is left to read. */
  get atEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  /** @throws {InvalidTermError} when bytes are left */
  expectEnd(): void {
    if (this.atEnd) return
    const left = this.#bytes.length - this.#position
    throw new InvalidTermError(`${left} bytes follow the term`, this.#position)
  }

  /** Reads a term with the version byte before it; it may be compressed. */
  readVersioned(): Term {
    const version = this.#uint8()
    if (version !== tag.VERSION) {
      throw new InvalidTermError(
        `a term begins with ${tag.VERSION}, not with ${version}`,
        this.#position - 1,
      )
    }
    if (this.#position < this.#bytes.length) {
      const first = this.#view.getUint8(this.#position)
      if (first === tag.COMPRESSED) return this.#readCompressed()
    }
    return this.#readWhole()
  }

  /** Reads what may follow the version byte or be compressed: a term, or one of a single node. */
  #readWhole(): Term {
    if (this.#position < this.#bytes.length) {
      if (this.#view.getUint8(this.#position) === tag.LOCAL) return this.#readLocal()
    }
    return this.read()
  }

  /** Reads a term without the version byte, as it stands behind a distribution header. */
  read(): Term {
    let depth = -1
    for (;;) {
      const offset = this.#position
      let value: Term | undefined
      // The commonest tags of a snapshot come first; the rest are in #readLeaf.
      const next = this.#uint8()
      switch (next) {
        case tag.SMALL_ATOM_UTF8:
          value = this.#atomUtf8(this.#uint8(), offset)
          break
        case tag.SMALL_INTEGER:
          value = this.#uint8()
          break
        case tag.INTEGER:
          this.#need(4)
          value = this.#view.getInt32(this.#position)
          this.#position += 4
          break
        case tag.NIL:
          value = []
          break
        case tag.SMALL_TUPLE:
          depth = this.#open(depth, 'tuple', this.#uint8(), offset)
          break
        case tag.LARGE_TUPLE:
          depth = this.#open(depth, 'tuple', this.#uint32(), offset)
          break
        case tag.LIST: {
          const count = this.#uint32()
          // [| Tail] is Tail, to the BEAM too.
          if (count === 0) continue
          depth = this.#open(depth, 'list', count, offset)
          break
        }
        case tag.MAP:
          depth = this.#open(depth, 'map', this.#uint32() * 2, offset)
          break
        case tag.EXPORT:
          depth = this.#open(depth, 'export', 3, offset)
          break
        case tag.NEW_FUN: {
          const head = this.#readFunHead(offset)
          // Module, old index, old uniq and pid stand before the free variables.
          depth = this.#open(depth, 'fun', 4 + this.#uint32(), offset, head)
          break
        }
        case tag.FUN:
          depth = this.#open(depth, 'old_fun', 4 + this.#uint32(), offset)
          break
        case tag.RECORD: {
          const fields = this.#uint32()
          const flags = this.#uint8()
          // Bit 0: exported. OTP 29 refuses the others, which we could not write back.
          if (flags > 1) throw new InvalidTermError(`a record with the flags ${flags}`, offset)
          // Module and name, then the names of the fields, then their values.
          depth = this.#open(depth, 'record', 2 + 2 * fields, offset, flags === 1)
          break
        }
        default:
          value = this.#readLeaf(next, offset)
      }

      // Hand what is complete to the frame around it, which may complete that one in turn.
      for (;;) {
        if (value !== undefined) {
          if (depth < 0) return value
          const frame = this.#frame(depth)
          frame.parts[frame.filled++] = value
        }
        if (depth < 0) break
        const frame = this.#frame(depth)
        if (frame.filled < frame.count) break
        if (frame.kind === 'list' && !this.#endList(frame)) break
        value = this.#close(frame)
        depth--
      }
    }
  }

  #frame(depth: number): Frame {
    const frame = this.#frames[depth]
    if (frame === undefined) throw new RangeError(`no frame at depth ${depth}`)
    return frame
  }

  /** Begins a term of `count` parts and returns its depth. */
  #open(
    outer: number,
    kind: Frame['kind'],
    count: number,
    offset: number,
    head?: Frame['head'],
  ): number {
    const depth = outer + 1
    if (depth >= this.#maxDepth) {
      throw new TermLimitError(
        `terms are nested deeper than ${this.#maxDepth} levels`,
        offset,
        this.#maxDepth,
      )
    }
    this.#claim(count, offset)
    const parts = new Array<Term>(count)
    const frame = this.#frames[depth]
    if (frame === undefined) {
      this.#frames.push({ kind, parts, filled: 0, count, offset, head })
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

  /** Believes a count only if the bytes can hold that many parts. */
  #claim(count: number, offset: number): void {
    this.#parts += count
    const left = this.#bytes.length - this.#position
    if (count > left || this.#parts > this.#bytes.length) {
      throw new TruncatedTermError(`${count} parts are announced, ${left} bytes are left`, offset)
    }
    if (this.#parts > this.#maxTerms) {
      throw new TermLimitError(`more than ${this.#maxTerms} terms`, offset, this.#maxTerms)
    }
  }

  /**
   * Looks at the tail of a list whose elements are all there. Returns whether the list is complete;
   * a tail that is a list goes on in the same frame, however often.
   */
  #endList(frame: Frame): boolean {
    for (;;) {
      const offset = this.#position
      switch (this.#uint8()) {
        case tag.NIL:
          return true
        case tag.LIST: {
          const count = this.#uint32()
          this.#claim(count, offset)
          frame.count += count
          if (count > 0) return false
          break
        }
        case tag.STRING:
          for (const byte of this.#readString(offset)) frame.parts.push(byte)
          return true
        default:
          this.#position = offset
          frame.kind = 'improper_list'
          frame.count += 1
          return false
      }
    }
  }

  #close(frame: Frame): Term {
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
        return buildFun(parts, head, this.#position, offset)
      case 'old_fun':
        return buildOldFun(parts, offset)
      case 'record':
        return buildRecord(parts, head === true, offset)
    }
  }

  /** Reads what has no parts. */
  #readLeaf(next: number, offset: number): Term {
    switch (next) {
      case tag.BINARY:
        return this.#readBytes(this.#uint32())
      case tag.STRING:
        return this.#readString(offset)
      case tag.NEW_FLOAT:
        return this.#readNewFloat(offset)
      case tag.FLOAT:
        return this.#readOldFloat(offset)
      case tag.SMALL_BIG:
        return this.#readBig(this.#uint8(), offset)
      case tag.LARGE_BIG:
        return this.#readBig(this.#uint32(), offset)
      case tag.NEW_PID:
        return this.#readPid('uint32')
      case tag.PID:
        return this.#readPid('uint8')
      case tag.V4_PORT:
        return new Port(this.#readAtom(), this.#uint64(), this.#uint32())
      case tag.NEW_PORT:
        return new Port(this.#readAtom(), this.#uint32(), this.#uint32())
      case tag.PORT:
        return new Port(this.#readAtom(), this.#uint32(), this.#uint8())
      case tag.NEWER_REFERENCE:
        return this.#readReference('uint32', offset)
      case tag.NEW_REFERENCE:
        return this.#readReference('uint8', offset)
      case tag.REFERENCE: {
        const node = this.#readAtom()
        const word = this.#uint32()
        return new Reference(node, this.#uint8(), [word])
      }
      case tag.BIT_BINARY:
        return this.#readBitString(offset)
      case tag.COMPRESSED:
        throw new InvalidTermError('a compressed term stands inside another one', offset)
      default: {
        const atom = this.#taggedAtom(next, offset)
        if (atom !== undefined) return atom
        throw new InvalidTermError(`tag ${next} is unknown`, offset)
      }
    }
  }

  #need(count: number): void {
    const left = this.#bytes.length - this.#position
    if (count > left) {
      throw new TruncatedTermError(`${count} bytes are needed, ${left} are left`, this.#position)
    }
  }

  #uint8(): number {
    if (this.#position >= this.#bytes.length) this.#need(1)
    return this.#view.getUint8(this.#position++)
  }

  #uint16(): number {
    this.#need(2)
    const value = this.#view.getUint16(this.#position)
    this.#position += 2
    return value
  }

  #uint32(): number {
    this.#need(4)
    const value = this.#view.getUint32(this.#position)
    this.#position += 4
    return value
  }

  #uint64(): number | bigint {
    this.#need(8)
    const value = this.#view.getBigUint64(this.#position)
    this.#position += 8
    return exact(value)
  }

  #readBytes(length: number): Uint8Array {
    this.#need(length)
    const start = this.#position
    this.#position += length
    return this.#copies
      ? this.#bytes.slice(start, start + length)
      : this.#bytes.subarray(start, start + length)
  }

  #readString(offset: number): number[] {
    const length = this.#uint16()
    this.#need(length)
    this.#claim(length, offset)
    const codes = new Array<number>(length)
    for (let i = 0; i < length; i++) codes[i] = this.#view.getUint8(this.#position + i)
    this.#position += length
    return codes
  }

  #readNewFloat(offset: number): Float {
    this.#need(8)
    const value = this.#view.getFloat64(this.#position)
    this.#position += 8
    return finite(value, offset)
  }

  /** 31 bytes of text as `sprintf("%.20e")` prints it, filled up with zero bytes. */
  #readOldFloat(offset: number): Float {
    const text = latin1.decode(this.#readBytes(31)).replace(/\0.*$/s, '')
    // Number() alone would take an empty text, white space and 0x10.
    if (!/^[-+]?\d+\.\d+(e[-+]?\d+)?$/i.test(text)) {
      throw new InvalidTermError('a float is no number', offset)
    }
    return finite(Number(text), offset)
  }

  /** Little-endian magnitude behind a sign byte. */
  #readBig(length: number, offset: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) {
      throw new TermLimitError(`an integer of ${length} bytes`, offset, MAX_INTEGER_BYTES)
    }
    const negative = this.#uint8() !== 0
    this.#need(length)
    const start = this.#position
    this.#position += length
    if (length <= 8) {
      // Two words are quicker than one BigInt, which most of these need not become.
      let low = 0
      let high = 0
      for (let i = length - 1; i >= 4; i--) high = high * 256 + this.#view.getUint8(start + i)
      for (let i = Math.min(length, 4) - 1; i >= 0; i--) {
        low = low * 256 + this.#view.getUint8(start + i)
      }
      if (high <= 0x1f_ffff) {
        const value = high * 0x1_0000_0000 + low
        return negative && value !== 0 ? -value : value
      }
      const value = (BigInt(high) << 32n) | BigInt(low)
      return negative ? -value : value
    }
    const value = toBigIntLE(
      Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length),
    )
    return exact(negative ? -value : value)
  }

  #atomUtf8(length: number, offset: number): Atom {
    if (length > MAX_ATOM_BYTES) {
      throw new TermLimitError(`an atom of ${length} bytes`, offset, MAX_ATOM_CHARACTERS)
    }
    this.#need(length)
    const start = this.#position
    this.#position += length
    // Only the one-byte length keeps an ASCII name within the limit by itself.
    const known = length <= MAX_ATOM_CHARACTERS ? atoms.find(this.#view, start, length) : undefined
    if (known !== undefined) return known
    let name: string
    try {
      name = utf8.decode(this.#bytes.subarray(start, start + length))
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

  #atomLatin1(length: number, offset: number): Atom {
    if (length > MAX_ATOM_CHARACTERS) {
      throw new TermLimitError(`an atom of ${length} characters`, offset, MAX_ATOM_CHARACTERS)
    }
    this.#need(length)
    const start = this.#position
    this.#position += length
    const known = atoms.find(this.#view, start, length)
    if (known !== undefined) return known
    // Not TextDecoder: its latin1 is windows-1252.
    return new Atom(String.fromCharCode(...this.#bytes.subarray(start, start + length)))
  }

  #cachedAtom(offset: number): Atom {
    const index = this.#uint8()
    const atom = this.#atomCacheRefs[index]
    if (atom === undefined) {
      throw new InvalidTermError(`the header defines no atom ${index}`, offset)
    }
    return atom
  }

  /** The node of a pid, a port or a reference. */
  #readAtom(): Atom {
    const offset = this.#position
    const next = this.#uint8()
    const atom = this.#taggedAtom(next, offset)
    if (atom !== undefined) return atom
    throw new InvalidTermError(`an atom should stand here, not tag ${next}`, offset)
  }

  /** The atom behind a tag, `undefined` if that is of something else. */
  #taggedAtom(next: number, offset: number): Atom | undefined {
    switch (next) {
      case tag.SMALL_ATOM_UTF8:
        return this.#atomUtf8(this.#uint8(), offset)
      case tag.ATOM_UTF8:
        return this.#atomUtf8(this.#uint16(), offset)
      case tag.ATOM:
        return this.#atomLatin1(this.#uint16(), offset)
      case tag.SMALL_ATOM:
        return this.#atomLatin1(this.#uint8(), offset)
      case tag.ATOM_CACHE_REF:
        return this.#cachedAtom(offset)
      default:
        return undefined
    }
  }

  #readPid(creation: 'uint8' | 'uint32'): Pid {
    const node = this.#readAtom()
    const id = this.#uint32()
    const serial = this.#uint32()
    return new Pid(node, id, serial, creation === 'uint8' ? this.#uint8() : this.#uint32())
  }

  #readReference(creation: 'uint8' | 'uint32', offset: number): Reference {
    const length = this.#uint16()
    // Five words since V4_NC; the BEAM refuses more.
    if (length < 1 || length > 5) {
      throw new InvalidTermError(`a reference of ${length} words`, offset)
    }
    const node = this.#readAtom()
    const number = creation === 'uint8' ? this.#uint8() : this.#uint32()
    const words: number[] = []
    for (let i = 0; i < length; i++) words.push(this.#uint32())
    return new Reference(node, number, words)
  }

  #readBitString(offset: number): Uint8Array | BitString {
    const length = this.#uint32()
    const bits = this.#uint8()
    if (bits > 8 || (bits === 0) !== (length === 0)) {
      throw new InvalidTermError(
        `a bitstring of ${length} bytes with ${bits} bits in the last`,
        offset,
      )
    }
    const bytes = this.#readBytes(length)
    if (bits === 8 || bits === 0) return bytes
    const last = bytes[length - 1] ?? 0
    const significant = last & (0xff << (8 - bits))
    if (significant === last) return new BitString(bytes, bits)
    // What the other bits hold is undefined: zero them, but never in the input.
    const clean = bytes.slice()
    clean[length - 1] = significant
    return new BitString(clean, bits)
  }

  #readFunHead(offset: number): FunHead {
    const size = this.#uint32()
    this.#position -= 4
    // The size counts its own four bytes.
    this.#need(size)
    const end = this.#position + size
    this.#position += 4
    const arity = this.#uint8()
    this.#need(16)
    const uniq = this.#bytes.slice(this.#position, this.#position + 16)
    this.#position += 16
    const index = this.#uint32()
    if (this.#position > end) {
      throw new InvalidTermError(`a fun of ${size} bytes cannot hold its own fields`, offset)
    }
    return { arity, uniq, index, end }
  }

  #readLocal(): LocalTerm {
    const bytes = this.#bytes.slice(this.#position + 1)
    this.#position = this.#bytes.length
    return new LocalTerm(bytes)
  }

  #readCompressed(): Term {
    const offset = this.#position
    this.#position += 1
    const size = this.#uint32()
    if (size > this.#maxInflatedSize) {
      throw new TermLimitError(
        `a compressed term of ${size} bytes is over the limit of ${this.#maxInflatedSize}`,
        offset,
        this.#maxInflatedSize,
      )
    }
    const { bytes, consumed } = inflate(this.#bytes.subarray(this.#position), size, offset)
    if (bytes.length !== size) {
      throw new InvalidTermError(
        `a compressed term announces ${size} bytes and holds ${bytes.length}`,
        offset,
      )
    }
    const inner = new TermReader(bytes, {
      maxDepth: this.#maxDepth,
      maxTerms: this.#maxTerms,
      // Not views by themselves: one small binary would keep all the inflated bytes.
      binaries: this.#copies ? 'copy' : 'view',
      atomCacheRefs: this.#atomCacheRefs,
    })
    let term: Term
    try {
      term = inner.#readWhole()
      inner.expectEnd()
    } catch (cause) {
      if (cause instanceof TermLimitError) throw cause
      // Offsets of the inflated bytes would mislead; the cause keeps them.
      throw new InvalidTermError('a compressed term holds no term', offset, { cause })
    }
    this.#position += consumed
    return term
  }
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

function exact(value: bigint): number | bigint {
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
  for (const [index, part] of parts.entries()) (index % 2 === 0 ? keys : values).push(part)
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
