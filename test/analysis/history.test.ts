/** What many snapshots show together, of lives of which it is known what happened. */
import { describe, expect, test } from 'vitest'
import { diagnose, type History, HistoryBuilder, type Snapshot } from '../../src/analysis/index.ts'
import { occupancies } from '../../src/analysis/occupancy.ts'
import { sampledPeaks } from '../../src/analysis/sampled-peaks.ts'
import { jitter, type Life, NOON, snapshotAt, snapshotsOf } from './made-history.ts'
import { MiB } from './made-snapshots.ts'

function historyOf(snapshots: Iterable<Snapshot>): History {
  const builder = new HistoryBuilder()
  for (const each of snapshots) builder.add(each)
  const history = builder.build()
  if (history === undefined) throw new Error('no snapshot says when it was taken')
  return history
}

const at = (time: string): number => Date.parse(`2026-01-31T${time}:00.000Z`)

/** Minutes that two moments are apart. */
const apart = (time: number | undefined, expected: number): number =>
  Math.abs((time ?? 0) - expected) / 60_000

describe('the hour at which memory began to be wasted', () => {
  test('is that at which blocks went and carriers stayed, of that allocator alone', () => {
    for (const interval of [10, 60, 300]) {
      const { steps, precision } = historyOf(snapshotsOf({ ...NOON, interval }))
      expect(steps.map(({ allocator }) => allocator)).toEqual(['binary_alloc'])
      const [step] = steps
      const exactly = Math.max(interval, precision / 1000) / 60
      expect(apart(step?.from, at('12:30'))).toBeLessThanOrEqual(2 * exactly)
      expect(apart(step?.to, at('12:30'))).toBeLessThanOrEqual(2 * exactly)
      expect(step?.returned).toBeUndefined()
      expect(Math.abs((step?.bytes ?? 0) / MiB - 174)).toBeLessThan(5)
      expect(Math.abs((step?.peak?.value ?? 0) / MiB - 192)).toBeLessThan(5)
      expect(Math.abs((step?.after.used ?? 0) / MiB - 22)).toBeLessThan(5)
    }
  })

  const waste = (level: (hour: number) => number, hours = 24): History['steps'] =>
    historyOf(
      snapshotsOf({
        hours,
        allocators: (hour) => ({
          ets_alloc: { allocated: 100 + level(hour) + 2 * jitter(hour), used: 100 },
          sl_alloc: { allocated: 10, used: 9 },
        }),
      }),
    ).steps

  test.each<[string, (hour: number) => number, number?]>([
    ['what is always so', () => 50],
    ['what grows all day', (hour) => 5 * hour],
    ['what comes and goes each day', (hour) => 60 - 50 * Math.cos((hour / 12) * Math.PI), 72],
    ['what comes and goes each hour', (hour) => 60 * (hour % 1)],
    ['what is noise', (hour) => Math.max(0, 60 + 90 * jitter(hour, 5))],
    ['what comes and goes within three hours', (hour) => 100 * ((hour / 3) % 1)],
    ['a small rise', (hour) => (hour < 12 ? 1 : 9)],
    ['one sample', (hour) => (Math.abs(hour - 12) < 1 / 120 ? 200 : 1)],
  ])('is none of %s', (_, level, hours) => {
    expect(waste(level, hours)).toEqual([])
  })

  test('says by when most of it had gone again', () => {
    const [step, ...more] = waste((hour) => (hour >= 9 && hour < 11 ? 80 : 1))
    expect(more).toEqual([])
    expect(apart(step?.from, at('09:00'))).toBeLessThan(5)
    expect(apart(step?.returned, at('11:00'))).toBeLessThan(5)
  })

  test('is each of two', () => {
    const steps = waste((hour) => (hour < 8 ? 1 : hour < 16 ? 80 : 160))
    expect(steps.map(({ from }) => new Date(from).getUTCHours())).toEqual([7, 15])
    const apartBy = waste((hour) => (hour < 6 ? 1 : hour < 12 ? 80 : hour < 18 ? 20 : 120))
    expect(apartBy.map(({ from }) => new Date(from).getUTCHours())).toEqual([5, 17])
  })

  test('takes its time, if it is no more than a part of what was seen', () => {
    const [step] = waste((hour) => Math.min(80, Math.max(0, 40 * (hour - 12))))
    expect(apart(step?.from, at('12:15'))).toBeLessThan(20)
    expect(apart(step?.to, at('13:45'))).toBeLessThan(20)
  })
})

