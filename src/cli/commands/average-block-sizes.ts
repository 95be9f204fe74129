/**
 * `beamscope average-block-sizes`: `recon_alloc:average_block_sizes/1`.
 */
import type { Command } from 'commander'
import { averageBlockSizesText } from '../../present/average-block-sizes.ts'
import { averageBlockSizesJson } from '../../present/command-json.ts'
import { MAXIMA_HELP } from '../../present/view.ts'
import { analysisCommand, show } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import {
  type AllocatorOptions,
  type AnalysisOptions,
  addAllocatorOption,
  addKeywordOptions,
  type KeywordOptions,
} from '../options.ts'
import { rowsOf } from '../rows.ts'

export function averageBlockSizesCommand(context: Context): Command {
  const command = analysisCommand(
    'average-block-sizes',
    'The mean size of a block by allocator, in multiblock and in single-block carriers: what ' +
      'recon_alloc:average_block_sizes/1 answers.',
    context,
  )
  addAllocatorOption(addKeywordOptions(command))
  command.action(
    (nodes: readonly string[], options: AnalysisOptions & AllocatorOptions & KeywordOptions) => {
      const rows = rowsOf(options)
      return show('average-block-sizes', nodes, options, context, {
        json: (snapshot, unit) => averageBlockSizesJson(snapshot, unit, rows.isWanted),
        text: (snapshot, view) => averageBlockSizesText(snapshot, view, rows),
      })
    },
  )
  return addExamples(
    command,
    [
      'beamscope average-block-sizes rabbit@myhost',
      'beamscope average-block-sizes rabbit@myhost --allocator binary_alloc --json',
      'beamscope average-block-sizes --snapshot node.etf --unit kilobyte',
    ],
    'Carriers are dimensioned by these figures: a mean near the single-block threshold ' +
      '(sbct) means that few blocks share a carrier.' +
      `\n\n${MAXIMA_HELP}`,
  )
}
