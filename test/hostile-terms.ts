/**
 * The terms that codecs get wrong, or die of, as they stand on the wire: each once, with its tags named.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { deflateSync } from 'node:zlib'
import {
  atom,
  BitString,
  binary,
  float,
  ImproperList,
  map,
  Port,
  type Term,
  tuple,
} from '../src/etf/index.ts'
import { uint32, wire } from './dist/wire.ts'

const MIB = 1024 * 1024

/** A term without its version byte, and the right answer to it. */
export type HostileTerm = {
  readonly name: string
  readonly bytes: Uint8Array
  /** Whether the whole message around it is to be compressed, and what size that claims. */
  readonly compressed?: { readonly claim: (size: number) => number }
} & ({ readonly value: Term } | { readonly code: string })

const TRUNCATED = 'ERR_TERM_TRUNCATED'
const INVALID = 'ERR_TERM_INVALID'
const LIMIT = 'ERR_TERM_LIMIT'

/** Terms that are right, and come out as others, or not at all, where a reader takes a short cut. */
const misread: readonly HostileTerm[] = [
  {
    name: 'an integer beyond 2^53, which a float cannot hold',
    // SMALL_BIG_EXT, 8 bytes, positive, the low byte first: 2^53 + 1
    bytes: wire(110, 8, 0, 1, 0, 0, 0, 0, 0, 0x20, 0),
    value: 2n ** 53n + 1n,
  },
  {
    name: 'the atom é in Latin-1',
    // ATOM_EXT, a length of 16 bits
    bytes: wire(100, 0, 1, 0xe9),
    value: atom('é'),
  },
  {
    name: 'the atom é in UTF-8, with a long length',
    // ATOM_UTF8_EXT, a length of 16 bits in bytes
    bytes: wire(118, 0, 2, 0xc3, 0xa9),
    value: atom('é'),
  },
  {
    name: 'the atom é in UTF-8, with a short length',
    // SMALL_ATOM_UTF8_EXT
    bytes: wire(119, 2, 0xc3, 0xa9),
    value: atom('é'),
  },
  {
    name: 'a float, its high byte first',
    // NEW_FLOAT_EXT: 1.5
    bytes: wire(70, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0),
    value: float(1.5),
  },
  {
    name: 'an improper list',
    // LIST_EXT of 1: SMALL_INTEGER_EXT 1, with the tail SMALL_INTEGER_EXT 2
    bytes: wire(108, uint32(1), 97, 1, 97, 2),
    value: new ImproperList([1], 2),
  },
  {
    name: 'a bitstring of 9 bits',
    // BIT_BINARY_EXT of 2 bytes, of whose last one 1 bit counts
    bytes: wire(77, uint32(2), 1, 0xff, 0x80),
    value: new BitString(Uint8Array.of(0xff, 0x80), 1),
  },
  {
    name: 'a map with the key __proto__',
    // MAP_EXT of 1: SMALL_ATOM_UTF8_EXT __proto__, SMALL_INTEGER_EXT 1
    bytes: wire(116, uint32(1), 119, 9, '__proto__', 97, 1),
    value: map([[atom('__proto__'), 1]]),
  },
  {
    name: 'a map whose keys are tuples that differ in one element',
    // MAP_EXT of 2, each key a SMALL_TUPLE_EXT of 1
    bytes: wire(116, uint32(2), 104, 1, 97, 1, 97, 3, 104, 1, 97, 2, 97, 4),
    value: map([
      [tuple(1), 3],
      [tuple(2), 4],
    ]),
  },
  {
    name: 'a port of 64 bits',
    // V4_PORT_EXT: SMALL_ATOM_UTF8_EXT n@h, the number 2^60 in 64 bits, the creation 1
    bytes: wire(120, 119, 3, 'n@h', 0x10, 0, 0, 0, 0, 0, 0, 0, uint32(1)),
    value: new Port(atom('n@h'), 2n ** 60n, 1),
  },
  {
    name: 'an empty binary at the very end',
    // BINARY_EXT of 0
    bytes: wire(109, uint32(0)),
    value: binary(''),
  },
]

/** Counts that the bytes cannot hold: nothing may be allocated for them. */
const counts: readonly HostileTerm[] = [
  { name: 'a list of 2^32 - 1', bytes: wire(/* LIST_EXT */ 108, uint32(0xffff_ffff), 106) },
  { name: 'a tuple of 2^32 - 1', bytes: wire(/* LARGE_TUPLE_EXT */ 105, uint32(0xffff_ffff)) },
  { name: 'a tuple of 2^31 - 1', bytes: wire(/* LARGE_TUPLE_EXT */ 105, uint32(0x7fff_ffff)) },
  { name: 'a map of 2^32 - 1', bytes: wire(/* MAP_EXT */ 116, uint32(0xffff_ffff)) },
  { name: 'a map of 2^31', bytes: wire(/* MAP_EXT */ 116, uint32(0x8000_0000)) },
  { name: 'a binary of 2^32 - 1', bytes: wire(/* BINARY_EXT */ 109, uint32(0xffff_ffff), 1) },
  { name: 'a bitstring of 2^32 - 1', bytes: wire(/* BIT_BINARY_EXT */ 77, uint32(0xffff_ffff), 8) },
  { name: 'a record of 2^32 - 1', bytes: wire(/* RECORD_EXT */ 67, uint32(0xffff_ffff), 0) },
  { name: 'a binary that is cut off', bytes: wire(/* BINARY_EXT */ 109, uint32(3), 'ab') },
].map((it) => ({ ...it, code: TRUNCATED }))

