/**
 * Whether two terms are the same, as Erlang's `=:=` sees it, and the hash that goes with it.
 *
 * Both walk with a stack of their own: a term nested a hundred thousand deep cannot overflow the
 * native one.
 *
 * @see https://www.erlang.org/doc/system/expressions.html#term-comparisons
 */
import type { Atom, ErlangMap, Pid, Term } from './terms.ts'

/** Erlang's `=:=`: `1` and `1.0` differ, and so do `0.0` and `-0.0` (as from OTP 27). */
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
  for (;;) {
    const b = todo.pop()
    const a = todo.pop()
    if (a === undefined || b === undefined) return true
    if (a === b) continue
    if (typeof a !== 'object' || typeof b !== 'object') return false
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
        if (!(b.type === 'map' && a.size === b.size)) return false
        for (const [key, value] of a) {
          const other = b.get(key)
          if (other === undefined) return false
          todo.push(value, other)
        }
        break
      case 'bitstring':
        if (!(b.type === 'bitstring' && a.bits === b.bits && sameBytes(a.bytes, b.bytes)))
          return false
        break
      case 'pid':
        if (!(b.type === 'pid' && samePid(a, b))) return false
        break
      case 'port':
        // The two spellings of an id, number and bigint, are one id.
        if (!(b.type === 'port' && sameNode(a, b) && BigInt(a.id) === BigInt(b.id))) return false
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

/** Differs from process to process, so that nobody can prepare keys that collide. */
const SEED = Math.floor(Math.random() * 0x1_0000_0000)

/** Hashes of maps that were asked for before. */
const mapHashes = new WeakMap<ErlangMap, number>()

/** A 32-bit hash: equal for equal terms, whatever the order of the entries of a map. */
export function hashTerm(term: Term): number {
  if (typeof term === 'object') {
    // A map is found before the maps within it: backwards, each finds its parts' hashes ready.
    for (const map of mapsWithin(term).reverse()) {
      let hash = map.size
      for (const [key, value] of map)
        hash = (hash + Math.imul(hashFlat(key), hashFlat(value) | 1)) | 0
      mapHashes.set(map, hash)
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
function pushParts(todo: Term[], term: Exclude<Term, number | bigint | Uint8Array>): void {
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
    case 'old_fun':
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

/** The hash of a term in which every map's hash is known. */
function hashFlat(root: Term): number {
  let hash = SEED
  const mix = (word: number): void => {
    hash = Math.imul(hash ^ word, 0x01000193)
    hash ^= hash >>> 15
  }
  const mixText = (text: string): void => {
    mix(text.length)
    for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i))
  }
  const mixBytes = (bytes: Uint8Array): void => {
    mix(bytes.length)
    for (const byte of bytes) mix(byte)
  }
  const todo: Term[] = [root]
  for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
    if (typeof term === 'number') {
      mix(term | 0)
      mix(Math.floor(term / 0x1_0000_0000))
    } else if (typeof term === 'bigint') {
      mixText(term.toString(16))
    } else if (term instanceof Uint8Array) {
      mixBytes(term)
    } else {
      if (isList(term)) mix(term.length)
      else {
        mixText(term.type)
        switch (term.type) {
          case 'atom':
            mixText(term.name)
            break
          case 'float':
            mixText(String(term.value))
            break
          case 'tuple':
          case 'improper_list':
            mix(term.elements.length)
            break
          case 'map':
            mix(mapHashes.get(term) ?? term.size)
            break
          case 'bitstring':
            mix(term.bits)
            mixBytes(term.bytes)
            break
          case 'pid':
            mix(term.id)
            mix(term.serial)
            mix(term.creation)
            break
          case 'port':
            mixText(String(term.id))
            break
          case 'reference':
            for (const word of term.words) mix(word)
            break
          case 'fun':
            mixBytes(term.uniq)
            mix(term.index)
            break
          case 'old_fun':
            mixText(term.module.name)
            break
          case 'export':
            mix(term.arity)
            break
          case 'record':
            mix(term.fields.length)
            break
          case 'local':
            mixBytes(term.bytes)
            break
        }
      }
      pushParts(todo, term)
    }
  }
  return hash
}
