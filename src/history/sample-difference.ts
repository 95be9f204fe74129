/**
 * What changed from one term to the next, as bytes.
 *
 * Both terms are walked through together, an element or a value of a map after the other, and each place is
 * numbered as it is entered. Of the places that differ, the bytes say
 *
 * ```
 * difference = count place{count} change{…} term{…}
 * place      = varint      how many places were passed over since the last one, times two;
 *                          plus 0: an integer that changed, plus 1: another term stands there
 * change     = varint      of each integer, by how much: 0, -1, 1, -2, …  as 0, 1, 2, 3, …
 * term       =             of each other term, without a version byte
 * ```
 *
 * with a varint as groups of seven bits, the low ones first, each but the last with the high bit set. Places
 * of one kind come together, since they resemble each other: they are compressed afterwards.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html of the terms
 */
import { BeamscopeError } from '../errors.ts'
import { TermReader } from '../etf/decode.ts'
import { TermWriter } from '../etf/encode.ts'
import { EncodedTerm } from '../etf/encoded-term.ts'
import { isList } from '../etf/match.ts'
import { Atom, ErlangMap, type Term, Tuple } from '../etf/terms.ts'

/** The bytes are no difference, or one from another term. */
export class DifferenceError extends BeamscopeError {
  readonly code = 'ERR_RECORDING_DIFFERENCE'
}

/** What an allocator answers is nested eight deep; beyond this, a term is compared whole. */
const MAX_DEPTH = 32

/** The difference from `before` to `after`. */
export function difference(before: Term, after: Term): Uint8Array {
  const places: number[] = []
  const changes: number[] = []
  const terms = new TermWriter()
  let place = 0
  let last = 0
  const differ = (kind: 0 | 1): void => {
    places.push((place - last) * 2 + kind)
    last = place
  }
  const compare = (left: Term, right: Term, depth: number): void => {
    place += 1
    const change = typeof left === 'number' && typeof right === 'number' ? right - left : Number.NaN
    if (change === 0) return
    // Twice of it must be exact as well.
    if (Math.abs(change) <= Number.MAX_SAFE_INTEGER / 4) {
      differ(0)
      changes.push(change < 0 ? -2 * change - 1 : 2 * change)
      return
    }
    const [lefts, rights] = depth < MAX_DEPTH ? alike(left, right) : []
    if (lefts !== undefined && rights !== undefined) {
      for (let i = 0; i < lefts.length; i++) {
        const [one, other] = [lefts[i], rights[i]]
        if (one !== undefined && other !== undefined) compare(one, other, depth + 1)
      }
    } else if (!isSame(left, right)) {
      differ(1)
      terms.write(right)
    }
  }
  compare(before, after, 0)
  const head: number[] = []
  for (const number of [places.length, ...places, ...changes]) writeVarint(head, number)
  const tail = terms.bytes()
  const bytes = new Uint8Array(head.length + tail.length)
  bytes.set(head)
  bytes.set(tail, head.length)
  return bytes
}

/**
 * Where the places of a term are, so that what lies between those that differ need not be looked at. It stays the same
 * object while a sample keeps its shape. Measured on a day of a node with four schedulers: all differences were applied
 * in 0.6 s, and in 5 s by walking through every sample.
 */
export interface Layout {
  /** Of a term with all in it: its own place is one of them. */
  readonly places: number
  /** For each part how many places there are up to its end, those of the parts before it included. */
  readonly ends: readonly number[]
  readonly parts: readonly Layout[]
}

const ONE_PLACE: Layout = { places: 1, ends: [], parts: [] }

/** The layout of a term. */
export function layoutOf(term: Term, depth = 0): Layout {
  const parts = partsAt(term, depth)
  return parts.length === 0 ? ONE_PLACE : around(parts.map((part) => layoutOf(part, depth + 1)))
}

function around(parts: readonly Layout[]): Layout {
  let end = 0
  const ends = parts.map(({ places }) => (end += places))
  return { places: 1 + end, ends, parts }
}

/** A term, and its layout, by which differences are applied to it. */
export interface LaidOut {
  readonly term: Term
  readonly layout: Layout
}

/**
 * What `before` became. Parts that did not change are the same objects.
 *
 * @throws {DifferenceError} when the bytes are no difference from `before`
 * @throws {DecodeError} when a term in them cannot be read
 */
