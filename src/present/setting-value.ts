/**
 * The value of a setting, for people: always in a readable unit, whatever unit sizes are in.
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
