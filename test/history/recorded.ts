/**
 * Recordings in memory, and series of snapshots to record.
 */
import fc from 'fast-check'
import { atom, ErlangMap, isList, map, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import { RecordScanner, type Scanned } from '../../src/history/record-scanner.ts'
import type { RecordingDamage } from '../../src/history/recording-error.ts'
import { HEADER } from '../../src/history/recording-format.ts'
import {
  type RecordedSample,
  SampleDecoder,
  SampleEncoder,
  type SampleFilter,
} from '../../src/history/recording-samples.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { rawSnapshotOf } from '../analysis/snapshots.ts'
import { answer, utilInstance } from '../probe/answers.ts'
import { arbitraryAllocators } from '../probe/arbitrary-allocators.ts'

export const START: number = Date.parse('2026-01-31T12:00:00.000Z')

/** A snapshot of a@b, so many samples of ten seconds after the first. */
export function sampleAt(index: number, parts: Partial<RawSnapshot> = {}): RawSnapshot {
  const counters = { carriers: index, carriersSize: [index * 4096, 2 ** 40 + index, 2n ** 60n] }
  return {
    ...rawSnapshotOf([answer('ets_alloc', [utilInstance(0, { mbcs: figures(counters) })])]),
    node: 'a@b',
    takenAt: new Date(START + index * 10_000).toISOString(),
    otpRelease: '27',
    schedulers: 4,
    schedulersOnline: 4,
    memory: [tuple(atom('total'), 1_000_000 + index * 31)],
    duration: 1.5,
    ...parts,
  }
}

function figures(it: {
  readonly carriers: number
  readonly carriersSize: readonly (number | bigint)[]
}) {
  const [current = 0, lastMax = 0, max = 0] = it.carriersSize
  return { carriers: it.carriers, carriersSize: [current, lastMax, max] as const }
}

/** The bytes of a recording, and where each of its records ends. */
export function recordingOf(
  series: readonly RawSnapshot[],
  keyEvery?: number,
): { readonly bytes: Uint8Array; readonly ends: readonly number[] } {
  const encoder = new SampleEncoder('recording', keyEvery)
  const parts: Uint8Array[] = [HEADER]
  const ends: number[] = []
  let end = HEADER.length
  for (const raw of series) {
    const record = encoder.encode(raw)
    record.kept()
    parts.push(record.bytes)
    end += record.bytes.length
    ends.push(end)
  }
  return { bytes: Buffer.concat(parts), ends }
}

export interface ReadBack {
  readonly samples: readonly RawSnapshot[]
  readonly damage: readonly RecordingDamage[]
}

/** What is read from the bytes of a recording, given in pieces of that size. */
export function readBack(
  bytes: Uint8Array,
  { step = bytes.length, ...filter }: SampleFilter & { readonly step?: number } = {},
): ReadBack {
  const decoder = new SampleDecoder('recording', filter)
  const samples: RawSnapshot[] = []
  const damage: RecordingDamage[] = []
  for (const scanned of scan(bytes, step)) {
    const decoded = scanned.type === 'damage' ? [scanned] : decoder.decode(scanned)
    for (const it of decoded) {
      if (isSample(it)) samples.push(it.raw)
      else damage.push(it)
    }
  }
  return { samples, damage }
}

function isSample(it: RecordedSample | RecordingDamage): it is RecordedSample {
  return 'raw' in it
}

export function* scan(bytes: Uint8Array, step: number = bytes.length): Generator<Scanned> {
  const scanner = new RecordScanner('recording')
  for (let at = 0; at < bytes.length; at += step) yield* scanner.push(bytes.subarray(at, at + step))
  yield* scanner.end()
}

/** From one sample to the next: a running node, one that was restarted, or upgraded. */
type Step =
  | { readonly type: 'runs'; readonly changes: readonly (number | bigint)[] }
  | { readonly type: 'loses'; readonly every: number }
  | { readonly type: 'restarts'; readonly as: Partial<RawSnapshot> }
  | { readonly type: 'is another'; readonly node: string }

const anyInteger = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
  { weight: 1, arbitrary: fc.maxSafeInteger() },
  {
    weight: 1,
    arbitrary: fc
      .bigInt({ min: -(2n ** 80n), max: 2n ** 80n })
      .map((it) => (Number.isSafeInteger(Number(it)) ? Number(it) : it)),
  },
)

