/**
 * Terms to bytes, in the encodings that `term_to_binary/1` chooses.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { deflateSync } from 'node:zlib'
import { toBufferLE } from 'bigint-buffer'
import { BeamscopeError } from '../errors.ts'
import { isList } from './match.ts'
import * as tag from './tags.ts'
import {
  Atom,
  ErlangMap,
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
  const writer = new TermWriter()
  writer.writeVersioned(term)
  const plain = writer.bytes()
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

const INITIAL_CAPACITY = 512
const MAX_ATOM_CHARACTERS = 255
/** A tag, and four bytes that count. */
const LONGEST_HEAD = 5
/** Levels that are written by a function that calls itself, as many as the decoder reads so. */
const MAX_CALLS = 64
/** The length of a `STRING_EXT` has 16 bits. */
const MAX_STRING_LENGTH = 0xffff
const MAX_UINT32 = 0xffff_ffff
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn
/** Ports of more bits need `V4_PORT_EXT`, which OTP 23 does not know. */
const OLD_PORT_BITS = 28
/** `ERTS_MAX_REF_NUMBERS` of OTP 24 and later. */
const MAX_REFERENCE_WORDS = 5
/** An MD5 sum. */
const UNIQ_LENGTH = 16

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

/** Writes terms one after another into memory that grows as needed. */
export class TermWriter {
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

  /**
   * The hot path: the commonest terms, that are not nested deeply, written by a function that calls itself.
   * It puts down what is short by itself, since V8 puts only so much of what a function calls into it.
   */
  #writeShallow(term: Term, depth: number): void {
    if (this.#length + LONGEST_HEAD > this.#bytes.length) this.#reserve(LONGEST_HEAD)
    const bytes = this.#bytes
    const at = this.#length
    if (typeof term === 'number' && term === (term | 0)) {
      if (term >= 0 && term <= 0xff) {
        bytes[at] = tag.SMALL_INTEGER
        bytes[at + 1] = term
        this.#length = at + 2
      } else {
        bytes[at] = tag.INTEGER
        this.#view.setInt32(at + 1, term)
        this.#length = at + 5
      }
    } else if (term instanceof Atom) {
      this.#writeAtom(term)
    } else if (term instanceof Tuple && depth < MAX_CALLS && term.elements.length <= 0xff) {
      const { elements } = term
      bytes[at] = tag.SMALL_TUPLE
      bytes[at + 1] = elements.length
      this.#length = at + 2
      this.#writeAll(elements, depth + 1)
    } else if (isList(term)) {
      if (isString(term)) {
        this.#writeString(term)
        return
      }
      if (depth >= MAX_CALLS) {
        this.#writeDeep(term)
        return
      }
      bytes[at] = tag.LIST
      this.#view.setUint32(at + 1, term.length)
      this.#length = at + 5
      this.#writeAll(term, depth + 1)
      this.#uint8(tag.NIL)
    } else if (term instanceof ErlangMap && depth < MAX_CALLS) {
      const { keys, values } = term
      bytes[at] = tag.MAP
      this.#view.setUint32(at + 1, keys.length)
      this.#length = at + 5
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i]
        const value = values[i]
        if (key === undefined || value === undefined) throw notATerm(undefined)
        this.#writeShallow(key, depth + 1)
        this.#writeShallow(value, depth + 1)
      }
    } else {
      this.#writeDeep(term)
    }
  }

  #writeAll(terms: readonly Term[], depth: number): void {
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i]
      if (term === undefined) throw notATerm(term)
      this.#writeShallow(term, depth)
    }
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
      this.#uint8(tag.BINARY)
      this.#uint32(term.length)
      this.#raw(term)
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
        if (!Number.isFinite(term.value)) throw new EncodeError(`${term.value} is no Erlang float`)
        this.#uint8(tag.NEW_FLOAT)
        this.#reserve(8)
        this.#view.setFloat64(this.#length, term.value)
        this.#length += 8
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
      this.#writeBig(BigInt(value))
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
    if (magnitude < 1n << 64n) {
      const width = byteWidth(magnitude)
      this.#uint8(tag.SMALL_BIG)
      this.#uint8(width)
      this.#uint8(value < 0n ? 1 : 0)
      this.#reserve(8)
      this.#view.setBigUint64(this.#length, magnitude, true)
      this.#length += width
      return
    }
    const width = byteWidth(magnitude)
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

  #writeAtom(atom: Atom): void {
    const { name } = atom
    const { length } = name
    if (length <= MAX_ATOM_CHARACTERS) {
      this.#reserve(2 + length)
      const bytes = this.#bytes
      const start = this.#length + 2
      let i = 0
      for (; i < length; i++) {
        const code = name.charCodeAt(i)
        if (code > 0x7f) break
        bytes[start + i] = code
      }
      if (i === length) {
        bytes[start - 2] = tag.SMALL_ATOM_UTF8
        bytes[start - 1] = length
        this.#length = start + length
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
    for (const word of words) {
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

function byteWidth(magnitude: bigint): number {
  if (magnitude >= 1n << 64n) return Math.ceil(magnitude.toString(16).length / 2)
  const high = Number(magnitude >> 32n)
  // Zero bits in front of 32 are four bytes that are not needed.
  return high === 0 ? 4 - (Math.clz32(Number(magnitude)) >>> 3) : 8 - (Math.clz32(high) >>> 3)
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
