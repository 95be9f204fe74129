/**
 * `beamscope cache-hit-rates`: `recon_alloc:cache_hit_rates/0`.
 */
import type { Command } from 'commander'
import { cacheHitRatesText } from '../../present/cache-hit-rates.ts'
import { cacheHitRatesJson } from '../../present/command-json.ts'
import { analysisCommand, show } from '../analysis-command.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { type AnalysisOptions, addAllOption, type RowOptions } from '../options.ts'
import { rowsOf } from '../rows.ts'

export function cacheHitRatesCommand(context: Context): Command {
  const command = addAllOption(
    analysisCommand(
      'cache-hit-rates',
      "How often a segment comes from mseg_alloc's cache rather than from the operating system: what " +
        'recon_alloc:cache_hit_rates/0 answers.',
      context,
    ),
  )
  command.action((nodes: readonly string[], options: AnalysisOptions & RowOptions) =>
    show('cache-hit-rates', nodes, options, context, {
      json: cacheHitRatesJson,
      text: (snapshot, view) => cacheHitRatesText(snapshot, view, rowsOf(options)),
    }),
  )
  return addExamples(
    command,
    [
      'beamscope cache-hit-rates rabbit@myhost',
      'beamscope cache-hit-rates --snapshot node.etf --json',
    ],
    'Below 80% with many calls, carriers are mapped and unmapped all the time: try +MMmcs 30.',
  )
}