const anyAllocators = arbitraryAllocators({ kinds: 'any', maxBits: 70 })

const anyRaw: fc.Arbitrary<Partial<RawSnapshot>> = fc.record(
  {
    otpRelease: fc.constantFrom('23', '29', undefined),
    schedulers: fc.constantFrom(1, 64, undefined),
    memory: fc.constantFrom<Term | undefined>([tuple(atom('total'), 2n ** 62n)], [], undefined),
    allocators: anyAllocators,
    duration: fc.constantFrom(0, 0.1, 1e300, undefined),
    os: fc.constantFrom(
      {
        source: '/proc',
        resident: 2 ** 52,
        lazyFree: 0,
        swapped: undefined,
        peakResident: 2n ** 60n,
      },
      {
        source: '/proc',
        resident: 2 ** 30,
        lazyFree: undefined,
        swapped: 0,
        peakResident: undefined,
        limit: { bytes: 2n ** 60n, source: '/sys/fs/cgroup/memory.max' },
      },
      undefined,
    ),
    missing: fc.constantFrom([], [{ what: 'é', why: '' }]),
  },
  { requiredKeys: [] },
)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('runs' as const),
      changes: fc.array(anyInteger, { minLength: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('loses' as const),
      every: fc.integer({ min: 2, max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('restarts' as const), as: anyRaw }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('is another' as const),
      node: fc.constantFrom('a@b', 'é@b', '__proto__'),
    }),
  },
)

/** Snapshots in turn, of up to three nodes; whatever there is may change between two of them. */
export const arbitrarySeries: fc.Arbitrary<readonly RawSnapshot[]> = fc
  .tuple(anyAllocators, fc.array(anyStep, { maxLength: 12 }), fc.array(fc.nat(2 ** 41)))
  .map(([allocators, steps, times]) => {
    const series: RawSnapshot[] = [sampleAt(0, { allocators })]
    for (const [index, step] of steps.entries()) {
      const before = series.at(-1) ?? sampleAt(0)
      const time = times[index] ?? START + index * 10_000
      // A form of the time that is not that of Date, now and then.
      const text = new Date(time).toISOString()
      const takenAt = time % 5 === 0 ? text.replace(/:\d\d\.\d+Z$/, 'Z') : text
      series.push({ ...afterStep(before, step), takenAt })
    }
    return series
  })

function afterStep(before: RawSnapshot, step: Step): RawSnapshot {
  switch (step.type) {
    case 'runs': {
      let at = 0
      const change = (): number | bigint => step.changes[at++ % step.changes.length] ?? 0
      return { ...before, allocators: withIntegers(before.allocators, change) }
    }
    case 'loses': {
      let at = 0
      const isKept = (): boolean => ++at % step.every !== 0
      return { ...before, allocators: withLists(before.allocators, isKept) }
    }
    case 'restarts':
      return { ...before, ...step.as }
    case 'is another':
      return { ...before, node: step.node }
  }
}

function withIntegers(term: Term, change: () => number | bigint): Term {
  if (typeof term === 'number' || typeof term === 'bigint') {
    const sum = BigInt(term) + BigInt(change())
    return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum
  }
  return withParts(term, (part) => withIntegers(part, change))
}

function withLists(term: Term, isKept: () => boolean): Term {
  const parts = isList(term) ? term.filter(isKept) : term
  return withParts(parts, (part) => withLists(part, isKept))
}

function withParts(term: Term, replace: (part: Term) => Term): Term {
  if (isList(term)) return term.map(replace)
  if (term instanceof Tuple) return new Tuple(term.elements.map(replace))
  if (!(term instanceof ErlangMap)) return term
  return map([...term].map(([key, value]) => [key, replace(value)]))
}
