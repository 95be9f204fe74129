/**
 * Tables of plain columns, without rules: they read well in a terminal, and in a pipe too.
 */
import CliTable from 'cli-table3'
import type { Paper } from './paper.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Colours are the caller's: a cell may hold their sequences, and is measured without. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { colors }: Paper,
): string {
  const cells = new CliTable({
    head: columns.map(({ title }) => colors.bold(title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_RULES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) cells.push([...row])
  return cells
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const NO_RULES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
