/**
 * Encoded terms by chance: every tag of the External Term Format, nested, with lies about sizes.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { deflateSync } from 'node:zlib'
import * as tag from '../src/etf/tags.ts'
import type { ByteWriter } from './byte-writer.ts'
import { ByteWriter as Writer } from './byte-writer.ts'
import { once } from './target.ts'

const NAMES: readonly string[] = [
  '',
  'a',
  'ok',
  'undefined',
  'Weird atom',
  'é',
  '日本',
  "it's",
  '\n',
  'x@localhost',
  '__proto__',
  'constructor',
  'n'.repeat(255),
  'é'.repeat(255),
  'é'.repeat(128),
]

/** What real terms hold, more often than the rest. */
const COMMON: readonly number[] = [
  tag.SMALL_INTEGER,
  tag.INTEGER,
  tag.SMALL_ATOM_UTF8,
  tag.SMALL_TUPLE,
  tag.SMALL_TUPLE,
  tag.LIST,
  tag.LIST,
  tag.NIL,
  tag.BINARY,
  tag.MAP,
  tag.STRING,
  tag.SMALL_BIG,
]

const ALL: readonly number[] = [
  tag.RECORD,
  tag.NEW_FLOAT,
  tag.BIT_BINARY,
  tag.ATOM_CACHE_REF,
  tag.NEW_PID,
  tag.NEW_PORT,
  tag.NEWER_REFERENCE,
  tag.SMALL_INTEGER,
  tag.INTEGER,
  tag.FLOAT,
  tag.ATOM,
  tag.REFERENCE,
  tag.PORT,
  tag.PID,
  tag.SMALL_TUPLE,
  tag.LARGE_TUPLE,
  tag.NIL,
  tag.STRING,
  tag.LIST,
  tag.BINARY,
  tag.SMALL_BIG,
  tag.LARGE_BIG,
  tag.NEW_FUN,
  tag.EXPORT,
  tag.NEW_REFERENCE,
  tag.SMALL_ATOM,
  tag.MAP,
  tag.FUN,
  tag.ATOM_UTF8,
  tag.SMALL_ATOM_UTF8,
  tag.V4_PORT,
]

/** Where no such tag belongs; only a writer that lies puts them there. */
const MISPLACED: readonly number[] = [tag.COMPRESSED, tag.LOCAL, tag.VERSION, 0, 255, 71]

const FLOATS: readonly number[] = [
  0,
  -0,
  1,
  -1.5,
  1e308,
  5e-324,
  0.1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
]

/** A term without the version byte, of at most `budget` levels. */
export function writeTerm(out: ByteWriter, budget: number): void {
  const { random } = out
  if (out.lies > 0 && random.oneIn(out.lies * 8)) {
    writeTagged(out, random.pick(MISPLACED), budget)
    return
  }
  writeTagged(out, random.pick(random.oneIn(3) ? ALL : COMMON), budget)
}

/** A term behind the version byte; one in many is compressed. */
export function writeVersioned(out: ByteWriter, budget: number): void {
  out.uint8(tag.VERSION)
  if (out.random.oneIn(60)) writeCompressed(out, budget)
  else writeTerm(out, budget)
}

/** A thousand times as large when it is inflated, behind whatever size is announced. */
const bomb = once((): Uint8Array => deflateSync(new Uint8Array(64 * 1024 * 1024), { level: 1 }))

/** `80 Size Zlib`. */
export function writeCompressed(out: ByteWriter, budget: number): void {
  const { random } = out
  if (out.lies > 0 && random.oneIn(100)) {
    out.uint8(tag.COMPRESSED)
    out.uint32(random.below(1000))
    out.bytes(bomb())
    return
  }
  const inner = new Writer(random, out.lies)
  if (random.oneIn(20)) {
    // What grows: a bomb, if it is not stopped.
    inner.uint8(tag.BINARY)
    const size = random.small(4) * 64 * 1024
    inner.uint32(inner.count(size))
    inner.bytes(new Uint8Array(size))
  } else writeTerm(inner, budget)
  const plain = inner.finish()
  out.uint8(tag.COMPRESSED)
  out.uint32(out.count(plain.length))
  const zlib = deflateSync(plain, { level: 1 })
  out.bytes(
    out.lies > 0 && random.oneIn(out.lies) ? zlib.subarray(0, random.below(zlib.length)) : zlib,
  )
}

