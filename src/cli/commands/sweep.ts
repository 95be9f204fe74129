/**
 * `beamscope sweep`: a diagnosis of every node of a cluster, in a table with the worst first.
 */
import { Command, Option } from 'commander'
import { clusterTotals } from '../../analysis/cluster-totals.ts'
import { diagnose } from '../../analysis/diagnose.ts'
import { toJson } from '../../analysis/json.ts'
import { type Exceeded, exceeded } from '../../analysis/limits.ts'
import {
  compareSummaries,
  type NodeSummary,
  SWEEP_ORDERS,
  type SweepOrder,
  summarizeNode,
} from '../../analysis/node-summary.ts'
import { outliers } from '../../analysis/outliers.ts'
import type { Unit } from '../../analysis/unit.ts'
import { framed, jsonText } from '../../present/json.ts'
import { limitsText } from '../../present/limits.ts'
import { paperOf } from '../../present/paper.ts'
import { nodesText, sweepText } from '../../present/sweep.ts'
import { takeSnapshot } from '../../probe/take-snapshot.ts'
import { askCluster } from '../ask-cluster.ts'
import type { ClusterOptions } from '../cluster-options.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode } from '../exit-code.ts'
import { addFailOnOption, type FailOnOptions, isFailure } from '../fail-on.ts'
import { nextCommand } from '../next-command.ts'
import { parseRatio, parseRolePattern, parseSize } from '../option-values.ts'
import {
  addAllOption,
  addNodesOptions,
  addOutputOptions,
  type ConnectionOptions,
  type OutputOptions,
  type RowOptions,
  unitOption,
} from '../options.ts'
import { rowsOf } from '../rows.ts'
import { failureLine, jsonFailures, printDryRun, sourceLine } from '../sweep-output.ts'

interface SweepCommandOptions
  extends ConnectionOptions,
    ClusterOptions,
    FailOnOptions,
    OutputOptions,
    RowOptions {
  readonly unit?: Unit
  readonly sort: SweepOrder
  readonly role?: RegExp
  readonly maxWaste?: number
  readonly minUsage?: number
  readonly maxResident?: number
}

export function sweepCommand(context: Context): Command {
  const command = new Command('sweep').description(
    'Asks all nodes of a cluster at once, diagnoses each, and prints a table with the worst first, the ' +
      'sums, the nodes that differ from their peers, and those that did not answer, with the reason.',
  )
  addNodesOptions(addOutputOptions(command, context)).addOption(unitOption())
  addAllOption(command).addOption(
    new Option('--sort <by>', 'what the worst is').choices(SWEEP_ORDERS).default('waste'),
  )
  command.addOption(
    new Option(
      '--role <regexp>',
      'peers are nodes of one role: the first group in the name (default: the name before the @, ' +
        'without a number)',
    ).argParser(parseRolePattern),
  )
  addFailOnOption(command)
  for (const [flags, description, parse] of [
    ['--max-waste <size>', 'end with 1 if a node wastes more: 500MiB, 2GiB', parseSize],
    [
      '--min-usage <ratio>',
      'end with 1 if a node uses less of what is allocated: 0.5, 50%',
      parseRatio,
    ],
    ['--max-resident <size>', 'end with 1 if more of a node is resident', parseSize],
  ] as const) {
    command.addOption(new Option(flags, description).argParser((text: string) => parse(text)))
  }
  command.action((nodes: readonly string[], options: SweepCommandOptions) =>
    sweepAll(nodes, options, context),
  )
  return addExamples(
    command,
    [
      'beamscope sweep --cluster rabbit@myhost',
      'beamscope sweep --cluster rabbit@myhost --via rabbit@myhost --map myhost=127.0.0.1:9100',
      'beamscope sweep a@host1 b@host2 --fail-on fragmented --max-waste 1GiB --json',
      'beamscope sweep --dns shop.default.svc.cluster.local --alive shop --ndjson',
      'beamscope sweep --nodes-file nodes.txt --match "web*" --dry-run',
    ],
    'Nodes are named as arguments, by --cluster (a node, and those that it is connected to), ' +
      '--nodes-file, --epmd-host, --dns and --srv, all of which can be combined; each node is asked once. ' +
      'With --via alone it is that node and those that it is connected to.\n\n' +
      'waste is what carriers hold unused above the floor that an idle node has too; usage is used through ' +
      'allocated. A role needs three nodes that answered before one of them can differ.\n\n' +
      'Each node has --node-timeout, and all together have --timeout, after which the rest has failed. ' +
      'The exit code is 6 when a node or a source of names failed, unless --fail-on or a limit makes it 1. ' +
      'With --json it is one object, with "nodes", each as --ndjson prints it on a line of its own, ' +
      '"totals", "outliers", "exceeded", "failures" and "sources" (those that failed).',
  )
}

async function sweepAll(
  nodes: readonly string[],
  options: SweepCommandOptions,
  context: Context,
): Promise<void> {
  const takenAt = new Date().toISOString()
  const { json, ndjson, role, sort, unit, via } = options
  const summaries: NodeSummary[] = []
  const beyond: Exceeded[] = []
  const asked = await askCluster(nodes, options, context, {
    // All that is kept of a node is made at once, so that no snapshot waits to be taken.
    ask: async (node, left) => {
      const snapshot = await takeSnapshot(node, left())
      const diagnosis = diagnose(snapshot)
      const summary = summarizeNode(node.name, snapshot, diagnosis)
      return { summary, isFailure: isFailure(options, diagnosis) }
    },
    take: (result, write) => {
      if (result.status === 'failed') {
        if (ndjson) write(failureLine(result))
        return
      }
      const { summary, isFailure } = result.answer
      const found = exceeded(summary, options)
      if (isFailure || found.length > 0) context.exitCode = exitCode.finding
      beyond.push(...found)
      if (ndjson) write(jsonText(...nodeObject(summary)))
      else summaries.push(summary)
    },
  })
  if (options.dryRun) {
    printDryRun(asked, options, context)
    return
  }
  const { discovery, duration, failures } = asked
  if (ndjson) {
    for (const failure of discovery.failures) context.stdout.write(sourceLine(failure))
    return
  }
  summaries.sort(compareSummaries(sort))
  const totals = clusterTotals(summaries)
  const differing = outliers(summaries, { role })
  if (json) {
    const data = {
      command: 'sweep',
      nodes: summaries.map((summary) => framed(...nodeObject(summary))),
      totals: toJson(totals),
      outliers: toJson(differing),
      exceeded: toJson(beyond),
      ...jsonFailures(asked),
    }
    context.stdout.write(jsonText('sweep', { takenAt, unit: 'byte' }, data))
    return
  }
  const paper = paperOf(context.stdout, context.env)
  const report = {
    summaries,
    totals,
    outliers: differing,
    failures,
    sources: discovery.failures,
    duration,
  }
  const view = {
    paper,
    unit,
    label: nodesText(discovery.nodes.length) + (via === undefined ? '' : `, through ${via}`),
    order: sort,
    rows: rowsOf(options),
    next: (command: string, node: string) => nextCommand(command, node, options),
  }
  context.stdout.write(`${sweepText(report, view, limitsText(beyond, view))}\n`)
}

/** One object of JSON for each node, whatever it stands in. Sizes are in bytes. */
function nodeObject(summary: NodeSummary): Parameters<typeof framed> {
  const { node, takenAt, otpRelease, ...data } = summary
  return ['sweep-node', { node, takenAt, otpRelease, unit: 'byte' }, toJson(data)]
}
