/**
 * Encoded terms: the decoder, its options, compression, the cursor, and what is written again.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
import {
  atom,
  DecodeError,
  decode,
  EncodedTerm,
  ErlangMap,
  encode,
  equals,
  formatTerm,
  ImproperList,
  InvalidTermError,
  isList,
  NONE,
  parseTerm,
  type Term,
  TermCursor,
  TermLimitError,
  TermReader,
  TermSyntaxError,
  TruncatedTermError,
  Tuple,
  UnreadableTermError,
} from '../../src/etf/index.ts'
import * as tag from '../../src/etf/tags.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { writeCompressed, writeLarge, writeTerm, writeVersioned } from '../generate-term.ts'
import { attempt, check, once, PropertyError, type Target, type Verdict } from '../target.ts'
import { encodedSeeds } from './seeds.ts'

const DECODE_ERRORS = [TruncatedTermError, InvalidTermError, TermLimitError]

/** One of this size is made now and then, so that what costs too much can be told from what does not. */
const LARGE = 400

const MAX_INFLATED_SIZE = 1024 * 1024

function generate(out: ByteWriter): void {
  if (out.random.oneIn(LARGE)) {
    out.uint8(tag.VERSION)
    writeLarge(out)
  } else writeVersioned(out, 1 + out.random.small(6))
}

/** A term that must be readable whatever was read before. */
const witness = encode(
  new ErlangMap([atom('ok'), 1, [1, 2]], [new Tuple([atom('é'), 2n ** 70n]), encode(1), []]),
)
const witnessTerm = decode(witness)

function checkWitness(): void {
  check(equals(decode(witness), witnessTerm), 'another term is decoded as something else')
}

export const decodeTarget: Target = {
  name: 'decode',
  title: 'terms behind a version byte; what is encoded again, and where it ends',
  seeds: encodedSeeds,
  generate,
  allowance: { time: 60, memory: 8 * MAX_INFLATED_SIZE },
  run(input): Verdict {
    const term = attempt(DECODE_ERRORS, () => decode(input, { maxInflatedSize: MAX_INFLATED_SIZE }))
    if (term === undefined) {
      checkWitness()
      return 'refused'
    }
    const again = encode(term)
    const second = decode(again)
    check(equals(term, second), 'the term is another one after encoding and decoding it')
    check(Buffer.compare(again, encode(second)) === 0, 'the same term is encoded in two ways')
    return 'accepted'
  },
}

/** Bytes 0 to 4 are the options. */
export const readerTarget: Target = {
  name: 'reader',
  title: 'terms one after another, with limits, views and atoms of a header',
  seeds: once(() => encodedSeeds().map((it) => Buffer.concat([Buffer.of(0, 255, 0, 3, 1), it]))),
  generate(out) {
    const { random } = out
    out.uint8(random.below(256))
    out.uint8(random.below(256))
    out.uint8(random.oneIn(2) ? 0 : random.below(256))
    out.uint8(random.small(8))
    out.uint8(random.below(4))
    for (let left = 1 + random.small(4); left > 0; left--) writeTerm(out, random.small(6))
  },
  run(input): Verdict {
    const [depth = 0, terms = 0, inflated = 0, atoms = 0, flags = 0] = input
    const atomCacheRefs = Array.from({ length: atoms }, (_, index) => atom(`cached ${index}`))
    const maxDepth = depth < 128 ? 10_000 : depth - 128
    const options = {
      maxDepth,
      maxTerms: terms === 0 ? 1_000_000 : terms * 4,
      maxInflatedSize: inflated * 1024,
      atomCacheRefs,
    }
    const bytes = input.subarray(5)
    const read = (binaries: 'copy' | 'view'): readonly Term[] => {
      const reader = new TermReader(bytes, { ...options, binaries })
      const all: Term[] = []
      let before = -1
      while (!reader.atEnd) {
        check(reader.position > before, 'a term was read and the position stayed')
        before = reader.position
        const term = attempt(DECODE_ERRORS, () =>
          (flags & 1) === 1 ? reader.readVersioned() : reader.read(),
        )
        if (term === undefined) break
        check(reader.position <= bytes.length, 'the reader stands behind the end')
        all.push(term)
      }
      return all
    }
    const copies = read('copy')
    const before = Buffer.from(bytes)
    const views = read('view')
    check(equals(copies, views), 'views are other terms than copies')
    check(before.equals(bytes), 'the bytes were written to')
    for (const term of copies) check(depthOf(term) <= maxDepth, 'a term is deeper than allowed')
    checkWitness()
    return copies.length > 0 ? 'accepted' : 'refused'
  },
}

/** Levels of what can be nested by its bytes; the parts of funs are left out. */
function depthOf(term: Term): number {
  let deepest = 0
  const todo: { readonly term: Term; readonly depth: number }[] = [{ term, depth: 0 }]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const depth = next.depth + 1
    const parts = partsOf(next.term)
    if (parts === undefined) continue
    deepest = Math.max(deepest, depth)
    for (const part of parts) todo.push({ term: part, depth })
  }
  return deepest
}

