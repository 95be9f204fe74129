/**
 * The token: the secret by which people and programs are let in.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'
import { InvalidTokenError } from './errors.ts'

/** What is shorter can be guessed. */
const MIN_CHARACTERS = 16

const MAX_CHARACTERS = 256

const HIDDEN = '[token]'

/** Knows a token again, and shows it to nobody: it keeps no more than its digest. */
export class Token {
  static {
    // As in `Cookie`: what console.log shows.
    Object.defineProperty(Token.prototype, inspect.custom, { value: () => HIDDEN })
  }

  readonly #digest: Buffer

  /**
   * @param text the token, and perhaps an end of line
   * @param where what it comes from, for the error
   * @throws {InvalidTokenError} when it is short, long, or more than one word of ASCII
   */
  constructor(text: string, where = 'the token') {
    const word = text.replace(/\r?\n$/, '')
    if (word.length < MIN_CHARACTERS) {
      throw new InvalidTokenError(where, `has fewer than ${MIN_CHARACTERS} characters`)
    }
    if (word.length > MAX_CHARACTERS) {
      throw new InvalidTokenError(where, `has more than ${MAX_CHARACTERS} characters`)
    }
    // What can stand in a header.
    if (!/^[!-~]+$/.test(word)) throw new InvalidTokenError(where, 'is not one word of ASCII')
    this.#digest = digest(word)
  }

  /** Whether it is the same; takes the same time whatever differs. */
  matches(text: string): boolean {
    return timingSafeEqual(this.#digest, digest(text))
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
