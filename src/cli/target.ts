/**
 * What an analysis command looks at: a live node, or a snapshot file in its place.
 */
import type { LoadedSnapshot, SnapshotFormat } from '../history/snapshot-bytes.ts'
import type { Context } from './context.ts'
import type { TargetOptions } from './options.ts'
import { withSpinner } from './spinner.ts'
import { readStandardInput } from './standard-input.ts'
import { about } from './subject.ts'
import { UsageError } from './usage-error.ts'

/** A snapshot, and where it came from. */
export interface Target extends Pick<LoadedSnapshot, 'raw' | 'snapshot'> {
  /** The form of the file; a live node has none. */
  readonly format: SnapshotFormat | undefined
  /** For people: the node's name, or the file's. */
  readonly label: string
}

/**
 * Takes the snapshot, or reads it.
 *
 * @throws {UsageError} when neither NODE nor `--snapshot` is given, or both are
 * @throws {SubjectError} around whatever went wrong with the one or the other
 */
export async function readTarget(
  node: string | undefined,
  options: TargetOptions,
  context: Context,
): Promise<Target> {
  const { snapshot: file } = options
  if (node !== undefined && file !== undefined) {
    throw new UsageError('NODE and --snapshot exclude each other')
  }
  if (file !== undefined) return readFile(file, context)
  if (node !== undefined) return probeNode(node, options, context)
  throw new UsageError('a NODE is missing', {
    hint: 'give a node name, as rabbit@myhost, or --snapshot FILE',
  })
}

async function probeNode(node: string, options: TargetOptions, context: Context): Promise<Target> {
  const [{ probe }, { toSnapshot }, { withNode }] = await Promise.all([
    import('../probe/probe.ts'),
    import('../probe/raw-snapshot.ts'),
    import('./connect.ts'),
  ])
  return about(node, async () => {
    const work = withNode(node, options, context, ({ remote, left }) => probe(remote, left()))
    const raw = await withSpinner(context, `asking ${node}`, work)
    return { raw, snapshot: toSnapshot(raw), format: undefined, label: node }
  })
}

/** For `--snapshot`: standard input. */
const STANDARD_INPUT = '-'

async function readFile(file: string, context: Context): Promise<Target> {
  const isInput = file === STANDARD_INPUT
  const label = isInput ? 'standard input' : file
  return about(label, async () => {
    if (!isInput) {
      const { readSnapshotFile } = await import('../history/snapshot-file.ts')
      return { ...(await readSnapshotFile(file, { signal: context.signal })), label }
    }
    const { DEFAULT_MAX_SIZE, readSnapshot } = await import('../history/snapshot-bytes.ts')
    const bytes = await readStandardInput(context, DEFAULT_MAX_SIZE)
    return { ...readSnapshot(bytes, { source: label }), label }
  })
}