describe('a restart', () => {
  const life: Life = {
    hours: 24,
    limit: 2048,
    restarts: [15],
    allocators: (hour) => ({
      binary_alloc:
        hour < 12
          ? { allocated: 30, used: 25 }
          : hour < 15
            ? { allocated: 200, used: 25 }
            : { allocated: 30 + 10 * (hour - 15), used: 25 + 10 * (hour - 15) },
    }),
  }

  test('is seen by counters that begin anew, and takes what was wasted with it', () => {
    const { restarts, since, steps, samples } = historyOf(snapshotsOf(life))
    expect(restarts).toEqual([at('15:00')])
    expect(since).toBe(at('15:00'))
    expect(samples).toBe(24 * 60 + 1)
    expect(steps).toMatchObject([{ allocator: 'binary_alloc', returned: at('15:00') }])
  })

  test('begins a new time of which growth is told', () => {
    const { trends } = historyOf(snapshotsOf(life))
    const resident = trends.find(({ figure, allocator }) => figure === 'resident' && !allocator)
    expect(resident?.shape).toBe('growth')
    expect((resident?.perHour?.typical ?? 0) / MiB).toBeCloseTo(10, 0)
    expect(resident?.since).toBe(at('15:00'))
  })

  test('is none where less is used', () => {
    const { restarts } = historyOf(snapshotsOf({ ...NOON, restarts: [] }))
    expect(restarts).toEqual([])
  })

  test('is told of the last 64 times alone', () => {
    const restarts = Array.from({ length: 200 }, (_, index) => (index + 1) / 10)
    expect(historyOf(snapshotsOf({ ...life, restarts })).restarts).toHaveLength(64)
  })
})

describe('samples', () => {
  test('may come in another order, which is said', () => {
    const all = [...snapshotsOf({ ...NOON, interval: 600 })]
    const mixed = [...all.slice(0, 30), ...all.slice(35), ...all.slice(30, 35)]
    const [inOrder, disorder] = [historyOf(all), historyOf(mixed)]
    expect(inOrder.disordered).toBe(0)
    expect(disorder).toEqual({ ...inOrder, disordered: 5 })
    expect(disorder.restarts).toEqual([])
  })

  test('from before a restart that come after it count for no trend', () => {
    const life = { ...NOON, restarts: [6], interval: 600 }
    const all = [...snapshotsOf(life)]
    const mixed = [...all.slice(0, 10), ...all.slice(20), ...all.slice(10, 20)]
    const { disordered, since, trends } = historyOf(mixed)
    expect({ disordered, since }).toEqual({ disordered: 10, since: at('06:00') })
    expect(trends).toEqual(historyOf(all).trends)
  })

  test('without a time count for the peaks', () => {
    const builder = new HistoryBuilder()
    builder.add({ ...snapshotAt(12.4, NOON), takenAt: undefined })
    expect(builder.build()).toBeUndefined()
    builder.add(snapshotAt(13, NOON))
    expect(builder.build()).toMatchObject({ samples: 1, from: at('13:00'), to: at('13:00') })
    expect(builder.build()?.peaks.get('binary_alloc')?.takenAt).toBeUndefined()
  })

  test('are not kept, however many there are', () => {
    const { moments, samples } = historyOf(snapshotsOf({ ...NOON, hours: 48, interval: 10 }))
    expect(samples).toBe(48 * 360 + 1)
    expect(moments.length).toBeLessThanOrEqual(1000)
  })

  test('may have any allocators and any times', () => {
    const builder = new HistoryBuilder()
    for (let index = 0; index < 500; index++) {
      const life: Life = {
        hours: 0,
        start: index % 2 === 0 ? '0001-01-01T00:00:00Z' : '9999-12-31T00:00:00Z',
        allocators: () => ({ [`alloc_${index}`]: { allocated: 1e9, used: index } }),
      }
      builder.add(snapshotAt(index / 100, life))
    }
    const history = builder.build()
    expect(history?.peaks.size).toBe(64)
    expect(() => diagnose(snapshotAt(1, NOON), { history })).not.toThrow()
  })

  test('give the peaks that earlier snapshots do', () => {
    const all = [...snapshotsOf({ ...NOON, interval: 600 })]
    const now = snapshotAt(24, NOON)
    const held = occupancies(now)
    const { peaks } = historyOf(all)
    for (const [allocator, peak] of sampledPeaks(all, held)) {
      expect(peaks.get(allocator)).toEqual(peak)
    }
    expect(sampledPeaks(all, held).has('binary_alloc')).toBe(true)
  })
})

