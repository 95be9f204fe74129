/**
 * The cookie: the secret that the nodes of a cluster share.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#security
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'
import { BeamscopeError } from '../errors.ts'

/** A text that cannot be a cookie; the text itself is told to nobody. */
export class InvalidCookieError extends BeamscopeError {
  readonly code = 'ERR_COOKIE_INVALID'
  constructor(why: string, hint?: string) {
    super(`the cookie ${why}`, hint === undefined ? {} : { hint })
  }
}

/** A cookie is an atom: `MAX_ATOM_CHARACTERS` in `erts/emulator/beam/atom.h`. */
const MAX_CHARACTERS = 255

const HIDDEN = '[cookie]'

/** Holds a cookie so that no log, message or inspection shows it. */
export class Cookie {
  static {
    // What console.log shows. As a method it could not be declared: isolatedDeclarations takes no
    // computed names.
    Object.defineProperty(Cookie.prototype, inspect.custom, { value: () => HIDDEN })
  }

  readonly #secret: Buffer

  /**
   * @param secret the characters of the cookie, each one byte in Latin-1: `dist_util` takes the MD5 of
   *   the atom's characters, and a node with others in its cookie can talk to nobody. A file is to be
   *   read as Latin-1, as OTP reads it.
   * @throws {InvalidCookieError} when it is empty, too long, or has a character beyond Latin-1
   */
  constructor(secret: string) {
    if (secret === '') throw new InvalidCookieError('is empty')
    if (secret.length > MAX_CHARACTERS) {
      throw new InvalidCookieError(
        `is longer than ${MAX_CHARACTERS} characters`,
        'a cookie is one word; is this the right file?',
      )
    }
    for (const character of secret) {
      if (character > '\u00ff') {
        throw new InvalidCookieError('has a character beyond Latin-1, which no node can use')
      }
    }
    this.#secret = Buffer.from(secret, 'latin1')
  }

  /** The 16 bytes that answer a challenge: the MD5 of the cookie and the number in decimal digits. */
  digest(challenge: number): Uint8Array {
    return createHash('md5').update(this.#secret).update(`${challenge}`).digest()
  }

  /** Whether `digest` answers the challenge; takes the same time whichever byte is wrong. */
  verify(challenge: number, digest: Uint8Array): boolean {
    const expected = this.digest(challenge)
    return digest.length === expected.length && timingSafeEqual(digest, expected)
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }
}
