/**
 * The table for people: a line for each peer, under the heading of what is compared.
 */
import type { Comparison, Measurement, Reach, Row, Unit } from './row.ts'
import type { Summary } from './statistics.ts'

const HEAD = ['what', 'against', 'ours', 'theirs', 'ratio', 'spread', 'reach', ''] as const

/** Columns from here on are figures. */
const FIRST_FIGURE = 2

/** Text, with a heading for each group and what is absent at the end. */
export function formatTable(rows: readonly Row[]): string {
  const lines = rows.filter((it) => it.kind !== 'absent').map(cells)
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...lines.map((it) => it[column]?.length ?? 0)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) => {
        const width = widths[column] ?? 0
        const isFigure = column >= FIRST_FIGURE && column < HEAD.length - 1
        return isFigure ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  const remarks = rows.flatMap((it) =>
    it.kind !== 'absent' && it.remark !== undefined
      ? [`${[it.group, it.against].filter(Boolean).join(', ')}: ${it.remark}`]
      : [],
  )
  const absent = rows.flatMap((it) =>
    it.kind === 'absent' ? [`${it.what}, ${it.against}: ${it.reason}`] : [],
  )
  return [
    line(HEAD),
    ...lines.map(line),
    ...list('* Remarks', remarks),
    ...list('Not measured', absent),
    '',
  ].join('\n')
}

function list(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : ['', title, ...[...new Set(items)].map((it) => `- ${it}`)]
}

function cells(row: Comparison | Measurement): readonly string[] {
  return row.kind === 'comparison'
    ? [
        row.what,
        // Below the table stands what is to be said of it.
        row.remark === undefined ? row.against : `${row.against} *`,
        formatFigure(row.ours.median, row.unit),
        formatFigure(row.theirs.median, row.unit),
        formatRatio(row.ratio.median),
        formatSpread(row.ratio),
        formatReach(row.reach),
        formatReached(row.isReached),
      ]
    : [
        row.what,
        row.against ?? '',
        formatFigure(row.value, row.unit),
        '',
        row.ratio === undefined ? '' : formatRatio(row.ratio),
        '',
        row.reach === undefined ? '' : formatReach(row.reach),
        formatReached(row.isReached),
      ]
}

function formatReached(isReached: boolean | undefined): string {
  if (isReached === undefined) return ''
  return isReached ? 'reached' : 'MISSED'
}

function formatReach({ kind, value }: Reach): string {
  if (value === undefined) return ''
  return `${kind === 'at-least' ? '≥' : '≤'} ${value}`
}

function formatRatio(ratio: number): string {
  return `${threeDigits(ratio)} ×`
}

/** The quartiles, in percent of the median. */
function formatSpread({ median, lower, upper }: Summary): string {
  const percent = (value: number): string => `${Math.round(Math.abs(value / median - 1) * 100)}`
  return `−${percent(lower)} +${percent(upper)} %`
}

export function formatFigure(value: number, unit: Unit): string {
  switch (unit) {
    case 'nanoseconds':
      return scaled(value, ['ns', 'µs', 'ms', 's'], 1000)
    case 'bytes':
      return scaled(value, ['B', 'KiB', 'MiB', 'GiB'], 1024)
    case 'count':
      return threeDigits(value)
  }
}

function scaled(value: number, units: readonly string[], base: number): string {
  let rest = value
  let index = 0
  for (; rest >= base && index < units.length - 1; index++) rest /= base
  return `${threeDigits(rest)} ${units[index]}`
}

function threeDigits(value: number): string {
  if (value >= 100) return Math.round(value).toString()
  return value.toPrecision(3)
}
