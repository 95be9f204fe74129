/**
 * The cookie that the user gave, by whichever way.
 */
import type { Cookie } from '../dist/cookie.ts'
import { parseCookie, readCookieFile, readDefaultCookie } from '../node/cookie-source.ts'
import type { Context } from './context.ts'
import type { ConnectionOptions } from './options.ts'
import { readStandardInput } from './standard-input.ts'
import { UsageError } from './usage-error.ts'

/** A cookie has at most 255 characters. */
const MAX_INPUT_SIZE = 4096

/**
 * An option before the variable, the variable before OTP's own rule.
 *
 * @throws {UsageError} when two options are given, or what was given is empty
 * @throws {CookieFileError | InvalidCookieError | NoCookieError}
 */
export async function findCookie(options: ConnectionOptions, context: Context): Promise<Cookie> {
  if (options.cookieFile !== undefined && options.cookieStdin) {
    throw new UsageError('--cookie-file and --cookie-stdin exclude each other')
  }
  if (options.cookieFile !== undefined) return readCookieFile(options.cookieFile)
  if (options.cookieStdin) {
    const input = await readStandardInput(context, MAX_INPUT_SIZE)
    return parseCookie(
      // As OTP reads it.
      Buffer.from(input).toString('latin1'),
      (why) => new UsageError(`standard input ${why}`),
    )
  }
  const variable = context.env.BEAMSCOPE_COOKIE
  if (variable !== undefined) {
    return parseCookie(variable, (why) => new UsageError(`BEAMSCOPE_COOKIE ${why}`))
  }
  return readDefaultCookie(context.env)
}
