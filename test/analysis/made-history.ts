/**
 * Days of a node, of which a test says only what its allocators hold at which hour.
 */
import type { Snapshot } from '../../src/analysis/index.ts'
import { carriers, instance, MiB, resident, snapshot } from './made-snapshots.ts'

/** MiB. */
export interface Held {
  readonly allocated: number
  readonly used: number
}

export interface Life {
  /** When it began; ISO 8601. */
  readonly start?: string
  /** How long it was sampled. */
  readonly hours: number
  /** Seconds between samples. */
  readonly interval?: number
  /** By allocator, at an hour since the start. */
  readonly allocators: (hour: number) => Readonly<Record<string, Held>>
  /** MiB; what is allocated and a little more, unless it says otherwise. `null` where it is not known. */
  readonly resident?: (hour: number) => number | null
  /** MiB. */
  readonly limit?: number
  /** Hours at which it was started anew. */
  readonly restarts?: readonly number[]
}

/** In order of time. */
export function* snapshotsOf(life: Life): Generator<Snapshot> {
  const { hours, interval = 60, start = '2026-01-31T00:00:00.000Z' } = life
  for (let second = 0; second <= hours * 3600; second += interval) {
    yield snapshotAt(second / 3600, { ...life, start })
  }
}

export function snapshotAt(hour: number, life: Life): Snapshot {
  const held = Object.entries(life.allocators(hour))
  const started = [0, ...(life.restarts ?? [])].filter((each) => each <= hour).at(-1) ?? 0
  const allocated = held.reduce((total, [, each]) => total + each.allocated, 0)
  const bytes = life.resident === undefined ? allocated + 30 : life.resident(hour)
  const time = Date.parse(life.start ?? '2026-01-31T00:00:00.000Z') + Math.round(hour * 3_600_000)
  return snapshot({
    node: 'shop@host',
    takenAt: new Date(time).toISOString(),
    otpRelease: '27',
    schedulers: 1,
    allocators: held.map(([allocator, each]) =>
      instance({
        allocator,
        mbcs: carriers({
          allocated: Math.round(each.allocated * MiB),
          used: Math.round(each.used * MiB),
          count: Math.max(1, Math.round(each.allocated)),
          maxAllocated: 2 ** 40 + Math.round((hour - started) * 1000),
        }),
        calls: { [`${allocator}_calls`]: 1000 + Math.round((hour - started) * 1_000_000) },
      }),
    ),
    os:
      bytes === null
        ? undefined
        : {
            ...resident(Math.round(bytes * MiB)),
            ...(life.limit === undefined
              ? {}
              : { limit: { bytes: life.limit * MiB, source: '/sys/fs/cgroup/memory.max' } }),
          },
  })
}

/** Evenly between −0.5 and 0.5, the same at each hour. */
export function jitter(hour: number, seed = 0): number {
  const value = Math.sin(hour * 12_345.678 + seed * 78.233) * 43_758.545_3
  return value - Math.floor(value) - 0.5
}

/** From noon to half past, blocks take 180 MiB; what survives keeps the carriers. */
export const NOON: Life = {
  hours: 24,
  limit: 1024,
  allocators: (hour) => ({
    binary_alloc:
      hour < 12
        ? { allocated: 24 + jitter(hour), used: 20 + jitter(hour, 1) }
        : hour < 12.5
          ? {
              allocated: 24 + Math.min(1, (hour - 12) * 6) * 176,
              used: 20 + Math.min(1, (hour - 12) * 6) * 172,
            }
          : { allocated: 200 + jitter(hour), used: 22 + jitter(hour, 1) },
    eheap_alloc: {
      allocated: 60 + 15 * jitter(hour, 2),
      used: 45 + 15 * jitter(hour, 2) + 8 * jitter(hour, 3),
    },
    ets_alloc: { allocated: 12, used: 11 },
  }),
}
