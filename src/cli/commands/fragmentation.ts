/**
 * `beamscope fragmentation`: `recon_alloc:fragmentation/1`.
 */
import type { Command } from 'commander'
import { fragmentationJson } from '../../present/command-json.ts'
import { fragmentationText } from '../../present/fragmentation.ts'
import { MAXIMA_HELP } from '../../present/view.ts'
import { analysisCommand, show } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import {
  type AllocatorOptions,
  type AnalysisOptions,
  addAllOption,
  addAllocatorOption,
  addKeywordOptions,
  type KeywordOptions,
  type RowOptions,
} from '../options.ts'
import { rowsOf } from '../rows.ts'

export function fragmentationCommand(context: Context): Command {
  const command = analysisCommand(
    'fragmentation',
    'Which instances of which allocators hold much memory and use little of it, the worst first: ' +
      'what recon_alloc:fragmentation/1 answers.',
    context,
  )
  addAllOption(addAllocatorOption(addKeywordOptions(command)))
  command.action(
    (
      nodes: readonly string[],
      options: AnalysisOptions & AllocatorOptions & KeywordOptions & RowOptions,
    ) => {
      const rows = rowsOf(options)
      return show('fragmentation', nodes, options, context, {
        json: (snapshot, unit) => fragmentationJson(snapshot, unit, rows.isWanted),
        text: (snapshot, view) => fragmentationText(snapshot, view, rows),
      })
    },
  )
  return addExamples(
    command,
    [
      'beamscope fragmentation rabbit@myhost',
      'beamscope fragmentation rabbit@myhost --allocator binary_alloc --all',
      'beamscope fragmentation --snapshot peak.terms --max --unit megabyte',
    ],
    'Usage is blocks through carriers. Low now and high at max is fragmentation after a ' +
      'peak; low in both is how this load always is; low beside small carriers says nothing.' +
      `\n\n${MAXIMA_HELP}`,
  )
}
