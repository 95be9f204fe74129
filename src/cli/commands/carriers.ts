/**
 * `beamscope carriers`: `instrument:carriers/1`, where the node has it.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type CarrierScan, carrierReports } from '../../analysis/carriers.ts'
import { toJson } from '../../analysis/json.ts'
import type { Unit } from '../../analysis/unit.ts'
import type { Waiting } from '../../net/deadline.ts'
import { carriersText } from '../../present/carriers.ts'
import { jsonText } from '../../present/json.ts'
import {
  MAX_HISTOGRAM_START,
  MAX_HISTOGRAM_WIDTH,
  probeCarriers,
  SCANNED_ALLOCATORS,
} from '../../probe/carriers.ts'
import type { Callee } from '../../probe/probe.ts'
import { type ClusterOptions, isSweep } from '../cluster-options.ts'
import { withNode } from '../connect.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import {
  type AllocatorOptions,
  addAllocatorOption,
  addNodesOptions,
  addOutputOptions,
  type ConnectionOptions,
  type OutputOptions,
  type RowOptions,
  unitOption,
} from '../options.ts'
import type { EachFaces } from '../show-each.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'
import { UsageError } from '../usage-error.ts'
import { viewOf } from '../view-of.ts'

interface CarriersCommandOptions
  extends ConnectionOptions,
    ClusterOptions,
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
  const command = new Command('carriers').description(
    'Looks into the carriers one by one: how full they are, how many blocks of which kind keep the ' +
      'sparse ones, and which sizes of holes they have. It runs instrument:carriers/1 on the node, ' +
      'which is more than a snapshot: the schedulers walk through their carriers, in small steps, and ' +
      'the node loads the module instrument if it has not yet. Nothing else changes there.',
  )
  addNodesOptions(addOutputOptions(command, context))
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
  command.action(async (nodes: readonly string[], options: CarriersCommandOptions) => {
    const [node] = nodes
    if (isSweep(nodes, options)) {
      const { showEach } = await import('../show-each.ts')
      await showEach('carriers', nodes, options, context, {
        ...faces(options),
        ask: (remote, left) => examine(remote, options, left()),
      })
    } else if (node === undefined) {
      throw new UsageError('a NODE is missing', { hint: 'give a node name, as rabbit@myhost' })
    } else {
      await about(node, () => carriers(node, options, context))
    }
  })
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

interface Examined {
  readonly scan: CarrierScan
  readonly node: string
  readonly takenAt: string
}

async function examine(
  remote: Callee,
  options: CarriersCommandOptions,
  waiting: Waiting,
): Promise<Examined> {
  const { allocator, histogramStart, histogramWidth, scheduler } = options
  const takenAt = new Date().toISOString()
  const scan = await probeCarriers(
    remote,
    {
      ...(allocator === undefined ? {} : { allocators: [allocator] }),
      ...(scheduler === undefined ? {} : { schedulers: scheduler }),
      ...(histogramStart === undefined ? {} : { histogramStart }),
      ...(histogramWidth === undefined ? {} : { histogramWidth }),
    },
    waiting,
  )
  return { scan, node: remote.name, takenAt }
}

function faces(options: CarriersCommandOptions): Omit<EachFaces<Examined>, 'ask'> {
  return {
    jsonUnit: 'byte',
    frame: ({ scan: { otpRelease }, node, takenAt }) => ({ node, takenAt, otpRelease }),
    json: ({ scan }) =>
      toJson({
        ran: scan.ran,
        histogramStart: scan.histogramStart,
        histogramWidth: scan.histogramWidth,
        allocators: carrierReports(scan),
        missing: scan.missing,
      }),
    text: ({ scan, node, takenAt }, view) => {
      const { otpRelease } = scan
      const head = { node, takenAt, otpRelease, schedulers: undefined }
      return carriersText(scan, head, view, options.all === true)
    },
  }
}

async function carriers(
  node: string,
  options: CarriersCommandOptions,
  context: Context,
): Promise<void> {
  const work = withNode(node, options, context, ({ remote, left }) =>
    examine(remote, options, left()),
  )
  const examined = await withSpinner(context, `asking ${node}`, work)
  const { frame, json, text } = faces(options)
  context.stdout.write(
    options.json
      ? jsonText('carriers', { ...frame(examined), unit: 'byte' }, json(examined, 'byte'))
      : `${text(examined, viewOf(node, node, options, context))}\n`,
  )
}

function wholeNumber(text: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (number < least || number > most) {
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  }
  return number
}
