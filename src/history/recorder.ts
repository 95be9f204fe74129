/**
 * Records for weeks: keeps a recording within bounds, and goes on when the disk was full for a while.
 *
 * What cannot be written at once, because the file is being compacted or the disk is full, is held in memory up to
 * a limit, and written when that is over.
 */
import { rm } from 'node:fs/promises'
import { BeamscopeError } from '../errors.ts'
import { encode } from '../etf/encode.ts'
import { anySignal } from '../net/any-signal.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { FileWriteError } from './atomic-file.ts'
import { behindLinks } from './behind-links.ts'
import { toNative } from './native-snapshot.ts'
import { type Compaction, compactRecording } from './recording-compaction.ts'
import { RecordingChangedError, UnrecordableSnapshotError } from './recording-error.ts'
import type { RecordingIndex } from './recording-reader.ts'
import { openRecording, type RecordingWriter } from './recording-writer.ts'
import { readSnapshot } from './snapshot-bytes.ts'
import { Turns } from './turns.ts'

/** Bytes, compressed: of a node with four schedulers for half a day. */
const DEFAULT_MAX_HELD = 32 * 1024 * 1024

/** What is compacted becomes so much smaller than its limit, so that it is not soon again. */
const SPARE_SIZE = 0.75
/** How much older than its limit the first sample may become before all that is too old is left out. */
const SPARE_AGE = 1.25

/** Where a recording cannot be compacted, it is tried again after so many milliseconds. */
const PATIENCE = 10 * 60_000

export interface RecorderOptions {
  /** Of looking through what is there already, and of compacting. */
  readonly signal?: AbortSignal
  /** Bytes; beyond, what is older than a day is thinned out, and then what is oldest left out. */
  readonly maxSize?: number | undefined
  /** Milliseconds; what is older is left out. */
  readonly maxAge?: number | undefined
  /** Bytes of what may wait to be written; 32 MiB by default. */
  readonly maxHeld?: number
  /** Is told what else happens. */
  readonly tell?: (event: RecorderEvent) => void
}

export type RecorderEvent =
  /** A sample could not be written, and is held until that is over. */
  | { readonly type: 'failing'; readonly error: BeamscopeError }
  /** It is over. */
  | { readonly type: 'recovered' }
  /** A snapshot that no reader would read; it is left out. */
  | { readonly type: 'unrecordable'; readonly error: BeamscopeError }
  /** Somebody moved the file away; another one was begun under its name. */
  | { readonly type: 'begun-anew' }
  | { readonly type: 'compacting'; readonly size: number }
  | { readonly type: 'compacted'; readonly compaction: Compaction }
  | { readonly type: 'not-compacted'; readonly error: BeamscopeError }

/** A recording that is written to for a long time; {@link Recorder.open} makes it, disposal closes it. */
export class Recorder implements AsyncDisposable {
  readonly file: string
  /** What the file held when it was opened first; `undefined` for a new one. */
  readonly before: RecordingIndex | undefined
  readonly #options: RecorderOptions
  readonly #closing = new AbortController()
  readonly #held: Uint8Array[] = []
  #writer: RecordingWriter | undefined
  #heldSize = 0
  #lost = 0
  #isFailing = false
  #samples = 0
  #size = 0
  /** Of the oldest sample, in milliseconds since 1970. */
  #oldest = 0
  #compacting: Promise<void> | undefined
  #compactions = 0
  /** When it may be compacted again. */
  #notBefore = 0
  #fatal: { readonly error: unknown } | undefined
  readonly #turns = new Turns()

  private constructor(file: string, writer: RecordingWriter, options: RecorderOptions) {
    this.file = file
    this.before = writer.before
    this.#options = options
    this.#use(writer)
  }

  /**
   * Opens a recording to go on with it, or begins one.
   *
   * @throws whatever `openRecording` throws
   */
  static async open(file: string, options: RecorderOptions = {}): Promise<Recorder> {
    const { signal } = options
    return new Recorder(file, await openRecording(file, signal && { signal }), options)
  }

  /** How many samples were written. */
  get samples(): number {
    return this.#samples
  }

  /** How many wait until they can be written. */
  get held(): number {
    return this.#held.length
  }

  /** How many were left out, because too many waited. */
  get lost(): number {
    return this.#lost
  }

  get compactions(): number {
    return this.#compactions
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#writer?.size ?? this.#size
  }

