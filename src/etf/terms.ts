/**
 * The Erlang terms as TypeScript values.
 *
 * @see https://www.erlang.org/doc/system/data_types.html
 */
import { BeamscopeError } from '../errors.ts'
import { equals, hashTerm } from './equality.ts'

/**
 * Any Erlang term.
 *
 * | Erlang | here |
 * | --- | --- |
 * | integer | `number` while it is a safe integer, `bigint` beyond: always exact |
 * | float | {@link Float}, so that `1.0` and `1` stay two terms |
 * | atom | {@link Atom} |
 * | binary, bitstring | `Uint8Array`, {@link BitString} when the last byte is not whole |
 * | list, string | an array (`"ab"` is `[97, 98]`), {@link ImproperList} when the tail is no list |
 * | tuple | {@link Tuple} |
 * | map | {@link ErlangMap}, keys compared by structure |
 * | pid, port, reference | {@link Pid}, {@link Port}, {@link Reference} |
 * | fun | {@link Fun}, {@link ExportFun} for `fun M:F/A`, {@link OldFun} from before R8 |
 * | native record (OTP 29) | {@link NativeRecord} |
 */
export type Term =
  | number
  | bigint
  | Float
  | Atom
  | Uint8Array
  | BitString
  | readonly Term[]
  | ImproperList
  | Tuple
  | ErlangMap
  | Pid
  | Port
  | Reference
  | Fun
  | OldFun
  | ExportFun
  | NativeRecord
  | LocalTerm

/** An atom. Two atoms are the same when their names are: compare `name`, not identity. */
export class Atom {
  get type(): 'atom' {
    return 'atom'
  }
  readonly name: string
  #encoded: readonly number[] | undefined
  constructor(name: string) {
    this.name = name
  }

  /**
   * What an encoder kept here of the atom, to put it down in fewer steps.
   *
   * @internal
   */
  static encoded(atom: Atom): readonly number[] | undefined {
    return #encoded in atom ? atom.#encoded : undefined
  }

  /** @internal */
  static keepEncoded(atom: Atom, words: readonly number[]): void {
    if (#encoded in atom) atom.#encoded = words
  }
}

/** An IEEE 754 double; Erlang has neither NaN nor infinities. */
export class Float {
  get type(): 'float' {
    return 'float'
  }
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A bitstring whose last byte holds `bits` (1 to 7) significant bits, the high ones. */
export class BitString {
  get type(): 'bitstring' {
    return 'bitstring'
  }
  readonly bytes: Uint8Array
  readonly bits: number
  constructor(bytes: Uint8Array, bits: number) {
    this.bytes = bytes
    this.bits = bits
  }
}

/** `[a, b | tail]` where `tail` is not a list. `elements` holds at least one term. */
export class ImproperList {
  get type(): 'improper_list' {
    return 'improper_list'
  }
  readonly elements: readonly Term[]
  readonly tail: Term
  constructor(elements: readonly Term[], tail: Term) {
    this.elements = elements
    this.tail = tail
  }
}

/** `{a, b, c}`. */
export class Tuple {
  get type(): 'tuple' {
    return 'tuple'
  }
  readonly elements: readonly Term[]
  constructor(elements: readonly Term[]) {
    this.elements = elements
  }
}

/** A process identifier. */
export class Pid {
  get type(): 'pid' {
    return 'pid'
  }
  readonly node: Atom
  readonly id: number
  readonly serial: number
  readonly creation: number
  constructor(node: Atom, id: number, serial: number, creation: number) {
    this.node = node
    this.id = id
    this.serial = serial
    this.creation = creation
  }
}

/** A port identifier. `id` takes 64 bits (`V4_PORT_EXT`). */
export class Port {
  get type(): 'port' {
    return 'port'
  }
  readonly node: Atom
  readonly id: number | bigint
  readonly creation: number
  constructor(node: Atom, id: number | bigint, creation: number) {
    this.node = node
    this.id = id
    this.creation = creation
  }
}

/** A reference: one to five 32-bit words, as they stand on the wire. */
export class Reference {
  get type(): 'reference' {
    return 'reference'
  }
  readonly node: Atom
  readonly creation: number
  readonly words: readonly number[]
  constructor(node: Atom, creation: number, words: readonly number[]) {
    this.node = node
    this.creation = creation
    this.words = words
  }
}

/** What `NEW_FUN_EXT` says of a fun. */
export interface FunFields {
  readonly arity: number
  /** 16 bytes: the MD5 of the significant parts of the module. */
  readonly uniq: Uint8Array
  readonly index: number
  readonly module: Atom
  readonly oldIndex: number | bigint
  readonly oldUniq: number | bigint
  readonly pid: Pid
  readonly freeVariables: readonly Term[]
}

/** A fun that was made by `fun(…) -> … end`: opaque here, sent back unchanged. */
export class Fun implements FunFields {
  get type(): 'fun' {
    return 'fun'
  }
  readonly arity: number
  readonly uniq: Uint8Array
  readonly index: number
  readonly module: Atom
  readonly oldIndex: number | bigint
  readonly oldUniq: number | bigint
  readonly pid: Pid
  readonly freeVariables: readonly Term[]
  constructor(fields: FunFields) {
    this.arity = fields.arity
    this.uniq = fields.uniq
    this.index = fields.index
    this.module = fields.module
    this.oldIndex = fields.oldIndex
    this.oldUniq = fields.oldUniq
    this.pid = fields.pid
    this.freeVariables = fields.freeVariables
  }
}

/** A fun in the encoding of the releases before R8 (`FUN_EXT`). */
export class OldFun {
  get type(): 'old_fun' {
    return 'old_fun'
  }
  readonly pid: Pid
  readonly module: Atom
  readonly index: number | bigint
  readonly uniq: number | bigint
  readonly freeVariables: readonly Term[]
  constructor(
    pid: Pid,
    module: Atom,
    index: number | bigint,
    uniq: number | bigint,
    freeVariables: readonly Term[],
  ) {
    this.pid = pid
    this.module = module
    this.index = index
    this.uniq = uniq
    this.freeVariables = freeVariables
  }
}

/** `fun module:function/arity`. */
export class ExportFun {
  get type(): 'export' {
    return 'export'
  }
  readonly module: Atom
  readonly function: Atom
  readonly arity: number
  constructor(module: Atom, name: Atom, arity: number) {
    this.module = module
    this.function = name
    this.arity = arity
  }
}

/** A native record of OTP 29: `#module:name{field = value}`. */
export class NativeRecord {
  get type(): 'record' {
    return 'record'
  }
  readonly module: Atom
  readonly name: Atom
  readonly exported: boolean
  readonly fields: readonly (readonly [Atom, Term])[]
  constructor(
    module: Atom,
    name: Atom,
    exported: boolean,
    fields: readonly (readonly [Atom, Term])[],
  ) {
    this.module = module
    this.name = name
    this.exported = exported
    this.fields = fields
  }
}

/** A term in the private encoding of one node (`LOCAL_EXT`): only that node can read its bytes. */
export class LocalTerm {
  get type(): 'local' {
    return 'local'
  }
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/**
 * A map. Keys are compared by structure, as Erlang's `=:=` does: `1` and `1.0` are two keys, and
 * `#{a => 1}` is a good one. The order of the entries is that of the wire.
 */
export class ErlangMap {
  get type(): 'map' {
    return 'map'
  }
  readonly keys: readonly Term[]
  readonly values: readonly Term[]
  /** Positions by hash of the key; where it is not there, keys are searched one by one. */
  readonly #index: ReadonlyMap<number, readonly number[]> | undefined

