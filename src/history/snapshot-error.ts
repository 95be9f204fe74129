/**
 * What can be wrong with a file that should hold a snapshot.
 */
import { BeamscopeError } from '../errors.ts'

/** What is wrong with a snapshot file, whichever way. */
export abstract class SnapshotFileError extends BeamscopeError {
  /** The file's path, or what else the bytes came from. */
  readonly source: string
  constructor(
    source: string,
    what: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(`${source}: ${what}`, options)
    this.source = source
  }
}

const TAKE_ONE = 'take one with `beamscope snapshot save`, or with recon_alloc:snapshot_save/1'

/** The bytes are something else. */
export class NotASnapshotError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_UNRECOGNISED'
  constructor(source: string, reason: string, options?: { readonly cause?: unknown }) {
    super(source, `not a snapshot: ${reason}`, { hint: TAKE_ONE, ...options })
  }
}

/** The bytes begin as a snapshot does, and break off or break the rules further on. */
export class CorruptSnapshotError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_CORRUPT'
  /** In bytes, or in characters where `line` is known too. */
  readonly offset: number
  /** From 1, in text. */
  readonly line: number | undefined
  readonly column: number | undefined
  constructor(
    source: string,
    reason: string,
    at: { readonly offset: number; readonly line?: number; readonly column?: number },
    options?: { readonly cause?: unknown },
  ) {
    super(source, `damaged: ${reason}`, { hint: 'copy the file again, in binary mode', ...options })
    this.offset = at.offset
    this.line = at.line
    this.column = at.column
  }
}

/** A snapshot whose terms are well formed, but say what no node says; the cause tells where. */
export class SnapshotContentError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_CONTENT'
  constructor(source: string, cause: BeamscopeError) {
    super(source, cause.message, { cause })
  }
}

/** A snapshot in the format of a beamscope that is newer than this one. */
export class SnapshotVersionError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_VERSION'
  readonly version: string
  constructor(source: string, version: string) {
    super(source, `a snapshot in version ${version} of the format, which is not known here`, {
      hint: 'upgrade beamscope',
    })
    this.version = version
  }
}

/** More than a snapshot can have, in bytes or in terms. */
export class SnapshotTooLargeError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_TOO_LARGE'
  readonly limit: number
  constructor(
    source: string,
    reason: string,
    limit: number,
    options?: { readonly cause?: unknown },
  ) {
    super(source, `too large for a snapshot: ${reason}`, options)
    this.limit = limit
  }
}

/** The file cannot be opened or read; the cause is the operating system's. */
export class SnapshotUnreadableError extends SnapshotFileError {
  readonly code = 'ERR_SNAPSHOT_UNREADABLE'
  constructor(source: string, reason: string, options: { readonly cause: unknown }) {
    super(source, `cannot be read: ${reason}`, options)
  }
}
