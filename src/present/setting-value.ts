/**
 * The value of a setting, for people: always in a readable unit, whatever unit sizes are in; and who has it.
 */
import { UNLIMITED } from '../analysis/default-settings.ts'
import { unitOf } from '../analysis/flags.ts'
import type { OptionValue } from '../analysis/snapshot.ts'
import { formatCount, formatSize, NONE } from './figures.ts'
import { printable } from './printable.ts'

export function settingValue(name: string, value: OptionValue | undefined): string {
  if (value === undefined) return NONE
  if (value === UNLIMITED) return '∞'
  if (typeof value !== 'number' && typeof value !== 'bigint') return printable(String(value))
  switch (unitOf(name, value)) {
    case 'byte':
      return formatSize(value)
    case 'percent':
      return `${value}%`
    default:
      return formatCount(value)
  }
}

/** `0`, `1–8`, `0, 3–5`. */
export function instanceRanges(instances: readonly number[]): string {
  const sorted = [...instances].sort((left, right) => left - right)
  const parts: { first: number; last: number }[] = []
  for (const instance of sorted) {
    const part = parts.at(-1)
    if (part !== undefined && part.last + 1 === instance) part.last = instance
    else parts.push({ first: instance, last: instance })
  }
  return parts
    .map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`))
    .join(', ')
}
