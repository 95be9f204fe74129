/**
 * What an analysis command looks at: a live node, or in its place a snapshot file or a sample of a recording.
 */
import type { History } from '../analysis/history.ts'
import type { Moment } from '../analysis/timeline.ts'
import type { RecordingIndex, RecordingSource } from '../history/recording-reader.ts'
import type { LoadedSnapshot, SnapshotFormat } from '../history/snapshot-bytes.ts'
import type { Waiting } from '../net/deadline.ts'
import type { RemoteNode } from '../node/remote-node.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import type { Context } from './context.ts'
import type { RecordingOptions, TargetOptions } from './options.ts'
import type { RecordedTarget } from './recording-target.ts'
import { withSpinner } from './spinner.ts'
import { readStandardInput } from './standard-input.ts'
import { about } from './subject.ts'
import { UsageError } from './usage-error.ts'

/** A snapshot, and where it came from. */
export interface Target extends Pick<LoadedSnapshot, 'snapshot'> {
  /** The form of the file; a live node has none. */
  readonly format: SnapshotFormat | undefined
  /** The recording that it is of, and what that holds. */
  readonly recording?: { readonly source: RecordingSource; readonly index: RecordingIndex }
  /** For people: the node's name, or the file's. */
  readonly label: string
}

/** The same with its past, which a recording has. */
export interface TargetWithHistory extends Target {
  readonly history?: History | undefined
  /** Of the history. */
  readonly moments?: readonly Moment[]
}

/** The same in the terms that it came in. */
type RawTarget = Target & Pick<LoadedSnapshot, 'raw'>

/**
 * Takes the snapshot, or reads it.
 *
 * @throws {UsageError} when neither NODE nor `--snapshot` is given, or both are, or `--at` for something else than a
 *   recording
 * @throws {SubjectError} around whatever went wrong with the one or the other
 */
export async function readTarget(
  node: string | undefined,
  options: TargetOptions,
  context: Context,
): Promise<Target> {
  const source = sourceOf(node, options)
  if ('file' in source) return readFile(source.file, options, context)
  return takeTarget(source.node, options, context)
}

/**
 * The same, and of a recording all that was before it.
 *
 * @throws whatever {@link readTarget} throws
 */
export async function readTargetWithHistory(
  node: string | undefined,
  options: TargetOptions,
  context: Context,
): Promise<TargetWithHistory> {
  const source = sourceOf(node, options)
  if ('node' in source) return takeTarget(source.node, options, context)
  const opened = await openFile(source.file, context)
  if ('snapshot' in opened) return withoutMoment(opened, options)
  const { readRecordingTarget } = await import('./recording-target.ts')
  return recorded(await readRecordingTarget(opened.recording, options, context))
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
  if ('file' in source) return (await readFile(source.file, options, context)).raw
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
  options: TargetOptions,
): { readonly node: string } | { readonly file: string } {
  const { snapshot: file } = options
  if (node !== undefined && file !== undefined) {
    throw new UsageError('NODE and --snapshot exclude each other')
  }
  if (file !== undefined) return { file }
  if (isOfRecording(options)) throw noRecording('there is none')
  if (node !== undefined) return { node }
  throw new UsageError('a NODE is missing', {
    hint: 'give a node name, as rabbit@myhost, or --snapshot FILE',
  })
}

/** Whether a sample of a recording is asked for. */
export function isOfRecording({ at, of }: RecordingOptions): boolean {
  return at !== undefined || of !== undefined
}

/** The error for `--at` and `--of` where they say nothing. */
export function noRecording(why: string): UsageError {
  return new UsageError(`--at and --of go with a recording, and ${why}`, {
    hint: 'give --snapshot with a file that `beamscope record` has written',
  })
}

async function takeTarget(node: string, options: TargetOptions, context: Context): Promise<Target> {
  const { takeSnapshot } = await import('../probe/take-snapshot.ts')
  const snapshot = await askNode(node, options, context, takeSnapshot)
  return { snapshot, format: undefined, label: node }
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

async function readFile(
  file: string,
  options: RecordingOptions,
  context: Context,
): Promise<RawTarget> {
  return readOpened(await openFile(file, context), options, context)
}

/**
 * The snapshot in a file, or the sample of it that was asked for.
 *
 * @throws whatever {@link readTarget} throws for a file
 */
export async function readOpened(
  opened: Opened,
  options: RecordingOptions,
  context: Context,
): Promise<RawTarget> {
  if ('snapshot' in opened) return withoutMoment(opened, options)
  const { readRecordedTarget } = await import('./recording-target.ts')
  return recorded(await readRecordedTarget(opened.recording, options, context))
}

/** @throws {UsageError} when a moment of it was asked for */
function withoutMoment(opened: RawTarget, options: RecordingOptions): RawTarget {
  if (isOfRecording(options)) throw noRecording(`${opened.label} is a snapshot`)
  return opened
}

function recorded<Read extends RecordedTarget>(
  read: Read,
): Read & Pick<Target, 'format' | 'recording'> {
  return { ...read, format: 'native', recording: read }
}

/** For `--snapshot`: standard input. */
const STANDARD_INPUT = '-'

/** A snapshot, or a recording, of which nothing is read yet. */
export type Opened = RawTarget | { readonly recording: RecordingSource }

/**
 * Finds out by its first bytes what a file is.
 *
 * @throws {SubjectError} around whatever is wrong with it
 */
export async function openFile(file: string, context: Context): Promise<Opened> {
  const isInput = file === STANDARD_INPUT
  const label = isInput ? 'standard input' : file
  return about(label, async () => {
    const [{ isRecordingFile, readBytes }, { isRecording, DEFAULT_MAX_SIZE, readSnapshot }] =
      await Promise.all([
        import('../history/snapshot-file.ts'),
        import('../history/snapshot-bytes.ts'),
      ])
    if (!isInput && (await isRecordingFile(file))) return { recording: file }
    const bytes = isInput
      ? await readStandardInput(context, DEFAULT_MAX_SIZE)
      : await readBytes(file, { signal: context.signal })
    if (isRecording(bytes)) return { recording: { name: label, bytes } }
    return { ...readSnapshot(bytes, { source: label }), label }
  })
}
