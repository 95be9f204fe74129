/**
 * Whether two terms are the same, as Erlang's `=:=` sees it, and the hash that goes with it.
 *
 * Both walk with a stack of their own: a term nested a hundred thousand deep cannot overflow the
 * native one.
 *
 * @see https://www.erlang.org/doc/system/expressions.html#term-comparisons
 */
import { KeyedHash } from './keyed-hash.ts'
import type { Atom, ErlangMap, Pid, Term } from './terms.ts'

/**
 * Erlang's `=:=`: `1` and `1.0` differ, and so do `0.0` and `-0.0` (as from OTP 27). A small integer is
 * the same as a number and as a bigint.
 */
export function equals(left: Term, right: Term): boolean {
  if (left === right) return true
  // Pairs still to be compared, flat.
  const todo: Term[] = [left, right]
  const push = (as: readonly Term[], bs: readonly Term[]): boolean => {
    if (as.length !== bs.length) return false
    for (let i = 0; i < as.length; i++) {
      const a = as[i]
      const b = bs[i]
      if (a === undefined || b === undefined) return false
      if (a !== b) todo.push(a, b)
    }
    return true
  }
  while (todo.length > 0) {
    const b = todo.pop()
    const a = todo.pop()
    if (a === b) continue
    if (typeof a !== 'object' || typeof b !== 'object') {
      if (!(isInteger(a) && isInteger(b) && sameInteger(a, b))) return false
      continue
    }
    if (a instanceof Uint8Array || b instanceof Uint8Array) {
      if (!(a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b))) return false
      continue
    }
    if (isList(a) || isList(b)) {
      if (!(isList(a) && isList(b) && push(a, b))) return false
      continue
    }
    switch (a.type) {
      case 'atom':
        if (!(b.type === 'atom' && a.name === b.name)) return false
        break
      case 'float':
        if (!(b.type === 'float' && Object.is(a.value, b.value))) return false
        break
      case 'tuple':
        if (!(b.type === 'tuple' && push(a.elements, b.elements))) return false
        break
      case 'improper_list':
        if (!(b.type === 'improper_list' && push(a.elements, b.elements))) return false
        todo.push(a.tail, b.tail)
        break
      case 'map':
        if (!(b.type === 'map' && a.size === b.size && pushEntries(todo, a, b))) return false
        break
      case 'bitstring':
        if (!(b.type === 'bitstring' && a.bits === b.bits && sameBytes(a.bytes, b.bytes)))
          return false
        break
      case 'pid':
        if (!(b.type === 'pid' && samePid(a, b))) return false
        break
      case 'port':
        if (!(b.type === 'port' && sameNode(a, b) && sameInteger(a.id, b.id))) return false
        break
      case 'reference':
        if (!(b.type === 'reference' && sameNode(a, b) && push(a.words, b.words))) return false
        break
      case 'export':
        if (!(b.type === 'export' && a.arity === b.arity)) return false
        todo.push(a.module, b.module, a.function, b.function)
        break
      case 'fun':
        if (!(b.type === 'fun' && a.arity === b.arity && a.index === b.index)) return false
        if (!(sameBytes(a.uniq, b.uniq) && push(a.freeVariables, b.freeVariables))) return false
        todo.push(a.module, b.module, a.oldIndex, b.oldIndex, a.oldUniq, b.oldUniq, a.pid, b.pid)
        break
      case 'old_fun':
        if (!(b.type === 'old_fun' && push(a.freeVariables, b.freeVariables))) return false
        todo.push(a.module, b.module, a.index, b.index, a.uniq, b.uniq, a.pid, b.pid)
        break
      case 'record':
        if (!(b.type === 'record' && a.fields.length === b.fields.length)) return false
        if (a.exported !== b.exported) return false
        todo.push(a.module, b.module, a.name, b.name)
        if (!push(a.fields.flat(), b.fields.flat())) return false
        break
      case 'local':
        if (!(b.type === 'local' && sameBytes(a.bytes, b.bytes))) return false
        break
    }
  }
  return true
}

/**
 * Puts the keys and values of two maps of one size on `todo`, paired by the hashes of the keys: whether
 * the keys are equal then shows without a search, which would have to call `equals` for maps within
 * keys, as deep as they are nested, and again and again. Returns false if the maps cannot be equal.
 */
function pushEntries(todo: Term[], a: ErlangMap, b: ErlangMap): boolean {
  if (hashTerm(a) !== hashTerm(b)) return false
  const others = new Map<number, readonly [Term, Term]>()
  for (const entry of b) others.set(hashTerm(entry[0]), entry)
  for (const [key, value] of a) {
    // Two keys of b with one hash, by a chance of 2^-32, are told apart by searching.
    const found = others.size === b.size ? others.get(hashTerm(key)) : [key, b.get(key)]
    if (found === undefined) return false
    const [otherKey, otherValue] = found
    if (otherKey === undefined || otherValue === undefined) return false
    todo.push(key, otherKey, value, otherValue)
  }
  return true
}

function isInteger(term: Term | undefined): term is number | bigint {
  return typeof term === 'number' || typeof term === 'bigint'
}

function sameInteger(a: number | bigint, b: number | bigint): boolean {
  return a === b || (typeof a !== typeof b && normalized(a) === normalized(b))
}

