/**
 * What a ping reached, for people.
 */
import type { Paper } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'

export interface Reached {
  readonly otpRelease: string | undefined
  /** Where: `host:port`. */
  readonly address: string
  /** From the port mapper to the end of the handshake. */
  readonly connectMs: number
  /** Of the call that asked for the release. */
  readonly roundTripMs: number
  /** Our own node name, as the peer saw it. */
  readonly self: string
  /** Of the peer. */
  readonly creation: number
  /** Their names, in force on the connection. */
  readonly flags: readonly string[]
}

export function pingText(node: string, reached: Reached, { colors, width }: Paper): string {
  const { address, connectMs, creation, flags, otpRelease, roundTripMs, self } = reached
  const release = otpRelease === undefined ? 'unknown release' : `OTP ${printable(otpRelease)}`
  return [
    `${colors.green('reached')}  ${printable(node)}  ${release}`,
    `  at            ${printable(address)}`,
    `  connected in  ${connectMs.toFixed(1)} ms, a call takes ${roundTripMs.toFixed(1)} ms`,
    `  as            ${printable(self)}, a hidden node`,
    `  creation      ${creation}`,
    `  flags         ${wrap(flags.join(', '), width - 16, ' '.repeat(16))}`,
  ].join('\n')
}
