/**
 * Memory that is on its way back to the operating system: the cache of segments, and pages that still
 * count as resident.
 */
import { accountingLine } from '../accounting.ts'
import { cacheHitRates } from '../cache-hit-rates.ts'
import {
  type Evidence,
  type Examination,
  type Finding,
  ratioInWords,
  sizeInWords,
} from '../finding.ts'
import { compare, subtract, sum } from '../integer.ts'
import { LAZY_FREE_NO_HELP } from '../no-help.ts'
import { cacheRemedies, hitRateRemedies, lazyFreeRemedies } from '../remedies.ts'
import { asNumber } from '../settings.ts'
import type { Integer, OptionValue, Snapshot } from '../snapshot.ts'
import type { Thresholds } from '../thresholds.ts'
import { usage } from '../usage.ts'

/**
 * Segments that were freed wait in a cache to be used again. Of the oldest, one goes each second, so a
 * quiet node has none after about 15 s: measured after a heap of 570 MiB had been freed, on OTP 23, 25
 * and 29.
 */
export function msegCache({ accounting, snapshot, thresholds }: Examination): readonly Finding[] {
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
      // Where the cache is too small for the load, a smaller one is no remedy.
      remedies: isCacheTooSmall(snapshot, thresholds) ? [] : cacheRemedies(),
    },
  ]
}

/** How often a segment came from the cache, since the start. */
export function lowCacheHitRate({ snapshot, thresholds }: Examination): readonly Finding[] {
  if (!isCacheTooSmall(snapshot, thresholds)) return []
  const { hits, calls } = segmentCalls(snapshot)
  const [worst] = cacheHitRates(snapshot)
  const rate = usage(hits, calls)
  const source = 'erlang:system_info({allocator, mseg_alloc})'
  return [
    {
      id: 'low-cache-hit-rate',
      severity: 'info',
      allocator: 'mseg_alloc',
      summary:
        `Of ${String(calls)} segments asked for since the start, ${ratioInWords(rate)} came from the cache: the ` +
        'others were mapped anew, and as many unmapped, which is a system call each and page faults after.',
      bytes: undefined,
      verdict: undefined,
      evidence: [
        {
          what: 'hit rate of all instances',
          value: rate,
          unit: 'ratio',
          source: `${source}: cache_hits / calls of mseg_alloc`,
        },
        { what: 'segments asked for', value: calls, unit: 'count', source: `${source}: calls` },
        {
          what: 'of these from the cache',
          value: hits,
          unit: 'count',
          source: `${source}: cache_hits`,
        },
        ...(worst === undefined
          ? []
          : [
              {
                what: `hit rate of the worst instance, ${worst.instance}`,
                value: Math.min(1, worst.hitRate),
                unit: 'ratio' as const,
                source: `${source}: instance ${worst.instance}`,
              },
            ]),
        ...snapshot.mseg.slice(0, 1).flatMap(({ options }): readonly Evidence[] => {
          const kept = asNumber(options.mcs)
          if (kept === undefined) return []
          const from = `${source}: options, mcs`
          return [{ what: 'segments kept, at most', value: kept, unit: 'count', source: from }]
        }),
      ],
      remedies: hitRateRemedies(snapshot),
    },
  ]
}

function isCacheTooSmall(snapshot: Snapshot, thresholds: Thresholds): boolean {
  const { hits, calls } = segmentCalls(snapshot)
  return (
    compare(calls, thresholds.segmentCalls) >= 0 && usage(hits, calls) < thresholds.cacheHitRate
  )
}

function segmentCalls(snapshot: Snapshot): { readonly hits: Integer; readonly calls: Integer } {
  const rates = cacheHitRates(snapshot)
  return { hits: sum(rates.map(({ hits }) => hits)), calls: sum(rates.map(({ calls }) => calls)) }
}

/**
 * `MADV_FREE` leaves pages where they are until the operating system is short of memory. OTP 22 to 24 free
 * pages of every carrier in the pool so, 25.0 and 25.1 none; since 25.1.2 `acful` says from which use on.
 */
export function lazyFree({ snapshot, accounting, thresholds }: Examination): readonly Finding[] {
  const { bytes, source } = accountingLine(accounting, 'lazy_free')
  if (bytes === undefined || compare(bytes, thresholds.lazyFree) < 0) return []
  const resident = snapshot.os?.resident ?? 0
  const isAsked = snapshot.allocators.some(({ options }) => compareOption(options.acful) > 0)
  return [
    {
      id: 'lazy-free',
      severity: 'info',
      allocator: undefined,
      summary:
        `${sizeInWords(bytes)} of the resident size are given back already: Linux counts these pages ` +
        'until it needs them for something else. ' +
        (isAsked
          ? 'acful asked for that.'
          : 'OTP 22 to 24 do so with free pages of carriers in the pool.'),
      bytes,
      verdict: undefined,
      evidence: [
        { what: 'given back, and still counted', value: bytes, unit: 'byte', source },
        { what: 'resident', value: resident, unit: 'byte', source },
        {
          what: 'resident without them',
          value: subtract(resident, bytes),
          unit: 'byte',
          source: 'the difference of these',
        },
      ],
      remedies: isAsked ? lazyFreeRemedies(snapshot) : [],
      noHelp: LAZY_FREE_NO_HELP,
    },
  ]
}

function compareOption(value: OptionValue | undefined): number {
  return compare(asNumber(value) ?? 0, 0)
}
