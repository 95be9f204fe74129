/**
 * Terms to bytes, in the encodings that `term_to_binary/1` chooses.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { deflateSync } from 'node:zlib'
import { toBufferLE } from 'bigint-buffer'
import { BeamscopeError } from '../errors.ts'
import { LONGEST_HEAD, MAX_CALLS } from './hot-path.ts'
import { isList } from './match.ts'
import * as tag from './tags.ts'
import {
  Atom,
  ErlangMap,
  Float,
  type Fun,
  LocalTerm,
  type NativeRecord,
  type Port,
  type Reference,
  type Term,
  Tuple,
} from './terms.ts'

/** A value that is no Erlang term, or one that no encoding can hold. */
export class EncodeError extends BeamscopeError {
  readonly code = 'ERR_TERM_NOT_ENCODABLE'
}

export interface EncodeOptions {
  /** Makes a compressed term, unless that would be longer. Level 1 to 9, as zlib's. */
  readonly compressed?: number
}

/**
 * Encodes a term behind the version byte, as `term_to_binary/1` does.
 *
 * @throws {EncodeError} for a number that is no integer (floats are `Float`), an atom of more than 255
 *   characters, a field of an identifier or a fun that is out of its range, a `LocalTerm` within another
 *   term, or what is no term at all
 */
export function encode(term: Term, options: EncodeOptions = {}): Uint8Array {
  const plain = writePlain(term)
  if (options.compressed === undefined) return plain
  const body = deflateSync(plain.subarray(1), { level: options.compressed })
  // Version, tag, the size before compression as 32 bits.
  if (body.length + 6 >= plain.length) return plain
  const compressed = new Uint8Array(6 + body.length)
  const view = new DataView(compressed.buffer)
  view.setUint8(0, tag.VERSION)
  view.setUint8(1, tag.COMPRESSED)
  view.setUint32(2, plain.length - 1)
  compressed.set(body, 6)
  return compressed
}

/** The memory of the last call: not to grow it again, nor to hand out more than was written. */
let idle: TermWriter | undefined

function writePlain(term: Term): Uint8Array {
  const writer = idle ?? new TermWriter()
  // What reads the parts of an object may itself encode a term.
  idle = undefined
  writer.writeVersioned(term)
  if (writer.capacity > MAX_IDLE_CAPACITY) return writer.bytes()
  const plain = writer.bytes().slice()
  writer.clear()
  idle = writer
  return plain
}

const INITIAL_CAPACITY = 512
/** As much as a process may well keep for good: the snapshot of a node with 128 schedulers takes 1.4 MB. */
const MAX_IDLE_CAPACITY = 2 * 1024 * 1024
const MAX_ATOM_CHARACTERS = 255
/** The length of a `STRING_EXT` has 16 bits. */
const MAX_STRING_LENGTH = 0xffff
const MAX_UINT32 = 0xffff_ffff
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn
/** Integers up to 512 bits are written word by word. */
const MAX_WORD_BYTES = 64
const MAX_WORDS = (1n << BigInt(MAX_WORD_BYTES * 8)) - 1n
/** Up to so many bytes a loop is quicker than a call of `set()`. */
const SHORT = 64
/** Ports of more bits need `V4_PORT_EXT`, which OTP 23 does not know. */
const OLD_PORT_BITS = 28
/** `ERTS_MAX_REF_NUMBERS` of OTP 24 and later. */
const MAX_REFERENCE_WORDS = 5
/** An MD5 sum. */
const UNIQ_LENGTH = 16

/** The tags of the hot path: V8 compares with constants of this module at once, and looks up those of another. */
const { SMALL_INTEGER, INTEGER, LIST, NIL, SMALL_TUPLE, MAP, SMALL_ATOM_UTF8 } = tag

/** Of an atom that was written once. */
const NO_WORDS: readonly number[] = []

const utf8 = new TextEncoder()

/** What is still to be written, the next one last. */
type Todo = (Term | EndOfFun)[]

/** Where the size of a fun stands that is now written whole. */
class EndOfFun {
  readonly start: number
  constructor(start: number) {
    this.start = start
  }
}

/** The atoms that a number stands for, as behind a distribution header. */
export interface AtomRefs {
  /** Less than 256, or -1 for an atom that has to be written. */
  indexOf(atom: Atom): number
}

