/**
 * Files that are there whole or not at all.
 */
import { access, link, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeamscopeError } from '../errors.ts'
import { reasonOf } from './file-reason.ts'

/** The operating system does not let us write there. */
export class FileWriteError extends BeamscopeError {
  readonly code = 'ERR_FILE_WRITE'
  readonly file: string
  constructor(file: string, cause: unknown) {
    super(`${file} cannot be written: ${reasonOf(cause)}`, { cause })
    this.file = file
  }
}

/** A file is there already, and it was not said that it may be lost. */
export class FileExistsError extends BeamscopeError {
  readonly code = 'ERR_FILE_EXISTS'
  readonly file: string
  constructor(file: string) {
    super(`${file} is there already`, { hint: '--force overwrites it' })
    this.file = file
  }
}

export interface AtomicWriteOptions {
  /** Whether a file that is there may be lost. Default false. */
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
}

/** @throws {FileExistsError} when the file is there */
export async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  )
  if (exists) throw new FileExistsError(file)
}

/**
 * Writes beside the file first, then puts the new one in its place in one step.
 *
 * @throws {FileExistsError} when the file is there and must not be lost
 * @throws {FileWriteError}
 */
export async function writeFileAtomically(
  file: string,
  bytes: Uint8Array,
  { overwrite = false, signal }: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  try {
    // `wx`: what is there under this name is not ours.
    await writeFile(temporary, bytes, { flag: 'wx', flush: true, ...(signal && { signal }) })
    if (overwrite) await rename(temporary, file)
    else await putInPlace(temporary, file)
  } catch (error) {
    signal?.throwIfAborted()
    if (codeOf(error) === 'EEXIST') await refuseExisting(file)
    throw new FileWriteError(file, error)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** As `rename` does, unless the file is there: then `EEXIST`. */
async function putInPlace(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error
    // Not every file system has hard links.
    await refuseExisting(file)
    await rename(temporary, file)
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
