/**
 * `beamscope diagnose`: the procedure of the book.
 */
import { type Command, Option } from 'commander'
import { type Diagnosis, diagnose } from '../../analysis/diagnose.ts'
import type { Holders } from '../../analysis/holders.ts'
import { type Json, toJson } from '../../analysis/json.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import type { Question } from '../../cluster/access.ts'
import { diagnosisText } from '../../present/diagnosis.ts'
import { holdersText } from '../../present/holders.ts'
import { printable } from '../../present/printable.ts'
import type { View } from '../../present/view.ts'
import { analysisCommand, print, refuseFile } from '../analysis-command.ts'
import { isSweep } from '../cluster-options.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode } from '../exit-code.ts'
import { addFailOnOption, type FailOnOptions, isFailure } from '../fail-on.ts'
import { type AnalysisOptions, DEFAULT_TIMEOUT } from '../options.ts'
import {
  addPastOptions,
  checkMemoryLimit,
  NO_PAST,
  type Past,
  type PastOptions,
  readPast,
  readTargetWithPast,
} from '../past.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'
import { UsageError } from '../usage-error.ts'

interface DiagnoseOptions extends AnalysisOptions, PastOptions, FailOnOptions {
  readonly deep?: true
  readonly vmArgs?: true
}

export function diagnoseCommand(context: Context): Command {
  const command = analysisCommand(
    'diagnose',
    'Says where the memory of a node went: how much is used, how much sits unused in which ' +
      'allocators, and what lies outside of them; why it thinks so; and what to try, at which price.',
    context,
  )
  command.option(
    '--deep',
    'ask every process and table how much it holds; needs a NODE, and changes nothing there',
  )
  addPastOptions(command)
  command.addOption(
    new Option(
      '--vm-args',
      'print the proposed flags alone, as lines for a vm.args file',
    ).conflicts('json'),
  )
  addFailOnOption(command)
  command.action((nodes: readonly string[], options: DiagnoseOptions) =>
    isSweep(nodes, options)
      ? diagnoseEach(nodes, options, context)
      : diagnoseOne(nodes[0], options, context),
  )
  return addExamples(
    command,
    [
      'beamscope diagnose rabbit@myhost',
      'beamscope diagnose rabbit@myhost --fail-on warning --json',
      'beamscope diagnose rabbit@myhost --deep --timeout 30s',
      'beamscope diagnose rabbit@myhost --vm-args > proposed.args',
      'beamscope diagnose --cluster rabbit@myhost --fail-on fragmented',
      'beamscope diagnose --snapshot peak.terms',
      'beamscope diagnose rabbit@myhost --earlier monday.snapshot --earlier tuesday.snapshot',
      'beamscope diagnose --snapshot day.recording --at 12:30 --memory-limit 8GiB',
      'beamscope diagnose rabbit@myhost --earlier day.recording',
    ],
    'Verdicts: healthy, fragmented (held in sparsely used carriers), in-use (large, and really ' +
      'used), outside-allocators (the operating system reports far more than the allocators hold), ' +
      'oversized-carriers (allocated beyond what is resident, by rounding), inconclusive. Sizes in ' +
      'JSON are bytes whatever --unit says.\n\n' +
      'The maxima that a node keeps were reached by each instance at a time of its own. With --earlier, ' +
      'usage at the peak is that of the snapshot in which an allocator used most, where it used more ' +
      'than now.\n\n' +
      'Of a recording, all counts that was recorded up to --at: when an allocator used most, when memory ' +
      'began to be wasted, what grows and how fast, and when the limit is reached: that of --memory-limit, ' +
      "else of the node's container or machine. With a NODE, --earlier names its recording.\n\n" +
      '--deep names the largest processes, the processes that refer to most binary memory, and the ' +
      'largest tables; in JSON they are under "holders". The node runs process_info/2 and ets:info/1 on ' +
      'all of them, in batches and in random order: when --timeout is near, it stops and says how many ' +
      'it has looked at. No message, row, dictionary or byte of a binary is read, and nothing is ' +
      'collected: what a collection would free (recon:bin_leak/1) is not told apart, since to find out ' +
      'changes the node.',
  )
}

/** A file with that alone is a `vm.args` too. */
const NO_VM_ARGS = '# Nothing is proposed that has to be set at the start.'

/** Part of the time that is left for the last answers, and to print. */
const DEEP_SHARE = 0.9

