/**
 * Snapshot files on disk.
 */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { type AtomicWriteOptions, writeFileAtomically } from './atomic-file.ts'
import { reasonOf } from './file-reason.ts'
import { HEADER, isRecording } from './recording-format.ts'
import {
  DEFAULT_MAX_SIZE,
  type LoadedSnapshot,
  readSnapshot,
  type SnapshotFormat,
  tooManyBytes,
  writeSnapshot,
} from './snapshot-bytes.ts'
import { SnapshotTooLargeError, SnapshotUnreadableError } from './snapshot-error.ts'

export interface SnapshotFileOptions {
  readonly signal?: AbortSignal
  /** Bytes. Default 256 MiB. */
  readonly maxSize?: number
}

/**
 * Reads a snapshot file in any of the forms that {@link readSnapshot} knows.
 *
 * @throws {SnapshotUnreadableError} when the file is not there or cannot be read
 * @throws {SnapshotFileError} and its other subclasses, as {@link readSnapshot} does
 */
export async function readSnapshotFile(
  path: string,
  options: SnapshotFileOptions = {},
): Promise<LoadedSnapshot> {
  const { maxSize = DEFAULT_MAX_SIZE } = options
  return readSnapshot(await readBytes(path, options), { source: path, maxSize })
}

/**
 * All bytes of a file that may hold a snapshot.
 *
 * @throws {SnapshotUnreadableError} when the file is not there or cannot be read
 * @throws {SnapshotTooLargeError}
 */
export async function readBytes(
  path: string,
  { signal, maxSize = DEFAULT_MAX_SIZE }: SnapshotFileOptions = {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    // In pieces, since what is no plain file has no size to check beforehand.
    for await (const chunk of createReadStream(path, signal === undefined ? {} : { signal })) {
      if (!(chunk instanceof Uint8Array)) continue
      size += chunk.length
      if (size > maxSize) throw tooManyBytes(path, maxSize)
      chunks.push(chunk)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof SnapshotTooLargeError) throw error
    throw new SnapshotUnreadableError(path, reasonOf(error), { cause: error })
  }
  return Buffer.concat(chunks)
}

/**
 * Whether a file is a recording, by its first bytes. What is no plain file, as a pipe, is not looked into: it could
 * not be read again.
 */
export async function isRecordingFile(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false
    await using handle = await open(path)
    const start = new Uint8Array(HEADER.length)
    const { bytesRead } = await handle.read(start, 0, start.length, 0)
    return isRecording(start.subarray(0, bytesRead))
  } catch {
    // Whoever reads it says why it cannot be read.
    return false
  }
}

/**
 * Writes a snapshot file, whole or not at all, and returns its size in bytes.
 *
 * @throws {FileExistsError} when the file is there and must not be lost
 * @throws {FileWriteError} when it cannot be written
 */
export async function writeSnapshotFile(
  path: string,
  raw: RawSnapshot,
  format: SnapshotFormat,
  options: AtomicWriteOptions = {},
): Promise<number> {
  const bytes = writeSnapshot(raw, format)
  await writeFileAtomically(path, bytes, options)
  return bytes.length
}
