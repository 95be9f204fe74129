/**
 * Bytes to terms however deeply they are nested: what is being put together stands on a stack of its own, not on
 * the native one.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import {
  buildExport,
  buildFun,
  buildMap,
  buildOldFun,
  buildRecord,
  type FunHead,
  type Head,
} from './build-terms.ts'
import { InvalidTermError } from './decode-error.ts'
import { readLeaf, readString } from './decode-leaf.ts'
import { claim, enter, type Input, need, uint8, uint32 } from './input.ts'
import * as tag from './tags.ts'
import { ImproperList, type Term, Tuple } from './terms.ts'

/** A term that is being put together. */
interface Frame {
  kind: 'tuple' | 'list' | 'improper_list' | 'map' | 'fun' | 'old_fun' | 'export' | 'record'
  /** Those that were read so far. */
  readonly parts: Term[]
  count: number
  /** Where the term began. */
  readonly offset: number
  /** What stood before the parts. */
  readonly head: Head
}

/** Reads a term that stands within `depth` others. */
export function readDeep(input: Input, depth: number): Term {
  const frames: Frame[] = []
  const open = (kind: Frame['kind'], count: number, offset: number, head?: Head): undefined => {
    enter(input, depth + frames.length, count, offset)
    frames.push({ kind, parts: [], count, offset, head })
  }
  for (;;) {
    let value = readOrOpen(input, open)
    // Hand what is complete to the frame around it, which may complete that one in turn.
    for (;;) {
      const frame = frames.at(-1)
      if (frame === undefined) {
        if (value !== undefined) return value
        break
      }
      if (value !== undefined) frame.parts.push(value)
      if (frame.parts.length < frame.count) break
      if (frame.kind === 'list' && !endList(input, frame)) break
      value = close(input, frame)
      frames.pop()
    }
  }
}

/** A term without parts, or `undefined` once one with parts is begun. */
function readOrOpen(
  input: Input,
  open: (kind: Frame['kind'], count: number, offset: number, head?: Head) => undefined,
): Term | undefined {
  for (;;) {
    const offset = input.position
    const next = uint8(input)
    switch (next) {
      case tag.SMALL_TUPLE:
        return open('tuple', uint8(input), offset)
      case tag.LARGE_TUPLE:
        return open('tuple', uint32(input), offset)
      case tag.LIST: {
        const count = uint32(input)
        // [| Tail] is Tail, to the BEAM too.
        if (count === 0) continue
        return open('list', count, offset)
      }
      case tag.MAP:
        return open('map', uint32(input) * 2, offset)
      case tag.EXPORT:
        return open('export', 3, offset)
      case tag.NEW_FUN: {
        const head = readFunHead(input, offset)
        // Module, old index, old uniq and pid stand before the free variables.
        return open('fun', 4 + uint32(input), offset, head)
      }
      case tag.FUN:
        return open('old_fun', 4 + uint32(input), offset)
      case tag.RECORD: {
        const fields = uint32(input)
        const flags = uint8(input)
        // Bit 0: exported. OTP 29 refuses the others, which we could not write back.
        if (flags > 1) throw new InvalidTermError(`a record with the flags ${flags}`, offset)
        // Module and name, then the names of the fields, then their values.
        return open('record', 2 + 2 * fields, offset, flags === 1)
      }
      default:
        return readLeaf(input, next, offset)
    }
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
  switch (frame.kind) {
    case 'tuple':
      return new Tuple(parts)
    case 'list':
      return parts
    case 'improper_list': {
      const tail = parts.pop()
      // `endList` saw a tail coming, and a list has an element before it.
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
