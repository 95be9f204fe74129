/**
 * Multiblock carriers that are sparsely used: fragmentation after a peak, or blocks and carriers that do
 * not suit each other.
 *
 * One block that survives keeps its carrier, so a peak can leave many carriers with little in each.
 *
 * @see https://www.erlang-in-anger.com/ section 7.3, memory fragmentation
 */
import {
  type Evidence,
  type Examination,
  type Finding,
  ratioInWords,
  severityOf,
  sizeInWords,
  timesInWords,
} from '../finding.ts'
import type { Step } from '../history.ts'
import { compare, divide, subtract, sum, toDouble } from '../integer.ts'
import { fragmentationNoHelp, structuralNoHelp } from '../no-help.ts'
import { type AllocatorOccupancy, usageAboveFloor } from '../occupancy.ts'
import { fragmentationRemedies, structuralRemedies } from '../remedies.ts'
import { asNumber, schedulerOption } from '../settings.ts'
import type { Integer } from '../snapshot.ts'
import { usage } from '../usage.ts'

/** An instance with less than this part of its allocator's waste is not counted among those concerned. */
const CONCERNED_SHARE = 0.05

/** So much better was the usage at the peak, if it is the peak that left the waste. */
const AFTER_PEAK = 0.2

export function fragmentedAllocators(examination: Examination): readonly Finding[] {
  const { held, thresholds, snapshot } = examination
  const sparse = held.filter(
    (each) =>
      compare(each.aboveFloor, thresholds.wasteOfAllocator) >= 0 &&
      usageAboveFloor(each) <
        (each.allocator === 'eheap_alloc' ? thresholds.sparseHeapUsage : thresholds.sparseUsage),
  )
  const waste = sum(sparse.map(({ aboveFloor }) => aboveFloor))
  if (compare(waste, thresholds.waste) < 0) return []
  // They stand together: four allocators with a fifth of all memory each are as bad as one.
  const severity = severityOf(subtract(waste, examination.untouched), examination)
  return sparse.map((each): Finding => {
    const peak = peakOf(each, examination)
    const isStructural = !isAfterPeak(each, peak)
    const step = stepOf(each, examination)
    return {
      id: isStructural ? 'structural-low-use' : 'fragmented-allocator',
      severity,
      allocator: each.allocator,
      summary: [summarise(each, peak), ...since(step)].join(' '),
      bytes: each.aboveFloor,
      verdict: 'fragmented',
      evidence: [
        ...evidenceOf(each, peak),
        ...stepEvidence(step),
        ...(isStructural ? dimensions(each) : []),
        ...untouched(examination),
      ],
      remedies: isStructural
        ? structuralRemedies(each, snapshot)
        : fragmentationRemedies(each, snapshot),
      noHelp: isStructural ? structuralNoHelp(each) : fragmentationNoHelp(each.allocator),
    }
  })
}

/** Whether it was much better once: then a peak left the waste, and not the load as it always is. */
function isAfterPeak(held: AllocatorOccupancy, peak: Peak): boolean {
  return peak.usage - usage(held.mbcs.used, held.mbcs.allocated) >= AFTER_PEAK
}

/** What the size of blocks is to be held against, where it is not the peak that is to blame. */
function dimensions({ allocator, instances }: AllocatorOccupancy): readonly Evidence[] {
  const members = instances.map(({ instance }) => instance)
  const named = { lmbcs: 'largest size of a carrier (lmbcs)', sbct: 'size from which on (sbct)' }
  return Object.entries(named).flatMap(([name, what]): readonly Evidence[] => {
    const value = asNumber(schedulerOption(members, name))
    if (value === undefined) return []
    const source = `erlang:system_info({allocator, ${allocator}}): options, ${name}`
    const whole = name === 'sbct' ? `${what} a block has a carrier of its own` : what
    return [{ what: whole, value, unit: 'byte', source }]
  })
}

function summarise(held: AllocatorOccupancy, peak: Peak): string {
  const { allocator, mbcs, pool, aboveFloor } = held
  const now = usage(mbcs.used, mbcs.allocated)
  const pooled = divide(pool.allocated, mbcs.allocated)
  const carriers =
    `${allocator} uses ${ratioInWords(now)} of its ${sizeInWords(mbcs.allocated)} of multiblock carriers` +
    (pooled >= 0.05 ? ` (${ratioInWords(pooled)} of them lie in the pool)` : '')
  const wasted = sizeInWords(aboveFloor)
  return isAfterPeak(held, peak)
    ? `${carriers}, against ${ratioInWords(peak.usage)} at its peak: what survived the peak keeps ${wasted}.`
    : `${carriers}, and never used much more: its blocks and its carriers do not suit each other, ` +
        `which wastes ${wasted}.`
}

