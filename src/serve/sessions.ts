/**
 * Who has logged in: browsers, which keep a word of ours in place of the token.
 */
import { createHash, randomBytes } from 'node:crypto'

/** Milliseconds: a day of work. */
export const SESSION_TIME: number = 12 * 60 * 60 * 1000

/** Of more, the oldest has to log in again. */
const MAX_SESSIONS = 100

export class Sessions {
  /** By the digest of the word: whoever reads this memory can open nothing. The oldest first. */
  readonly #ends = new Map<string, number>()

  /** A word that is known until {@link SESSION_TIME} has passed. */
  open(now: number = Date.now()): string {
    const word = randomBytes(32).toString('base64url')
    const [oldest] = this.#ends.keys()
    if (this.#ends.size >= MAX_SESSIONS && oldest !== undefined) this.#ends.delete(oldest)
    this.#ends.set(digest(word), now + SESSION_TIME)
    return word
  }

  isOpen(word: string, now: number = Date.now()): boolean {
    return now < (this.#ends.get(digest(word)) ?? 0)
  }

  close(word: string): void {
    this.#ends.delete(digest(word))
  }
}

function digest(word: string): string {
  return createHash('sha256').update(word).digest('base64')
}
