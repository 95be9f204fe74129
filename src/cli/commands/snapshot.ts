/**
 * `beamscope snapshot save` and `beamscope snapshot show`: files.
 */
import { Command, Option } from 'commander'
import { toJson } from '../../analysis/json.ts'
import type { SnapshotFormat } from '../../history/snapshot-bytes.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import { printable } from '../../present/printable.ts'
import { snapshotSummaryText, summarise } from '../../present/snapshot-summary.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { nextCommand } from '../next-command.ts'
import {
  type AnalysisOptions,
  addOutputOptions,
  addTargetOptions,
  addVerboseOption,
  type TargetOptions,
  unitOption,
} from '../options.ts'
import { readTarget } from '../target.ts'
import { UsageError } from '../usage-error.ts'

export function snapshotCommand(context: Context): Command {
  return new Command('snapshot')
    .description('Snapshot files: taking one from a node, and looking into one.')
    .addCommand(saveCommand(context))
    .addCommand(showCommand(context))
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
      '--snapshot it converts a file into another form.',
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
  const { raw } = await readTarget(node, options, context)
  if (output === STANDARD_OUTPUT) {
    const { writeSnapshot } = await import('../../history/snapshot-bytes.ts')
    context.stdout.write(writeSnapshot(raw, format))
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
  command.summary('say what a snapshot file holds')
  command.description(
    'Says what a snapshot file holds: of which node and when, how much, and what is missing.',
  )
  command
    .argument('[FILE]', 'the snapshot file; - is standard input')
    .option('--snapshot <file>', 'the same as FILE')
  addOutputOptions(command, context).addOption(unitOption())
  command.action((file: string | undefined, options: ShowOptions) => show(file, options, context))
  return addExamples(command, [
    'beamscope snapshot show peak.snapshot',
    'beamscope snapshot show - --json < peak.terms',
  ])
}

type ShowOptions = Pick<AnalysisOptions, 'snapshot' | 'json' | 'unit'>

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
  const source = { snapshot: file ?? options.snapshot ?? '', timeout: 0 }
  const { snapshot, format, label } = await readTarget(undefined, source, context)
  if (options.json) {
    const unit = options.unit ?? 'byte'
    const data = toJson(summarise(snapshot, format, unit))
    context.stdout.write(jsonText('snapshot show', { ...snapshot, unit }, data))
    return
  }
  const text = snapshotSummaryText(snapshot, format, {
    paper: paperOf(context.stdout, context.env),
    unit: options.unit,
    keyword: undefined,
    label,
    next: (command) => nextCommand(command, undefined, source),
  })
  context.stdout.write(`${text}\n`)
}
