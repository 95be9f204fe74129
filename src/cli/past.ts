/**
 * What is known of a node's past: its recording, and whatever else was saved of it before.
 */
import { realpath } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type History, HistoryBuilder } from '../analysis/history.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { RecordingSource } from '../history/recording-reader.ts'
import type { Context } from './context.ts'
import { parseSize } from './option-values.ts'
import type { TargetOptions } from './options.ts'
import { openFile, readTarget, readTargetWithHistory, type Target } from './target.ts'
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
  const given: RecordingSource[] = []
  for (const file of files) {
    const opened = await openFile(file, context)
    if ('snapshot' in opened) earlier.push(ofSameNode(file, opened.snapshot, snapshot.node))
    else given.push(opened.recording)
  }
  if (recording !== undefined) given.push(recording.source)
  const sources = await withoutRepeated(given)
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

/** Each once: of all files in a folder one may be the recording itself, whose samples would count twice. */
async function withoutRepeated(
  sources: readonly RecordingSource[],
): Promise<readonly RecordingSource[]> {
  const known = new Map<unknown, RecordingSource>()
  for (const source of sources) {
    known.set(typeof source === 'string' ? await realpath(source) : source, source)
  }
  return [...known.values()]
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

/** What a diagnosis is to know besides the snapshot. */
export interface PastOptions {
  readonly earlier?: readonly string[]
  /** Bytes. */
  readonly memoryLimit?: number
}

export const NO_PAST: Past = { history: undefined, earlier: [] }

export function addPastOptions(command: Command): Command {
  return command
    .option(
      '--earlier <file>',
      'an earlier snapshot of the same node, or a recording of it, whose peaks count; repeatable',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .addOption(
      new Option(
        '--memory-limit <size>',
        'with a recording: how much memory the node may take, where it is not what the node says: 8GiB',
      ).argParser(parseSize),
    )
}

/**
 * The snapshot, and what is known from before it. A recording is its own past; with other files it is read together
 * with them.
 *
 * @throws whatever {@link readTarget} and {@link readPast} throw
 */
export async function readTargetWithPast(
  node: string | undefined,
  options: TargetOptions & PastOptions,
  context: Context,
): Promise<Target & { readonly past: Past }> {
  if (options.earlier === undefined) {
    const target = await readTargetWithHistory(node, options, context)
    return { ...target, past: { history: target.history, earlier: [] } }
  }
  const target = await readTarget(node, options, context)
  return { ...target, past: await readPast(target, options.earlier, context) }
}

/** @throws {UsageError} for a limit against which nothing can be held */
export function checkMemoryLimit({ memoryLimit }: PastOptions, { history }: Past): void {
  if (memoryLimit === undefined || history !== undefined) return
  throw new UsageError('--memory-limit goes with a recording, which shows what grows', {
    hint: 'give --snapshot with a recording, or NODE and --earlier with one',
  })
}