function evidenceOf(held: AllocatorOccupancy, peak: Peak): readonly Evidence[] {
  const { allocator, instances, mbcs, pool, floor, aboveFloor } = held
  const source = `erlang:system_info({allocator, ${allocator}})`
  const now = `${source}: mbcs and mbcs_pool`
  const bytes = (what: string, value: Integer, from: string): Evidence => ({
    what,
    value,
    unit: 'byte',
    source: from,
  })
  const blocks = sum(
    instances.flatMap(({ instance }) => [
      instance.mbcs.blocks.current,
      instance.mbcsPool?.blocks ?? 0,
    ]),
  )
  const carriers = sum(
    instances.flatMap(({ instance }) => [
      instance.mbcs.carriers.current,
      instance.mbcsPool?.carriers ?? 0,
    ]),
  )
  const concerned = instances.filter(
    (each) => toDouble(each.aboveFloor) >= CONCERNED_SHARE * toDouble(aboveFloor),
  )
  return [
    bytes('wasted above the floor of an idle node', aboveFloor, now),
    bytes('multiblock carriers', mbcs.allocated, `${now}, carriers_size`),
    bytes('used by blocks', mbcs.used, `${now}, blocks_size`),
    {
      what: 'usage now',
      value: usage(mbcs.used, mbcs.allocated),
      unit: 'ratio',
      source: `${now}, blocks_size / carriers_size`,
    },
    { what: peak.what, value: peak.usage, unit: 'ratio', source: `${source}: ${peak.source}` },
    bytes(
      'floor: unused on an idle node as well',
      floor,
      `${source}: options mmbcs and smbcs of each instance`,
    ),
    bytes('of the carriers, those in the pool', pool.allocated, `${source}: mbcs_pool`),
    {
      what: 'instances concerned',
      value: concerned.length,
      unit: 'count',
      source: `${source}: instances ${concerned.map(({ instance }) => instance.instance).join(', ')}`,
    },
    { what: 'carriers', value: carriers, unit: 'count', source: `${now}, carriers` },
    { what: 'blocks left in them', value: blocks, unit: 'count', source: `${now}, blocks` },
    bytes(
      'average size of these blocks',
      blocks === 0 ? 0 : Math.round(divide(mbcs.used, blocks)),
      now,
    ),
  ]
}

function untouched({ untouched: bytes, snapshot: { os } }: Examination): readonly Evidence[] {
  if (os === undefined || bytes === 0) return []
  return [
    {
      what: 'of the waste of all allocators, not resident',
      value: bytes,
      unit: 'byte',
      source: `what carriers hold beyond ${os.source}`,
    },
  ]
}

/** The largest rise of its waste that has stayed. */
function stepOf({ allocator }: AllocatorOccupancy, { history }: Examination): Step | undefined {
  let largest: Step | undefined
  for (const step of history?.steps ?? []) {
    if (step.allocator !== allocator || step.returned !== undefined) continue
    if (largest === undefined || step.bytes > largest.bytes) largest = step
  }
  return largest
}

/** When it began, and whether blocks went or carriers came. */
function since(step: Step | undefined): readonly string[] {
  if (step === undefined) return []
  const { before, after, peak } = step
  const fell = (peak?.value ?? before.used) - after.used
  const what =
    fell >= step.bytes / 2
      ? `blocks went from ${sizeInWords(Math.round(peak?.value ?? before.used))} to ` +
        `${sizeInWords(after.used)}, and carriers of ${sizeInWords(after.allocated)} stayed`
      : `carriers went from ${sizeInWords(before.allocated)} to ${sizeInWords(after.allocated)}, ` +
        `and blocks use ${sizeInWords(after.used)} of them`
  return [`It began ${timesInWords(step.from, step.to)}: ${what}.`]
}

function stepEvidence(step: Step | undefined): readonly Evidence[] {
  if (step === undefined) return []
  return [
    {
      what: `by so much waste rose ${timesInWords(step.from, step.to)}, and stayed`,
      value: step.bytes,
      unit: 'byte',
      source: 'the samples of the recording: carriers_size − blocks_size, above the floor',
    },
  ]
}

interface Peak {
  readonly usage: number
  readonly what: string
  readonly source: string
}

/** As it was sampled, else out of the maxima of the instances' own carriers: the pool keeps none. */
function peakOf({ allocator, instances }: AllocatorOccupancy, { peaks }: Examination): Peak {
  const sampled = peaks.get(allocator)
  if (sampled !== undefined) {
    return {
      usage: usage(sampled.mbcs.used, sampled.mbcs.allocated),
      what: 'usage at the peak, as it was sampled',
      source: `mbcs and mbcs_pool in the snapshot of ${sampled.takenAt ?? 'an unknown time'}`,
    }
  }
  return {
    usage: usage(
      sum(instances.map(({ instance }) => instance.mbcs.blocksSize.max)),
      sum(instances.map(({ instance }) => instance.mbcs.carriersSize.max)),
    ),
    what: 'usage at the peak',
    source:
      'mbcs, the sums of max; the instances had these maxima at different times, and the pool keeps none',
  }
}
