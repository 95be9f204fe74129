/**
 * Bytes to terms that have no parts.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { toBigIntLE } from 'bigint-buffer'
import { readAtom, taggedAtom } from './decode-atom.ts'
import { InvalidTermError, TermLimitError } from './decode-error.ts'
import {
  claim,
  exact,
  type Input,
  int32,
  need,
  readBytes,
  take,
  uint8,
  uint16,
  uint32,
  uint64,
} from './input.ts'
import * as tag from './tags.ts'
import { BitString, Float, Pid, Port, Reference, type Term } from './terms.ts'

/** The BEAM's own limit for one integer, 2^26 bits: `MAX_BIGINT` digits in `erts/emulator/beam/big.h`. */
const MAX_INTEGER_BYTES = 8 * 1024 * 1024

/** Up to 512 bits. */
const MAX_WORDS = 8

const latin1 = new TextDecoder('latin1')

/** Reads what has no parts. */
export function readLeaf(input: Input, next: number, offset: number): Term {
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

export function readString(input: Input, offset: number): number[] {
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

function finite(value: number, offset: number): Float {
  if (!Number.isFinite(value)) throw new InvalidTermError('a float is not finite', offset)
  return new Float(value)
}

/** Little-endian magnitude behind a sign byte. */
function readBig(input: Input, length: number, offset: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) {
    throw new TermLimitError(`an integer of ${length} bytes`, offset, MAX_INTEGER_BYTES)
  }
  const negative = uint8(input) !== 0
  const { start, end } = take(input, length)
  const value = length <= 8 ? readWord(input, start, end) : exact(readWords(input, start, end))
  return negative && value !== 0 ? -value : value
}

/** Up to eight bytes: two words are quicker than one BigInt, which most of these need not become. */
function readWord({ view }: Input, start: number, end: number): number | bigint {
  if (end - start === 8 && view.getUint32(start + 4, true) > 0x1f_ffff) {
    return view.getBigUint64(start, true)
  }
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
  let at = start + Math.floor((end - start - 1) / 8) * 8
  let value = BigInt(readWord(input, at, end))
  while (at > start) {
    at -= 8
    value = (value << 64n) | input.view.getBigUint64(at, true)
  }
  return value
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
