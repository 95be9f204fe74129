/**
 * What an analysis command looks at: a live node, or a snapshot file in its place.
 */
import type { LoadedSnapshot, SnapshotFormat } from '../history/snapshot-bytes.ts'
import type { Waiting } from '../net/deadline.ts'
import type { RemoteNode } from '../node/remote-node.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import type { Context } from './context.ts'
import type { TargetOptions } from './options.ts'
import { withSpinner } from './spinner.ts'
import { readStandardInput } from './standard-input.ts'
import { about } from './subject.ts'
import { UsageError } from './usage-error.ts'

/** A snapshot, and where it came from. */
export interface Target extends Pick<LoadedSnapshot, 'snapshot'> {
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
  const source = sourceOf(node, options)
  if ('file' in source) return readFile(source.file, context)
  const { takeSnapshot } = await import('../probe/take-snapshot.ts')
  const snapshot = await askNode(source.node, options, context, takeSnapshot)
  return { snapshot, format: undefined, label: source.node }
}

/**
 * The same in the terms that it came in, which are a snapshot.
 *
 * @throws whatever {@link readTarget} throws
 */
export async function readRawTarget(
  node: string | undefined,
  options: TargetOptions,
  context: Context,
): Promise<RawSnapshot> {
  const source = sourceOf(node, options)
  if ('file' in source) return (await readFile(source.file, context)).raw
  const [{ probe }, { toSnapshot }] = await Promise.all([
    import('../probe/probe.ts'),
    import('../probe/raw-snapshot.ts'),
  ])
  return askNode(source.node, options, context, async (remote, waiting) => {
    const raw = await probe(remote, waiting)
    toSnapshot(raw)
    return raw
  })
}

function sourceOf(
  node: string | undefined,
  { snapshot: file }: TargetOptions,
): { readonly node: string } | { readonly file: string } {
  if (node !== undefined && file !== undefined) {
    throw new UsageError('NODE and --snapshot exclude each other')
  }
  if (file !== undefined) return { file }
  if (node !== undefined) return { node }
  throw new UsageError('a NODE is missing', {
    hint: 'give a node name, as rabbit@myhost, or --snapshot FILE',
  })
}

async function askNode<Result>(
  node: string,
  options: TargetOptions,
  context: Context,
  ask: (remote: RemoteNode, waiting: Waiting) => Promise<Result>,
): Promise<Result> {
  const { withNode } = await import('./connect.ts')
  return about(node, () => {
    const work = withNode(node, options, context, ({ remote, left }) => ask(remote, left()))
    return withSpinner(context, `asking ${node}`, work)
  })
}

/** For `--snapshot`: standard input. */
const STANDARD_INPUT = '-'

async function readFile(
  file: string,
  context: Context,
): Promise<Target & Pick<LoadedSnapshot, 'raw'>> {
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