/** One shape many times over, within itself or side by side: what costs more than it should shows then. */
export function writeLarge(out: ByteWriter): void {
  const { random } = out
  const times = 100 + random.small(8000)
  switch (random.below(7)) {
    case 0:
      for (let i = 0; i < times; i++) {
        out.uint8(tag.SMALL_TUPLE)
        out.uint8(1)
      }
      out.uint8(tag.NIL)
      break
    case 1:
      for (let i = 0; i < times; i++) {
        out.uint8(tag.LIST)
        out.uint32(1)
      }
      for (let i = 0; i <= times; i++) out.uint8(tag.NIL)
      break
    case 2:
      out.uint8(tag.MAP)
      out.uint32(out.count(times))
      for (let i = 0; i < times; i++) {
        out.uint8(tag.INTEGER)
        out.uint32(i)
        writeTerm(out, 0)
      }
      break
    case 3: {
      const size = times * 4
      out.uint8(tag.LARGE_BIG)
      out.uint32(out.count(size))
      out.uint8(random.below(2))
      out.noise(size)
      break
    }
    case 4:
      // Announces all that is left, again and again.
      for (let left = times; left > 0; left--) {
        out.uint8(random.pick([tag.LARGE_TUPLE, tag.LIST, tag.MAP]))
        out.uint32(left * (1 + random.below(5)))
      }
      break
    case 5:
      out.uint8(tag.LIST)
      out.uint32(out.count(times))
      for (let i = 0; i < times; i++) writeTerm(out, 1)
      out.uint8(tag.NIL)
      break
    default:
      // A list in the tail of a list in the tail of a list.
      for (let i = 0; i < times; i++) {
        out.uint8(tag.LIST)
        out.uint32(1)
        out.uint8(tag.SMALL_INTEGER)
        out.uint8(i)
      }
      out.uint8(tag.NIL)
  }
}

/** An atom in one of its forms; a reference into a cache only where the term may have one. */
export function writeAtom(out: ByteWriter): void {
  writeTagged(
    out,
    out.random.pick([tag.SMALL_ATOM_UTF8, tag.SMALL_ATOM_UTF8, tag.ATOM_UTF8, tag.ATOM]),
    0,
  )
}

export function writeNamed(out: ByteWriter, name: string): void {
  const bytes = Buffer.from(name)
  out.uint8(tag.SMALL_ATOM_UTF8)
  out.uint8(out.count(bytes.length))
  out.bytes(bytes)
}

/** A pid, mostly as nodes write it now. */
export function writePid(out: ByteWriter): void {
  writeTagged(out, out.random.oneIn(8) ? tag.PID : tag.NEW_PID, 0)
}

export function writeReference(out: ByteWriter): void {
  writeTagged(out, out.random.oneIn(8) ? tag.NEW_REFERENCE : tag.NEWER_REFERENCE, 0)
}

