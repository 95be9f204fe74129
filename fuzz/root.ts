/**
 * Where the repository is.
 */
import { existsSync } from 'node:fs'

/** From this file, as it is written or as it is built: the first folder above that has a lock file and a `src`. */
export const root: URL = find(new URL('./', import.meta.url))

function find(folder: URL): URL {
  if (existsSync(new URL('package-lock.json', folder))) return folder
  const above = new URL('../', folder)
  if (above.href === folder.href) throw new Error('this program is not in its repository')
  return find(above)
}
