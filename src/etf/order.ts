/**
 * The order of terms, as Erlang's `<` and `==` have it.
 *
 * @see https://www.erlang.org/doc/system/expressions.html#term-comparisons
 */
import { pushParts } from './equality.ts'
import { isList } from './match.ts'
import {
  type Atom,
  type BitString,
  type ErlangMap,
  type Float,
  type Fun,
  ImproperList,
  type NativeRecord,
  type OldFun,
  type Pid,
  type Port,
  type Reference,
  type Term,
} from './terms.ts'

/**
 * -1 where `a < b`, 0 where `a == b`, 1 where `a > b`: what `Array.sort` takes.
 *
 * Number < atom < reference < fun < port < pid < tuple < native record < map < nil < list < bitstring.
 * An integer and a float are compared by value, exactly: `1 == 1.0`. Between keys of maps that differs,
 * there every integer comes before every float. A {@link LocalTerm}, which Erlang has no order for,
 * comes last.
 */
export function compareTerms(a: Term, b: Term): number {
  return compare(a, b, false)
}

/** Pairs still to be compared, and whether as the keys of maps are. */
interface Frame {
  readonly left: readonly Term[]
  readonly right: readonly Term[]
  readonly count: number
  readonly exact: boolean
  index: number
}

/** Walks with a stack of its own: nesting cannot overflow the native one. */
function compare(a: Term, b: Term, exact: boolean): number {
  const frames: Frame[] = []
  const push: Push = (left, right, count, isExact) => {
    frames.push({ left, right, count, exact: isExact, index: 0 })
  }
  let order = compareOne(a, b, exact, push)
  while (order === 0) {
    const frame = frames.at(-1)
    if (frame === undefined) return 0
    const left = frame.left[frame.index]
    const right = frame.right[frame.index]
    if (frame.index === frame.count || left === undefined || right === undefined) {
      frames.pop()
      continue
    }
    frame.index++
    order = compareOne(left, right, frame.exact, push)
  }
  return order
}

/** Leaves the first `count` terms of two sequences to be compared; what comes last comes first. */
type Push = (left: readonly Term[], right: readonly Term[], count: number, exact: boolean) => void

/** Compares as far as can be told without the parts, which it leaves to `push`. */
function compareOne(a: Term, b: Term, exact: boolean, push: Push): number {
  if (a === b) return 0
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return Math.sign(byRank)
  // From here on both are of the same kind.
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b, exact)
  if (isBits(a) && isBits(b)) return compareBits(a, b)
  if (isCons(a) && isCons(b)) return pushLists(a, b, exact, push)
  if (!isBoxed(a) || !isBoxed(b)) return 0
  if (a.type === 'atom' && b.type === 'atom') return compareAtoms(a, b)
  if (a.type === 'tuple' && b.type === 'tuple') {
    const count = a.elements.length
    push(a.elements, b.elements, count, exact)
    return byValue(count, b.elements.length)
  }
  if (a.type === 'map' && b.type === 'map') {
    if (a.size !== b.size) return byValue(a.size, b.size)
    const left = sorted(a)
    const right = sorted(b)
    push(left.values, right.values, a.size, exact)
    push(left.keys, right.keys, a.size, true)
    return 0
  }
  if (a.type === 'record' && b.type === 'record') return pushRecords(a, b, exact, push)
  if (a.type === 'pid' && b.type === 'pid') {
    // Of the identifiers, only pids have their node compared last.
    return byValue(a.serial, b.serial) || byValue(a.id, b.id) || compareNodes(a, b)
  }
  if (a.type === 'port' && b.type === 'port') return compareNodes(a, b) || byValue(a.id, b.id)
  if (a.type === 'reference' && b.type === 'reference') {
    return compareNodes(a, b) || compareWords(a.words, b.words)
  }
  if (a.type === 'export' && b.type === 'export') {
    return (
      compareAtoms(a.module, b.module) ||
      compareAtoms(a.function, b.function) ||
      byValue(a.arity, b.arity)
    )
  }
  if (isLocalFun(a) && isLocalFun(b)) return pushFuns(a, b, exact, push)
  if (a.type === 'local' && b.type === 'local') return compareBits(a.bytes, b.bytes)
  return 0
}