/** Writes terms one after another into memory that grows as needed. */
export class TermWriter {
  #atomRefs: AtomRefs | undefined
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_CAPACITY)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  /** What was written so far: a view that stays valid while nothing more is written. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Writes the version byte and the term. */
  writeVersioned(term: Term): void {
    this.#uint8(tag.VERSION)
    if (term instanceof LocalTerm) {
      this.#uint8(tag.LOCAL)
      this.#raw(term.bytes)
    } else {
      this.write(term)
    }
  }

  /** Writes the term alone, as it stands behind a distribution header. */
  write(term: Term): void {
    this.#writeShallow(term, 0)
  }

  /** How much memory is there. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Begins again, in the same memory; `atomRefs`: for `ATOM_CACHE_REF`, by default there is none. */
  clear(atomRefs?: AtomRefs): void {
    this.#length = 0
    this.#atomRefs = atomRefs
  }

  /**
   * The hot path: the commonest terms, that are not nested deeply, written by functions that call one another.
   * This one is small enough for V8 to put it into those that call it.
   *
   * Measured, `npm run bench -- --only encode`: a snapshot of 0.7 MB in 2.7 ms, 0.45 times as fast as the BEAM's
   * `term_to_binary/1` in the same run. Only to look at each of its terms takes JavaScript 1.1 ms.
   */
  #writeShallow(term: Term | undefined, depth: number): void {
    const at = this.#length
    if (at + LONGEST_HEAD > this.#bytes.length) this.#reserve(LONGEST_HEAD)
    if (typeof term === 'number' && term === (term | 0)) {
      const bytes = this.#bytes
      if (term >= 0 && term <= 0xff) {
        bytes[at] = SMALL_INTEGER
        bytes[at + 1] = term
        this.#length = at + 2
      } else {
        bytes[at] = INTEGER
        this.#view.setInt32(at + 1, term)
        this.#length = at + 5
      }
    } else if (term instanceof Atom) {
      this.#writeAtom(term)
    } else if (term === undefined) {
      throw notATerm(term)
    } else {
      this.#writeParts(term, depth, at)
    }
  }

  /** Goes on with what is no short integer and no atom; there is room for its head at `at`. */
  #writeParts(term: Term, depth: number, at: number): void {
    const bytes = this.#bytes
    if (isList(term)) {
      if (isString(term)) {
        this.#writeString(term)
      } else if (depth >= MAX_CALLS) {
        this.#writeDeep(term)
      } else {
        bytes[at] = LIST
        this.#view.setUint32(at + 1, term.length)
        this.#length = at + 5
        this.#writeAll(term, depth + 1)
        this.#uint8(NIL)
      }
    } else if (term instanceof Tuple && depth < MAX_CALLS && term.elements.length <= 0xff) {
      const { elements } = term
      bytes[at] = SMALL_TUPLE
      bytes[at + 1] = elements.length
      this.#length = at + 2
      this.#writeAll(elements, depth + 1)
    } else if (term instanceof Float) {
      this.#writeFloat(term)
    } else if (term instanceof Uint8Array) {
      this.#writeBinary(term)
    } else if (term instanceof ErlangMap && depth < MAX_CALLS) {
      const { keys, values } = term
      bytes[at] = MAP
      this.#view.setUint32(at + 1, keys.length)
      this.#length = at + 5
      for (let i = 0; i < keys.length; i++) {
        this.#writeShallow(keys[i], depth + 1)
        this.#writeShallow(values[i], depth + 1)
      }
    } else {
      this.#writeDeep(term)
    }
  }

  #writeAll(terms: readonly Term[], depth: number): void {
    for (let i = 0; i < terms.length; i++) this.#writeShallow(terms[i], depth)
  }

  /** Writes a term of any kind, that may be nested as deeply as memory allows. */
  #writeDeep(root: Term): void {
    // Terms still to be written, the next one last: nesting cannot overflow the native stack.
    const todo: Todo = []
    this.#writeOne(root, todo)
    while (todo.length > 0) {
      const next = todo.pop()
      if (next === undefined) throw notATerm(next)
      if (next instanceof EndOfFun) this.#view.setUint32(next.start, this.#length - next.start)
      else this.#writeOne(next, todo)
    }
  }

  /** Writes a term's own bytes and leaves its parts on `todo`. */
  #writeOne(term: Term, todo: Todo): void {
    if (typeof term === 'number') {
      this.#writeInteger(term)
      return
    }
    if (typeof term === 'bigint') {
      this.#writeBig(term)
      return
    }
    if (term instanceof Uint8Array) {
      this.#writeBinary(term)
      return
    }
    // JavaScript callers have no compiler to stop them.
    if (typeof term !== 'object' || term === null) throw notATerm(term)
    if (isList(term)) {
      this.#writeList(term, todo)
      return
    }
    switch (term.type) {
      case 'atom':
        this.#writeAtom(term)
        break
      case 'tuple': {
        const arity = term.elements.length
        if (arity <= 0xff) {
          this.#uint8(tag.SMALL_TUPLE)
          this.#uint8(arity)
        } else {
          this.#uint8(tag.LARGE_TUPLE)
          this.#uint32(arity)
        }
        pushReversed(todo, term.elements)
        break
      }
      case 'float':
        this.#writeFloat(term)
        break
      case 'improper_list':
        if (term.elements.length > 0) {
          this.#uint8(tag.LIST)
          this.#uint32(term.elements.length)
        }
        todo.push(term.tail)
        pushReversed(todo, term.elements)
        break
      case 'map':
        this.#uint8(tag.MAP)
        this.#uint32(term.size)
        for (let i = term.size - 1; i >= 0; i--) {
          const key = term.keys[i]
          const value = term.values[i]
          if (key === undefined || value === undefined) throw notATerm(undefined)
          todo.push(value, key)
        }
        break
      case 'bitstring':
        if (term.bytes.length === 0) throw new EncodeError('a bitstring without a last byte')
        checkRange(term.bits, 1, 7, 'the bits of a bitstring')
        this.#uint8(tag.BIT_BINARY)
        this.#uint32(term.bytes.length)
        this.#uint8(term.bits)
        this.#raw(term.bytes)
        break
      case 'pid':
        checkRange(term.id, 0, MAX_UINT32, 'the id of a pid')
        checkRange(term.serial, 0, MAX_UINT32, 'the serial of a pid')
        checkRange(term.creation, 0, MAX_UINT32, 'the creation of a pid')
        this.#uint8(tag.NEW_PID)
        this.#writeAtom(term.node)
        this.#uint32(term.id)
        this.#uint32(term.serial)
        this.#uint32(term.creation)
        break
      case 'port':
        this.#writePort(term)
        break
      case 'reference':
        this.#writeReference(term)
        break
      case 'export':
        checkRange(term.arity, 0, 0xff, 'the arity of an export')
        this.#uint8(tag.EXPORT)
        todo.push(term.arity, term.function, term.module)
        break
      case 'fun':
        this.#writeFun(term, todo)
        break
      case 'old_fun':
        this.#uint8(tag.FUN)
        this.#uint32(term.freeVariables.length)
        pushReversed(todo, term.freeVariables)
        todo.push(term.uniq, term.index, term.module, term.pid)
        break
      case 'record':
        this.#writeRecord(term, todo)
        break
      case 'local':
        throw new EncodeError('a term in the encoding of one node stands within no other term')
      default:
        throw notATerm(term)
    }
  }

  #writeInteger(value: number): void {
    if (value >= 0 && value <= 0xff && Number.isInteger(value)) {
      this.#uint8(tag.SMALL_INTEGER)
      this.#uint8(value)
    } else if (value === (value | 0)) {
      this.#uint8(tag.INTEGER)
      this.#uint32(value >>> 0)
    } else if (Number.isSafeInteger(value)) {
      this.#writeSafe(value)
    } else {
      throw new EncodeError(
        Number.isInteger(value)
          ? `${value} is beyond the safe integers: use a bigint`
          : `${value} is no integer: use a Float`,
      )
    }
  }

  #writeBig(value: bigint): void {
    // A small value may come as a bigint too; to Erlang it is the same integer.
    if (value >= -0x8000_0000n && value <= 0x7fff_ffffn) {
      this.#writeInteger(Number(value))
      return
    }
    const magnitude = value < 0n ? -value : value
    if (magnitude <= MAX_WORDS) {
      this.#writeWords(magnitude, value < 0n)
      return
    }
    const width = Math.ceil(magnitude.toString(16).length / 2)
    if (width <= 0xff) {
      this.#uint8(tag.SMALL_BIG)
      this.#uint8(width)
    } else {
      this.#uint8(tag.LARGE_BIG)
      this.#uint32(width)
    }
    this.#uint8(value < 0n ? 1 : 0)
    this.#raw(toBufferLE(magnitude, width))
  }

  /** An integer of five to seven bytes: two words are quicker than one BigInt. */
  #writeSafe(value: number): void {
    const magnitude = Math.abs(value)
    const high = Math.floor(magnitude / 0x1_0000_0000)
    const width = 4 + wordWidth(high)
    this.#reserve(3 + 8)
    const at = this.#length
    this.#bytes[at] = tag.SMALL_BIG
    this.#bytes[at + 1] = width
    this.#bytes[at + 2] = value < 0 ? 1 : 0
    this.#view.setUint32(at + 3, magnitude >>> 0, true)
    this.#view.setUint32(at + 7, high, true)
    this.#length = at + 3 + width
  }

  /** Eight bytes at a time, the low ones first, as long as that is quicker than to convert them all at once. */
  #writeWords(magnitude: bigint, negative: boolean): void {
    const head = this.#length
    this.#reserve(3 + MAX_WORD_BYTES)
    const start = head + 3
    let at = start
    let rest = magnitude
    while (rest > MAX_UINT64) {
      // Of what is wider, this takes the low 64 bits.
      this.#view.setBigUint64(at, rest, true)
      rest >>= 64n
      at += 8
    }
    this.#view.setBigUint64(at, rest, true)
    const high = this.#view.getUint32(at + 4, true)
    const low = this.#view.getUint32(at, true)
    const end = at + (high === 0 ? wordWidth(low) : 4 + wordWidth(high))
    this.#bytes[head] = tag.SMALL_BIG
    this.#bytes[head + 1] = end - start
    this.#bytes[head + 2] = negative ? 1 : 0
    this.#length = end
  }

  #writeFloat({ value }: Float): void {
    if (!Number.isFinite(value)) throw new EncodeError(`${value} is no Erlang float`)
    this.#reserve(9)
    const at = this.#length
    this.#bytes[at] = tag.NEW_FLOAT
    this.#view.setFloat64(at + 1, value)
    this.#length = at + 9
  }

  #writeBinary(bytes: Uint8Array): void {
    const { length } = bytes
    this.#reserve(5 + length)
    const at = this.#length
    this.#bytes[at] = tag.BINARY
    this.#view.setUint32(at + 1, length)
    if (length > SHORT) this.#bytes.set(bytes, at + 5)
    else for (let i = 0; i < length; i++) this.#bytes[at + 5 + i] = bytes[i] ?? 0
    this.#length = at + 5 + length
  }

  #writeAtom(atom: Atom): void {
    const index = this.#atomRefs?.indexOf(atom) ?? -1
    if (index >= 0) {
      this.#uint8(tag.ATOM_CACHE_REF)
      this.#uint8(index)
      return
    }
    const { name } = atom
    const { length } = name
    const kept = Atom.encoded(atom)
    if (kept !== undefined && kept.length > 0) {
      // Whole words: the last one may be longer than what is left of the atom.
      this.#reserve(2 + length + 3)
      const at = this.#length
      for (let i = 0; i < kept.length; i++) this.#view.setInt32(at + i * 4, kept[i] ?? 0)
      this.#length = at + 2 + length
      return
    }
    if (length <= MAX_ATOM_CHARACTERS) {
      this.#reserve(2 + length + 3)
      const bytes = this.#bytes
      const start = this.#length + 2
      let i = 0
      for (; i < length; i++) {
        const code = name.charCodeAt(i)
        if (code > 0x7f) break
        bytes[start + i] = code
      }
      if (i === length) {
        bytes[start - 2] = SMALL_ATOM_UTF8
        bytes[start - 1] = length
        this.#length = start + length
        this.#keep(atom, start - 2, kept === undefined)
        return
      }
    }
    // Counting characters is only needed where the code units could be too many.
    if (length > MAX_ATOM_CHARACTERS && [...name].length > MAX_ATOM_CHARACTERS) {
      throw new EncodeError(`an atom has at most ${MAX_ATOM_CHARACTERS} characters`)
    }
    // At most three bytes for each UTF-16 code unit.
    this.#reserve(3 + length * 3)
    const { written } = utf8.encodeInto(name, this.#bytes.subarray(this.#length + 2))
    // Only ASCII takes one byte for each code unit; for a lone surrogate the encoder writes U+FFFD.
    if (written !== length && /\p{Surrogate}/u.test(name)) {
      throw new EncodeError('an atom holds half of a surrogate pair')
    }
    if (written <= 0xff) {
      this.#view.setUint8(this.#length, tag.SMALL_ATOM_UTF8)
      this.#view.setUint8(this.#length + 1, written)
      this.#length += 2 + written
    } else {
      this.#view.setUint8(this.#length, tag.ATOM_UTF8)
      this.#view.setUint16(this.#length + 1, written)
      utf8.encodeInto(name, this.#bytes.subarray(this.#length + 3))
      this.#length += 3 + written
    }
  }

  /** Keeps the words of an ASCII atom when it is written for the second time: many are written once. */
  #keep(atom: Atom, start: number, isFirst: boolean): void {
    const words: number[] = []
    if (!isFirst) {
      for (let i = start; i < this.#length; i += 4) words.push(this.#view.getInt32(i))
    }
    Atom.keepEncoded(atom, isFirst ? NO_WORDS : words)
  }

  #writeList(list: readonly Term[], todo: Todo): void {
    if (isString(list)) {
      this.#writeString(list)
    } else {
      this.#uint8(tag.LIST)
      this.#uint32(list.length)
      todo.push([])
      pushReversed(todo, list)
    }
  }

  #writeString(bytes: readonly number[]): void {
    if (bytes.length === 0) {
      this.#uint8(tag.NIL)
      return
    }
    this.#uint8(tag.STRING)
    this.#uint16(bytes.length)
    this.#reserve(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#length + i] = bytes[i] ?? 0
    this.#length += bytes.length
  }

  #writePort(port: Port): void {
    checkRange(port.id, 0, MAX_UINT64, 'the id of a port')
    checkRange(port.creation, 0, MAX_UINT32, 'the creation of a port')
    if (port.id < 2 ** OLD_PORT_BITS) {
      this.#uint8(tag.NEW_PORT)
      this.#writeAtom(port.node)
      this.#uint32(Number(port.id))
    } else {
      this.#uint8(tag.V4_PORT)
      this.#writeAtom(port.node)
      this.#reserve(8)
      this.#view.setBigUint64(this.#length, BigInt(port.id))
      this.#length += 8
    }
    this.#uint32(port.creation)
  }

  #writeReference(reference: Reference): void {
    const { words } = reference
    checkRange(words.length, 1, MAX_REFERENCE_WORDS, 'the number of words of a reference')
    checkRange(reference.creation, 0, MAX_UINT32, 'the creation of a reference')
    this.#uint8(tag.NEWER_REFERENCE)
    this.#uint16(words.length)
    this.#writeAtom(reference.node)
    this.#uint32(reference.creation)
    for (let i = 0; i < words.length; i++) {
      const word = words[i] ?? -1
      checkRange(word, 0, MAX_UINT32, 'a word of a reference')
      this.#uint32(word)
    }
  }

  #writeFun(fun: Fun, todo: Todo): void {
    checkRange(fun.arity, 0, 0xff, 'the arity of a fun')
    checkRange(fun.index, 0, MAX_UINT32, 'the index of a fun')
    checkRange(fun.uniq.length, UNIQ_LENGTH, UNIQ_LENGTH, 'the length of the uniq of a fun')
    this.#uint8(tag.NEW_FUN)
    // The size is known when the last free variable is written.
    todo.push(new EndOfFun(this.#length))
    this.#uint32(0)
    this.#uint8(fun.arity)
    this.#raw(fun.uniq)
    this.#uint32(fun.index)
    this.#uint32(fun.freeVariables.length)
    pushReversed(todo, fun.freeVariables)
    todo.push(fun.pid, fun.oldUniq, fun.oldIndex, fun.module)
  }

  #writeRecord(record: NativeRecord, todo: Todo): void {
    this.#uint8(tag.RECORD)
    this.#uint32(record.fields.length)
    this.#uint8(record.exported ? 1 : 0)
    this.#writeAtom(record.module)
    this.#writeAtom(record.name)
    for (const [name] of record.fields) this.#writeAtom(name)
    pushReversed(
      todo,
      record.fields.map(([, value]) => value),
    )
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.bytes())
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  #uint8(value: number): void {
    this.#reserve(1)
    this.#view.setUint8(this.#length++, value)
  }

  #uint16(value: number): void {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value)
    this.#length += 2
  }

  #uint32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }
}

/** Whether every element is a byte, which is when the BEAM writes `STRING_EXT`. */
function isString(list: readonly Term[]): list is readonly number[] {
  if (list.length > MAX_STRING_LENGTH) return false
  for (const element of list) {
    if (typeof element !== 'number' || element !== (element & 0xff)) return false
  }
  return true
}

function pushReversed(todo: Todo, terms: readonly Term[]): void {
  for (let i = terms.length - 1; i >= 0; i--) {
    const term = terms[i]
    if (term === undefined) throw notATerm(term)
    todo.push(term)
  }
}

/** How many bytes of 32 bits are needed. */
function wordWidth(word: number): number {
  return 4 - (Math.clz32(word) >>> 3)
}

function checkRange(value: number | bigint, min: number, max: number | bigint, what: string): void {
  const exact = typeof value === 'bigint' || Number.isSafeInteger(value)
  if (!exact || value < min || value > max) throw new EncodeError(`${what} is ${value}`)
}

function notATerm(value: unknown): EncodeError {
  // An object need not have a text of its own.
  const text = typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
  return new EncodeError(`${typeof value} ${text.slice(0, 80)} is no Erlang term`, {
    hint: 'text is a binary (Uint8Array) or an atom; booleans and undefined are atoms',
  })
}
