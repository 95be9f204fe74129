/**
 * The part of a command's help that stands below the options.
 */
import type { Command } from 'commander'

/** Adds what the figures mean, if they need it, and examples that can be typed as they stand. */
export function addExamples(
  command: Command,
  examples: readonly string[],
  explanation: readonly string[] = [],
): Command {
  const paragraphs = explanation.map((paragraph) => `\n${paragraph}\n`).join('')
  const lines = examples.map((example) => `  $ ${example}\n`).join('')
  return command.addHelpText('after', `${paragraphs}\nExamples:\n${lines.trimEnd()}`)
}
