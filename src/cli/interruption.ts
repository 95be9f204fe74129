/**
 * The end of a command by a signal.
 */
import { BeamscopeError } from '../errors.ts'

/** The reason with which a command is aborted. */
export class InterruptedError extends BeamscopeError {
  readonly code = 'ERR_INTERRUPTED'
  readonly signal: 'SIGINT' | 'SIGTERM'
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal === 'SIGINT' ? 'interrupted' : 'terminated')
    this.signal = signal
  }
}
