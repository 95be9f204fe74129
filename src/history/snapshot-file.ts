/**
 * Snapshot files on disk.
 */
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import {
  DEFAULT_MAX_SIZE,
  type LoadedSnapshot,
  readSnapshot,
  type SnapshotFormat,
  tooManyBytes,
  writeSnapshot,
} from './snapshot-bytes.ts'
import {
  SnapshotTooLargeError,
  SnapshotUnreadableError,
  SnapshotUnwritableError,
} from './snapshot-error.ts'

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
  { signal, maxSize = DEFAULT_MAX_SIZE }: SnapshotFileOptions = {},
): Promise<LoadedSnapshot> {
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
  return readSnapshot(Buffer.concat(chunks), { source: path, maxSize })
}

/**
 * Writes a snapshot file, over the one that may be there.
 *
 * @throws {SnapshotUnwritableError} when the file cannot be written
 */
export async function writeSnapshotFile(
  path: string,
  raw: RawSnapshot,
  format: SnapshotFormat,
  { signal }: Pick<SnapshotFileOptions, 'signal'> = {},
): Promise<void> {
  const bytes = writeSnapshot(raw, format)
  try {
    await writeFile(path, bytes, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw new SnapshotUnwritableError(path, reasonOf(error), { cause: error })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is no folder',
  EROFS: 'the file system is read-only',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return REASONS[code] ?? error.message
}
