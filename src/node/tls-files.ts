/**
 * The files that TLS takes: authorities, certificate, private key.
 */
import { BeamscopeError } from '../errors.ts'
import type { TlsOptions } from '../net/tls.ts'
import { type RefuseFile, readPrivateFile, readPublicFile } from './private-file.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  /** For its owner alone. */
  readonly key?: string | undefined
}

/** A file for TLS that cannot be used. */
export class TlsFileError extends BeamscopeError {
  readonly code = 'ERR_TLS_FILE'
  readonly file: string
  constructor(
    file: string,
    why: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(`the file ${file} ${why}`, options)
    this.file = file
  }
}

/** The authorities of a whole system take a quarter of a megabyte. */
const MAX_FILE_SIZE = 4_000_000

/**
 * Reads what is named.
 *
 * @throws {TlsFileError} when a file cannot be read, or the key can be read by others
 */
export async function readTlsFiles({ ca, cert, key }: TlsFiles): Promise<TlsOptions> {
  const refuse =
    (file: string): RefuseFile =>
    (why, options) =>
      new TlsFileError(file, why, options)
  const readPublic = (file: string) => readPublicFile(file, MAX_FILE_SIZE, refuse(file))
  return {
    ca: ca === undefined ? undefined : await readPublic(ca),
    cert: cert === undefined ? undefined : await readPublic(cert),
    key: key === undefined ? undefined : await readPrivateFile(key, MAX_FILE_SIZE, refuse(key)),
  }
}
