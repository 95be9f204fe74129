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

/** Splits off what would only make the table long. */
export function shorten<Row>(
  rows: readonly Row[],
  { all }: Rows,
): { readonly shown: readonly Row[]; readonly hidden: readonly Row[] } {
  const end = all ? rows.length : SHOWN
  return { shown: rows.slice(0, end), hidden: rows.slice(end) }
}