const LEVELS = 100_000

/** Nesting that would overflow a stack. */
const nestings: readonly HostileTerm[] = [
  // SMALL_TUPLE_EXT of 1
  { name: 'tuples', bytes: nested(wire(104, 1)) },
  // LIST_EXT of 1
  { name: 'lists', bytes: nested(wire(108, uint32(1)), wire(/* NIL_EXT */ 106)) },
  // MAP_EXT of 1, with the key NIL_EXT
  { name: 'maps', bytes: nested(wire(116, uint32(1), 106)) },
].map(({ name, bytes }) => ({ name: `${LEVELS} levels of ${name}`, bytes, code: LIMIT }))

/** Larger than anything that a node makes. */
const oversized: readonly HostileTerm[] = [
  // ATOM_EXT, a length of 16 bits
  { name: 'an atom of 256 characters', bytes: wire(100, 1, 0, 'a'.repeat(256)) },
  { name: 'an integer of 2^31 bytes', bytes: wire(/* LARGE_BIG_EXT */ 111, uint32(2 ** 31), 0, 1) },
].map((it) => ({ ...it, code: LIMIT }))

/** What takes far more memory than it has bytes, if it is let. */
const bombs: readonly HostileTerm[] = [
  {
    name: 'a compressed message that claims 4 GiB',
    bytes: wire(/* NIL_EXT */ 106),
    compressed: { claim: () => 0xffff_ffff },
    code: LIMIT,
  },
  {
    name: 'a compressed message that is 32 MiB more than it claims',
    bytes: zeros(32 * MIB),
    compressed: { claim: () => 100 },
    code: INVALID,
  },
  {
    name: 'a compressed message that is less than it claims',
    bytes: wire(/* NIL_EXT */ 106),
    compressed: { claim: (size) => size + 32 * MIB },
    code: INVALID,
  },
  {
    name: 'a compressed list of 6 million empty lists',
    bytes: wire(/* LIST_EXT */ 108, uint32(6_000_000), nils(6_000_001)),
    compressed: { claim: (size) => size },
    code: LIMIT,
  },
  {
    name: 'a compressed term within another one',
    // COMPRESSED, a size of 1, the deflated NIL_EXT
    bytes: wire(80, uint32(1), deflateSync(Uint8Array.of(106))),
    code: INVALID,
  },
]

/** What is no term, though its parts may be. */
const malformed: readonly HostileTerm[] = [
  {
    name: 'a map with the same key twice',
    // MAP_EXT of 2, both keys SMALL_TUPLE_EXT of SMALL_INTEGER_EXT 1: equal, and not the same object
    bytes: wire(116, uint32(2), 104, 1, 97, 1, 97, 3, 104, 1, 97, 1, 97, 4),
  },
  { name: 'a term with a byte behind it', bytes: wire(/* NIL_EXT */ 106, 0) },
  { name: 'a tag that does not exist', bytes: wire(255) },
  { name: 'an atom that is no UTF-8', bytes: wire(/* SMALL_ATOM_UTF8_EXT */ 119, 1, 0xe9) },
  // BIT_BINARY_EXT of 1 byte with 9 bits
  { name: 'a bitstring of 9 bits in one byte', bytes: wire(77, uint32(1), 9, 1) },
  // NEW_FLOAT_EXT: not a number
  { name: 'a float that is no number', bytes: wire(70, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0) },
  // ATOM_CACHE_REF
  { name: 'a reference into a cache that was never filled', bytes: wire(82, 7) },
].map((it) => ({ ...it, code: INVALID }))

export const hostileTerms: readonly HostileTerm[] = [
  ...misread,
  ...counts,
  ...nestings,
  ...oversized,
  ...bombs,
  ...malformed,
]

/** The message that the head begins and the term ends, behind a version byte if it is to have one. */
export function messageOf(
  { bytes, compressed }: HostileTerm,
  head: Uint8Array,
  hasVersion: boolean,
): Uint8Array {
  const plain = Buffer.concat([head, bytes])
  const version = hasVersion ? [131] : []
  if (compressed === undefined) return Buffer.concat([Uint8Array.from(version), plain])
  const size = uint32(compressed.claim(plain.length))
  // COMPRESSED
  return Buffer.concat([Uint8Array.from([...version, 80]), size, deflateSync(plain, { level: 1 })])
}

function nested(open: Uint8Array, end: Uint8Array = new Uint8Array()): Uint8Array {
  const repeat = (part: Uint8Array): Uint8Array =>
    part.length === 0 ? part : Buffer.alloc(LEVELS * part.length, part)
  return Buffer.concat([repeat(open), Uint8Array.of(/* NIL_EXT */ 106), repeat(end)])
}

function zeros(length: number): Uint8Array {
  return Buffer.concat([wire(/* BINARY_EXT */ 109, uint32(length)), new Uint8Array(length)])
}

function nils(count: number): Uint8Array {
  return new Uint8Array(count).fill(/* NIL_EXT */ 106)
}
