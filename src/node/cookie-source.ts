/**
 * Where the cookie comes from.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#security
 */
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Cookie } from '../dist/cookie.ts'
import { BeamscopeError } from '../errors.ts'
import { type RefuseFile, readPrivateFile } from './private-file.ts'

/** No cookie was given, and none was found where OTP keeps it. */
export class NoCookieError extends BeamscopeError {
  readonly code = 'ERR_COOKIE_MISSING'
  readonly searched: readonly string[]
  constructor(searched: readonly string[]) {
    super(`no cookie: ${searched.join(' and ')} do not exist`, {
      hint: 'give one by --cookie-file FILE, --cookie-stdin, or the variable BEAMSCOPE_COOKIE',
    })
    this.searched = searched
  }
}

/** A file that should hold a cookie and cannot be used. */
export class CookieFileError extends BeamscopeError {
  readonly code = 'ERR_COOKIE_FILE'
  readonly file: string
  constructor(
    file: string,
    why: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(`the cookie file ${file} ${why}`, options)
    this.file = file
  }
}

/** A cookie longer than an atom would be no cookie; this bounds what is read. */
const MAX_FILE_SIZE = 4096

/**
 * The cookie of `~/.erlang.cookie`, else of `$XDG_CONFIG_HOME/erlang/.erlang.cookie`.
 *
 * @throws {NoCookieError} when there is neither
 * @throws {CookieFileError} when the file is not OTP's kind: regular, and for its owner alone
 */
export async function readDefaultCookie(env: NodeJS.ProcessEnv = process.env): Promise<Cookie> {
  const home = env.HOME ?? homedir()
  const candidates = [
    join(home, '.erlang.cookie'),
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'erlang', '.erlang.cookie'),
  ]
  for (const file of candidates) {
    if (await exists(file)) return readCookieFile(file)
  }
  throw new NoCookieError(candidates)
}

/**
 * Reads a file that holds a cookie, by OTP's rule: a regular file that nobody but its owner can read.
 *
 * @throws {CookieFileError}
 */
export async function readCookieFile(file: string): Promise<Cookie> {
  const refuse: RefuseFile = (why, options) => new CookieFileError(file, why, options)
  const bytes = await readPrivateFile(file, MAX_FILE_SIZE, refuse)
  return parseCookie(bytes.toString('latin1'), refuse)
}

/**
 * The cookie in the text of a file or a pipe, by OTP's rule (`check_cookie` in `auth.erl`): printable
 * ASCII, spaces included wherever they stand, and then line ends.
 */
export function parseCookie(text: string, refuse: (why: string) => BeamscopeError): Cookie {
  const [, value] = /^([ -~]*)[\n\r ]*$/.exec(text) ?? []
  if (value === undefined) throw refuse('has a character that no cookie has')
  if (value === '') throw refuse('holds no cookie')
  return new Cookie(value)
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}
