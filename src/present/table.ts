/**
 * Tables of plain columns, without rules: they read well in a terminal, and in a pipe too.
 */
import { columnsOf } from './columns.ts'
import type { Paper } from './paper.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** What stands between two columns. */
const GAP = '  '

/** Colours are the caller's: a cell may hold their sequences, and is measured without. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { colors }: Paper,
): string {
  const lines = [columns.map(({ title }) => colors.bold(title)), ...rows].map((cells) =>
    cells.map((text) => ({ text, width: columnsOf(text) })),
  )
  const widths = columns.map((_, index) =>
    lines.reduce((widest, cells) => Math.max(widest, cells[index]?.width ?? 0), 0),
  )
  return lines
    .map((cells) =>
      columns
        .map(({ align }, index) => {
          const { text, width } = cells[index] ?? { text: '', width: 0 }
          const space = ' '.repeat((widths[index] ?? 0) - width)
          return align === 'right' ? space + text : text + space
        })
        .join(GAP)
        .trimEnd(),
    )
    .join('\n')
}
