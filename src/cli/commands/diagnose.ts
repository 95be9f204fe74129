/**
 * `beamscope diagnose`: the procedure of the book.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Diagnosis, diagnose } from '../../analysis/diagnose.ts'
import { SEVERITIES, type Severity, type Verdict } from '../../analysis/finding.ts'
import type { Holders } from '../../analysis/holders.ts'
import { toJson } from '../../analysis/json.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import { diagnosisText } from '../../present/diagnosis.ts'
import { holdersText } from '../../present/holders.ts'
import { analysisCommand, print } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode } from '../exit-code.ts'
import type { AnalysisOptions } from '../options.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'
import { readTarget, type Target } from '../target.ts'
import { UsageError } from '../usage-error.ts'

/** `healthy` is what nobody wants to fail on. */
const FAILING_VERDICTS = [
  'fragmented',
  'in-use',
  'outside-allocators',
  'oversized-carriers',
  'inconclusive',
] as const satisfies readonly Verdict[]

type FailOn = Severity | (typeof FAILING_VERDICTS)[number]

const FAIL_ON: readonly FailOn[] = [...SEVERITIES, ...FAILING_VERDICTS]

interface DiagnoseOptions extends AnalysisOptions {
  readonly deep?: true
  readonly earlier?: readonly string[]
  readonly failOn?: readonly FailOn[]
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
  command.option(
    '--earlier <file>',
    'an earlier snapshot of the same node, whose peaks count; repeatable',
    (file: string, before: readonly string[] = []) => [...before, file],
  )
  command.addOption(
    new Option(
      '--vm-args',
      'print the proposed flags alone, as lines for a vm.args file',
    ).conflicts('json'),
  )
  command.addOption(
    new Option(
      '--fail-on <what>',
      'end with 1 at a finding of this severity or a graver one, or at this verdict; repeatable ' +
        `(choices: ${FAIL_ON.join(', ')})`,
    ).argParser(parseFailOn),
  )
  command.action(async (node: string | undefined, options: DiagnoseOptions) => {
    const { holders, ...target } = options.deep
      ? await lookDeep(node, options, context)
      : { ...(await readTarget(node, options, context)), holders: undefined }
    const earlier = await readEarlier(options, target.snapshot, context)
    const judge = (snapshot: Snapshot): Diagnosis => {
      const diagnosis = diagnose(snapshot, { holders, earlier })
      if (options.failOn?.some((it) => applies(it, diagnosis))) context.exitCode = exitCode.finding
      return diagnosis
    }
    print('diagnose', node, target, options, context, {
      // Each figure of a diagnosis has a unit of its own, and sizes are in bytes.
      jsonUnit: 'byte',
      json: (snapshot) =>
        toJson(holders === undefined ? judge(snapshot) : { ...judge(snapshot), holders }),
      text: (snapshot, view) => {
        if (options.vmArgs) return judge(snapshot).vmArgs || NO_VM_ARGS
        const sections = holders === undefined ? [] : [holdersText(holders, view)]
        return diagnosisText(snapshot, judge(snapshot), view, sections)
      },
    })
  })
  return addExamples(
    command,
    [
      'beamscope diagnose rabbit@myhost',
      'beamscope diagnose rabbit@myhost --fail-on warning --json',
      'beamscope diagnose rabbit@myhost --deep --timeout 30s',
      'beamscope diagnose rabbit@myhost --vm-args > proposed.args',
      'beamscope diagnose --snapshot peak.terms',
      'beamscope diagnose rabbit@myhost --earlier monday.snapshot --earlier tuesday.snapshot',
    ],
    'Verdicts: healthy, fragmented (held in sparsely used carriers), in-use (large, and really ' +
      'used), outside-allocators (the operating system reports far more than the allocators hold), ' +
      'oversized-carriers (allocated beyond what is resident, by rounding), inconclusive. Sizes in ' +
      'JSON are bytes whatever --unit says.\n\n' +
      'The maxima that a node keeps were reached by each instance at a time of its own. With --earlier, ' +
      'usage at the peak is that of the snapshot in which an allocator used most, where it used more ' +
      'than now.\n\n' +
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

/** A snapshot, and then at once who holds memory, over the same connection. */
async function lookDeep(
  node: string | undefined,
  options: DiagnoseOptions,
  context: Context,
): Promise<Pick<Target, 'snapshot' | 'label'> & { readonly holders: Holders }> {
  if (node === undefined || options.snapshot !== undefined) {
    throw new UsageError('--deep needs a NODE, and no snapshot file', {
      hint: 'a file does not hold what processes and tables say; name a live node',
    })
  }
  const [{ probe }, { probeHolders }, { toSnapshot }, { withNode }] = await Promise.all([
    import('../../probe/probe.ts'),
    import('../../probe/holders.ts'),
    import('../../probe/raw-snapshot.ts'),
    import('../connect.ts'),
  ])
  return about(node, async () => {
    const work = withNode(node, options, context, async ({ remote, left }) => {
      const snapshot = toSnapshot(await probe(remote, left()))
      const { otpRelease } = snapshot
      const { timeout = options.timeout, signal } = left()
      const waiting = { timeout: Math.max(1, timeout * DEEP_SHARE), signal }
      return { snapshot, holders: await probeHolders(remote, { otpRelease }, waiting) }
    })
    return { ...(await withSpinner(context, `asking all processes of ${node}`, work)), label: node }
  })
}

/** @throws {UsageError} when one is of another node */
async function readEarlier(
  options: DiagnoseOptions,
  { node }: Snapshot,
  context: Context,
): Promise<readonly Snapshot[]> {
  const earlier: Snapshot[] = []
  for (const file of options.earlier ?? []) {
    const { snapshot } = await readTarget(undefined, { ...options, snapshot: file }, context)
    if (node !== undefined && snapshot.node !== undefined && snapshot.node !== node) {
      throw new UsageError(`${file} is of ${snapshot.node}, and not of ${node}`)
    }
    earlier.push(snapshot)
  }
  return earlier
}

function parseFailOn(text: string, before: readonly FailOn[] = []): readonly FailOn[] {
  const chosen = FAIL_ON.find((it) => it === text)
  if (chosen === undefined) {
    throw new InvalidArgumentError(`Allowed choices are ${FAIL_ON.join(', ')}.`)
  }
  return [...before, chosen]
}

function applies(failOn: FailOn, { findings, verdict }: Diagnosis): boolean {
  const least = SEVERITIES.find((severity) => severity === failOn)
  if (least === undefined) return verdict === failOn
  const level = SEVERITIES.indexOf(least)
  return findings.some(({ severity }) => SEVERITIES.indexOf(severity) >= level)
}
