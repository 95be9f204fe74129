/**
 * A recording in the place of a node: the sample of one moment, and what came before it.
 */
import { type History, HistoryBuilder } from '../analysis/history.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Moment } from '../analysis/timeline.ts'
import { BeamscopeError } from '../errors.ts'
import { Latest, timeOfLatest } from '../history/latest-sample.ts'
import {
  type RecordingDamage,
  RecordingDamagedError,
  RecordingEmptyError,
} from '../history/recording-error.ts'
import {
  indexRecording,
  type RecordedNode,
  type RecordingIndex,
  type RecordingSource,
  readRecording,
} from '../history/recording-reader.ts'
import { formatCount } from '../present/figures.ts'
import { printable } from '../present/printable.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { SnapshotReader } from '../probe/snapshot-reader.ts'
import type { Context } from './context.ts'
import type { RecordingOptions } from './options.ts'
import { withSpinner } from './spinner.ts'
import { about } from './subject.ts'
import { UsageError } from './usage-error.ts'

/** The sample that was asked for. */
export interface RecordedTarget {
  readonly snapshot: Snapshot
  readonly raw: RawSnapshot
  /** For people: the file's name. */
  readonly label: string
  readonly source: RecordingSource
  /** What the recording holds as a whole. */
  readonly index: RecordingIndex
}

/** The same, and what that node held up to then. */
export interface RecordingTarget extends RecordedTarget {
  readonly history: History | undefined
  /** Of the history. */
  readonly moments: readonly Moment[]
}

/**
 * Reads the last sample of a recording, or that of a moment, and on the way all that was before it: no more than one
 * sample is kept. What is damaged is told on standard error.
 *
 * @throws {UsageError} when the recording holds no such node, several and none was chosen, or nothing so early
 * @throws {SubjectError} around whatever is wrong with the file
 */
export async function readRecordingTarget(
  source: RecordingSource,
  options: RecordingOptions,
  context: Context,
): Promise<RecordingTarget> {
  return whileReading(source, context, async (reading) => {
    const asked = await find(source, options, context)
    const builder = new HistoryBuilder()
    const take = (snapshot: Snapshot): void => builder.add(snapshot)
    const found = await read({ ...asked, take }, context, reading)
    const history = builder.build()
    return { ...orNothing(found, asked), history, moments: history?.moments ?? [] }
  })
}

/**
 * Reads that sample alone, which takes a tenth of the time.
 *
 * @throws whatever {@link readRecordingTarget} throws
 */
export async function readRecordedTarget(
  source: RecordingSource,
  options: RecordingOptions,
  context: Context,
): Promise<RecordedTarget> {
  return whileReading(source, context, async (reading) => {
    const asked = await find(source, options, context)
    const time = (await timeOfLatest(source, asked, context.signal)) ?? 0
    const found =
      (await read({ ...asked, from: time, to: asked.to ?? time }, context, reading)) ??
      // That one cannot be read: the last of all the others, then.
      (await read(asked, context, reading))
    return orNothing(found, asked)
  })
}

/**
 * Hands over what a recording holds of a node, up to the time of a snapshot of it.
 *
 * @throws whatever {@link readRecordingTarget} throws
 */
export async function readRecordedHistory(
  source: RecordingSource,
  { node, takenAt }: Pick<Snapshot, 'node' | 'takenAt'>,
  context: Context,
  take: (snapshot: Snapshot) => void,
): Promise<void> {
  const to = takenAt === undefined ? undefined : Date.parse(takenAt)
  await whileReading(source, context, async (reading) => {
    const asked = await find(source, node === undefined ? {} : { of: node }, context)
    await read({ ...asked, to, take }, context, reading)
  })
}

/** What a recording holds, from the heads of its records. */
export async function readRecordingIndex(
  source: RecordingSource,
  { signal }: Context,
): Promise<{ readonly index: RecordingIndex; readonly label: string }> {
  const label = labelOf(source)
  return about(label, async () => ({ index: await indexRecording(source, { signal }), label }))
}

/** What is asked of a recording. */
interface Asked {
  readonly source: RecordingSource
  readonly label: string
  readonly index: RecordingIndex
  readonly node: string
  /** Milliseconds since 1970: samples that were taken later do not count, or earlier. */
  readonly to: number | undefined
  readonly from?: number
  /** Is given everything. */
  readonly take?: (snapshot: Snapshot) => void
}

async function whileReading<Result>(
  source: RecordingSource,
  context: Context,
  work: (reading: Reading) => Promise<Result>,
): Promise<Result> {
  const label = labelOf(source)
  const reading = new Reading(label)
  const result = await about(label, () =>
    withSpinner(context, () => printable(reading.progress), work(reading)),
  )
  if (reading.trouble !== '') context.stderr.write(reading.trouble)
  return result
}

function labelOf(source: RecordingSource): string {
  return typeof source === 'string' ? source : source.name
}