function writeTagged(out: ByteWriter, which: number, budget: number): void {
  const { random } = out
  const parts = budget <= 0 ? 0 : random.small(5)
  out.uint8(which)
  switch (which) {
    case tag.SMALL_INTEGER:
    case tag.ATOM_CACHE_REF:
      out.uint8(random.oneIn(2) ? random.below(4) : random.below(256))
      return
    case tag.INTEGER:
      out.uint32(random.interesting())
      return
    case tag.NEW_FLOAT:
      out.float64(random.pick(FLOATS))
      return
    case tag.FLOAT:
      writeOldFloat(out)
      return
    case tag.ATOM_UTF8:
    case tag.SMALL_ATOM_UTF8:
    case tag.ATOM:
    case tag.SMALL_ATOM: {
      const isWide = which === tag.ATOM_UTF8 || which === tag.ATOM
      const encoding = which === tag.ATOM || which === tag.SMALL_ATOM ? 'latin1' : 'utf8'
      let name = Buffer.from(random.oneIn(4) ? random.pick(NAMES) : randomName(out), encoding)
      if (!isWide) name = name.subarray(0, 255)
      if (isWide) out.uint16(out.count(name.length))
      else out.uint8(out.count(name.length))
      out.bytes(name)
      return
    }
    case tag.SMALL_TUPLE:
      out.uint8(out.count(parts))
      writeParts(out, parts, budget)
      return
    case tag.LARGE_TUPLE:
      out.uint32(out.count(parts))
      writeParts(out, parts, budget)
      return
    case tag.LIST:
      out.uint32(out.count(parts))
      writeParts(out, parts, budget)
      if (random.oneIn(6)) writeTerm(out, budget - 1)
      else out.uint8(tag.NIL)
      return
    case tag.MAP:
      out.uint32(out.count(parts))
      writeParts(out, parts * 2, budget)
      return
    case tag.STRING: {
      const length = random.small(40)
      out.uint16(out.count(length))
      out.noise(length)
      return
    }
    case tag.BINARY: {
      const length = random.small(100)
      out.uint32(out.count(length))
      out.noise(length)
      return
    }
    case tag.BIT_BINARY: {
      const length = random.small(20)
      out.uint32(out.count(length))
      out.uint8(length === 0 ? out.count(0) : out.count(1 + random.below(8)))
      out.noise(length)
      return
    }
    case tag.SMALL_BIG:
    case tag.LARGE_BIG: {
      const length = random.oneIn(8) ? random.below(255) : random.below(12)
      if (which === tag.SMALL_BIG) out.uint8(out.count(length))
      else out.uint32(out.count(length))
      out.uint8(random.oneIn(8) ? random.below(256) : random.below(2))
      out.noise(length)
      return
    }
    case tag.NEW_PID:
    case tag.PID:
      writeAtom(out)
      out.uint32(random.interesting())
      out.uint32(random.interesting())
      if (which === tag.PID) out.uint8(random.below(256))
      else out.uint32(random.interesting())
      return
    case tag.NEW_PORT:
    case tag.PORT:
    case tag.REFERENCE:
      writeAtom(out)
      out.uint32(random.interesting())
      if (which === tag.NEW_PORT) out.uint32(random.interesting())
      else out.uint8(random.below(256))
      return
    case tag.V4_PORT:
      writeAtom(out)
      out.uint64((BigInt(random.interesting()) << 32n) | BigInt(random.interesting()))
      out.uint32(random.interesting())
      return
    case tag.NEWER_REFERENCE:
    case tag.NEW_REFERENCE: {
      const words = 1 + random.below(5)
      out.uint16(out.count(words))
      writeAtom(out)
      if (which === tag.NEWER_REFERENCE) out.uint32(random.interesting())
      else out.uint8(random.below(256))
      for (let i = 0; i < words; i++) out.uint32(random.interesting())
      return
    }
    case tag.EXPORT:
      writeAtom(out)
      writeAtom(out)
      out.uint8(tag.SMALL_INTEGER)
      out.uint8(random.below(256))
      return
    case tag.NEW_FUN: {
      const start = out.length
      out.uint32(0)
      out.uint8(random.below(256))
      out.noise(16)
      out.uint32(random.interesting())
      out.uint32(out.count(parts))
      writeAtom(out)
      writeInteger(out)
      writeInteger(out)
      writePid(out)
      writeParts(out, parts, budget)
      out.patchUint32(start, out.count(out.length - start))
      return
    }
    case tag.FUN:
      out.uint32(out.count(parts))
      writePid(out)
      writeAtom(out)
      writeInteger(out)
      writeInteger(out)
      writeParts(out, parts, budget)
      return
    case tag.RECORD:
      out.uint32(out.count(parts))
      out.uint8(out.count(random.below(2)))
      writeAtom(out)
      writeAtom(out)
      for (let i = 0; i < parts; i++) writeNamed(out, `f${random.oneIn(20) ? 0 : i}`)
      writeParts(out, parts, budget)
      return
    case tag.NIL:
      return
    default:
      out.noise(random.small(16))
  }
}

function writeParts(out: ByteWriter, count: number, budget: number): void {
  for (let i = 0; i < count; i++) writeTerm(out, budget - 1)
}

function writeInteger(out: ByteWriter): void {
  writeTagged(out, out.random.oneIn(2) ? tag.SMALL_INTEGER : tag.INTEGER, 0)
}

function randomName(out: ByteWriter): string {
  const { random } = out
  let name = ''
  for (let left = random.small(12); left > 0; left--) {
    name += random.oneIn(12)
      ? String.fromCodePoint(random.oneIn(2) ? random.below(256) : 0x100 + random.below(0xd000))
      : String.fromCharCode(0x61 + random.below(26))
  }
  return name
}

function writeOldFloat(out: ByteWriter): void {
  const { random } = out
  const texts = [
    '1.00000000000000000000e+00',
    '-2.5e-3',
    '0.0',
    '1e5',
    '',
    '0x10',
    '9.9e999',
    '1.5e',
  ]
  const text = Buffer.alloc(31)
  text.write(random.oneIn(2) ? (texts[0] ?? '') : random.pick(texts), 'latin1')
  if (random.oneIn(10)) text[random.below(31)] = random.below(256)
  out.bytes(text)
}
