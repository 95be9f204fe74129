/**
 * What stands in frames, by chance: references into the atom cache, and control messages.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import * as tag from '../src/etf/tags.ts'
import type { ByteWriter } from './byte-writer.ts'
import { writeAtom, writeNamed, writePid, writeReference, writeTerm } from './generate-term.ts'

/** The shape of each control message: p(id), r(eference), a(tom), t(erm), i(nteger), m(fa), l(ist). */
const SHAPES: readonly (readonly [opcode: number, shape: string])[] = [
  [1, 'pp'],
  [2, 'ap'],
  [3, 'ppt'],
  [4, 'pp'],
  [5, ''],
  [6, 'paa'],
  [7, 'pp'],
  [8, 'ppt'],
  [12, 'apt'],
  [13, 'pptt'],
  [16, 'paat'],
  [18, 'pptt'],
  [19, 'ppr'],
  [19, 'par'],
  [20, 'ppr'],
  [21, 'pprt'],
  [22, 'pp'],
  [23, 'ppt'],
  [24, 'pp'],
  [25, 'ppt'],
  [26, 'pp'],
  [27, 'ppt'],
  [28, 'ppr'],
  [28, 'apr'],
  [29, 'rppml'],
  [30, 'rppmlt'],
  [31, 'rpip'],
  [31, 'rpia'],
  [32, 'rpipt'],
  [33, 'pr'],
  [34, 'prt'],
  [35, 'ipp'],
  [36, 'ipp'],
  [37, 'ipr'],
  [37, 'ippt'],
]

/** A control message of any kind. */
export function writeControl(out: ByteWriter): void {
  const { random } = out
  const [opcode, shape] = random.pick(SHAPES)
  out.uint8(random.oneIn(20) ? tag.LARGE_TUPLE : tag.SMALL_TUPLE)
  out.uint8(out.count(shape.length + 1))
  out.uint8(tag.SMALL_INTEGER)
  out.uint8(out.count(opcode))
  for (const field of shape) writeField(out, random.oneIn(60) ? 't' : field)
}

function writeField(out: ByteWriter, field: string): void {
  const { random } = out
  switch (field) {
    case 'p':
      writePid(out)
      return
    case 'r':
      writeReference(out)
      return
    case 'a':
      if (random.oneIn(8)) out.bytes(Buffer.of(tag.ATOM_CACHE_REF, random.small(4)))
      else writeAtom(out)
      return
    case 'i':
      out.uint8(random.oneIn(4) ? tag.INTEGER : tag.SMALL_INTEGER)
      out.noise(1)
      return
    case 'm':
      out.uint8(tag.SMALL_TUPLE)
      out.uint8(out.count(3))
      writeNamed(out, 'erpc')
      writeNamed(out, 'execute_call')
      out.uint8(tag.SMALL_INTEGER)
      out.uint8(4)
      return
    case 'l':
      out.uint8(tag.LIST)
      out.uint32(out.count(1))
      writeNamed(out, 'monitor')
      out.uint8(tag.NIL)
      return
    default:
      writeTerm(out, 2)
      return
  }
}

/** `NumberOfAtomCacheRefs Flags AtomCacheRefs`. */
export function writeRefs(out: ByteWriter): void {
  const { random } = out
  const count = random.oneIn(3) ? 0 : random.oneIn(60) ? 255 : random.small(8)
  out.uint8(out.count(count))
  if (count === 0) return
  const isLong = random.oneIn(6)
  const nibbles: number[] = []
  // Mostly new ones: the first of a connection cannot be known.
  for (let i = 0; i < count; i++)
    nibbles.push(random.oneIn(4) ? random.below(8) : 8 | random.below(2))
  const flags = [...nibbles, isLong ? 1 : 0]
  for (let i = 0; i < flags.length; i += 2) out.uint8((flags[i] ?? 0) | ((flags[i + 1] ?? 0) << 4))
  for (const bits of nibbles) {
    out.uint8(random.small(4))
    if ((bits & 8) === 0) continue
    const name = Buffer.from(random.pick(['a', 'ok', 'é', '', 'x@localhost', 'n'.repeat(255)]))
    if (isLong) out.uint16(out.count(name.length) & 0xffff)
    else out.uint8(out.count(name.length))
    out.bytes(name)
  }
}