async function find(
  source: RecordingSource,
  { at, of }: RecordingOptions,
  { signal }: Context,
): Promise<Asked> {
  const index = await indexRecording(source, { signal })
  const label = labelOf(source)
  const recorded = chosen(index.nodes, of, label)
  const { node, first } = recorded
  const to = at?.within(recorded)
  if (at !== undefined && to !== undefined && to < first) {
    throw new UsageError(`${label} holds nothing of ${node} at ${at.text} or before`, {
      hint: `its first sample is of ${new Date(first).toISOString()}`,
    })
  }
  return { source, label, index, node, to }
}

/** More names tell no more. */
const MAX_NAMES = 20

function chosen(
  nodes: readonly RecordedNode[],
  of: string | undefined,
  label: string,
): RecordedNode {
  const [only, ...others] = nodes
  if (only === undefined) throw new RecordingEmptyError(label, 'it holds no sample')
  if (of === undefined && others.length === 0) return only
  const found = nodes.find(({ node }) => node === of)
  if (found !== undefined) return found
  const names = nodes.slice(0, MAX_NAMES).map(({ node }) => node)
  const more = nodes.length > MAX_NAMES ? ` and ${nodes.length - MAX_NAMES} more` : ''
  throw new UsageError(
    of === undefined
      ? `${label} holds several nodes, and one has to be chosen by --of`
      : `${label} holds nothing of ${of}`,
    { hint: `it holds ${names.join(', ')}${more}` },
  )
}

/** The last sample of those that are asked for, if one of them can be used. */
async function read(
  { source, label, index, node, from = 0, to, take }: Asked,
  { signal }: Context,
  reading: Reading,
): Promise<RecordedTarget | undefined> {
  const reader = new SnapshotReader()
  const latest = new Latest<{ time: number; raw: RawSnapshot; snapshot: Snapshot }>(to)
  const recorded = index.nodes.find((it) => it.node === node)
  reading.begin(index, from === 0 && to === undefined ? recorded?.samples : undefined)
  const samples = readRecording(source, {
    signal,
    node,
    from: new Date(from),
    ...(to !== undefined && { to: new Date(to) }),
    onDamage: (damage) => reading.addDamage(damage),
  })
  for await (const { time, raw } of samples) {
    reading.addSample()
    try {
      const snapshot = reader.read(raw)
      take?.(snapshot)
      latest.add({ time, raw, snapshot })
    } catch (error) {
      if (!(error instanceof BeamscopeError)) throw error
      reading.addUnusable(error)
    }
  }
  if (latest.value === undefined) return undefined
  const { raw, snapshot } = latest.value
  return { raw, snapshot, label, source, index }
}

function orNothing(found: RecordedTarget | undefined, { label, node }: Asked): RecordedTarget {
  if (found === undefined)
    throw new RecordingEmptyError(label, `no sample of ${node} in it can be used`)
  return found
}

/** How far a recording was read, and what of it cannot be used. */
class Reading {
  readonly #label: string
  #samples = 0
  /** How many there will be, if that is known. */
  #total: number | undefined
  #damage: RecordingDamage | undefined
  /** How many parts are damaged by their checksums alone, and how many were met. */
  #indexed = 0
  #met = 0
  #unusable: BeamscopeError | undefined
  #failed = 0

  constructor(label: string) {
    this.#label = label
  }

  begin({ damage: [first], damaged }: RecordingIndex, total: number | undefined): void {
    this.#samples = 0
    this.#total = total
    this.#damage = first
    this.#indexed = damaged
    this.#met = 0
    this.#unusable = undefined
    this.#failed = 0
  }

  addSample(): void {
    this.#samples += 1
  }

  /** For people, while it goes on. */
  get progress(): string {
    const total = this.#total === undefined ? '' : ` of ${formatCount(this.#total)}`
    const samples = this.#samples === 0 ? '' : `, ${formatCount(this.#samples)}${total} samples`
    return `reading ${this.#label}${samples}`
  }

  addDamage(damage: RecordingDamage): void {
    this.#damage ??= damage
    this.#met += 1
  }

  addUnusable(error: BeamscopeError): void {
    this.#unusable ??= error
    this.#failed += 1
  }

  /** What cannot be used, a line for each kind. */
  get trouble(): string {
    const lines: string[] = []
    if (this.#damage !== undefined) {
      // Whoever asks for a part of it does not meet all.
      const count = Math.max(this.#indexed, this.#met)
      const { message } = new RecordingDamagedError(this.#label, this.#damage, count)
      lines.push(`${message}; the rest is read`)
    }
    if (this.#unusable !== undefined) {
      const samples = this.#failed === 1 ? 'a sample' : `${this.#failed} samples`
      lines.push(`${this.#label}: ${samples} left out: ${this.#unusable.message}`)
    }
    return lines.map((line) => `${printable(line)}\n`).join('')
  }
}
