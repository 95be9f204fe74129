/**
 * The token of the server, by whichever way it was given.
 */
import { readPrivateFile } from '../node/private-file.ts'
import { Token } from '../serve/token.ts'
import type { Context } from './context.ts'
import { UsageError } from './usage-error.ts'

/** A token has at most 256 characters. */
const MAX_FILE_SIZE = 4_096

/**
 * An option before the variable.
 *
 * @throws {UsageError} when the file is not for its owner alone
 * @throws {InvalidTokenError}
 */
export async function findToken(
  { tokenFile }: { readonly tokenFile?: string },
  { env }: Context,
): Promise<Token | undefined> {
  if (tokenFile !== undefined) {
    const bytes = await readPrivateFile(
      tokenFile,
      MAX_FILE_SIZE,
      (why, options) => new UsageError(`the token file ${tokenFile} ${why}`, options),
    )
    return new Token(bytes.toString('latin1'), `the token in ${tokenFile}`)
  }
  const variable = env.BEAMSCOPE_TOKEN
  return variable === undefined ? undefined : new Token(variable, 'BEAMSCOPE_TOKEN')
}
