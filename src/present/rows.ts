/**
 * Which rows of a long table are shown: a node of 64 schedulers has 585 instances.
 */

export interface Rows {
  /** All that are wanted, however many. */
  readonly all: boolean
  isWanted(row: { readonly allocator: string }): boolean
}

/** What fits a terminal with the explanation below; tables begin with the worst. */
const SHOWN = 20

/**
 * Splits off what would only make the table long. Rows that do not begin with the most important one get
 * an `order` in which they would.
 */
export function shorten<Row>(
  rows: readonly Row[],
  { all }: Rows,
  order?: (left: Row, right: Row) => number,
): { readonly shown: readonly Row[]; readonly hidden: readonly Row[] } {
  if (all || rows.length <= SHOWN) return { shown: rows, hidden: [] }
  const ordered = order === undefined ? rows : [...rows].sort(order)
  return { shown: ordered.slice(0, SHOWN), hidden: ordered.slice(SHOWN) }
}