/** Terms of different ranks are in the order of their ranks. */
function rank(term: Term): number {
  if (isNumber(term)) return 0
  if (isBits(term)) return 12
  if (isList(term)) return term.length === 0 ? 10 : 11
  switch (term.type) {
    case 'atom':
      return 1
    case 'reference':
      return 2
    case 'fun':
    case 'old_fun':
      return 3
    // A fun as well, but it comes after those of all modules.
    case 'export':
      return 4
    case 'port':
      return 5
    case 'pid':
      return 6
    case 'tuple':
      return 7
    case 'record':
      return 8
    case 'map':
      return 9
    case 'improper_list':
      return 11
    case 'local':
      return 13
  }
}

function isNumber(term: Term): term is number | bigint | Float {
  return (
    typeof term === 'number' ||
    typeof term === 'bigint' ||
    (!isList(term) && !(term instanceof Uint8Array) && term.type === 'float')
  )
}

function isBits(term: Term): term is Uint8Array | BitString {
  return term instanceof Uint8Array || (isBoxed(term) && term.type === 'bitstring')
}

/** A list that has elements. */
type Cons = readonly Term[] | ImproperList

function isCons(term: Term): term is Cons {
  return isList(term) ? term.length > 0 : isBoxed(term) && term.type === 'improper_list'
}

function isLocalFun(term: Term): term is Fun | OldFun {
  return isBoxed(term) && (term.type === 'fun' || term.type === 'old_fun')
}

function isBoxed(
  term: Term,
): term is Exclude<Term, number | bigint | Uint8Array | readonly Term[]> {
  return typeof term === 'object' && !isList(term) && !(term instanceof Uint8Array)
}

