/**
 * What can be wrong in front of a control message.
 */
import { ProtocolError } from './protocol-error.ts'

/**
 * A message does not begin as the flags in force say. Which atoms the peer believes to be announced
 * is unknown from then on: the connection is lost.
 */
export class HeaderError extends ProtocolError {
  readonly code = 'ERR_DISTRIBUTION_HEADER'
  /** Counted from the first byte of the frame. */
  readonly offset: number
  constructor(problem: string, offset: number, options?: { readonly cause?: unknown }) {
    super(`a distribution header ${problem}, at byte ${offset}`, options)
    this.offset = offset
  }
}
