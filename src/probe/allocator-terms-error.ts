/**
 * What can be wrong with terms that should be an answer about memory.
 */
import { BeamscopeError } from '../errors.ts'
import { visible } from '../etf/characters.ts'

/** What is not a list of allocators. */
export class AllocatorListError extends BeamscopeError {
  readonly code = 'ERR_ALLOCATOR_LIST'
  /** The outline of what stands there instead. */
  readonly found: string
  constructor(found: string) {
    super(
      `expected [{Alloc, Answer}, …] or [{{Alloc, Instance}, Properties}, …] of allocators, found ${shown(found)}`,
    )
    this.found = found
  }
}

/** An allocator's answer, or a part of it, in no shape that a release of OTP gives it. */
export class AllocatorShapeError extends BeamscopeError {
  readonly code = 'ERR_ALLOCATOR_SHAPE'
  readonly allocator: string
  /** `undefined` where the fault is not within one instance. */
  readonly instance: number | undefined
  /** The names of the fields from the outside in, with dots between; empty for the answer itself. */
  readonly path: string
  readonly expected: string
  /** The outline of what stands there instead. */
  readonly found: string
  constructor(
    at: {
      readonly allocator: string
      readonly instance: number | undefined
      readonly path: string
    },
    expected: string,
    found: string,
  ) {
    super(`${where(at)}: expected ${shown(expected)}, found ${shown(found)}`)
    this.allocator = at.allocator
    this.instance = at.instance
    this.path = at.path
    this.expected = expected
    this.found = found
  }
}

/** An allocator's answer without a field that it has in every release of OTP. */
export class AllocatorFieldMissingError extends BeamscopeError {
  readonly code = 'ERR_ALLOCATOR_FIELD_MISSING'
  readonly allocator: string
  readonly instance: number | undefined
  /** The names of the fields from the outside in, with dots between. */
  readonly path: string
  constructor(at: {
    readonly allocator: string
    readonly instance: number | undefined
    readonly path: string
  }) {
    super(`${where(at)}: the field is missing`)
    this.allocator = at.allocator
    this.instance = at.instance
    this.path = at.path
  }
}

/** What is not an answer of `erlang:memory()`. */
export class MemoryShapeError extends BeamscopeError {
  readonly code = 'ERR_MEMORY_SHAPE'
  /** The outline of what stands there instead. */
  readonly found: string
  constructor(found: string) {
    super(`erlang:memory(): expected [{Type, Bytes}, …], found ${shown(found)}`)
    this.found = found
  }
}

function where(at: {
  readonly allocator: string
  readonly instance: number | undefined
  readonly path: string
}): string {
  const instance = at.instance === undefined ? '' : ` ${at.instance}`
  const answer = `${shown(at.allocator)}${instance}`
  return at.path === '' ? answer : `${answer}, ${shown(at.path)}`
}

/** Names and terms come from the node: no more of one than a message has room for, and nothing that steers a terminal. */
function shown(text: string): string {
  return Array.from(text.slice(0, 300), visible).join('')
}