export function applyDifference(before: LaidOut, bytes: Uint8Array): LaidOut {
  const reader = new VarintReader(bytes)
  const count = reader.next()
  if (count > bytes.length - reader.position) throw new DifferenceError('more places than bytes')
  const places = Array.from({ length: count }, () => reader.next())
  const changes = places.filter((it) => it % 2 === 0).map(() => reader.next())
  const terms = new TermReader(bytes.subarray(reader.position))
  let place = 0
  let done = 0
  let changed = 0
  let next = nextPlace(0)
  function nextPlace(last: number): number {
    const step = places[done]
    return step === undefined ? Number.POSITIVE_INFINITY : last + Math.floor(step / 2)
  }
  const walk = (term: Term, layout: Layout, depth: number): LaidOut => {
    place += 1
    if (place === next) {
      const isOther = (places[done] ?? 0) % 2 === 1
      done += 1
      next = nextPlace(place)
      if (!isOther) return { term: changeInteger(term, changes[changed++]), layout }
      const other = terms.read()
      return { term: other, layout: layoutOf(other, depth) }
    }
    const { ends } = layout
    const parts = partsAt(term, depth)
    let others: Term[] | undefined
    let layouts: Layout[] | undefined
    // Behind a part that is replaced, of which its own place alone counts, all others come earlier.
    let offset = place
    for (let i = firstAtLeast(ends, next - offset, 0); i < parts.length && done < count; ) {
      const [part, partLayout, end] = [parts[i], layout.parts[i], ends[i]]
      if (part === undefined || partLayout === undefined || end === undefined) break
      place = offset + end - partLayout.places
      const other = walk(part, partLayout, depth + 1)
      offset = place - end
      if (other.term !== part) {
        others ??= [...parts]
        others[i] = other.term
      }
      if (other.layout !== partLayout) {
        layouts ??= [...layout.parts]
        layouts[i] = other.layout
      }
      i = firstAtLeast(ends, next - offset, i + 1)
    }
    place = offset + layout.places - 1
    return {
      term: others === undefined ? term : withParts(term, others),
      layout: layouts === undefined ? layout : around(layouts),
    }
  }
  const after = walk(before.term, before.layout, 0)
  if (done < count) throw new DifferenceError('a place that the term before does not have')
  terms.expectEnd()
  return after
}

/** The index, from `start` on, of the first of these ascending numbers that is no less than `least`. */
function firstAtLeast(numbers: readonly number[], least: number, start: number): number {
  let low = start
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) < least) low = middle + 1
    else high = middle
  }
  return low
}

function changeInteger(term: Term, change: number | undefined): Term {
  if (typeof term !== 'number' || change === undefined) {
    throw new DifferenceError('no integer where one changed')
  }
  const sum = term + (change % 2 === 0 ? change / 2 : -(change + 1) / 2)
  if (!Number.isSafeInteger(sum)) throw new DifferenceError('an integer that is not exact')
  return sum
}

/** What a term is walked through by; nothing for what is compared whole. */
function partsOf(term: Term): readonly Term[] | undefined {
  if (isList(term)) return term
  if (term instanceof Tuple) return term.elements
  return term instanceof ErlangMap ? term.values : undefined
}

const NO_PARTS: readonly Term[] = []

/** The same, for a term as deep as that. */
function partsAt(term: Term, depth: number): readonly Term[] {
  return (depth < MAX_DEPTH ? partsOf(term) : undefined) ?? NO_PARTS
}

function withParts(term: Term, parts: readonly Term[]): Term {
  if (term instanceof Tuple) return new Tuple(parts)
  return term instanceof ErlangMap ? new ErlangMap(term.keys, parts, term) : parts
}

/** The parts of two terms that differ in nothing else. */
function alike(left: Term, right: Term): readonly (readonly Term[] | undefined)[] {
  const both = [partsOf(left), partsOf(right)]
  if (both[0]?.length !== both[1]?.length) return []
  if (isList(left) && isList(right)) return both
  if (left instanceof Tuple && right instanceof Tuple) return both
  if (left instanceof ErlangMap && right instanceof ErlangMap) {
    return isSame(left.keys, right.keys) ? both : []
  }
  return []
}

/** Whether two terms are read as the same one: a map in another order is another one. */
function isSame(left: Term, right: Term): boolean {
  if (left === right) return true
  if (left instanceof Atom && right instanceof Atom) return left.name === right.name
  if (left instanceof Atom || right instanceof Atom) return false
  return Buffer.from(EncodedTerm.of(left).bytes).equals(EncodedTerm.of(right).bytes)
}

function writeVarint(out: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  out.push(rest)
}

/** Of the eighth group of seven bits; more are never exact. */
const MAX_VARINT_FACTOR = 2 ** 49

class VarintReader {
  position = 0
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): number {
    let value = 0
    for (let factor = 1; factor <= MAX_VARINT_FACTOR; factor *= 0x80) {
      const byte = this.#bytes[this.position]
      if (byte === undefined) throw new DifferenceError('it ends too early')
      this.position += 1
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
      if (factor === MAX_VARINT_FACTOR) throw new DifferenceError('a number is too long')
    }
    if (!Number.isSafeInteger(value)) throw new DifferenceError('a number is too large')
    return value
  }
}
