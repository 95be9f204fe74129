/**
 * The part of a command's help that stands below the options.
 */
import type { Command } from 'commander'
import { wrap } from '../present/prose.ts'

const WIDTH = 80

function paragraphs(text: string): readonly string[] {
  return [
    text
      .split('\n\n')
      .map((paragraph) => wrap(paragraph, WIDTH))
      .join('\n\n'),
  ]
}

/** Adds what the figures mean, if they need it, and examples that can be typed as they stand. */
export function addExamples(
  command: Command,
  examples: readonly string[],
  explanation?: string,
): Command {
  return command.addHelpText(
    'after',
    [
      ...(explanation === undefined ? [] : ['', ...paragraphs(explanation)]),
      '',
      'Examples:',
      ...examples.map((example) => `  $ ${example}`),
      '',
      'Exit codes and environment variables: beamscope --help',
    ].join('\n'),
  )
}
