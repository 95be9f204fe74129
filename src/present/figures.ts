/**
 * Figures as people read them: sizes with their unit, ratios as percentages, counts in groups of three.
 */
import type { Integer } from '../analysis/snapshot.ts'
import type { Amount, Unit } from '../analysis/unit.ts'

/** Stands for a figure that is not known, or that there is none of. */
export const NONE = '–'

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** Not by `Intl.NumberFormat`: to make one takes as long as all else that a command prints. */
function grouped(amount: Amount, fraction: number): string {
  const [whole = '', rest] = (
    typeof amount === 'bigint'
      ? `${amount}${fraction === 0 ? '' : `.${'0'.repeat(fraction)}`}`
      : amount.toFixed(fraction)
  ).split('.')
  const text = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  return rest === undefined ? text : `${text}.${rest}`
}

/**
 * A size for people. With a unit that the user chose, the amount is in that unit and stands there alone;
 * without, it is in bytes and gets the binary unit that leaves three significant digits: `98.2 MiB`.
 */
export function formatSize(amount: Amount, unit?: Unit): string {
  if (unit === 'byte') return formatCount(amount)
  if (unit !== undefined) return grouped(amount, 3)
  let rest = Number(amount)
  let index = 0
  // 999.5 would be rounded to four digits.
  while (Math.abs(rest) >= 999.5 && index < BINARY_UNITS.length - 1) {
    rest /= 1024
    index++
  }
  const fraction = index === 0 || Math.abs(rest) >= 99.95 ? 0 : Math.abs(rest) >= 9.995 ? 1 : 2
  // A mean of bytes may have a fraction too, which tells nobody anything.
  return `${rest.toFixed(fraction)} ${BINARY_UNITS[index] ?? ''}`
}

/** A count: `1,473,875,968`. */
export function formatCount(count: Integer): string {
  return grouped(count, 0)
}

/** The word for so many of them. */
export function plural(count: Integer, noun: string): string {
  return Number(count) === 1 ? noun : `${noun}s`
}

/** How many, and of what: `1 node`, `1,200 nodes`. */
export function counted(count: Integer, noun: string): string {
  return `${formatCount(count)} ${plural(count, noun)}`
}

/** A ratio of a part to a whole: `7.3%`. */
export function formatPercentage(ratio: number): string {
  return Number.isFinite(ratio) ? `${(ratio * 100).toFixed(1)}%` : '∞'
}

/** A ratio of two counts that are no parts of each other: `0.111`, `∞`. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '∞'
  return ratio === 0 ? '0' : ratio < 0.001 ? '<0.001' : ratio.toFixed(3)
}
