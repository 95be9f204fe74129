/**
 * Making a recording smaller: what is old is thinned out, what is too old or too much is left out.
 */
import { type FileHandle, stat } from 'node:fs/promises'
import type { Snapshot } from '../analysis/snapshot.ts'
import { BeamscopeError } from '../errors.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { SnapshotReader } from '../probe/snapshot-reader.ts'
import { writeAtomically } from './atomic-file.ts'
import { behindLinks } from './behind-links.ts'
import { FileLock } from './file-lock.ts'
import { reasonOf } from './file-reason.ts'
import {
  RecordingChangedError,
  RecordingInUseError,
  RecordingUnreadableError,
} from './recording-error.ts'
import { HEADER } from './recording-format.ts'
import { indexRecording, readRecording } from './recording-reader.ts'
import { SampleEncoder } from './recording-samples.ts'
import { DEFAULT_THINNING, Thinner, type Thinning } from './recording-thinning.ts'

export interface CompactRecordingOptions {
  readonly signal?: AbortSignal
  /** Samples older than so many milliseconds are left out. None by default. */
  readonly maxAge?: number
  /** What is larger than so many bytes even so loses its oldest samples. Unbounded by default. */
  readonly maxSize?: number
  /** By default of samples older than a day and than a week, see {@link DEFAULT_THINNING}. */
  readonly thinning?: readonly Thinning[]
  /** What ages count from, in milliseconds since 1970; by default the present. */
  readonly now?: number
}

/** What became of a recording. */
export interface Compaction {
  /** Bytes. */
  readonly before: number
  readonly after: number
  readonly samples: number
  readonly kept: number
  /** How many parts could not be read. They are not in the new file. */
  readonly damaged: number
}

/**
 * Writes a recording anew with fewer samples, beside the old one, and puts it in its place in one step. Nobody may
 * record into it meanwhile: close it, compact it, open it again.
 *
 * @throws {RecordingInUseError} when somebody records into it
 * @throws {FileWriteError} when the new one cannot be written; the old one is as it was
 * @throws whatever {@link readRecording} throws, except for damage
 */
export async function compactRecording(
  file: string,
  options: CompactRecordingOptions = {},
): Promise<Compaction> {
  // What is put in the place of a link would leave the file that it leads to as it was.
  const plain = await behindLinks(file)
  const lock = await FileLock.take(plain)
  if (!(lock instanceof FileLock)) throw new RecordingInUseError(file, lock.pid)
  try {
    return await compact(plain, lock, options)
  } finally {
    await lock.release()
  }
}

async function compact(
  file: string,
  lock: FileLock,
  options: CompactRecordingOptions,
): Promise<Compaction> {
  const { signal, maxSize = Number.POSITIVE_INFINITY, now = Date.now() } = options
  const { size: before, mode } = await stat(file).catch((error) => {
    throw new RecordingUnreadableError(file, reasonOf(error), { cause: error })
  })
  const from = new Date(Math.max(0, now - (options.maxAge ?? now)))
  const reading = { ...(signal && { signal }), from }
  const { samples } = await indexRecording(file, reading)
  const thinner = new Thinner(options.thinning ?? DEFAULT_THINNING, now)
  const readers = new Map<string, SnapshotReader>()
  let damaged = 0
  const onDamage = (): void => {
    damaged += 1
  }
  for await (const { node, time, raw } of readRecording(file, { ...reading, onDamage })) {
    const reader = readers.get(node) ?? new SnapshotReader()
    readers.set(node, reader)
    thinner.add(node, time, () => snapshotOf(raw, reader))
  }
  const kept = thinner.finish()

  /** Writes what is kept but for the first so many samples, and returns the size of each. */
  const write = async (handle: FileHandle, first: number): Promise<readonly number[]> => {
    const encoder = new SampleEncoder(file)
    const sizes: number[] = []
    let index = 0
    let position = HEADER.length
    await handle.truncate(0)
    await writeAt(handle, HEADER, 0)
    for await (const { raw } of readRecording(file, { ...reading, onDamage: () => {} })) {
      if (!kept.has(index++)) continue
      const isLeftOut = sizes.length < first
      const record = isLeftOut ? undefined : encoder.encode(raw)
      record?.kept()
      if (record !== undefined) await writeAt(handle, record.bytes, position)
      position += record?.bytes.length ?? 0
      sizes.push(record?.bytes.length ?? 0)
    }
    return sizes
  }

  let after = 0
  let first = 0
  await writeAtomically(
    file,
    async (handle) => {
      await handle.chmod(mode & 0o777)
      for (;;) {
        const sizes = await write(handle, first)
        after = HEADER.length + sizes.reduce((sum, size) => sum + size, 0)
        if (after <= maxSize || first === kept.size) break
        first = Math.max(first + 1, firstWithin(sizes, maxSize - HEADER.length))
      }
      if (await lock.isLost())
        throw new RecordingChangedError(file, 'taken over by another process')
    },
    { overwrite: true, ...(signal && { signal }) },
  )
  return { before, after, samples, kept: kept.size - first, damaged }
}

/** The first of the samples that together take a little less than a size: what begins is to be whole again. */
function firstWithin(sizes: readonly number[], limit: number): number {
  let left = limit * 0.95
  for (let index = sizes.length - 1; index >= 0; index--) {
    left -= sizes[index] ?? 0
    if (left < 0) return index + 1
  }
  return 0
}

function snapshotOf(raw: RawSnapshot, reader: SnapshotReader): Snapshot | undefined {
  try {
    return reader.read(raw)
  } catch (error) {
    if (error instanceof BeamscopeError) return undefined
    throw error
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const left = bytes.length - written
    written += (await handle.write(bytes, written, left, position + written)).bytesWritten
  }
}