describe('a diagnosis with a history', () => {
  const now = snapshotAt(24, NOON)
  const history = historyOf(snapshotsOf(NOON))
  const found = diagnose(now, { history })

  test('names the hour and the allocator', () => {
    expect(found.verdict).toBe('fragmented')
    const finding = found.findings.find(({ id }) => id === 'fragmented-allocator')
    expect(finding?.allocator).toBe('binary_alloc')
    expect(finding?.summary).toMatch(
      /It began between 2026-01-31 12:2\d and 12:3\d UTC: blocks went from 19\d MiB to 2\d MiB, and carriers of 200 MiB stayed\./,
    )
    const evidence = finding?.evidence.find(({ what }) => what.startsWith('by so much waste rose'))
    expect(Number(evidence?.value) / MiB).toBeCloseTo(174, -1)
    expect(found.history?.steps).toMatchObject([
      { allocator: 'binary_alloc', returnedAt: undefined, from: expect.stringMatching(/T12:2/) },
    ])
  })

  test('takes usage at the peak from it', () => {
    const finding = found.findings.find(({ id }) => id === 'fragmented-allocator')
    const peak = finding?.evidence.find(({ what }) => what.includes('as it was sampled'))
    expect(Number(peak?.value)).toBeGreaterThan(0.9)
    expect(peak?.source).toContain('2026-01-31T12:')
  })

  test('has the verdict and the findings that it has without, but for what is of time', () => {
    const without = diagnose(now)
    expect(found.verdict).toBe(without.verdict)
    expect(found.accounting).toEqual(without.accounting)
    expect(without.history).toBeUndefined()
    expect(without).not.toHaveProperty('history')
  })

  test('takes earlier snapshots beside it', () => {
    const higher = snapshotAt(12.4, {
      ...NOON,
      start: '2026-01-30T00:00:00.000Z',
      allocators: () => ({ binary_alloc: { allocated: 500, used: 480 } }),
    })
    const { findings } = diagnose(now, { history, earlier: [higher] })
    const evidence = findings.flatMap((finding) => finding.evidence)
    const peak = evidence.find(({ what }) => what.includes('as it was sampled'))
    expect(peak?.source).toContain('2026-01-30T12:24')
  })
})