/** The one spelling of an integer: a number while it is safe. */
function normalized(value: number | bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** `Array.isArray` does not narrow a readonly array; this does. */
function isList(term: Term): term is readonly Term[] {
  return Array.isArray(term)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function sameNode(
  a: { readonly node: Atom; readonly creation: number },
  b: { readonly node: Atom; readonly creation: number },
): boolean {
  return a.node.name === b.node.name && a.creation === b.creation
}

function samePid(a: Pid, b: Pid): boolean {
  return a.id === b.id && a.serial === b.serial && sameNode(a, b)
}

/** Hashes of maps that were asked for before. */
const mapHashes = new WeakMap<ErlangMap, number>()

/** A 32-bit hash: equal for equal terms, whatever the order of the entries of a map. */
export function hashTerm(term: Term): number {
  if (typeof term === 'object') {
    // A map is found before the maps within it: backwards, each finds its parts' hashes ready.
    for (const map of mapsWithin(term).reverse()) {
      let sum = 0
      for (const [key, value] of map) sum = (sum + hashFlat(key, value)) | 0
      mapHashes.set(map, sum)
    }
  }
  return hashFlat(term)
}

/** The maps in a term whose hash is not known yet. */
function mapsWithin(root: Term): ErlangMap[] {
  const maps: ErlangMap[] = []
  const todo: Term[] = [root]
  for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
    if (typeof term !== 'object' || term instanceof Uint8Array) continue
    if (!isList(term) && term.type === 'map') {
      if (mapHashes.has(term)) continue
      maps.push(term)
      for (const [key, value] of term) todo.push(key, value)
    } else pushParts(todo, term)
  }
  return maps
}

/** Puts the terms that `term` is made of on `todo`; a map counts as whole. */
export function pushParts(todo: Term[], term: Exclude<Term, number | bigint | Uint8Array>): void {
  if (isList(term)) {
    for (const element of term) todo.push(element)
    return
  }
  switch (term.type) {
    case 'tuple':
      for (const element of term.elements) todo.push(element)
      break
    case 'improper_list':
      for (const element of term.elements) todo.push(element)
      todo.push(term.tail)
      break
    case 'pid':
    case 'port':
    case 'reference':
      todo.push(term.node)
      break
    case 'export':
      todo.push(term.module, term.function)
      break
    case 'fun':
      todo.push(term.module, term.oldIndex, term.oldUniq, term.pid)
      for (const variable of term.freeVariables) todo.push(variable)
      break
    case 'old_fun':
      todo.push(term.pid, term.module, term.index, term.uniq)
      for (const variable of term.freeVariables) todo.push(variable)
      break
    case 'record':
      todo.push(term.module, term.name)
      for (const [name, value] of term.fields) todo.push(name, value)
      break
    case 'atom':
    case 'float':
    case 'bitstring':
    case 'map':
    case 'local':
      break
  }
}

/** What each kind of term begins with, so that no two of them put the same words into the hash. */
const KIND = {
  integer: 1,
  wideInteger: 2,
  bigint: 3,
  list: 4,
  binary: 5,
  float: 6,
  atom: 7,
  bitstring: 8,
  tuple: 9,
  improper_list: 10,
  map: 11,
  pid: 12,
  port: 13,
  reference: 14,
  fun: 15,
  old_fun: 16,
  export: 17,
  record: 18,
  local: 19,
} as const

const floatBits = new DataView(new ArrayBuffer(8))

/** The hash of terms in which every map's hash is known. */
function hashFlat(...todo: Term[]): number {
  const hash = new KeyedHash()
  for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
    if (typeof term !== 'object') {
      hashInteger(hash, term)
    } else if (term instanceof Uint8Array) {
      hash.word(KIND.binary)
      hash.bytes(term)
    } else {
      if (isList(term)) {
        hash.word(KIND.list)
        hash.word(term.length)
      } else {
        hash.word(KIND[term.type])
        hashOwn(hash, term)
      }
      pushParts(todo, term)
    }
  }
  return hash.finish()
}

/** Puts in what a term holds besides the terms that it is made of, and how many of these there are. */
function hashOwn(
  hash: KeyedHash,
  term: Exclude<Term, number | bigint | Uint8Array | readonly Term[]>,
): void {
  switch (term.type) {
    case 'atom':
      hash.text(term.name)
      break
    case 'float':
      floatBits.setFloat64(0, term.value)
      hash.word(floatBits.getInt32(0))
      hash.word(floatBits.getInt32(4))
      break
    case 'tuple':
    case 'improper_list':
      hash.word(term.elements.length)
      break
    case 'map':
      hash.word(term.size)
      hash.word(mapHashes.get(term) ?? 0)
      break
    case 'bitstring':
      hash.word(term.bits)
      hash.bytes(term.bytes)
      break
    case 'pid':
      hash.word(term.id)
      hash.word(term.serial)
      hash.word(term.creation)
      break
    case 'port':
      hashInteger(hash, term.id)
      hash.word(term.creation)
      break
    case 'reference':
      hash.word(term.creation)
      hash.word(term.words.length)
      for (const word of term.words) hash.word(word)
      break
    case 'fun':
      hash.word(term.arity)
      hash.bytes(term.uniq)
      hash.word(term.index)
      hash.word(term.freeVariables.length)
      break
    case 'old_fun':
      hash.word(term.freeVariables.length)
      break
    case 'export':
      hash.word(term.arity)
      break
    case 'record':
      hash.word(term.exported ? 1 : 0)
      hash.word(term.fields.length)
      break
    case 'local':
      hash.bytes(term.bytes)
      break
  }
}

function hashInteger(hash: KeyedHash, integer: number | bigint): void {
  const value = normalized(integer)
  if (typeof value === 'bigint') {
    hash.word(KIND.bigint)
    hash.text(value.toString(16))
  } else if (value === (value | 0)) {
    hash.word(KIND.integer)
    hash.word(value)
  } else {
    hash.word(KIND.wideInteger)
    hash.word(value)
    hash.word(Math.floor(value / 0x1_0000_0000))
  }
}
