/**
 * What can be wrong with a recording.
 */
import { BeamscopeError } from '../errors.ts'

/** What is wrong with a recording, whichever way. */
export abstract class RecordingError extends BeamscopeError {
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

/** The bytes are something else. */
export class NotARecordingError extends RecordingError {
  readonly code = 'ERR_RECORDING_UNRECOGNISED'
  constructor(source: string, reason: string) {
    super(source, `not a recording: ${reason}`)
  }
}

/** A recording in the format of a beamscope that is newer than this one. */
export class RecordingVersionError extends RecordingError {
  readonly code = 'ERR_RECORDING_VERSION'
  readonly version: string
  constructor(source: string, version: string) {
    super(source, `a recording in version ${version} of the format, which is not known here`, {
      hint: 'upgrade beamscope',
    })
    this.version = version
  }
}

/**
 * Why bytes of a recording could not be read.
 *
 * | reason | is |
 * | --- | --- |
 * | `torn` | the file ends within a record: whoever wrote it was killed, or is still writing |
 * | `damaged` | no record stands there whose checksum is right |
 * | `orphan` | a whole record, but a difference from one that could not be read |
 * | `unreadable` | a whole record whose content breaks the rules of the format |
 */
export type DamageReason = 'torn' | 'damaged' | 'orphan' | 'unreadable'

/** Bytes of a recording that could not be read. */
export interface RecordingDamage {
  /** From the beginning of the file. */
  readonly offset: number
  readonly bytes: number
  readonly reason: DamageReason
  /** What breaks the rules, where the record itself is whole. */
  readonly cause?: BeamscopeError
}

const IN_WORDS: Readonly<Record<DamageReason, string>> = {
  torn: 'are the beginning of a record that was not written to its end',
  damaged: 'are damaged',
  orphan: 'build on what is damaged',
  unreadable: 'break the rules of the format',
}

/** Parts of a recording could not be read; all others were, before this was thrown. */
export class RecordingDamagedError extends RecordingError {
  readonly code = 'ERR_RECORDING_DAMAGED'
  /** The first of them. */
  readonly damage: RecordingDamage
  /** How many there are. */
  readonly count: number
  constructor(source: string, damage: RecordingDamage, count: number) {
    const { offset, bytes, reason } = damage
    const others = count === 1 ? '' : `, and ${count - 1} more parts cannot be read`
    super(source, `${bytes} bytes at ${offset} ${IN_WORDS[reason]}${others}`, {
      hint: 'what else it holds can be read: take damage with `onDamage`',
    })
    this.damage = damage
    this.count = count
  }
}

/** Nothing of it can be used. */
export class RecordingEmptyError extends RecordingError {
  readonly code = 'ERR_RECORDING_EMPTY'
  constructor(source: string, what: string) {
    super(source, what, { hint: 'record a node with `beamscope record NODE -o FILE`' })
  }
}

/** More names tell no more. */
const MAX_NAMES = 20

/** It holds several nodes, and none of them was chosen, or one that it does not hold. */
export class RecordingNodeError extends RecordingError {
  readonly code = 'ERR_RECORDING_NODE'
  readonly nodes: readonly string[]
  constructor(source: string, nodes: readonly string[], chosen: string | undefined) {
    const names = nodes.slice(0, MAX_NAMES).join(', ')
    const more = nodes.length > MAX_NAMES ? ` and ${nodes.length - MAX_NAMES} more` : ''
    super(
      source,
      chosen === undefined
        ? 'holds several nodes, and one has to be chosen'
        : `holds nothing of ${chosen}`,
      { hint: `it holds ${names}${more}` },
    )
    this.nodes = nodes
  }
}

/** The samples of so many nodes, or of such large ones, are not held at the same time. */
export class RecordingTooLargeError extends RecordingError {
  readonly code = 'ERR_RECORDING_TOO_LARGE'
  readonly limit: number
  constructor(source: string, limit: number) {
    super(source, `the nodes in it take more than ${limit} bytes at the same time`, {
      hint: 'read one node at a time, with `node`',
    })
    this.limit = limit
  }
}

/** The file cannot be opened or read; the cause is the operating system's. */
export class RecordingUnreadableError extends RecordingError {
  readonly code = 'ERR_RECORDING_UNREADABLE'
  constructor(source: string, reason: string, options: { readonly cause?: unknown } = {}) {
    super(source, `cannot be read: ${reason}`, options)
  }
}

/** Another process, or another part of this one, records into the file. */
export class RecordingInUseError extends RecordingError {
  readonly code = 'ERR_RECORDING_IN_USE'
  /** Of the process. */
  readonly pid: number
  constructor(source: string, pid: number) {
    super(source, `process ${pid} records into it`, { hint: 'record into another file' })
    this.pid = pid
  }
}

/** What happened to a file while it was recorded into. */
export type RecordingChange =
  | 'removed'
  | 'shortened'
  | 'written to by another process'
  | 'taken over by another process'

/** The file was taken away from the one that records into it; nothing more is written. */
export class RecordingChangedError extends RecordingError {
  readonly code = 'ERR_RECORDING_CHANGED'
  readonly change: RecordingChange
  constructor(source: string, change: RecordingChange) {
    super(source, `was ${change}`, { hint: 'open it again to go on' })
    this.change = change
  }
}

/** It was closed before. */
export class RecordingClosedError extends RecordingError {
  readonly code = 'ERR_RECORDING_CLOSED'
  constructor(source: string) {
    super(source, 'is closed')
  }
}

/** A snapshot that cannot be a sample: it lacks its node or its time, or is too large. */
export class UnrecordableSnapshotError extends RecordingError {
  readonly code = 'ERR_RECORDING_SAMPLE'
  constructor(source: string, reason: string, options?: { readonly cause?: unknown }) {
    super(source, `the snapshot cannot be recorded: ${reason}`, options)
  }
}
