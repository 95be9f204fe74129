/**
 * What the server tells the script of a page, as `pageData` makes it.
 */

export interface ChartData {
  readonly id: string
  readonly title: string
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  /** Bytes; `null` where none are known. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  readonly marks: readonly { readonly time: number; readonly label: string }[]
  readonly limit: { readonly bytes: number; readonly label: string } | null
}

export interface PageData {
  readonly charts: readonly ChartData[]
}
