/**
 * `beamscope diagnose`: the procedure of the book.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Diagnosis, diagnose } from '../../analysis/diagnose.ts'
import { SEVERITIES, type Severity, type Verdict } from '../../analysis/finding.ts'
import { toJson } from '../../analysis/json.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import { diagnosisText } from '../../present/diagnosis.ts'
import { analysisCommand, show } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode } from '../exit-code.ts'
import type { AnalysisOptions } from '../options.ts'

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
  readonly failOn?: readonly FailOn[]
}

export function diagnoseCommand(context: Context): Command {
  const command = analysisCommand(
    'diagnose',
    'Says where the memory of a node went: how much is used, how much sits unused in which ' +
      'allocators, and what lies outside of them; why it thinks so; and what to try, at which price.',
    context,
  )
  command.addOption(
    new Option(
      '--fail-on <what>',
      'end with 1 at a finding of this severity or a graver one, or at this verdict; repeatable ' +
        `(choices: ${FAIL_ON.join(', ')})`,
    ).argParser(parseFailOn),
  )
  command.action((node: string | undefined, options: DiagnoseOptions) => {
    const judge = (snapshot: Snapshot): Diagnosis => {
      const diagnosis = diagnose(snapshot)
      if (options.failOn?.some((it) => applies(it, diagnosis))) context.exitCode = exitCode.finding
      return diagnosis
    }
    return show('diagnose', node, options, context, {
      // Each figure of a diagnosis has a unit of its own, and sizes are in bytes.
      jsonUnit: 'byte',
      json: (snapshot) => toJson(judge(snapshot)),
      text: (snapshot, view) => diagnosisText(snapshot, judge(snapshot), view),
    })
  })
  return addExamples(
    command,
    [
      'beamscope diagnose rabbit@myhost',
      'beamscope diagnose rabbit@myhost --fail-on warning --json',
      'beamscope diagnose --snapshot peak.terms',
    ],
    'Verdicts: healthy, fragmented (held in sparsely used carriers), in-use (large, and really ' +
      'used), outside-allocators (the operating system reports far more than the allocators hold), ' +
      'oversized-carriers (allocated beyond what is resident, by rounding), inconclusive. Sizes in ' +
      'JSON are bytes whatever --unit says.',
  )
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
