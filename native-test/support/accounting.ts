/** What must hold of every accounting, whatever the node. */
import { expect } from 'vitest'
import {
  type Accounting,
  type AccountingLine,
  accountingLine,
} from '../../src/analysis/accounting.ts'

/**
 * Holds an accounting to its promise: what is known adds up to the resident size within 1 %, or the rest
 * stands there by name, with its exact figure.
 */
export function expectToAddUp(accounting: Accounting): void {
  expectPartsToAddUp(accounting.resident)
  const bytes = (id: Parameters<typeof accountingLine>[1]): number =>
    Number(accountingLine(accounting, id).bytes ?? 0)
  const resident = bytes('resident')
  expect(resident).toBeGreaterThan(0)
  const rest = resident - bytes('allocated') - bytes('mseg_cache') - bytes('machine_code')
  if (Math.abs(rest) > resident / 100) {
    const [named, other] =
      rest > 0
        ? (['unexplained', 'not_resident'] as const)
        : (['not_resident', 'unexplained'] as const)
    expect({ [named]: bytes(named), [other]: bytes(other) }).toEqual({ [named]: rest, [other]: 0 })
    expect(accountingLine(accounting, named).what).not.toBe('')
  }
  const held = accounting.allocators.map(({ allocated }) => Number(allocated))
  expect(held.reduce((left, right) => left + right, 0)).toBe(bytes('allocated'))
}

function expectPartsToAddUp({ id, bytes, parts }: AccountingLine): void {
  for (const part of parts) expectPartsToAddUp(part)
  if (bytes === undefined || parts.length === 0) return
  const known = parts.map((part) => Number(part.bytes ?? 0))
  expect({ [id]: known.reduce((left, right) => left + right, 0) }).toEqual({ [id]: Number(bytes) })
}
