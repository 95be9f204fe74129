/**
 * `beamscope carriers`: `instrument:carriers/1`, where the node has it.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { carrierReports } from '../../analysis/carriers.ts'
import { toJson } from '../../analysis/json.ts'
import type { Unit } from '../../analysis/unit.ts'
import { carriersText } from '../../present/carriers.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import {
  MAX_HISTOGRAM_START,
  MAX_HISTOGRAM_WIDTH,
  probeCarriers,
  SCANNED_ALLOCATORS,
} from '../../probe/carriers.ts'
import { withNode } from '../connect.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { nextCommand } from '../next-command.ts'
import {
  type AllocatorOptions,
  addAllocatorOption,
  addConnectionOptions,
  addOutputOptions,
  type ConnectionOptions,
  type OutputOptions,
  type RowOptions,
  unitOption,
} from '../options.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'

interface CarriersCommandOptions
  extends ConnectionOptions,
    OutputOptions,
    AllocatorOptions,
    RowOptions {
  readonly scheduler?: readonly number[]
  readonly histogramStart?: number
  readonly histogramWidth?: number
  readonly unit?: Unit
}

/** Of the emulator (`+S`). */
const MAX_SCHEDULERS = 1024

export function carriersCommand(context: Context): Command {
  const command = new Command('carriers')
    .description(
      'Looks into the carriers one by one: how full they are, how many blocks of which kind keep the ' +
        'sparse ones, and which sizes of holes they have. It runs instrument:carriers/1 on the node, ' +
        'which is more than a snapshot: the schedulers walk through their carriers, in small steps, and ' +
        'the node loads the module instrument if it has not yet. Nothing else changes there.',
    )
    .argument('<NODE>', 'node name, as rabbit@myhost')
  addConnectionOptions(addOutputOptions(command, context))
  addAllocatorOption(command, SCANNED_ALLOCATORS)
    .option('--all', 'show the histograms of every allocator')
    .addOption(unitOption())
    .addOption(
      new Option(
        '--scheduler <number>',
        'of this scheduler alone, 0 for the global instance; repeatable',
      ).argParser((text, before: readonly number[] = []) => [
        ...before,
        wholeNumber(text, 0, MAX_SCHEDULERS),
      ]),
    )
    .addOption(
      new Option(
        '--histogram-start <bytes>',
        'half of where the first size of free blocks ends (default: 512)',
      ).argParser((text) => wholeNumber(text, 1, MAX_HISTOGRAM_START)),
    )
    .addOption(
      new Option(
        '--histogram-width <number>',
        'how many sizes of free blocks to tell apart (default: 14)',
      ).argParser((text) => wholeNumber(text, 1, MAX_HISTOGRAM_WIDTH)),
    )
  command.action((node: string, options: CarriersCommandOptions) =>
    about(node, () => carriers(node, options, context)),
  )
  return addExamples(
    command,
    [
      'beamscope carriers rabbit@myhost',
      'beamscope carriers rabbit@myhost --allocator binary_alloc --histogram-start 64',
      "beamscope carriers rabbit@myhost --json | jq '.data.allocators[] | {allocator, pinned}'",
    ],
    'The node needs the module instrument: of the application runtime_tools from OTP 26 on, of tools ' +
      'before. A carrier is given back only when it is empty, so few blocks can pin much memory: bad are ' +
      'many carriers at 0–5% and much held by pinned ones. In JSON, data has "ran" (what ran on the ' +
      'node), "histogram_start", "histogram_width", "missing" and "allocators", each with "carriers", ' +
      '"counted" (how many it says it has), "size", "used", "usage", "unscanned", "pool", "empty", ' +
      '"pinned" (with "below", "blocks" and "by_type"), "usage_histogram" ("from" and "to" are ratios) ' +
      'and "free_blocks" ("from" and "to" are bytes, "to" is null in the last); sizes are bytes ' +
      'whatever --unit says.',
  )
}

async function carriers(
  node: string,
  options: CarriersCommandOptions,
  context: Context,
): Promise<void> {
  const { allocator, histogramStart, histogramWidth, scheduler, unit } = options
  const takenAt = new Date().toISOString()
  const work = withNode(node, options, context, ({ remote, left }) =>
    probeCarriers(
      remote,
      {
        ...(allocator === undefined ? {} : { allocators: [allocator] }),
        ...(scheduler === undefined ? {} : { schedulers: scheduler }),
        ...(histogramStart === undefined ? {} : { histogramStart }),
        ...(histogramWidth === undefined ? {} : { histogramWidth }),
      },
      left(),
    ),
  )
  const scan = await withSpinner(context, `asking ${node}`, work)
  const { otpRelease } = scan
  if (options.json) {
    const { ran, missing } = scan
    const data = {
      ran,
      histogramStart: scan.histogramStart,
      histogramWidth: scan.histogramWidth,
      allocators: carrierReports(scan),
      missing,
    }
    context.stdout.write(
      jsonText('carriers', { node, takenAt, otpRelease, unit: 'byte' }, toJson(data)),
    )
    return
  }
  const text = carriersText(
    scan,
    { node, takenAt, otpRelease, schedulers: undefined },
    {
      paper: paperOf(context.stdout, context.env),
      unit,
      keyword: undefined,
      label: node,
      next: (other) => nextCommand(other, node, options),
    },
    options.all === true,
  )
  context.stdout.write(`${text}\n`)
}

function wholeNumber(text: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (number < least || number > most) {
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  }
  return number
}
