/**
 * Carriers that were abandoned to the pool, and whether anybody takes them from there.
 *
 * @see https://www.erlang.org/doc/apps/erts/carriermigration.html
 */
import {
  type Evidence,
  type Examination,
  type Finding,
  ratioInWords,
  sizeInWords,
} from '../finding.ts'
import { add, compare, divide, sum } from '../integer.ts'
import type { AllocatorOccupancy } from '../occupancy.ts'
import { poolRemedies } from '../remedies.ts'
import type { Integer } from '../snapshot.ts'
import { usage } from '../usage.ts'

/** What the pool counts, and what that says. */
const STATISTICS = {
  fetch: 'carriers fetched from the pool',
  fail: 'searches that found none',
  skip_size: 'carriers passed over, for want of a free block of the size',
  skip_busy: 'carriers passed over, for being busy',
  skip_race: 'carriers passed over, because another was faster',
  fail_shared: 'searches among the carriers of all others that found none',
} as const

const ALWAYS = { fetch: true, fail: true }

/** The pool keeps what is sparse, so only what it does not use counts. */
export function abandonedCarriers({ held, snapshot, thresholds }: Examination): readonly Finding[] {
  return held.flatMap((each): readonly Finding[] => {
    const { allocator, mbcs, pool } = each
    if (compare(pool.unused, thresholds.abandoned) < 0) return []
    const fetched = counted(each, 'fetch')
    const failed = counted(each, 'fail')
    const isReused = compare(failed, thresholds.poolSearches) < 0 || compare(failed, fetched) <= 0
    return [
      {
        id: 'abandoned-carriers',
        severity: 'info',
        allocator,
        summary:
          `${sizeInWords(pool.allocated)} of carriers lie abandoned in the pool of ${allocator} ` +
          `(${ratioInWords(divide(pool.allocated, mbcs.allocated))} of its multiblock carriers), used by ` +
          `${ratioInWords(usage(pool.used, pool.allocated))}: ` +
          (isReused
            ? 'each waits to be fetched, or for its owner to find it empty.'
            : `it is hardly reused, since ${String(failed)} searches found nothing that fits and ` +
              `${String(fetched)} did.`),
        bytes: pool.unused,
        verdict: undefined,
        evidence: evidenceOf(each),
        remedies: poolRemedies(each, isReused, snapshot),
      },
    ]
  })
}

function evidenceOf(held: AllocatorOccupancy): readonly Evidence[] {
  const { allocator, instances, pool } = held
  const source = `erlang:system_info({allocator, ${allocator}}): mbcs_pool`
  const count = (what: string, value: Integer, field: string): Evidence => ({
    what,
    value,
    unit: 'count',
    source: `${source}, ${field}`,
  })
  const sumOf = (field: 'carriers' | 'blocks'): Integer =>
    sum(instances.map(({ instance }) => instance.mbcsPool?.[field] ?? 0))
  const known = new Set(
    instances.flatMap(({ instance }) => Object.keys(instance.mbcsPool?.statistics ?? {})),
  )
  return [
    {
      what: 'carriers in the pool',
      value: pool.allocated,
      unit: 'byte',
      source: `${source}, carriers_size`,
    },
    { what: 'used by blocks', value: pool.used, unit: 'byte', source: `${source}, blocks_size` },
    count('number of carriers', sumOf('carriers'), 'carriers'),
    count('blocks left in them', sumOf('blocks'), 'blocks'),
    ...Object.entries(STATISTICS)
      // Of what was passed over only what happened at all.
      .filter(([name]) => known.has(name) && (name in ALWAYS || counted(held, name) !== 0))
      .map(([name, what]) => count(what, counted(held, name), `${name}, since the start`)),
  ]
}

function counted({ instances }: AllocatorOccupancy, name: string): Integer {
  return instances
    .map(({ instance }) => instance.mbcsPool?.statistics[name] ?? 0)
    .reduce<Integer>(add, 0)
}
