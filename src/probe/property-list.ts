/**
 * The property lists of which an allocator's answer is made, walked through without making terms of them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import { add, multiply } from '../analysis/integer.ts'
import type { Counter, Integer } from '../analysis/snapshot.ts'
import { NONE, type TermCursor } from '../etf/cursor.ts'
import { formatTerm } from '../etf/format.ts'
import type { Term } from '../etf/terms.ts'
import { AllocatorShapeError } from './allocator-terms-error.ts'

/** Beyond any counter: words have 64 bits, and sums over blocks of all types hardly more. */
const MAX_COUNT = 1n << 128n

/** How much of a term a message shows. */
const OUTLINE_LENGTH = 120

/** Where in an allocator's answer the reader stands; the path is put together only for an error. */
export class Place {
  readonly allocator: string
  readonly instance: number | undefined
  readonly #outer: Place | undefined
  readonly #name: string
  constructor(allocator: string, instance: number | undefined, outer?: Place, name = '') {
    this.allocator = allocator
    this.instance = instance
    this.#outer = outer
    this.#name = name
  }

  within(name: string): Place {
    return new Place(this.allocator, this.instance, this, name)
  }

  /** Names of fields with dots between: `mbcs.carriers_size`. Empty at the instance itself. */
  get path(): string {
    const outer = this.#outer?.path ?? ''
    return outer === '' ? this.#name : `${outer}.${this.#name}`
  }
}

/**
 * `[{Name, Value, …}, …]`, at whose first tuple `next` goes. What else stands in the list is passed over, and
 * so is what is not asked for of a tuple. Of a tuple, ask in its order, and once.
 *
 * Every method throws {@link AllocatorShapeError} where something else stands than it is to read.
 */
export class PropertyList {
  /** The first element of the tuple. */
  name = ''
  /** How many elements the tuple has, its name included. */
  arity = 0
  readonly #cursor: TermCursor
  readonly #at: Place
  readonly #start: number
  /** How many elements of the list are to come before its tail. */
  #left: number
  #hasTail: boolean
  #tupleStart = 0
  /** How many elements of the tuple are to come. */
  #unread = 0

  constructor(cursor: TermCursor, at: Place) {
    this.#cursor = cursor
    this.#at = at
    this.#start = cursor.position
    this.#left = cursor.enterList()
    if (this.#left === NONE) throw wrong(at, 'a property list', cursor.term())
    this.#hasTail = this.#left > 0
  }

  /** To the next tuple; when there is none, behind the list. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#unread > 0) cursor.skip(this.#unread)
    this.#unread = 0
    for (;;) {
      if (this.#left === 0 && !this.#enterTail()) return false
      this.#left -= 1
      this.#tupleStart = cursor.position
      const arity = cursor.enterTuple()
      if (arity === NONE) cursor.skip(1)
      else if (arity > 0) {
        const name = cursor.atom()
        if (name !== undefined) {
          this.name = name.name
          this.arity = arity
          this.#unread = arity - 1
          return true
        }
        cursor.skip(arity)
      }
    }
  }

  /** Whether the first element behind the name is an integer. */
  get isCount(): boolean {
    return this.arity > 1 && this.#cursor.isAtInteger
  }

  /** Of the tuple, for what reads the rest of it by itself. */
  value(): TermCursor {
    this.#unread -= 1
    return this.#cursor
  }

  /** `{Name, Current, LastMax, Max}`. */
  counter(): Counter {
    if (this.arity !== 4) throw this.wrong('Current, LastMax, Max')
    const current = this.#count()
    const lastMax = this.#count()
    const max = this.#count()
    if (current === undefined || lastMax === undefined || max === undefined) {
      throw this.wrong('Current, LastMax, Max')
    }
    return { current, lastMax, max }
  }

  /** The first figure of `{Name, N}`, or of `{Name, Current, LastMax, Max}` as in early releases. */
  current(): Integer {
    const current = this.arity < 2 ? undefined : this.#count()
    if (current === undefined) throw this.wrong('N')
    return current
  }

  /** `{Name, Giga, N}` is Giga · 10⁹ + N: counters outgrew small integers on 32 bits. */
  giga(): Integer {
    if (this.arity !== 3) throw this.wrong('Giga, N')
    const giga = this.#count()
    const ones = this.#count()
    if (giga === undefined || ones === undefined) throw this.wrong('Giga, N')
    return giga === 0 ? ones : add(multiply(giga, 1_000_000_000), ones)
  }

  /** `{Type, Allocated, Used}`. */
  allocatedAndUsed(): { readonly allocated: Integer; readonly used: Integer } {
    const allocated = this.arity === 3 ? this.#count() : undefined
    const used = allocated === undefined ? undefined : this.#count()
    if (allocated === undefined || used === undefined) {
      throw wrong(this.#at, '{Type, Allocated, Used}', this.#tuple())
    }
    return { allocated, used }
  }

  /** The error for a tuple that is not `{Name, <elements>}`. */
  wrong(elements: string): AllocatorShapeError {
    return wrong(this.#at, `{${this.name}, ${elements}}`, this.#tuple())
  }

  #tuple(): Term {
    this.#cursor.position = this.#tupleStart
    return this.#cursor.term()
  }

  #count(): Integer | undefined {
    this.#unread -= 1
    const count = this.#cursor.integer()
    return typeof count !== 'bigint' || isCount(count) ? count : undefined
  }

  /** Whether the list goes on behind its elements. */
  #enterTail(): boolean {
    if (!this.#hasTail) return false
    this.#left = this.#cursor.enterList()
    if (this.#left === NONE) {
      this.#cursor.position = this.#start
      throw wrong(this.#at, 'a property list', this.#cursor.term())
    }
    this.#hasTail = this.#left > 0
    return this.#hasTail
  }
}

/** Whether it can be a figure of a node. */
export function isCount(term: Term | undefined): term is Integer {
  if (typeof term === 'bigint') return term < MAX_COUNT && term > -MAX_COUNT
  return typeof term === 'number'
}

/** A term, as far as a message shows it. */
export function outline(term: Term): string {
  return formatTerm(term, { maxLength: OUTLINE_LENGTH })
}

export function wrong(at: Place, expected: string, found: Term): AllocatorShapeError {
  return new AllocatorShapeError(at, expected, outline(found))
}
