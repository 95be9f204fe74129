/**
 * The names of all commands, from the program itself: a test of every command that has no case for one fails.
 */
import type { Command } from 'commander'
import { createWholeProgram } from '../../src/cli/program.ts'
import { makeContext } from './made-context.ts'

/** Those that do something, as `snapshot save`; without `completion`, which prints a script of its own. */
export async function everyCommand(): Promise<readonly string[]> {
  const names = (command: Command, before: readonly string[]): readonly string[] => {
    const path = [...before, command.name()]
    return command.commands.length === 0
      ? [path.join(' ')]
      : command.commands.flatMap((child) => names(child, path))
  }
  const program = await createWholeProgram(makeContext().context)
  return program.commands.flatMap((command) => names(command, []))
}
