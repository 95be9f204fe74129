/**
 * Single-block carriers that are larger than their block: rounded up, or left behind by a block that
 * shrank. Neither is fragmentation in the proper sense, since no other block could use the rest.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#M_mmsbc `mmsbc`, `rsbcst`, `+Muycs`
 */

import { greater } from '../extremes.ts'
import {
  type Evidence,
  type Examination,
  type Finding,
  ratioInWords,
  severityOf,
  sizeInWords,
} from '../finding.ts'
import { add, compare, divide, subtract, sum, toDouble } from '../integer.ts'
import { roundingNoHelp } from '../no-help.ts'
import { type AllocatorOccupancy, roundedUp, sysAllocCarriers } from '../occupancy.ts'
import { roundingRemedies, sharedCarrierRemedies, singleBlockRemedies } from '../remedies.ts'
import { asNumber, schedulerOption } from '../settings.ts'
import { usage } from '../usage.ts'

/**
 * Beyond `mmsbc` (256) single-block carriers an instance takes them from `sys_alloc`, which rounds each
 * up. What was rounded up was never touched, so it is not resident.
 */
export function oversizedCarriers(examination: Examination): readonly Finding[] {
  return examination.held.flatMap((held): readonly Finding[] => {
    const { allocator, sbcs } = held
    const bytes = roundedUp(held)
    if (compare(bytes, examination.thresholds.singleBlockWaste) < 0) return []
    const fromSysAlloc = sysAllocCarriers(held)
    return [
      {
        id: 'oversized-carriers',
        severity: 'info',
        allocator,
        summary:
          `${allocator} holds ${sizeInWords(sbcs.allocated)} in single-block carriers for ` +
          `${sizeInWords(sbcs.used)} of blocks: ${String(fromSysAlloc)} of the carriers come from ` +
          'sys_alloc, which rounds up to 1 MiB; the rest was never touched and is not resident.',
        bytes,
        verdict: 'oversized-carriers',
        evidence: [
          ...singleBlockEvidence(held),
          {
            what: 'single-block carriers from sys_alloc',
            value: fromSysAlloc,
            unit: 'count',
            source: `erlang:system_info({allocator, ${allocator}}): sbcs, sys_alloc_carriers`,
          },
          ...againstResident(examination),
        ],
        remedies: roundingRemedies(
          allocator,
          held.instances
            .map(({ instance }) => instance.sbcs.carriers.current)
            .reduce((left, right) => (compare(left, right) < 0 ? right : left), 0),
        ),
        noHelp: roundingNoHelp(allocator),
      },
    ]
  })
}

/** Carriers of `mseg_alloc` are as large as their block at first, so one that is not has shrunk. */
export function sparseSingleBlockCarriers(examination: Examination): readonly Finding[] {
  const { held, thresholds } = examination
  return held.flatMap((each): readonly Finding[] => {
    const bytes = subtract(each.sbcs.unused, roundedUp(each))
    const ratio = usage(each.sbcs.used, subtract(each.sbcs.allocated, roundedUp(each)))
    if (compare(bytes, thresholds.singleBlockWaste) < 0) return []
    if (ratio >= thresholds.sparseSingleBlockUsage) return []
    return [
      {
        id: 'sparse-single-block-carriers',
        severity: severityOf(bytes, examination),
        allocator: each.allocator,
        summary:
          `${each.allocator} uses ${ratioInWords(ratio)} of its single-block carriers: blocks shrank ` +
          `in place and left ${sizeInWords(bytes)} behind them.`,
        bytes,
        verdict: 'fragmented',
        evidence: singleBlockEvidence(each),
        remedies: singleBlockRemedies(each.allocator),
      },
    ]
  })
}

/**
 * Blocks that are hardly larger than `sbct`: each takes a carrier of its own, and so a call for a segment,
 * although they would fit into carriers with others.
 */
export function manySingleBlockCarriers({ held, thresholds }: Examination): readonly Finding[] {
  return held.flatMap((each): readonly Finding[] => {
    const { allocator, instances, sbcs } = each
    const members = instances.map(({ instance }) => instance)
    const single = sum(members.map((member) => member.sbcs.blocks.current))
    const shared = sum(
      members.map(({ mbcs, mbcsPool }) => add(mbcs.blocks.current, mbcsPool?.blocks ?? 0)),
    )
    const threshold = asNumber(schedulerOption(members, 'sbct'))
    if (threshold === undefined || compare(single, thresholds.singleBlocks) < 0) return []
    const average = divide(sbcs.used, single)
    const ratio = divide(single, greater(shared, 1))
    if (ratio < thresholds.singleBlockRatio) return []
    if (average > toDouble(threshold) * thresholds.nearThreshold) return []
    const source = `erlang:system_info({allocator, ${allocator}})`
    return [
      {
        id: 'many-single-block-carriers',
        severity: 'info',
        allocator,
        summary:
          `${String(single)} blocks of ${allocator} have a carrier each, for ${String(shared)} that share ` +
          `carriers: they are ${sizeInWords(average)} on average, hardly larger than sbct ` +
          `(${sizeInWords(threshold)}).`,
        bytes: sbcs.allocated,
        verdict: undefined,
        evidence: [
          {
            what: 'blocks in single-block carriers',
            value: single,
            unit: 'count',
            source: `${source}: sbcs, blocks`,
          },
          {
            what: 'blocks in multiblock carriers',
            value: shared,
            unit: 'count',
            source: `${source}: mbcs and mbcs_pool, blocks`,
          },
          {
            what: 'average size of the former',
            value: Math.round(average),
            unit: 'byte',
            source: `${source}: sbcs, blocks_size / blocks`,
          },
          {
            what: 'size from which on a block has a carrier of its own (sbct)',
            value: threshold,
            unit: 'byte',
            source: `${source}: options, sbct`,
          },
        ],
        remedies: sharedCarrierRemedies(allocator, members, average),
      },
    ]
  })
}

function singleBlockEvidence({
  allocator,
  instances,
  sbcs,
}: AllocatorOccupancy): readonly Evidence[] {
  const source = `erlang:system_info({allocator, ${allocator}}): sbcs`
  return [
    {
      what: 'single-block carriers',
      value: sbcs.allocated,
      unit: 'byte',
      source: `${source}, carriers_size`,
    },
    { what: 'their blocks', value: sbcs.used, unit: 'byte', source: `${source}, blocks_size` },
    {
      what: 'usage of single-block carriers',
      value: usage(sbcs.used, sbcs.allocated),
      unit: 'ratio',
      source: `${source}, blocks_size / carriers_size`,
    },
    {
      what: 'number of single-block carriers',
      value: sum(instances.map(({ instance }) => instance.sbcs.carriers.current)),
      unit: 'count',
      source: `${source}, carriers`,
    },
  ]
}

function againstResident({ snapshot, held }: Examination): readonly Evidence[] {
  if (snapshot.os === undefined) return []
  const allocated = sum(held.flatMap(({ mbcs, sbcs }) => [mbcs.allocated, sbcs.allocated]))
  return [
    {
      what: 'allocated by all allocators',
      value: allocated,
      unit: 'byte',
      source: 'carriers_size of all allocators',
    },
    { what: 'resident', value: snapshot.os.resident, unit: 'byte', source: snapshot.os.source },
  ]
}
