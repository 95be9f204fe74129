/**
 * The file that a name stands for, which symbolic links may lead to.
 */
import { readlink } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'

/** As many as Linux follows; more is a circle, which whoever opens it is told of. */
const MAX_LINKS = 40

/** Where a link leads to, whether or not anything is there; a name that is no link as it stands. */
export async function behindLinks(file: string): Promise<string> {
  let path = file
  for (let left = MAX_LINKS; left > 0; left--) {
    const target = await readlink(path).catch(() => undefined)
    if (target === undefined) break
    // Not normalised: behind a folder that is a link, `..` is somewhere else.
    path = isAbsolute(target) ? target : `${dirname(path)}/${target}`
  }
  return path
}
