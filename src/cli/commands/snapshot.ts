/**
 * `beamscope snapshot save`, `show` and `diff`: files.
 */
import { Command, Option } from 'commander'
import { toJson } from '../../analysis/json.ts'
import { snapshotDiff } from '../../analysis/snapshot-diff.ts'
import type { RecordingIndex } from '../../history/recording-reader.ts'
import type { SnapshotFormat } from '../../history/snapshot-bytes.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import { printable, printableTerm } from '../../present/printable.ts'
import { recordingSummary, recordingSummaryText } from '../../present/recording-summary.ts'
import { snapshotDiffText } from '../../present/snapshot-diff.ts'
import { snapshotSummaryText, summarise } from '../../present/snapshot-summary.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { nextCommand } from '../next-command.ts'
import {
  type AnalysisOptions,
  addConnectionOptions,
  addOutputOptions,
  addRecordingOptions,
  addTargetOptions,
  addVerboseOption,
  type TargetOptions,
  unitOption,
} from '../options.ts'
import { parseRecordingTime, type RecordingTime } from '../recording-time.ts'
import {
  isOfRecording,
  noRecording,
  openFile,
  readOpened,
  readRawTarget,
  readTarget,
  type Target,
} from '../target.ts'
import { UsageError } from '../usage-error.ts'

export function snapshotCommand(context: Context): Command {
  return new Command('snapshot')
    .description('Snapshot files: taking one from a node, looking into one, and comparing two.')
    .addCommand(saveCommand(context))
    .addCommand(showCommand(context))
    .addCommand(diffCommand(context))
}

const FORMATS: readonly SnapshotFormat[] = ['native', 'etf', 'terms', 'recon']

interface SaveOptions extends TargetOptions {
  readonly output: string
  readonly format: SnapshotFormat
  readonly force?: true
}

function saveCommand(context: Context): Command {
  const command = new Command('save')
  command.summary('take a snapshot into a file')
  command.description(
    'Takes a snapshot of a node into a file, for every analysis command and for recon. With ' +
      '--snapshot it converts a file into another form, or takes a sample out of a recording.',
  )
  addVerboseOption(addTargetOptions(command), context)
  command
    .requiredOption('-o, --output <file>', 'file to write; - is standard output')
    .addOption(
      new Option('--format <format>', 'form of the file').choices(FORMATS).default('native'),
    )
    .option('--force', 'overwrite the file if it is there')
  command.action((node: string | undefined, options: SaveOptions) => save(node, options, context))
  return addExamples(
    command,
    [
      'beamscope snapshot save rabbit@myhost -o peak.snapshot',
      'beamscope snapshot save rabbit@myhost -o peak.terms --format recon',
      'beamscope snapshot save --snapshot peak.snapshot -o peak.etf --format etf',
      'beamscope snapshot save --snapshot night.recording --at 03:00 -o peak.snapshot',
    ],
    'native holds everything: node, time, release, resident size. The others are what ' +
      'Erlang programs read: etf and terms are {erlang:memory(), [{Allocator, Answer}]} in ' +
      'bytes and as text, recon is what recon_alloc:snapshot_load/1 loads.',
  )
}

const STANDARD_OUTPUT = '-'

async function save(
  node: string | undefined,
  options: SaveOptions,
  context: Context,
): Promise<void> {
  const { output, format, force = false } = options
  const { refuseExisting } = await import('../../history/atomic-file.ts')
  // Before the node is asked, and again when the file is written.
  if (output !== STANDARD_OUTPUT && !force) await refuseExisting(output)
  if (
    output === STANDARD_OUTPUT &&
    context.stdout.isTTY &&
    (format === 'native' || format === 'etf')
  ) {
    throw new UsageError(`the format ${format} is no text for a terminal`, {
      hint: 'write it to a file or a pipe, or choose --format terms',
    })
  }
  const raw = await readRawTarget(node, options, context)
  if (output === STANDARD_OUTPUT) {
    const { writeSnapshot } = await import('../../history/snapshot-bytes.ts')
    const bytes = writeSnapshot(raw, format)
    const isText = format === 'terms' || format === 'recon'
    context.stdout.write(isText ? printableTerm(new TextDecoder().decode(bytes)) : bytes)
    return
  }
  const { writeSnapshotFile } = await import('../../history/snapshot-file.ts')
  const size = await writeSnapshotFile(output, raw, format, {
    overwrite: force,
    signal: context.signal,
  })
  context.stderr.write(
    `${printable(output)}: ${size} bytes, ${format}\n` +
      `Next: ${nextCommand('diagnose', undefined, { ...options, snapshot: output })}\n`,
  )
}

