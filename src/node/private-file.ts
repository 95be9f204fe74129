/**
 * Files with secrets, by OTP's rule for the cookie: regular, and for their owner alone.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#security
 */
import { readFile, stat } from 'node:fs/promises'
import { BeamscopeError, messageOf } from '../errors.ts'

/** The error of a file that `why`. */
export type RefuseFile = (
  why: string,
  options?: { readonly cause?: unknown; readonly hint?: string },
) => BeamscopeError

/** Reads a file of at most `maxSize` bytes; throws what `refuse` makes of it otherwise. */
export async function readPrivateFile(
  file: string,
  maxSize: number,
  refuse: RefuseFile,
): Promise<Buffer> {
  return readChecked(file, maxSize, refuse, (mode) => {
    // Windows has no such bits, and OTP does not ask there either.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw refuse('can be read by others', { hint: `chmod 400 ${file}` })
    }
  })
}

/** Reads a file that everybody may read. */
export async function readPublicFile(
  file: string,
  maxSize: number,
  refuse: RefuseFile,
): Promise<Buffer> {
  return readChecked(file, maxSize, refuse, () => {})
}

async function readChecked(
  file: string,
  maxSize: number,
  refuse: RefuseFile,
  checkMode: (mode: number) => void,
): Promise<Buffer> {
  try {
    const stats = await stat(file)
    if (!stats.isFile()) throw refuse('is not a regular file')
    checkMode(stats.mode)
    if (stats.size > maxSize) throw refuse(`is larger than ${maxSize} bytes`)
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof BeamscopeError) throw cause
    throw refuse(`cannot be read: ${messageOf(cause)}`, { cause })
  }
}
