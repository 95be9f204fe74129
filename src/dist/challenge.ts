/**
 * The numbers that two nodes give each other to prove that they know the cookie.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-handshake
 */
import { randomBytes } from 'node:crypto'

/** 32 bits that nobody can guess: whoever could, would have an answer prepared. */
export function generateChallenge(): number {
  return randomBytes(4).readUInt32BE()
}