function showCommand(context: Context): Command {
  const command = new Command('show')
  command.summary('say what a snapshot file or a recording holds')
  command.description(
    'Says what a snapshot file holds: of which node and when, how much, and what is missing; of a ' +
      'recording besides which nodes, from when to when, how many samples, and what is damaged.',
  )
  command
    .argument('[FILE]', 'the snapshot file or recording; - is standard input')
    .option('--snapshot <file>', 'the same as FILE')
  addRecordingOptions(addOutputOptions(command, context)).addOption(unitOption())
  command.action((file: string | undefined, options: ShowOptions) => show(file, options, context))
  return addExamples(command, [
    'beamscope snapshot show peak.snapshot',
    'beamscope snapshot show - --json < peak.terms',
    'beamscope snapshot show night.recording --at 03:00',
  ])
}

type ShowOptions = Pick<AnalysisOptions, 'snapshot' | 'json' | 'unit' | 'at' | 'of'>

async function show(
  file: string | undefined,
  options: ShowOptions,
  context: Context,
): Promise<void> {
  if ((file === undefined) === (options.snapshot === undefined)) {
    throw new UsageError(
      file === undefined ? 'a FILE is missing' : 'FILE and --snapshot exclude each other',
    )
  }
  const source = { ...options, snapshot: file ?? options.snapshot ?? '' }
  const { label, recording, target } = await look(source, context)
  if (options.json) {
    const unit = options.unit ?? 'byte'
    const data = {
      ...(target && summarise(target.snapshot, target.format, unit)),
      ...(recording && { format: 'recording', recording: recordingSummary(recording) }),
    }
    context.stdout.write(jsonText('snapshot show', { ...target?.snapshot, unit }, toJson(data)))
    return
  }
  const paper = paperOf(context.stdout, context.env)
  const view = {
    paper,
    unit: options.unit,
    keyword: undefined,
    label,
    next: (command: string) => nextCommand(command, undefined, source),
  }
  const sections = [
    ...(recording === undefined ? [] : [recordingSummaryText(label, recording, paper)]),
    ...(target === undefined ? [] : [snapshotSummaryText(target.snapshot, target.format, view)]),
  ]
  context.stdout.write(`${sections.join('\n\n')}\n`)
}

/** What there is to show: a snapshot, or a recording, with a sample if it is clear which. */
interface Shown {
  readonly label: string
  readonly target?: Target
  readonly recording?: RecordingIndex | undefined
}

async function look(
  { snapshot, at, of }: ShowOptions & { readonly snapshot: string },
  context: Context,
): Promise<Shown> {
  const opened = await openFile(snapshot, context)
  const options = { ...(at && { at }), ...(of !== undefined && { of }) }
  if (!('snapshot' in opened)) {
    const { readRecordingIndex } = await import('../recording-target.ts')
    const { index, label } = await readRecordingIndex(opened.recording, context)
    if (index.nodes.length !== 1 && !isOfRecording(options)) return { label, recording: index }
  }
  const target = await readOpened(opened, options, context)
  return { label: target.label, target, recording: target.recording?.index }
}