/** What a diagnosis is made of. */
interface Examined {
  readonly snapshot: Snapshot
  /** With `--deep`. */
  readonly holders: Holders | undefined
  readonly past: Past
}

async function diagnoseOne(
  node: string | undefined,
  options: DiagnoseOptions,
  context: Context,
): Promise<void> {
  const { label, snapshot, holders, past } = options.deep
    ? await lookDeep(node, options, context)
    : { ...(await readTargetWithPast(node, options, context)), holders: undefined }
  checkMemoryLimit(options, past)
  const examined = { snapshot, holders, past }
  const { json, text } = faces(options, context)
  print('diagnose', node, { snapshot, label }, options, context, {
    jsonUnit: 'byte',
    json: () => json(examined),
    text: (_, view) => text(examined, view),
  })
}

async function diagnoseEach(
  nodes: readonly string[],
  options: DiagnoseOptions,
  context: Context,
): Promise<void> {
  refuseFile(options)
  if (options.earlier !== undefined) throw new UsageError('--earlier goes with one NODE alone')
  checkMemoryLimit(options, NO_PAST)
  const { showEach } = await import('../show-each.ts')
  const { json, text } = faces(options, context)
  await showEach('diagnose', nodes, options, context, {
    jsonUnit: 'byte',
    ask: options.deep ? await deepQuestion() : await snapshotQuestion(),
    frame: ({ snapshot }) => snapshot,
    json,
    text: (examined, view) => {
      const whole = text(examined, view)
      return options.vmArgs ? `# ${printable(view.label)}\n${whole}` : whole
    },
  })
}

/** Each figure of a diagnosis has a unit of its own, and sizes are in bytes. */
function faces(
  options: DiagnoseOptions,
  context: Context,
): { json(examined: Examined): Json; text(examined: Examined, view: View): string } {
  const { memoryLimit } = options
  const judge = ({ snapshot, holders, past }: Examined): Diagnosis => {
    const diagnosis = diagnose(snapshot, { holders, memoryLimit, ...past })
    if (isFailure(options, diagnosis)) context.exitCode = exitCode.finding
    return diagnosis
  }
  return {
    json: (examined) => {
      const { holders } = examined
      return toJson(holders === undefined ? judge(examined) : { ...judge(examined), holders })
    },
    text: (examined, view) => {
      const { holders, snapshot } = examined
      const diagnosis = judge(examined)
      if (options.vmArgs) return diagnosis.vmArgs || NO_VM_ARGS
      const sections = holders === undefined ? [] : [holdersText(holders, view)]
      return diagnosisText(snapshot, diagnosis, view, sections)
    },
  }
}

async function snapshotQuestion(): Promise<Question<Examined>> {
  const { takeSnapshot } = await import('../../probe/take-snapshot.ts')
  return async (node, left) => ({
    snapshot: await takeSnapshot(node, left()),
    holders: undefined,
    past: NO_PAST,
  })
}

/** A snapshot, and then at once who holds memory, over the same connection. */
async function deepQuestion(): Promise<Question<Examined & { readonly holders: Holders }>> {
  const [{ probeHolders }, snapshotOf] = await Promise.all([
    import('../../probe/holders.ts'),
    snapshotQuestion(),
  ])
  return async (node, left) => {
    const examined = await snapshotOf(node, left)
    const { otpRelease } = examined.snapshot
    const { timeout = DEFAULT_TIMEOUT, signal } = left()
    const waiting = { timeout: Math.max(1, timeout * DEEP_SHARE), signal }
    return { ...examined, holders: await probeHolders(node, { otpRelease }, waiting) }
  }
}

async function lookDeep(
  node: string | undefined,
  options: DiagnoseOptions,
  context: Context,
): Promise<Examined & { readonly label: string }> {
  if (node === undefined || options.snapshot !== undefined) {
    throw new UsageError('--deep needs a NODE, and no snapshot file', {
      hint: 'a file does not hold what processes and tables say; name a live node',
    })
  }
  const [ask, { withNode }] = await Promise.all([deepQuestion(), import('../connect.ts')])
  return about(node, async () => {
    const work = withNode(node, options, context, ({ remote, left }) => ask(remote, left))
    const examined = await withSpinner(context, `asking all processes of ${node}`, work)
    const target = { ...examined, format: undefined, label: node }
    return { ...target, past: await readPast(target, options.earlier ?? [], context) }
  })
}
