/**
 * The part of a command's help that stands below the options.
 */
import type { Command } from 'commander'
import { wrap } from '../present/prose.ts'

const WIDTH = 80

/** Adds what the figures mean, if they need it, and examples that can be typed as they stand. */
export function addExamples(
  command: Command,
  examples: readonly string[],
  explanation?: string,
): Command {
  return command.addHelpText(
    'after',
    [
      ...(explanation === undefined ? [] : ['', wrap(explanation, WIDTH)]),
      '',
      'Examples:',
      ...examples.map((example) => `  $ ${example}`),
      '',
      'Exit codes and environment variables: beamscope --help',
    ].join('\n'),
  )
}
