/**
 * Settings of the node's own that make it worse.
 *
 * @see https://github.com/erlang/otp/issues/9521 carriers made smaller, blocks as large as before: 120 GB
 */
import { type Evidence, type Examination, type Finding, sizeInWords } from '../finding.ts'
import { compare, toDouble } from '../integer.ts'
import type { AllocatorOccupancy } from '../occupancy.ts'
import {
  averageBlockSize,
  isMigrationOff,
  largerCarrierRemedies,
  migrationRemedies,
} from '../remedies.ts'
import { asNumber, defaultOption, isBelow, schedulerOption } from '../settings.ts'

/**
 * `lmbcs` made smaller, so that blocks below `sbct` fill a carrier with few of them. Nothing is said where
 * blocks are small: there smaller carriers are what is recommended.
 */
export function smallCarriers({ held, snapshot, thresholds }: Examination): readonly Finding[] {
  return held.flatMap((each): readonly Finding[] => {
    const { allocator, aboveFloor } = each
    const members = each.instances.map(({ instance }) => instance)
    const carrier = asNumber(schedulerOption(members, 'lmbcs'))
    const preset = asNumber(defaultOption(snapshot, allocator, 'lmbcs'))
    const threshold = asNumber(schedulerOption(members, 'sbct'))
    const average = averageBlockSize(members)
    if (carrier === undefined || preset === undefined || threshold === undefined) return []
    if (!isBelow(carrier, preset) || toDouble(threshold) * 2 <= toDouble(carrier)) return []
    if (average === undefined || average < toDouble(carrier) * thresholds.carrierShare) return []
    if (compare(aboveFloor, thresholds.wasteOfAllocator) < 0) return []
    const source = `erlang:system_info({allocator, ${allocator}})`
    const option = (what: string, value: number | bigint, name: string): Evidence => ({
      what,
      value,
      unit: 'byte',
      source: `${source}: options, ${name}`,
    })
    return [
      {
        id: 'small-carriers',
        severity: 'info',
        allocator,
        summary:
          `The carriers of ${allocator} were made smaller (lmbcs ${sizeInWords(carrier)}, by default ` +
          `${sizeInWords(preset)}), but blocks of up to ${sizeInWords(threshold)} (sbct) still go into ` +
          `them: with ${sizeInWords(Math.round(average))} on average, few fit into each.`,
        bytes: aboveFloor,
        // The waste itself is a finding of its own.
        verdict: undefined,
        evidence: [
          option('largest size of a carrier (lmbcs)', carrier, 'lmbcs'),
          { ...option('the same by default', preset, 'lmbcs'), source: 'measured on plain nodes' },
          option('size from which on a block has a carrier of its own (sbct)', threshold, 'sbct'),
          {
            what: 'average size of blocks',
            value: Math.round(average),
            unit: 'byte',
            source: `${source}: mbcs and mbcs_pool, blocks_size / blocks`,
          },
        ],
        remedies: largerCarrierRemedies(allocator, members, snapshot),
      },
    ]
  })
}

/** Best fit and good fit see one instance alone: they cannot abandon a carrier to others. */
const WITHOUT_MIGRATION = ['bf', 'gf', 'af']

/**
 * Carrier migration that is off, by a strategy or by `acul 0`, which in turn makes `bf` of the default. It
 * is not said of `aobf`, whose gain is that it keeps blocks at low addresses.
 */
export function migrationOff({ held, snapshot }: Examination): readonly Finding[] {
  return held.flatMap((each): readonly Finding[] => {
    const { allocator } = each
    const members = each.instances.map(({ instance }) => instance)
    const strategy = String(schedulerOption(members, 'as'))
    if (!WITHOUT_MIGRATION.includes(strategy)) return []
    if (!isMigrationOff(allocator, members, snapshot)) return []
    return [
      {
        id: 'migration-off',
        // What it costs is not told apart from what a peak left, which is a finding of its own.
        severity: 'info',
        allocator,
        summary:
          `${allocator} runs with ${strategy} and without carrier migration: a scheduler keeps what it ` +
          'does not use, however much another one takes. ' +
          (strategy === 'bf'
            ? 'Either bf was asked for, or acul 0, which turns aoffcbf into bf without a word.'
            : 'The strategy turned it off (acul 0).'),
        bytes: undefined,
        verdict: undefined,
        evidence: evidenceOf(each, snapshot),
        remedies: migrationRemedies(allocator, members),
      },
    ]
  })
}

function evidenceOf(
  { allocator, instances, aboveFloor }: AllocatorOccupancy,
  snapshot: Examination['snapshot'],
): readonly Evidence[] {
  const source = `erlang:system_info({allocator, ${allocator}})`
  return [
    {
      what: 'use in percent below which a carrier is abandoned (acul)',
      value: 0,
      unit: 'count',
      source: `${source}: options, acul of the schedulers' instances`,
    },
    {
      what: 'the same by default',
      value: asNumber(defaultOption(snapshot, allocator, 'acul')) ?? 0,
      unit: 'count',
      source: 'measured on plain nodes',
    },
    {
      what: 'instances, each with carriers of its own',
      value: instances.length,
      unit: 'count',
      source,
    },
    {
      what: 'wasted above the floor of an idle node',
      value: aboveFloor,
      unit: 'byte',
      source: `${source}: mbcs`,
    },
  ]
}
