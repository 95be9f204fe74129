/**
 * What is known of a node's past: its recording, and whatever else was saved of it before.
 */
import { type History, HistoryBuilder } from '../analysis/history.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { RecordingSource } from '../history/recording-reader.ts'
import type { Context } from './context.ts'
import { openFile, type Target } from './target.ts'
import { UsageError } from './usage-error.ts'

export interface Past {
  /** Of recordings. */
  readonly history: History | undefined
  /** Single snapshots. */
  readonly earlier: readonly Snapshot[]
}

/**
 * Reads what files hold of the same node from before a snapshot. Recordings make one history, together with the one
 * that the snapshot itself is of.
 *
 * @throws {UsageError} when one is of another node
 * @throws {SubjectError} around whatever is wrong with a file
 */
export async function readPast(
  { recording, snapshot }: Target,
  files: readonly string[],
  context: Context,
): Promise<Past> {
  const earlier: Snapshot[] = []
  const sources: RecordingSource[] = []
  for (const file of files) {
    const opened = await openFile(file, context)
    if ('snapshot' in opened) earlier.push(ofSameNode(file, opened.snapshot, snapshot.node))
    else sources.push(opened.recording)
  }
  if (recording !== undefined) sources.push(recording.source)
  if (sources.length === 0) return { history: undefined, earlier }
  const history = new HistoryBuilder()
  const { readRecordedHistory } = await import('./recording-target.ts')
  for (const source of await inOrder(sources, context)) {
    await readRecordedHistory(source, snapshot, context, (sample) => history.add(sample))
  }
  if (recording === undefined) history.add(snapshot)
  return { history: history.build(), earlier }
}

function ofSameNode(file: string, earlier: Snapshot, node: string | undefined): Snapshot {
  if (node !== undefined && earlier.node !== undefined && earlier.node !== node) {
    throw new UsageError(`${file} is of ${earlier.node}, and not of ${node}`)
  }
  return earlier
}

/** By when they begin. */
async function inOrder(
  sources: readonly RecordingSource[],
  context: Context,
): Promise<readonly RecordingSource[]> {
  if (sources.length === 1) return sources
  const { readRecordingIndex } = await import('./recording-target.ts')
  const begun: { readonly source: RecordingSource; readonly first: number }[] = []
  for (const source of sources) {
    const { index } = await readRecordingIndex(source, context)
    begun.push({ source, first: Math.min(...index.nodes.map(({ first }) => first)) })
  }
  return begun.sort((left, right) => left.first - right.first).map(({ source }) => source)
}
