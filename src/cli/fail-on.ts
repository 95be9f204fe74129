/**
 * `--fail-on`: from what on a diagnosis is a failure of the command.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Diagnosis } from '../analysis/diagnose.ts'
import { SEVERITIES, type Severity, type Verdict } from '../analysis/finding.ts'

/** `healthy` is what nobody wants to fail on. */
const FAILING_VERDICTS: readonly Exclude<Verdict, 'healthy'>[] = [
  'fragmented',
  'in-use',
  'outside-allocators',
  'oversized-carriers',
  'inconclusive',
]

export type FailOn = Severity | Exclude<Verdict, 'healthy'>

const FAIL_ON: readonly FailOn[] = [...SEVERITIES, ...FAILING_VERDICTS]

export interface FailOnOptions {
  readonly failOn?: readonly FailOn[]
}

export function addFailOnOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--fail-on <what>',
      'end with 1 at a finding of this severity or a graver one, or at this verdict; repeatable ' +
        `(choices: ${FAIL_ON.join(', ')})`,
    ).argParser(parseFailOn),
  )
}

/** Whether the command has failed, by its options. */
export function isFailure({ failOn = [] }: FailOnOptions, diagnosis: Diagnosis): boolean {
  return failOn.some((it) => applies(it, diagnosis))
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
