/**
 * Memory that the operating system counts and no allocator holds.
 */
import { type AccountingId, accountingLine, keptBySuperCarrier } from '../accounting.ts'
import {
  type Evidence,
  type Examination,
  type Finding,
  severityOf,
  sizeInWords,
} from '../finding.ts'
import { add, compare, divide, subtract, sum } from '../integer.ts'
import { OUTSIDE_NO_HELP } from '../no-help.ts'
import { outsideRemedies } from '../remedies.ts'

/**
 * What is outside at least: all carriers and cached segments are taken for resident although some are
 * not, so is what the super carrier keeps, and machine code counts twice, as it is mapped.
 */
export function outsideAllocators(examination: Examination): readonly Finding[] {
  const { snapshot, accounting, thresholds } = examination
  if (snapshot.os === undefined || snapshot.allocators.length === 0) return []
  const bytesOf = (id: AccountingId) => accountingLine(accounting, id).bytes ?? 0
  const { resident, source } = snapshot.os
  const swapped = snapshot.os.swapped ?? 0
  const code = bytesOf('machine_code')
  const kept = keptBySuperCarrier(snapshot)
  const bytes = subtract(
    add(resident, swapped),
    sum([bytesOf('allocated'), bytesOf('mseg_cache'), kept, code, code, thresholds.emulator]),
  )
  if (compare(bytes, thresholds.outside) < 0) return []
  if (divide(bytes, add(resident, swapped)) < thresholds.decisiveShare) return []
  const disabled = snapshot.disabled
  const line = (id: AccountingId, what: string): Evidence => ({
    what,
    value: bytesOf(id),
    unit: 'byte',
    source: accountingLine(accounting, id).source,
  })
  return [
    {
      id: 'outside-allocators',
      severity: severityOf(bytes, examination),
      allocator: undefined,
      summary:
        `Of ${sizeInWords(add(resident, swapped))} that the operating system reports, at least ` +
        `${sizeInWords(bytes)} lie outside the allocators: ` +
        (disabled.length === 0
          ? 'taken by a NIF, a driver or a library with malloc, or kept by malloc itself.'
          : `${disabled.join(' and ')} disabled, so that malloc serves in place and nothing tells how.`),
      bytes,
      verdict: 'outside-allocators',
      evidence: [
        {
          what: 'outside, at least',
          value: bytes,
          unit: 'byte',
          source: 'the difference of these',
        },
        { what: 'resident', value: resident, unit: 'byte', source },
        ...(swapped === 0
          ? []
          : [{ what: 'swapped out', value: swapped, unit: 'byte', source } as const]),
        line('allocated', 'carriers of the allocators'),
        line('mseg_cache', 'segments in the cache of mseg_alloc'),
        ...(kept === 0
          ? []
          : [
              {
                what: 'free in the super carrier and perhaps still resident, at most',
                value: kept,
                unit: 'byte',
                source: `segments_size of mseg_alloc: maxima − now, at most total − used of the super carrier`,
              } as const,
            ]),
        line('machine_code', 'machine code of the JIT, which counts twice'),
        {
          what: 'allowed for the emulator itself',
          value: thresholds.emulator,
          unit: 'byte',
          source: 'measured on idle nodes',
        },
      ],
      remedies: outsideRemedies(disabled),
      noHelp: OUTSIDE_NO_HELP,
    },
  ]
}
