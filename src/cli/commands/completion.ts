/**
 * `beamscope completion`: what a shell needs to complete command lines.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type RootCommand, script } from '@bomb.sh/tab'
import tab from '@bomb.sh/tab/commander'
import { Argument, Command } from 'commander'
import { addExamples } from '../examples.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Prints the script by which a shell completes commands, options and their values.')
    .addArgument(new Argument('<SHELL>', 'which shell').choices(SHELLS))
    .action((shell: string) => script(shell, 'beamscope', 'beamscope'))
  return addExamples(command, [
    'source <(beamscope completion bash)',
    'source <(beamscope completion zsh)',
    'beamscope completion fish > ~/.config/fish/completions/beamscope.fish',
  ])
}

/** What the scripts call, with the words that were typed; the last is the one to complete. */
export function completeCommand(createProgram: () => Promise<Command>): Command {
  return new Command('complete')
    .description('Prints the completions of a command line, for the scripts of `completion`.')
    .argument('[WORDS...]')
    .action(async (words: readonly string[]) => {
      const root = tab(await createProgram(), { completionCommandName: 'completion' })
      completeFiles(root, words.at(-1) ?? '')
      root.parse([...words])
    })
}

/** Of every option whose value is the name of a file. */
const FILE_OPTIONS = ['snapshot', 'cookie-file', 'output', 'nodes-file', 'ca', 'cert', 'key']

function completeFiles(root: RootCommand, typed: string): void {
  for (const command of root.commands.values()) {
    for (const name of FILE_OPTIONS) {
      const option = command.options.get(name)
      if (option !== undefined) {
        option.handler = (complete) => {
          for (const file of filesLike(typed)) complete(file, '')
        }
      }
    }
  }
}

function filesLike(typed: string): readonly string[] {
  const value = typed.slice(typed.indexOf('=') + 1)
  const folder = value.endsWith('/') ? value : dirname(value)
  const prefix = value.endsWith('/') ? value : value.slice(0, value.length - basename(value).length)
  try {
    return readdirSync(folder, { withFileTypes: true }).map(
      (entry) => `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}`,
    )
  } catch {
    // Nothing is there, or nothing that may be read.
    return []
  }
}
