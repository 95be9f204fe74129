/**
 * The root of every error that beamscope throws on purpose.
 *
 * Layers add their own subclasses beside the code that throws them; a caller that has no interest in
 * the class can switch on `code`, which does not change between releases.
 */
export abstract class BeamscopeError extends Error {
  /** Stable, for programs: `ERR_` and the cause in capitals. */
  abstract readonly code: string

  /** What the reader can do about it; the command line prints it under the message. */
  readonly hint: string | undefined

  constructor(message: string, options?: { readonly cause?: unknown; readonly hint?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.hint = options?.hint
  }
}

/** What went wrong, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
