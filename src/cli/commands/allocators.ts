/**
 * `beamscope allocators`: `recon_alloc:allocators/0` and `recon_alloc:allocators(types)`.
 */
import type { Command } from 'commander'
import { toJson } from '../../analysis/json.ts'
import { settings } from '../../analysis/settings.ts'
import { UTIL_ALLOCATORS } from '../../analysis/util-allocators.ts'
import { allocatorsText } from '../../present/allocators.ts'
import { allocatorsJson } from '../../present/command-json.ts'
import { settingsText } from '../../present/settings.ts'
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

/** Those of recon's figures, and what is in a snapshot beside them. */
const NAMES = [...UTIL_ALLOCATORS, 'literal_alloc', 'mseg_alloc', 'sys_alloc', 'erts_mmap']

interface AllocatorsOptions extends AnalysisOptions, AllocatorOptions, KeywordOptions {
  readonly settings?: true
}

export function allocatorsCommand(context: Context): Command {
  const command = analysisCommand(
    'allocators',
    'Everything that the allocators say of themselves, by instance and with the instances of each ' +
      'added up: what recon_alloc:allocators/0 and allocators(types) answer.',
    context,
  )
  addAllocatorOption(addKeywordOptions(command), NAMES)
  command.option(
    '--settings',
    'show the settings in force instead, the defaults, and the flags that set them',
  )
  command.action((nodes: readonly string[], options: AllocatorsOptions) => {
    const rows = rowsOf(options)
    return show('allocators', nodes, options, context, {
      json: (snapshot, unit) =>
        options.settings
          ? toJson({ settings: settings(snapshot).filter(rows.isWanted) })
          : allocatorsJson(snapshot, unit, rows.isWanted),
      text: (snapshot, view) =>
        options.settings
          ? settingsText(snapshot, view, rows)
          : allocatorsText(snapshot, view, rows),
    })
  })
  return addExamples(
    command,
    [
      'beamscope allocators rabbit@myhost',
      'beamscope allocators rabbit@myhost --allocator eheap_alloc --max',
      'beamscope allocators rabbit@myhost --settings',
      "beamscope allocators --snapshot node.etf --json | jq '.data.types[].options'",
    ],
    'People see one line for each allocator; --json has every counter and every effective ' +
      'option, by instance under "instances" and added up under "types". With --settings both ' +
      'show the settings in force, in bytes whatever --unit says, beside those of a node without any ' +
      `flag.\n\n${MAXIMA_HELP}`,
  )
}