  /**
   * Writes a sample, or holds it until it can be written.
   *
   * @throws {RecordingInUseError} when somebody else has taken the file over
   * @throws {RecordingChangedError} when somebody else has written to the file, or shortened it
   */
  append(raw: RawSnapshot): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#fatal !== undefined) throw this.#fatal.error
      this.#keepWithinBounds()
      await this.#drain()
      const isNext = this.#compacting === undefined && this.#held.length === 0
      if (!isNext || !(await this.#write(raw))) this.#hold(raw)
    })
  }

  /** Writes what is held, and lets go of the file; of a new one without a sample nothing is left. Twice is harmless. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#compacting
    await this.#turns.take(async () => {
      if (this.#fatal === undefined) await this.#drain()
      this.#lost += this.#held.splice(0).length
      const writer = this.#writer
      this.#writer = undefined
      if (writer === undefined) return
      this.#size = writer.size
      if (this.before === undefined && this.#samples === 0) {
        await rm(await behindLinks(this.file), { force: true })
        this.#size = 0
      }
      await writer.close()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #use(writer: RecordingWriter): RecordingWriter {
    this.#writer = writer
    const firsts = writer.before?.nodes.map(({ first }) => first) ?? []
    this.#oldest = firsts.reduce((oldest, first) => Math.min(oldest, first), Date.now())
    return writer
  }

  #hold(raw: RawSnapshot): void {
    const bytes = encode(toNative(raw), { compressed: 6 })
    const { maxHeld = DEFAULT_MAX_HELD } = this.#options
    if (this.#heldSize + bytes.length > maxHeld) {
      this.#lost += 1
      return
    }
    this.#held.push(bytes)
    this.#heldSize += bytes.length
  }

  /** Writes what was held, as far as that is possible now. */
  async #drain(): Promise<void> {
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (this.#compacting !== undefined) return
      if (!(await this.#write(readSnapshot(next).raw))) return
      this.#held.shift()
      this.#heldSize -= next.length
    }
  }

  /** Whether nothing is left to do with this sample. */
  async #write(raw: RawSnapshot): Promise<boolean> {
    let writer: RecordingWriter | undefined
    let size = 0
    try {
      writer = this.#writer ?? this.#use(await openRecording(this.file))
      size = writer.size
      await writer.append(raw)
      if (this.#isFailing) this.#tell({ type: 'recovered' })
      this.#isFailing = false
    } catch (error) {
      if (error instanceof UnrecordableSnapshotError) {
        this.#tell({ type: 'unrecordable', error })
        return true
      }
      if (error instanceof RecordingChangedError && error.change === 'removed') {
        await this.#beginAnew()
        return this.#write(raw)
      }
      if (!(error instanceof FileWriteError)) throw error
      if (!this.#isFailing) this.#tell({ type: 'failing', error })
      this.#isFailing = true
      // It may have been written, and not brought to the disk.
      if (writer === undefined || writer.size === size) return false
    }
    this.#samples += 1
    return true
  }

  async #beginAnew(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    // What is in it belongs to whoever has moved it.
    await writer?.close().catch(() => {})
    this.#tell({ type: 'begun-anew' })
  }

  /** Begins to compact, when it is time; samples are held meanwhile. */
  #keepWithinBounds(): void {
    const { maxSize = Number.POSITIVE_INFINITY, maxAge = Number.POSITIVE_INFINITY } = this.#options
    const writer = this.#writer
    const now = Date.now()
    if (this.#compacting !== undefined || writer === undefined || now < this.#notBefore) return
    if (writer.size <= maxSize && this.#oldest >= now - maxAge * SPARE_AGE) return
    this.#writer = undefined
    this.#size = writer.size
    this.#compacting = this.#compact(writer).finally(() => {
      this.#compacting = undefined
      this.#turns
        .take(() => this.#drain())
        .catch((error: unknown) => {
          this.#fatal = { error }
        })
    })
  }

  async #compact(writer: RecordingWriter): Promise<void> {
    const { maxSize, maxAge, signal } = this.#options
    using any = anySignal([this.#closing.signal, signal])
    this.#tell({ type: 'compacting', size: writer.size })
    this.#notBefore = Date.now() + PATIENCE
    try {
      await writer.close()
      const compaction = await compactRecording(this.file, {
        signal: any.signal,
        ...(maxAge !== undefined && { maxAge }),
        ...(maxSize !== undefined && { maxSize: Math.floor(maxSize * SPARE_SIZE) }),
      })
      this.#compactions += 1
      this.#size = compaction.after
      if (compaction.after <= (maxSize ?? compaction.after)) this.#notBefore = 0
      this.#tell({ type: 'compacted', compaction })
    } catch (error) {
      if (any.signal.aborted) return
      if (error instanceof BeamscopeError) this.#tell({ type: 'not-compacted', error })
      else this.#fatal = { error }
    }
  }

  #tell(event: RecorderEvent): void {
    this.#options.tell?.(event)
  }
}
