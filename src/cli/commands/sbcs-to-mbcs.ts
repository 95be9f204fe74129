/**
 * `beamscope sbcs-to-mbcs`: `recon_alloc:sbcs_to_mbcs/1`.
 */
import type { Command } from 'commander'
import { sbcsToMbcsJson } from '../../present/command-json.ts'
import { sbcsToMbcsText } from '../../present/sbcs-to-mbcs.ts'
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

export function sbcsToMbcsCommand(context: Context): Command {
  const command = analysisCommand(
    'sbcs-to-mbcs',
    'How many blocks have a carrier of their own for each block that shares one, the highest ratio ' +
      'first: what recon_alloc:sbcs_to_mbcs/1 answers.',
    context,
  )
  addAllOption(addAllocatorOption(addKeywordOptions(command)))
  command.action(
    (
      nodes: readonly string[],
      options: AnalysisOptions & AllocatorOptions & KeywordOptions & RowOptions,
    ) => {
      const rows = rowsOf(options)
      return show('sbcs-to-mbcs', nodes, options, context, {
        json: (snapshot, unit) => sbcsToMbcsJson(snapshot, unit, rows.isWanted),
        text: (snapshot, view) => sbcsToMbcsText(snapshot, view, rows),
      })
    },
  )
  return addExamples(
    command,
    [
      'beamscope sbcs-to-mbcs rabbit@myhost',
      'beamscope sbcs-to-mbcs rabbit@myhost --allocator binary_alloc --all',
      'beamscope sbcs-to-mbcs --snapshot node.etf --json',
    ],
    'Low is good: each single-block carrier is a call for a new segment. A high ratio means ' +
      'that much data is above the single-block threshold (sbct).' +
      `\n\n${MAXIMA_HELP}`,
  )
}
