/**
 * Recording into a file: each sample is appended, and is there or not whatever happens.
 *
 * What was appended is with the operating system at once, so that no end of this process can lose it; it is on
 * the disk, where no loss of power can, within `syncEvery`, and when the recording is closed.
 */
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BeamscopeError } from '../errors.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { FileWriteError } from './atomic-file.ts'
import { behindLinks } from './behind-links.ts'
import { FileLock } from './file-lock.ts'
import { codeOf } from './file-reason.ts'
import { isBarelyBegun } from './record-scanner.ts'
import {
  type RecordingChange,
  RecordingChangedError,
  RecordingClosedError,
  RecordingInUseError,
  RecordingUnreadableError,
} from './recording-error.ts'
import { HEADER } from './recording-format.ts'
import { type RecordingIndex, RecordingIndexer, scanRecording } from './recording-reader.ts'
import { SampleEncoder } from './recording-samples.ts'
import { Turns } from './turns.ts'

export interface OpenRecordingOptions {
  /** Of looking through what is there already. */
  readonly signal?: AbortSignal
  /** After how many milliseconds at most a sample is on the disk. Default 10,000. */
  readonly syncEvery?: number
  /**
   * After how many samples of a node all of one is written again. Default 64. Fewer make the file larger, and
   * less of it is lost where it is damaged.
   */
  readonly keyEvery?: number
}

const DEFAULT_SYNC_EVERY = 10_000

/** A sample in the file. */
export interface AppendedSample {
  /** What it takes there. */
  readonly bytes: number
  /** Whether all of it is there, and not only its difference from the one before. */
  readonly isKey: boolean
}

interface Opened {
  readonly handle: FileHandle
  readonly lock: FileLock
  /** Of the file. */
  readonly size: number
  readonly before: RecordingIndex | undefined
}

/**
 * Opens a recording to go on with it, or begins one. What the last one that wrote to it left unfinished is cut
 * off; whatever else is damaged stays as it is, and is gone on behind. A file that is something else is not
 * touched.
 *
 * @throws {RecordingInUseError} when somebody else records into it
 * @throws {NotARecordingError} when it is something else
 * @throws {RecordingVersionError} when a newer beamscope wrote it
 * @throws {RecordingUnreadableError} when it cannot be read
 * @throws {FileWriteError} when it cannot be written
 */
export async function openRecording(
  file: string,
  options: OpenRecordingOptions = {},
): Promise<RecordingWriter> {
  // By whatever name it is opened, there is one lock.
  const lock = await FileLock.take(await behindLinks(file))
  if (!(lock instanceof FileLock)) throw new RecordingInUseError(file, lock.pid)
  let handle: FileHandle | undefined
  try {
    handle = await openPlainFile(file)
    const opened = await lookThrough(file, handle, lock, options.signal)
    return new RecordingWriter(file, { handle, lock, ...opened }, options)
  } catch (error) {
    await handle?.close()
    await lock.release()
    options.signal?.throwIfAborted()
    throw error instanceof BeamscopeError ? error : new FileWriteError(file, error)
  }
}

/** Appends samples to a recording; {@link openRecording} makes it, disposal closes it. */
export class RecordingWriter implements AsyncDisposable {
  readonly file: string
  /** What the file held when it was opened; `undefined` for a new one. */
  readonly before: RecordingIndex | undefined
  readonly #handle: FileHandle
  readonly #lock: FileLock
  readonly #encoder: SampleEncoder
  readonly #syncEvery: number
  /** Of the file, unless somebody else writes to it. */
  #size: number
  /** Whether a write failed half-way, so that there may be more behind `#size`. */
  #isTorn = false
  #isClosed = false
  #changed: RecordingChangedError | undefined
  #syncTimer: NodeJS.Timeout | undefined
  /** Of a sync that nobody waited for. */
  #syncError: FileWriteError | undefined
  readonly #turns = new Turns()

  /** @internal */
  constructor(file: string, opened: Opened, options: OpenRecordingOptions) {
    this.file = file
    this.before = opened.before
    this.#handle = opened.handle
    this.#lock = opened.lock
    this.#size = opened.size
    this.#syncEvery = options.syncEvery ?? DEFAULT_SYNC_EVERY
    this.#encoder = new SampleEncoder(file, options.keyEvery)
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size
  }

  /**
   * Appends a snapshot, behind those that were given before. When it fails, nothing of it is in the file, or what
   * is in there is taken out before the next one.
   *
   * @throws {UnrecordableSnapshotError} for one without node or time, or which no reader would read
   * @throws {FileWriteError} when the disk is full, or fails; the next one may succeed
   * @throws {RecordingChangedError} when somebody else changed the file; nothing is written to it any more
   * @throws {RecordingClosedError}
   */
  append(raw: RawSnapshot): Promise<AppendedSample> {
    return this.#turns.take(() => this.#append(raw))
  }

