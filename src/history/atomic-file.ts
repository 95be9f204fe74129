/**
 * Files that are there whole or not at all.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeamscopeError } from '../errors.ts'
import { codeOf, reasonOf } from './file-reason.ts'

/** The operating system does not let us write there. */
export class FileWriteError extends BeamscopeError {
  readonly code = 'ERR_FILE_WRITE'
  readonly file: string
  constructor(file: string, cause: unknown, hint?: string) {
    super(`${file} cannot be written: ${reasonOf(cause)}`, {
      cause,
      ...(hint !== undefined && { hint }),
    })
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
  /** Whether it has to be there after a loss of power, whole. Default true. */
  readonly sync?: boolean
  readonly signal?: AbortSignal
}

/**
 * @throws {FileExistsError} when the file is there
 * @throws {FileWriteError} when what is there is none, so that nothing may take its place
 */
export async function refuseExisting(file: string): Promise<void> {
  // A link that leads nowhere is there as well.
  const isThere = (await lstat(file).catch(() => undefined)) !== undefined
  if (!isThere) return
  await refuseOther(file)
  throw new FileExistsError(file)
}

/** A device, a pipe or a folder would be lost: whoever names one of these meant no new file in its place. */
async function refuseOther(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || found.isFile()) return
  throw new FileWriteError(file, found.isDirectory() ? 'it is a folder' : 'it is no ordinary file')
}

/**
 * Writes beside the file first, then puts the new one in its place in one step.
 *
 * @throws {FileExistsError} when the file is there and must not be lost
 * @throws {FileWriteError} also when what is there is no file
 */
export function writeFileAtomically(
  file: string,
  bytes: Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { signal } = options
  return writeAtomically(file, (handle) => handle.writeFile(bytes, signal && { signal }), options)
}

/**
 * The same for what is written piece by piece.
 *
 * @throws {FileExistsError} when the file is there and must not be lost
 * @throws {FileWriteError}
 * @throws whatever `write` throws that is ours; the file is as it was then
 */
export async function writeAtomically(
  file: string,
  write: (handle: FileHandle) => Promise<void>,
  { overwrite = false, sync = true, signal }: AtomicWriteOptions = {},
): Promise<void> {
  if (overwrite) await refuseOther(file)
  await removeLeftOver(file)
  // By chance: numbers of processes come again, in containers each time.
  const name = randomBytes(8).toString('hex')
  const temporary = join(dirname(file), `.${basename(file)}.${name}.tmp`)
  try {
    // `wx`: what is there under this name is not ours.
    const handle = await open(temporary, 'wx')
    try {
      await write(handle)
      if (sync) await handle.sync()
    } finally {
      await handle.close()
    }
    if (overwrite) await rename(temporary, file)
    else await putInPlace(temporary, file)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof BeamscopeError) throw error
    if (codeOf(error) === 'EEXIST') await refuseExisting(file)
    throw new FileWriteError(file, error)
  } finally {
    // What went wrong before is to be told, and not this.
    await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Far longer than it takes to write a file. */
const LEFT_OVER_AFTER = 60 * 60 * 1000

/** What processes that were killed left beside the file. */
async function removeLeftOver(file: string): Promise<void> {
  const prefix = `.${basename(file)}.`
  const folder = dirname(file)
  for (const name of await readdir(folder).catch(() => [])) {
    const middle = name.startsWith(prefix) ? name.slice(prefix.length) : ''
    if (!/^[0-9a-f]+\.tmp$/.test(middle)) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    const isLeftOver = found !== undefined && Date.now() - found.mtimeMs > LEFT_OVER_AFTER
    // What cannot be removed is in nobody's way.
    if (isLeftOver) await rm(path, { force: true }).catch(() => {})
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
