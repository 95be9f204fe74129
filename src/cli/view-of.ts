/**
 * How what is said of a node is to be shown, by the options of a command.
 */
import { paperOf } from '../present/paper.ts'
import type { View } from '../present/view.ts'
import type { Context } from './context.ts'
import { nextCommand } from './next-command.ts'
import { type AnalysisOptions, type KeywordOptions, keywordOf } from './options.ts'

/** `node` is `undefined` for a file; `label` is what people call it. */
export function viewOf(
  node: string | undefined,
  label: string,
  options: AnalysisOptions & KeywordOptions,
  context: Context,
): View {
  return {
    paper: paperOf(context.stdout, context.env),
    unit: options.unit,
    keyword: keywordOf(options),
    label,
    next: (other) => nextCommand(other, node, options),
  }
}