function partsOf(term: Term): readonly Term[] | undefined {
  if (term instanceof Tuple) return term.elements
  if (term instanceof ErlangMap) return [...term.keys, ...term.values]
  // A string is a list of bytes, and has no levels.
  if (isList(term)) return term.every((it) => typeof it === 'number') ? undefined : term
  return term instanceof ImproperList ? [...term.elements, term.tail] : undefined
}

export const compressedTarget: Target = {
  name: 'compressed',
  title: 'compressed terms, bombs among them',
  seeds: once(() =>
    encodedSeeds()
      .filter((it) => it.length > 40)
      .map((it) => encode(decode(it), { compressed: 6 })),
  ),
  generate(out) {
    out.uint8(tag.VERSION)
    writeCompressed(out, 1 + out.random.small(4))
    if (out.random.oneIn(10)) out.noise(1)
  },
  allowance: { time: 60, memory: 8 * MAX_INFLATED_SIZE },
  run: (input) => decodeTarget.run(input),
}

export const cursorTarget: Target = {
  name: 'cursor',
  title: 'encoded terms that are walked over, which must end where the decoder ends',
  seeds: once(() => encodedSeeds().map((it) => it.subarray(1))),
  generate(out) {
    if (out.random.oneIn(LARGE)) writeLarge(out)
    else writeTerm(out, 1 + out.random.small(6))
  },
  run(input): Verdict {
    const atomCacheRefs = [atom('zero'), atom('one')]
    const reader = new TermReader(input, { atomCacheRefs })
    const term = attempt(DECODE_ERRORS, () => reader.read())
    const skipping = new TermCursor(new EncodedTerm(input, atomCacheRefs))
    const skipped = attempt(DECODE_ERRORS, () => {
      skipping.skip(1)
      return skipping.position
    })
    const walking = new TermCursor(new EncodedTerm(input, atomCacheRefs))
    const walked = attempt(DECODE_ERRORS, () => walk(walking, 0))
    if (term === undefined) return 'refused'
    check(skipped === reader.position, `skip ends at ${skipped}, the decoder at ${reader.position}`)
    check(walked !== undefined && equals(walked, term), 'the cursor finds another term')
    check(walking.position === reader.position, 'the cursor ends elsewhere than the decoder')
    return 'accepted'
  },
}

/** Beyond, a term is taken whole: this function calls itself. */
const MAX_WALK = 100

function walk(cursor: TermCursor, depth: number): Term {
  const start = cursor.position
  if (depth > MAX_WALK) return cursor.term()
  const count = cursor.enterTuple()
  if (count !== NONE) return new Tuple(walkParts(cursor, count, depth))
  check(cursor.position === start, 'enterTuple moves and enters nothing')
  const isInteger = cursor.isAtInteger
  check(cursor.position === start, 'isAtInteger moves')
  const integer = cursor.integer()
  check(isInteger === (integer !== undefined), 'isAtInteger says something else than integer()')
  if (integer !== undefined) return integer
  check(cursor.position === start, 'integer moves and finds none')
  const found = cursor.atom()
  if (found !== undefined) return found
  check(cursor.position === start, 'atom moves and finds none')
  return walkList(cursor, depth) ?? cursor.term()
}

function walkList(cursor: TermCursor, depth: number): Term | undefined {
  const elements: Term[] = []
  let count = cursor.enterList()
  if (count === NONE) return undefined
  while (count > 0) {
    elements.push(...walkParts(cursor, count, depth))
    count = cursor.enterList()
  }
  if (count === 0) return elements
  const tail = walk(cursor, depth + 1)
  if (isList(tail)) return [...elements, ...tail]
  return tail instanceof ImproperList
    ? new ImproperList([...elements, ...tail.elements], tail.tail)
    : new ImproperList(elements, tail)
}

function walkParts(cursor: TermCursor, count: number, depth: number): readonly Term[] {
  const parts: Term[] = []
  for (let i = 0; i < count; i++) parts.push(walk(cursor, depth + 1))
  return parts
}

export const formatTarget: Target = {
  name: 'format',
  title: 'decoded terms as text, and what is read back from it',
  seeds: encodedSeeds,
  generate(out) {
    out.uint8(tag.VERSION)
    writeTerm(out, 1 + out.random.small(5))
  },
  run(input): Verdict {
    const term = attempt([DecodeError], () => decode(input, { maxInflatedSize: MAX_INFLATED_SIZE }))
    if (term === undefined) return 'refused'
    const line = formatTerm(term)
    const pretty = formatTerm(term, { layout: 'pretty', width: 40 })
    check(!/\p{Cc}/u.test(line), 'a control character stands in a line of text')
    check(!/[^\P{Cc}\n]/u.test(pretty), 'a control character stands in laid out text')
    check(formatTerm(term, { maxLength: 30 }).length <= 30, 'text is longer than it may be')
    for (const text of [line, pretty]) {
      const again = readBack(text)
      if (again === undefined) continue
      check(formatTerm(again) === line, 'what is read back is another term')
    }
    return 'accepted'
  },
}

/** `undefined` for what loses its value in print, as a fun does. */
function readBack(text: string): Term | undefined {
  try {
    return parseTerm(text)
  } catch (error) {
    if (error instanceof UnreadableTermError) return undefined
    if (!(error instanceof TermSyntaxError)) throw error
    throw new PropertyError(
      `text that was written cannot be read: ${error.message}\n${error.excerpt}`,
    )
  }
}