  /** Brings everything to the disk, and lets go of the file. Twice is harmless. */
  async close(): Promise<void> {
    await this.#turns.take(async () => {
      if (this.#isClosed) return
      this.#isClosed = true
      clearTimeout(this.#syncTimer)
      try {
        await this.#sync()
      } finally {
        await this.#handle.close()
        await this.#lock.release()
      }
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #append(raw: RawSnapshot): Promise<AppendedSample> {
    if (this.#isClosed) throw new RecordingClosedError(this.file)
    const record = this.#encoder.encode(raw)
    await this.#checkFile()
    await this.#write(record.bytes)
    record.kept()
    await this.#syncInTime()
    return { bytes: record.bytes.length, isKey: record.isKey }
  }

  /** Sees that the file is as we left it. */
  async #checkFile(): Promise<void> {
    if (this.#changed !== undefined) throw this.#changed
    let change: RecordingChange | undefined
    try {
      const [ours, named, isLost] = await Promise.all([
        this.#handle.stat({ bigint: true }),
        statOf(this.file),
        this.#lock.isLost(),
      ])
      if (isLost) change = 'taken over by another process'
      else if (named?.ino !== ours.ino || named.dev !== ours.dev) change = 'removed'
      else if (ours.size < this.#size) change = 'shortened'
      else if (this.#isTorn) await this.#cut()
      else if (ours.size > this.#size) change = 'written to by another process'
    } catch (error) {
      throw new FileWriteError(this.file, error)
    }
    if (change === undefined) return
    this.#changed = new RecordingChangedError(this.file, change)
    throw this.#changed
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < bytes.length; ) {
        written += (await this.#handle.write(bytes, written)).bytesWritten
      }
      this.#size += bytes.length
    } catch (error) {
      this.#isTorn = true
      // If that fails too, it is tried again before the next sample, and by who opens the file next.
      await this.#cut().catch(() => {})
      throw new FileWriteError(this.file, error)
    }
  }

  async #cut(): Promise<void> {
    await this.#handle.truncate(this.#size)
    this.#isTorn = false
  }

  async #syncInTime(): Promise<void> {
    const error = this.#syncError
    this.#syncError = undefined
    if (error !== undefined) throw error
    if (this.#syncEvery <= 0) await this.#sync()
    else this.#syncTimer ??= setTimeout(() => this.#syncLater(), this.#syncEvery).unref()
  }

  #syncLater(): void {
    this.#syncTimer = undefined
    this.#turns
      .take(async () => {
        if (!this.#isClosed) await this.#sync()
      })
      .catch((error) => {
        if (error instanceof FileWriteError) this.#syncError = error
      })
  }

  async #sync(): Promise<void> {
    try {
      await this.#handle.datasync()
    } catch (error) {
      throw new FileWriteError(this.file, error)
    }
  }
}

/** @throws {RecordingUnreadableError} when it is a pipe or a device, which may not even be opened */
async function openPlainFile(file: string): Promise<FileHandle> {
  const found = await statOf(file)
  if (found?.isFile() === false && !found.isDirectory()) {
    throw new RecordingUnreadableError(file, 'it is no plain file')
  }
  return open(file, 'a+')
}

/** Finds the end, and leaves the file ready for the next record. */
async function lookThrough(
  file: string,
  handle: FileHandle,
  lock: FileLock,
  signal: AbortSignal | undefined,
): Promise<Pick<Opened, 'size' | 'before'>> {
  const start = new Uint8Array(HEADER.length)
  const { bytesRead } = await handle.read(start, 0, start.length, 0)
  if (isBarelyBegun(start.subarray(0, bytesRead))) {
    await handle.truncate(0)
    await handle.writeFile(HEADER)
    await handle.datasync()
    await syncFolder(dirname(file))
    return { size: HEADER.length, before: undefined }
  }
  const indexer = new RecordingIndexer()
  let torn: number | undefined
  for await (const scanned of scanRecording(file, signal)) {
    indexer.add(scanned)
    torn = scanned.type === 'damage' && scanned.reason === 'torn' ? scanned.offset : undefined
  }
  const before = indexer.index
  if (torn !== undefined) {
    if (await lock.isLost()) throw new RecordingChangedError(file, 'taken over by another process')
    await handle.truncate(torn)
  }
  return { size: (await handle.stat()).size, before }
}

async function statOf(file: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(file, { bigint: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** So that the name of a new file is on the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // Not every system can; then the name is there some seconds later.
  }
}
