/**
 * `beamscope memory`: `recon_alloc:memory/1,2` under all its keys.
 */
import type { Command } from 'commander'
import { memoryJson } from '../../present/command-json.ts'
import { memoryText } from '../../present/memory.ts'
import { MAXIMA_HELP } from '../../present/view.ts'
import { analysisCommand, show } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import {
  type AnalysisOptions,
  addAllOption,
  addKeywordOptions,
  type KeywordOptions,
  type RowOptions,
} from '../options.ts'
import { rowsOf } from '../rows.ts'

export function memoryCommand(context: Context): Command {
  const command = addKeywordOptions(
    analysisCommand(
      'memory',
      'How much memory the allocators took from the operating system, how much of it is used, and ' +
        'who holds it: what recon_alloc:memory/2 answers under its six keys.',
      context,
    ),
  )
  addAllOption(command)
  command.action(
    (nodes: readonly string[], options: AnalysisOptions & KeywordOptions & RowOptions) =>
      show('memory', nodes, options, context, {
        json: memoryJson,
        text: (snapshot, view) => memoryText(snapshot, view, rowsOf(options)),
      }),
  )
  return addExamples(
    command,
    [
      'beamscope memory rabbit@myhost',
      'beamscope memory rabbit@myhost --unit megabyte --current',
      "beamscope memory rabbit@myhost --json | jq '.data.current.usage'",
    ],
    'allocated is what counts against a memory limit, used is what blocks of data take of ' +
      'it, unused is the rest and usage the ratio. allocated_types and allocated_instances ' +
      'break allocated down by allocator and by instance, of which each scheduler has one.' +
      `\n\n${MAXIMA_HELP}`,
  )
}
