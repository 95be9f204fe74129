/**
 * A file of what is shown.
 */
import { formatCount } from '../present/figures.ts'
import type { Look } from './look.ts'

/** Of a node and a moment: `rabbit@myhost-2026-01-31T12-04-31-250Z.snapshot`. */
export function snapshotFileName({ node, takenAt }: Pick<Look, 'node' | 'takenAt'>): string {
  const name = node.replace(/[^\w@.-]/g, '_').replace(/^[.-]/, '_')
  return `${name.slice(0, 200)}-${takenAt.replace(/[^\dTZ]/g, '-')}.snapshot`
}

/**
 * Writes it to the current folder, and says so.
 *
 * @throws {FileExistsError | FileWriteError}
 */
export async function saveLook(look: Look, signal: AbortSignal): Promise<string> {
  const file = snapshotFileName(look)
  const { writeSnapshotFile } = await import('../history/snapshot-file.ts')
  const size = await writeSnapshotFile(file, look.raw, 'native', { signal })
  return `saved ${file}, ${formatCount(size)} bytes`
}
