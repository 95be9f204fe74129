/**
 * `beamscope report`: one HTML file that says all of a node, and needs nothing else.
 */
import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import manifest from '../../../package.json' with { type: 'json' }
import { type CarrierReport, carrierReports } from '../../analysis/carriers.ts'
import { diagnose } from '../../analysis/diagnose.ts'
import type { Holders } from '../../analysis/holders.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import { refuseExisting, writeFileAtomically } from '../../history/atomic-file.ts'
import { type NodePage, pageHtml } from '../../present/page/page.ts'
import { printable } from '../../present/printable.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { nextCommand } from '../next-command.ts'
import {
  addConnectionOptions,
  addSnapshotOption,
  addVerboseOption,
  DEFAULT_TIMEOUT,
  type TargetOptions,
} from '../options.ts'
import { readPageAssets } from '../page-assets.ts'
import {
  addPastOptions,
  checkMemoryLimit,
  type Past,
  type PastOptions,
  readPast,
  readTargetWithPast,
} from '../past.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'
import type { Target } from '../target.ts'
import { UsageError } from '../usage-error.ts'

interface ReportOptions extends TargetOptions, PastOptions {
  readonly output?: string
  readonly force?: true
  readonly deep?: true
  readonly carriers?: true
}

export function reportCommand(context: Context): Command {
  const command = new Command('report').description(
    'Writes one HTML file that says all of a node: the verdict in words, findings with what to try, ' +
      'where the memory is, what was held over time, allocators by instance, settings, and raw figures. ' +
      'It opens in any browser, asks nobody for anything, prints well, and can be sent to whoever does ' +
      'not know allocators.',
  )
  command.argument('[NODE...]', 'node name, as rabbit@myhost')
  addPastOptions(addVerboseOption(addConnectionOptions(addSnapshotOption(command)), context))
    .option('-o, --output <file>', 'file to write; - is standard output, the default for a pipe')
    .option('--force', 'overwrite the file if it is there')
    .option('--deep', 'ask every process and table how much it holds; needs a NODE')
    .option('--carriers', 'look into the carriers one by one, as `carriers` does; needs a NODE')
  command.action(([node, ...others]: readonly string[], options: ReportOptions) => {
    if (others.length > 0) {
      throw new UsageError('a report is of one node', {
        hint: 'make one for each; `beamscope sweep` compares many nodes',
      })
    }
    return report(node, options, context)
  })
  return addExamples(
    command,
    [
      'beamscope report rabbit@myhost -o report.html',
      'beamscope report rabbit@myhost --deep --carriers --timeout 30s -o report.html',
      'beamscope report --snapshot night.recording -o night.html',
      'beamscope report rabbit@myhost --earlier night.recording --memory-limit 8GiB -o report.html',
      'beamscope report --snapshot night.recording --at 03:40 | ssh desk "cat > night.html"',
    ],
    'Of a recording it draws what was held over time, up to the moment of --at. --deep and --carriers do ' +
      'more on the node than to read figures, as the help of `diagnose` and `carriers` says, and change ' +
      'nothing there. The file holds names of nodes, and with --deep those of processes and tables; no ' +
      'cookie, no message, and no data.',
  )
}

const STANDARD_OUTPUT = '-'

async function report(
  node: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<void> {
  const { force = false, output = STANDARD_OUTPUT } = options
  if (options.output === undefined && context.stdout.isTTY) {
    throw new UsageError('a page is nothing for a terminal', {
      hint: 'write it to a file, with -o report.html, or into a pipe',
    })
  }
  // Before the node is asked, and again when the file is written.
  if (output !== STANDARD_OUTPUT && !force) await refuseExisting(output)
  const page = await readPage(node, options, context)
  const text = pageHtml({
    title: `${page.diagnosis.verdict}: ${printable(page.snapshot.node ?? page.label)} – beamscope`,
    nodes: [page],
    madeAt: new Date().toISOString(),
    version: manifest.version,
    assets: await readPageAssets(),
  })
  if (output === STANDARD_OUTPUT) {
    context.stdout.write(text)
    return
  }
  const bytes = new TextEncoder().encode(text)
  await writeFileAtomically(output, bytes, { overwrite: force, signal: context.signal })
  context.stderr.write(
    `${printable(output)}: ${bytes.length} bytes, ${page.diagnosis.verdict}\n` +
      `Next: open ${pathToFileURL(output)} in a browser\n`,
  )
}

/** What is asked of a node, or read from a file. */
interface Examined extends Target {
  readonly past: Past
  readonly holders?: Holders
  readonly carriers?: readonly CarrierReport[]
}

async function readPage(
  node: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<NodePage> {
  const examined =
    options.deep || options.carriers
      ? await examine(node, options, context)
      : await readTargetWithPast(node, options, context)
  const { carriers, holders, label, past, snapshot }: Examined = examined
  checkMemoryLimit(options, past)
  const { memoryLimit } = options
  return {
    label,
    snapshot,
    diagnosis: diagnose(snapshot, { holders, memoryLimit, ...past }),
    moments: past.history?.moments ?? [],
    carriers,
    holders,
    next: (command) => nextCommand(command, node, options, ownWords(command, options)),
  }
}

/** What was asked for besides a snapshot, as far as the other command can be asked for it too. */
function ownWords(command: string, options: ReportOptions): readonly string[] {
  const { carriers, deep, earlier = [], memoryLimit, timeout } = options
  const isReport = command === 'report'
  if (!isReport && command !== 'diagnose') return []
  return [
    ...earlier.flatMap((file) => ['--earlier', file]),
    ...(memoryLimit === undefined ? [] : ['--memory-limit', `${memoryLimit}`]),
    ...(deep ? ['--deep'] : []),
    ...(carriers && isReport ? ['--carriers'] : []),
    ...((deep || carriers) && timeout !== undefined ? ['--timeout', `${timeout}ms`] : []),
  ]
}

/** Part of the time that is left for what comes after. */
const DEEP_SHARE = 0.9

/** A snapshot, and then at once whatever else was asked for, over the same connection. */
async function examine(
  node: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<Examined> {
  if (node === undefined || options.snapshot !== undefined) {
    throw new UsageError(
      `--${options.deep ? 'deep' : 'carriers'} needs a NODE, and no snapshot file`,
      {
        hint: 'a file does not hold what processes, tables and carriers say; name a live node',
      },
    )
  }
  const [{ withNode }, { takeSnapshot }, { probeHolders }, { probeCarriers }] = await Promise.all([
    import('../connect.ts'),
    import('../../probe/take-snapshot.ts'),
    import('../../probe/holders.ts'),
    import('../../probe/carriers.ts'),
  ])
  const work = withNode(node, options, context, async ({ remote, left }) => {
    const snapshot: Snapshot = await takeSnapshot(remote, left())
    const scan = options.carriers ? await probeCarriers(remote, {}, left()) : undefined
    const { timeout = DEFAULT_TIMEOUT, signal } = left()
    const waiting = { timeout: Math.max(1, timeout * DEEP_SHARE), signal }
    const { otpRelease } = snapshot
    const holders = options.deep ? await probeHolders(remote, { otpRelease }, waiting) : undefined
    return {
      snapshot,
      ...(scan && { carriers: carrierReports(scan) }),
      ...(holders && { holders }),
    }
  })
  return about(node, async () => {
    const examined = await withSpinner(context, `asking ${node}`, work)
    const target = { ...examined, format: undefined, label: node }
    return { ...target, past: await readPast(target, options.earlier ?? [], context) }
  })
}
