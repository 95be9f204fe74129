/**
 * What is wrong with a command line, beyond what the parser of options finds.
 */
import { BeamscopeError } from '../errors.ts'

export class UsageError extends BeamscopeError {
  readonly code = 'ERR_USAGE'
}
