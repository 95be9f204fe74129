/**
 * Tables of a terminal that is looked at: as many columns as fit, in the same places from one sample to the next.
 */
import { columnsOf, type Line, padEnd, padStart, type Span, spaces, span } from './cells.ts'

export interface TableColumn<Item> {
  readonly title: string
  readonly align: 'left' | 'right'
  /** Columns that it takes at least, so that it stays where it is when figures change. */
  readonly atLeast?: number
  /** The lowest is the first to go where there is no room; without one it stays. */
  readonly rank?: number
  cell(item: Item): Span
}

/** The last column, which takes all that is left: drawn to its width. */
export interface DrawnColumn<Item> {
  /** The first that fits is taken. */
  readonly titles: readonly string[]
  readonly atLeast: number
  cell(item: Item, columns: number): Span
}

export interface TableLayout<Item> {
  readonly header: Line
  line(item: Item): Line
}

/** Between two columns. */
const GAP = 2

/** For rows that are no wider than `width`; cells are cut by whoever shows them if even so they are. */
export function layOut<Item>(
  items: readonly Item[],
  all: readonly TableColumn<Item>[],
  width: number,
  dim: (text: string) => string,
  drawn?: DrawnColumn<Item>,
): TableLayout<Item> {
  const sized = all.map((column) => ({
    column,
    width: Math.max(
      column.atLeast ?? 0,
      columnsOf(column.title),
      ...items.map((item) => columnsOf(column.cell(item).text)),
    ),
  }))
  const total = (): number => sized.reduce((sum, it) => sum + it.width + GAP, -GAP)
  while (total() > width) {
    const ranks = sized.flatMap(({ column }) => column.rank ?? [])
    if (ranks.length === 0) break
    const lowest = Math.min(...ranks)
    sized.splice(
      sized.findIndex(({ column }) => column.rank === lowest),
      1,
    )
  }
  const left = width - total() - GAP
  const drawing = drawn !== undefined && left >= drawn.atLeast ? drawn : undefined
  const titles = drawing?.titles ?? []
  const title = titles.find((it) => columnsOf(it) <= left) ?? ''
  const inPlace = ({ column, width }: (typeof sized)[number], { text, paint }: Span): Span => ({
    text: column.align === 'left' ? padEnd(text, width) : padStart(text, width),
    paint,
  })
  const joined = (cells: readonly Span[]): Line =>
    cells.flatMap((cell, index) => (index === 0 ? [cell] : [{ text: spaces(GAP) }, cell]))
  return {
    header: joined([
      ...sized.map((it) => inPlace(it, span(it.column.title, dim))),
      ...(drawing === undefined ? [] : [span(title, dim)]),
    ]),
    line: (item) =>
      joined([
        ...sized.map((it) => inPlace(it, it.column.cell(item))),
        ...(drawing === undefined ? [] : [drawing.cell(item, left)]),
      ]),
  }
}

/** So many items around the selected one, and where they begin. */
export function windowOf<Item>(
  items: readonly Item[],
  selected: number,
  height: number,
): { readonly start: number; readonly visible: readonly Item[] } {
  const start = Math.max(0, Math.min(selected - Math.floor(height / 2), items.length - height))
  return { start, visible: items.slice(start, start + Math.max(0, height)) }
}
