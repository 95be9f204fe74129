/**
 * Memory that is on its way back to the operating system, and still counts as resident.
 */
import { accountingLine } from '../accounting.ts'
import { type Examination, type Finding, sizeInWords } from '../finding.ts'
import { compare } from '../integer.ts'
import { cacheRemedies } from '../remedies.ts'

/**
 * Segments that were freed wait in a cache to be used again. Of the oldest, one goes each second, so a
 * quiet node has none after about 15 s: measured after a heap of 570 MiB had been freed, on OTP 23, 25
 * and 29.
 */
export function msegCache({ accounting, thresholds }: Examination): readonly Finding[] {
  const { bytes, source } = accountingLine(accounting, 'mseg_cache')
  if (bytes === undefined || compare(bytes, thresholds.cache) < 0) return []
  return [
    {
      id: 'mseg-cache',
      severity: 'info',
      allocator: 'mseg_alloc',
      summary:
        `The cache of mseg_alloc keeps ${sizeInWords(bytes)} of freed segments: a quiet node gives them ` +
        'back within about 15 seconds, so look again before you look further.',
      bytes,
      verdict: undefined,
      evidence: [{ what: 'segments in the cache', value: bytes, unit: 'byte', source }],
      remedies: cacheRemedies(),
    },
  ]
}

/** `MADV_FREE` leaves pages where they are until the operating system is short of memory. */
export function lazyFree({ snapshot, accounting, thresholds }: Examination): readonly Finding[] {
  const { bytes, source } = accountingLine(accounting, 'lazy_free')
  if (bytes === undefined || compare(bytes, thresholds.lazyFree) < 0) return []
  return [
    {
      id: 'lazy-free',
      severity: 'info',
      allocator: undefined,
      summary:
        `${sizeInWords(bytes)} of the resident size are given back already: Linux counts these pages ` +
        'until it needs them for something else.',
      bytes,
      verdict: undefined,
      evidence: [
        { what: 'given back, and still counted', value: bytes, unit: 'byte', source },
        { what: 'resident', value: snapshot.os?.resident ?? 0, unit: 'byte', source },
      ],
      remedies: [],
    },
  ]
}
