/**
 * What can be wrong with bytes that should hold a term.
 */
import { BeamscopeError } from '../errors.ts'

/** Bytes that hold no term. `offset` counts from the first byte given. */
export abstract class DecodeError extends BeamscopeError {
  readonly offset: number
  constructor(message: string, offset: number, options?: { readonly cause?: unknown }) {
    super(`${message}, at byte ${offset}`, options)
    this.offset = offset
  }
}

/** The bytes end before the term does. */
export class TruncatedTermError extends DecodeError {
  readonly code = 'ERR_TERM_TRUNCATED'
}

/** The bytes break a rule of the format. */
export class InvalidTermError extends DecodeError {
  readonly code = 'ERR_TERM_INVALID'
}

/** The term is larger or deeper than the caller allows. */
export class TermLimitError extends DecodeError {
  readonly code = 'ERR_TERM_LIMIT'
  readonly limit: number
  constructor(message: string, offset: number, limit: number) {
    super(message, offset)
    this.limit = limit
  }
}