describe('growth', () => {
  const leak = (life: Partial<Life> = {}): Life => ({
    hours: 12,
    limit: 1024,
    allocators: (hour) => ({
      binary_alloc: { allocated: 106 + 20 * hour + jitter(hour), used: 100 + 20 * hour },
      eheap_alloc: { allocated: 60 + 10 * jitter(hour, 2), used: 50 + 10 * jitter(hour, 2) },
    }),
    ...life,
  })
  const diagnosed = (life: Life, options: { memoryLimit?: number } = {}) => {
    const now = snapshotAt(life.hours, life)
    return diagnose(now, { history: historyOf(snapshotsOf(life)), ...options })
  }
  const growthIn = ({ findings }: ReturnType<typeof diagnosed>) =>
    findings.find(({ id }) => id === 'growth')

  test('says how fast, of what, and when the limit is reached', () => {
    const diagnosis = diagnosed(leak())
    const finding = growthIn(diagnosis)
    // 436 MiB are resident at noon, and 1024 allowed: 29.4 hours more.
    expect(finding).toMatchObject({ severity: 'info', allocator: undefined, verdict: undefined })
    expect(finding?.summary).toMatch(
      /^The resident size grows by 20 MiB an hour: blocks in binary_alloc by 20 MiB an hour\. .*limit of 1\.0 GiB \(\/sys\/fs\/cgroup\/memory\.max\) is reached at about 2026-02-01 1[67]:\d\d UTC/,
    )
    expect(finding?.summary).toContain('Less than two days were seen')
    expect(finding?.remedies[0]?.flags).toContain('process_info(P, binary)')
    const { limit, trends } = diagnosis.history ?? {}
    expect(
      Math.abs(Date.parse(limit?.reachedAt ?? '') - Date.parse('2026-02-01T17:24Z')),
    ).toBeLessThan(3_600_000)
    expect(trends?.[0]).toMatchObject({
      what: 'resident',
      shape: 'growth',
      confidence: 'medium',
      bytesPerHour: expect.closeTo(20 * MiB, -6),
    })
  })

  test.each([
    [700, 'warning'],
    [445, 'critical'],
    [100, 'critical'],
    [2000, 'info'],
  ])('with a limit of %d MiB is %s', (limit, severity) => {
    expect(growthIn(diagnosed(leak({ limit })))?.severity).toBe(severity)
  })

  test('takes the limit that was given before that of the snapshot', () => {
    const { history } = diagnosed(leak(), { memoryLimit: 700 * MiB })
    expect(history?.limit).toMatchObject({ bytes: 700 * MiB, source: 'as it was given' })
    expect(history?.limit.reachedAt).toMatch(/^2026-02-01T01:/)
  })

  test('says nothing of when, where no limit is known or it is far away', () => {
    const { limit: _, ...unlimited } = leak()
    expect(growthIn(diagnosed(unlimited))?.summary).toContain('no limit is known')
    const far = diagnosed(leak({ limit: 100_000 }))
    expect(far.history?.limit).toMatchObject({
      reachedAt: undefined,
      why: 'it is further away than 10 times the time that was seen',
    })
  })

  test('is that of what is allocated, where nobody knows what is resident', () => {
    const diagnosis = diagnosed(leak({ resident: () => null }), { memoryLimit: 1024 * MiB })
    expect(growthIn(diagnosis)?.summary).toMatch(/^What is allocated grows by 20 MiB an hour/)
    expect(diagnosis.history?.limit.reachedAt).toBeDefined()
  })

  test('is outside the allocators, where none of them grows', () => {
    const flat: Life = {
      ...leak({ resident: (hour) => 200 + 30 * hour }),
      allocators: () => ({ binary_alloc: { allocated: 100, used: 95 } }),
    }
    const finding = growthIn(diagnosed(flat))
    expect(finding?.summary).toMatch(/^The resident size grows by 30 MiB an hour\. /)
    expect(finding?.remedies).not.toEqual([])
  })

  test('of waste has the remedies of fragmentation', () => {
    const wasting: Life = {
      ...leak(),
      allocators: (hour) => ({ ets_alloc: { allocated: 50 + 20 * hour, used: 40 } }),
    }
    const finding = growthIn(diagnosed(wasting))
    expect(finding?.summary).toContain('waste in ets_alloc by 20 MiB an hour')
    expect(finding?.remedies[0]?.flags).toContain('ets:insert')
  })

  test('counts for the time alone that was looked at', () => {
    const later = 120 * 24
    const life = leak({
      limit: 100_000,
      hours: later + 12,
      allocators: (hour) => ({
        binary_alloc: { allocated: 106 + 20 * Math.max(0, hour - later), used: 100 },
      }),
    })
    // An hour of January, and, gone on with, half a day of May.
    const times = [...Array(61).keys(), ...Array.from(Array(721).keys(), (it) => later * 60 + it)]
    const history = historyOf(times.map((minute) => snapshotAt(minute / 60, life)))
    const diagnosis = diagnose(snapshotAt(later + 12, life), { history })
    const finding = growthIn(diagnosis)
    expect(finding?.summary).toMatch(/^The resident size grows by 20 MiB an hour/)
    expect(Number(finding?.bytes) / MiB).toBeGreaterThan(200)
    expect(Number(finding?.bytes) / MiB).toBeLessThan(260)
    // 5,000 hours more are not told from 13.
    expect(diagnosis.history?.limit).toMatchObject({
      reachedAt: undefined,
      why: 'it is further away than 10 times the time that was seen',
    })
  })

  test('is none of a node that fragments once', () => {
    expect(growthIn(diagnosed(NOON))).toBeUndefined()
    const { history } = diagnosed(NOON)
    expect(history?.trends[0]).toMatchObject({ bytesPerHour: undefined, confidence: 'none' })
    expect(history?.limit.reachedAt).toBeUndefined()
  })
})