  /**
   * @param like a map that has these very `keys`: they are not looked at again
   * @throws {DuplicateKeyError} when a key occurs twice
   * @throws {RangeError} when `keys` and `values` differ in length
   */
  constructor(keys: readonly Term[], values: readonly Term[], like?: ErlangMap) {
    if (keys.length !== values.length) {
      throw new RangeError(`${keys.length} keys, but ${values.length} values`)
    }
    this.keys = keys
    this.values = values
    if (like !== undefined && like.keys === keys) this.#index = like.#index
    else if (areComparedOneByOne(keys)) checkKeys(keys)
    else this.#index = indexKeys(keys)
  }

  get size(): number {
    return this.keys.length
  }

  has(key: Term): boolean {
    return this.#find(key) !== undefined
  }

  get(key: Term): Term | undefined {
    const position = this.#find(key)
    return position === undefined ? undefined : this.values[position]
  }

  *[Symbol.iterator](): Generator<readonly [Term, Term], undefined> {
    for (const [position, key] of this.keys.entries()) {
      const value = this.values[position]
      if (value !== undefined) yield [key, value]
    }
  }

  #find(key: Term): number | undefined {
    if (this.#index !== undefined) return search(this.keys, this.#index.get(hashTerm(key)), key)
    for (let position = 0; position < this.keys.length; position++) {
      const candidate = this.keys[position]
      if (candidate !== undefined && isSameKey(candidate, key)) return position
    }
    return undefined
  }
}

/** Up to this many keys, comparing them all is quicker than hashing; of atoms there may be more. */
const COMPARED_ONE_BY_ONE = 8
const ATOMS_COMPARED_ONE_BY_ONE = 32

function areComparedOneByOne(keys: readonly Term[]): boolean {
  const { length } = keys
  if (length <= COMPARED_ONE_BY_ONE) return true
  return length <= ATOMS_COMPARED_ONE_BY_ONE && keys.every((key) => key instanceof Atom)
}

function checkKeys(keys: readonly Term[]): void {
  for (let position = 1; position < keys.length; position++) {
    const key = keys[position]
    for (let before = 0; before < position; before++) {
      const other = keys[before]
      if (key !== undefined && other !== undefined && isSameKey(key, other)) {
        throw new DuplicateKeyError()
      }
    }
  }
}

/** As `equals`, but at once for the atoms that most keys are. */
function isSameKey(left: Term, right: Term): boolean {
  if (left instanceof Atom) return right instanceof Atom && left.name === right.name
  return equals(left, right)
}

function indexKeys(keys: readonly Term[]): ReadonlyMap<number, readonly number[]> {
  const index = new Map<number, number[]>()
  for (const [position, key] of keys.entries()) {
    const hash = hashTerm(key)
    const bucket = index.get(hash)
    if (bucket === undefined) index.set(hash, [position])
    else if (search(keys, bucket, key) !== undefined) throw new DuplicateKeyError()
    else bucket.push(position)
  }
  return index
}

function search(
  keys: readonly Term[],
  bucket: readonly number[] | undefined,
  key: Term,
): number | undefined {
  return bucket?.find((position) => {
    const candidate = keys[position]
    return candidate !== undefined && equals(candidate, key)
  })
}

/** A map that would hold one key twice. */
export class DuplicateKeyError extends BeamscopeError {
  readonly code = 'ERR_TERM_DUPLICATE_KEY'
  constructor() {
    super('a map cannot hold the same key twice')
  }
}