function diffCommand(context: Context): Command {
  const command = new Command('diff')
  command.summary('say what changed between two snapshots')
  command.description(
    'Says what grew between two snapshots, what grew most first: by allocator, by kind of memory, and ' +
      'what the operating system reports; and which settings changed.',
  )
  command
    .argument('<A>', 'the first: a snapshot file, a recording, or a node name; - is standard input')
    .argument('<B>', 'the second, likewise')
  command
    .addOption(
      new Option(
        '--at <time>',
        'of a recording: the last sample until 2026-01-31T12:00Z, 12:00 (UTC, its last day) or -2h ' +
          '(before its end); a second one is for the second recording; default: the last sample',
      ).argParser((text: string, before: readonly RecordingTime[] = []) => [
        ...before,
        parseRecordingTime(text),
      ]),
    )
    .option('--of <node>', 'of a recording of several nodes: this one')
  addConnectionOptions(addOutputOptions(command, context)).addOption(unitOption())
  command.action((before: string, after: string, options: DiffOptions) =>
    diff(before, after, options, context),
  )
  return addExamples(
    command,
    [
      'beamscope snapshot diff before.snapshot after.snapshot',
      'beamscope snapshot diff before.snapshot rabbit@myhost',
      'beamscope snapshot diff rabbit@myhost rabbit@otherhost --json',
      'beamscope snapshot diff day.recording day.recording --at 03:00 --at 12:00',
      'beamscope snapshot diff day.recording day.recording --at 03:00',
    ],
    'What is the name of a file is a file; what looks like a node name otherwise is a node, of which a ' +
      'snapshot is taken. Two different nodes can be compared, too; that is said. Settings are those of ' +
      "the schedulers' instances.",
  )
}

interface DiffOptions extends Omit<AnalysisOptions, 'snapshot' | 'at'> {
  /** Of the recordings among the two, in turn. */
  readonly at?: readonly RecordingTime[]
}

async function diff(
  before: string,
  after: string,
  options: DiffOptions,
  context: Context,
): Promise<void> {
  if (before === STANDARD_OUTPUT && after === STANDARD_OUTPUT) {
    throw new UsageError('A and B cannot both be standard input')
  }
  const { at = [], ...common } = options
  const times = [...at]
  const read = async (name: string): Promise<Compared> => readEither(name, common, times, context)
  // One after the other: the second is the later one.
  const first = await read(before)
  const second = await read(after)
  const isOfNone = options.of !== undefined && !first.isRecording && !second.isRecording
  if (times.length > 0 || isOfNone) throw noRecording('there are not so many')
  const snapshots = [first.target.snapshot, second.target.snapshot] as const
  if (options.json) {
    const unit = options.unit ?? 'byte'
    const data = toJson(snapshotDiff(...snapshots, unit))
    context.stdout.write(jsonText('snapshot diff', { ...snapshots[1], unit }, data))
    return
  }
  const labels = [first.target.label, second.target.label] as const
  const text = snapshotDiffText(...snapshots, labels, {
    paper: paperOf(context.stdout, context.env),
    unit: options.unit,
    keyword: undefined,
    label: labels[1],
    next: (command) => nextCommand(command, ...second.reached),
  })
  context.stdout.write(`${text}\n`)
}

/** `name@host`, which is no path. */
const NODE_NAME = /^[^@/\\]+@[^@/\\]+$/

/** One of the two. */
interface Compared {
  readonly target: Target
  readonly isRecording: boolean
  /** The node, or nothing, and the options by which to go on with it. */
  readonly reached: readonly [node: string | undefined, options: TargetOptions]
}

/** Takes a moment out of `times` for a recording. */
async function readEither(
  name: string,
  { of, ...options }: Omit<DiffOptions, 'at'>,
  times: RecordingTime[],
  context: Context,
): Promise<Compared> {
  const { existsSync } = await import('node:fs')
  const isFile = !NODE_NAME.test(name) || existsSync(name)
  if (!isFile) {
    const target = await readTarget(name, options, context)
    return { target, isRecording: false, reached: [name, options] }
  }
  const opened = await openFile(name, context)
  const isRecording = !('snapshot' in opened)
  const at = isRecording ? times.shift() : undefined
  const moment = isRecording ? { ...(at && { at }), ...(of !== undefined && { of }) } : {}
  const target = await readOpened(opened, moment, context)
  return { target, isRecording, reached: [undefined, { ...options, ...moment, snapshot: name }] }
}