function byValue(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** JavaScript compares a `bigint` and a `number` exactly, too. */
function compareNumbers(
  a: number | bigint | Float,
  b: number | bigint | Float,
  exact: boolean,
): number {
  const left = typeof a === 'object' ? a.value : a
  const right = typeof b === 'object' ? b.value : b
  if (!exact) return byValue(left, right)
  const byKind = Number(typeof a === 'object') - Number(typeof b === 'object')
  if (byKind !== 0) return byKind
  // The two zeros are two keys; the negative one comes first.
  return byValue(left, right) || Number(Object.is(right, -0)) - Number(Object.is(left, -0))
}

/** By code points, which is the order of UTF-8, but not that of UTF-16. */
function compareAtoms(a: Atom, b: Atom): number {
  const left = a.name
  const right = b.name
  const count = Math.min(left.length, right.length)
  for (let i = 0; i < count; i++) {
    const x = left.charCodeAt(i)
    const y = right.charCodeAt(i)
    if (x === y) continue
    // Halves of surrogate pairs stand for code points above all others.
    const isPairX = x >= 0xd800 && x <= 0xdfff
    const isPairY = y >= 0xd800 && y <= 0xdfff
    return isPairX === isPairY ? byValue(x, y) : isPairX ? 1 : -1
  }
  return byValue(left.length, right.length)
}

function compareNodes(a: Pid | Port | Reference, b: Pid | Port | Reference): number {
  return compareAtoms(a.node, b.node) || byValue(a.creation, b.creation)
}

/** The last word is the highest; those that are missing count as zero. */
function compareWords(a: readonly number[], b: readonly number[]): number {
  for (let i = Math.max(a.length, b.length) - 1; i >= 0; i--) {
    const order = byValue(a[i] ?? 0, b[i] ?? 0)
    if (order !== 0) return order
  }
  return 0
}

function compareBits(a: Uint8Array | BitString, b: Uint8Array | BitString): number {
  const left = a instanceof Uint8Array ? { bytes: a, bits: 8 } : a
  const right = b instanceof Uint8Array ? { bytes: b, bits: 8 } : b
  const count = Math.min(left.bytes.length, right.bytes.length)
  for (let i = 0; i < count; i++) {
    // Only what both have is compared of the last byte.
    const bits = Math.min(
      i === left.bytes.length - 1 ? left.bits : 8,
      i === right.bytes.length - 1 ? right.bits : 8,
    )
    const order = byValue((left.bytes[i] ?? 0) >> (8 - bits), (right.bytes[i] ?? 0) >> (8 - bits))
    if (order !== 0) return order
  }
  return byValue(left.bytes.length * 8 + left.bits, right.bytes.length * 8 + right.bits)
}

/** Element by element; what is left of the longer list is compared with the tail of the other one. */
function pushLists(a: Cons, b: Cons, exact: boolean, push: Push): number {
  const left = isList(a) ? a : a.elements
  const right = isList(b) ? b : b.elements
  const leftTail = isList(a) ? NIL : a.tail
  const rightTail = isList(b) ? NIL : b.tail
  const count = Math.min(left.length, right.length)
  const leftRest = left.length > count ? restOf(a, left, count, rightTail) : leftTail
  const rightRest = right.length > count ? restOf(b, right, count, leftTail) : rightTail
  push([leftRest], [rightRest], 1, exact)
  push(left, right, count, exact)
  return 0
}

const NIL: readonly Term[] = []

/** What follows the first `count` elements, or any list where `other` only tells that it is none. */
function restOf(list: Cons, elements: readonly Term[], count: number, other: Term): Term {
  if (!isCons(other)) return list
  const rest = elements.slice(count)
  return isList(list) ? rest : new ImproperList(rest, list.tail)
}

/** The exported one is the larger; the number of fields, their names and their values follow. */
function pushRecords(a: NativeRecord, b: NativeRecord, exact: boolean, push: Push): number {
  const count = a.fields.length
  const order =
    compareAtoms(a.module, b.module) ||
    compareAtoms(a.name, b.name) ||
    byValue(Number(a.exported), Number(b.exported)) ||
    byValue(count, b.fields.length)
  if (order !== 0) return order
  const values = (record: NativeRecord): Term[] => record.fields.map(([, value]) => value)
  const names = (record: NativeRecord): Term[] => record.fields.map(([name]) => name)
  push(values(a), values(b), count, exact)
  push(names(a), names(b), count, exact)
  return 0
}

/** Neither the arity nor the 16 bytes of `uniq` counts. */
function pushFuns(a: Fun | OldFun, b: Fun | OldFun, exact: boolean, push: Push): number {
  const count = a.freeVariables.length
  push(a.freeVariables, b.freeVariables, count, exact)
  return (
    compareAtoms(a.module, b.module) ||
    byValue(a.index, b.index) ||
    byValue(uniqOf(a), uniqOf(b)) ||
    byValue(count, b.freeVariables.length)
  )
}

function uniqOf(fun: Fun | OldFun): number | bigint {
  return fun.type === 'fun' ? fun.oldUniq : fun.uniq
}

interface SortedMap {
  readonly keys: readonly Term[]
  readonly values: readonly Term[]
}

const sortedMaps = new WeakMap<ErlangMap, SortedMap>()

/** The entries of a map in the order of its keys. */
function sorted(map: ErlangMap): SortedMap {
  const known = sortedMaps.get(map)
  if (known !== undefined) return known
  // Keys can hold maps, whose keys can hold maps. Each is found before those within it: backwards, all
  // that comparing two keys needs is there already.
  for (const inner of mapsWithinKeys(map).reverse()) sortedMaps.set(inner, sortEntries(inner))
  const result = sortEntries(map)
  sortedMaps.set(map, result)
  return result
}

function sortEntries(map: ErlangMap): SortedMap {
  const entries = [...map].sort(([a], [b]) => compare(a, b, true))
  return { keys: entries.map(([key]) => key), values: entries.map(([, value]) => value) }
}

/** The maps in the keys of a map, at any depth, that are not sorted yet. */
function mapsWithinKeys(map: ErlangMap): ErlangMap[] {
  const maps: ErlangMap[] = []
  const todo: Term[] = [...map.keys]
  for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
    if (typeof term !== 'object' || term instanceof Uint8Array) continue
    if (isBoxed(term) && term.type === 'map') {
      if (sortedMaps.has(term)) continue
      maps.push(term)
      for (const [key, value] of term) todo.push(key, value)
    } else {
      pushParts(todo, term)
    }
  }
  return maps
}
