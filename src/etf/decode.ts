/**
 * Bytes to terms: every tag of the External Term Format.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import { buildMap, makeMap } from './build-terms.ts'
import { atoms, knownCachedAtom } from './decode-atom.ts'
import { readDeep } from './decode-deep.ts'
import { InvalidTermError, TermLimitError } from './decode-error.ts'
import { readLeaf, readString } from './decode-leaf.ts'
import { MAX_CALLS } from './hot-path.ts'
import { inflate } from './inflate.ts'
import { claim, type DecodeOptions, enter, expectEnd, Input, uint8, uint32 } from './input.ts'
import * as tag from './tags.ts'
import { ErlangMap, ImproperList, LocalTerm, type Term, Tuple } from './terms.ts'

export type { DecodeOptions } from './input.ts'

/**
 * Decodes one term as `term_to_binary/1` made it: the version byte, the term, nothing more.
 * Parts of it that are the same may be one object: terms are not to be written to.
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

/** The tags of the hot path: V8 compares with constants of this module at once, and looks up those of another. */
const {
  SMALL_ATOM_UTF8,
  ATOM,
  ATOM_CACHE_REF,
  SMALL_INTEGER,
  INTEGER,
  NIL,
  SMALL_TUPLE,
  LIST,
  MAP,
} = tag

/**
 * The hot path: terms that are not nested deeply, read by a function that calls itself. It reads by itself what
 * is commonest, since V8 puts only so much of what a function calls into it. What stands too near to the end for
 * that is left to {@link readDeep}, which checks each read.
 *
 * Measured, `npm run bench -- --only decode`: a snapshot of 0.7 MB in 3.3 ms and one of 1.4 MB in 4.7 ms, 2.2 and
 * 2.5 times as fast as the BEAM's `binary_to_term/1` in the same run.
 */
function readShallow(input: Input, depth: number): Term {
  const { view, lastUnchecked } = input
  for (;;) {
    const offset = input.position
    if (offset > lastUnchecked) return readDeep(input, depth)
    const next = view.getUint8(offset)
    switch (next) {
      case SMALL_ATOM_UTF8:
      case ATOM: {
        const start = next === ATOM ? offset + 3 : offset + 2
        const end = start + (next === ATOM ? view.getUint16(offset + 1) : view.getUint8(offset + 1))
        const known = end > input.length ? undefined : atoms.findKnown(view, start, end)
        if (known === undefined) return readLeaf(input, uint8(input), offset)
        input.position = end
        input.lastAtom = known
        return known.atom
      }
      case SMALL_INTEGER:
        input.position = offset + 2
        return view.getUint8(offset + 1)
      case INTEGER:
        input.position = offset + 5
        return view.getInt32(offset + 1)
      case ATOM_CACHE_REF: {
        input.position = offset + 1
        const known = knownCachedAtom(input, offset)
        input.lastAtom = known
        return known.atom
      }
      case NIL:
        input.position = offset + 1
        return []
      case SMALL_TUPLE: {
        const count = view.getUint8(offset + 1)
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 2
        enter(input, depth, count, offset)
        return readTuple(input, count, depth + 1)
      }
      case LIST: {
        const count = view.getUint32(offset + 1)
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 5
        // [| Tail] is Tail, to the BEAM too.
        if (count === 0) continue
        enter(input, depth, count, offset)
        return readTail(input, readParts(input, count, depth + 1), depth + 1)
      }
      case MAP: {
        const count = view.getUint32(offset + 1)
        if (depth >= MAX_CALLS) return readDeep(input, depth)
        input.position = offset + 5
        enter(input, depth, count * 2, offset)
        return readMap(input, count, depth + 1, offset)
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

/** Where a tuple begins with an atom that is known, it may be one that was read before. */
function readTuple(input: Input, count: number, depth: number): Tuple {
  if (count < 2 || count > 4) return new Tuple(readParts(input, count, depth))
  const first = readShallow(input, depth)
  const { lastAtom } = input
  const known = lastAtom?.atom === first ? lastAtom : undefined
  const second = readShallow(input, depth)
  if (count === 2) return known === undefined ? new Tuple([first, second]) : known.pair(second)
  const third = readShallow(input, depth)
  if (count === 3) {
    return known === undefined ? new Tuple([first, second, third]) : known.triple(second, third)
  }
  const fourth = readShallow(input, depth)
  return known === undefined
    ? new Tuple([first, second, third, fourth])
    : known.quadruple(second, third, fourth)
}

/** Beyond, an array grows while it is filled: V8 makes a hash table of one that begins large. */
const MAX_AT_ONCE = 4096

/** Arrays of the length that they have at the end: one that grows from nothing has room for 17. */
function readParts(input: Input, count: number, depth: number): Term[] {
  if (count > MAX_AT_ONCE) {
    const parts: Term[] = []
    for (let i = 0; i < count; i++) parts.push(readShallow(input, depth))
    return parts
  }
  const parts = new Array<Term>(count)
  for (let i = 0; i < count; i++) parts[i] = readShallow(input, depth)
  return parts
}

/** The most keys of a map whose keys the next one is compared with: of so many the BEAM itself shares them. */
const MAX_SHARED_KEYS = 32

/** A map of the same keys as the last of its size takes them from there: they need not be looked at again. */
function readMap(input: Input, count: number, depth: number, offset: number): ErlangMap {
  if (count > MAX_SHARED_KEYS) return buildMap(readParts(input, count * 2, depth), offset)
  const keys = new Array<Term>(count)
  const values = new Array<Term>(count)
  for (let i = 0; i < count; i++) {
    keys[i] = readShallow(input, depth)
    values[i] = readShallow(input, depth)
  }
  const last = input.maps[count]
  if (last !== undefined && areSame(keys, last.keys)) return new ErlangMap(last.keys, values, last)
  const map = makeMap(keys, values, offset)
  input.maps[count] = map
  return map
}

/** Whether these are the very same, as atoms that are known are; equal ones may be missed. */
function areSame(keys: readonly Term[], others: readonly Term[]): boolean {
  for (let i = 0; i < keys.length; i++) if (keys[i] !== others[i]) return false
  return true
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
        for (let i = 0; i < count; i++) parts.push(readShallow(input, depth))
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
