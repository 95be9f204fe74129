/**
 * What is known of nodes as families of metrics, by prometheus.erl's names where it has them.
 *
 * @see https://prometheus.io/docs/practices/naming/
 * @see https://hexdocs.pm/prometheus/prometheus_vm_system_info_collector.html `erlang_vm_allocators`
 * @see https://hexdocs.pm/prometheus/prometheus_vm_memory_collector.html `erlang_vm_memory_…`
 */
import { accountingLine } from '../analysis/accounting.ts'
import { cacheHitRates } from '../analysis/cache-hit-rates.ts'
import type { Diagnosis } from '../analysis/diagnose.ts'
import { greater } from '../analysis/extremes.ts'
import { SEVERITIES } from '../analysis/finding.ts'
import { add, subtract, sum, toDouble } from '../analysis/integer.ts'
import { VERDICTS } from '../analysis/node-summary.ts'
import type { AllocatorInstance, Carriers, Integer, Snapshot } from '../analysis/snapshot.ts'
import { usage } from '../analysis/usage.ts'
import { printable } from './printable.ts'

/** One series of a family, and its value now. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  /** Prometheus and OpenTelemetry count in doubles; beyond 2^53 it is the nearest. */
  readonly value: number
}

/** Metrics of one name. */
export interface MetricFamily {
  readonly name: MetricName
  /** One sentence, without quotes: not every format escapes them. */
  readonly help: string
  readonly type: 'gauge' | 'counter'
  /** As OpenTelemetry writes it: `By`, `s`; `undefined` where it counts things. */
  readonly unit: 'By' | 's' | undefined
  readonly samples: readonly MetricSample[]
}

/** What is known of one node. */
export interface MeasuredNode {
  readonly node: string
  /** Whether it answered when it was asked last. */
  readonly isUp: boolean
  /** Its last answer, which is of no use any more where it is not up. */
  readonly last:
    | { readonly snapshot: Snapshot; readonly diagnosis: Diagnosis; readonly time: number }
    | undefined
  /** How often it answered so far. */
  readonly samples: number
  /** How often it did not, by the codes of errors. */
  readonly failures: ReadonlyMap<string, number>
}

export interface MetricsOptions {
  /** Of beamscope itself. */
  readonly version: string
  /** Whether the instances of allocators are told apart. */
  readonly instances?: boolean | undefined
}

export type MetricName =
  | 'beamscope_build_info'
  | 'beamscope_up'
  | 'beamscope_samples_total'
  | 'beamscope_sample_failures_total'
  | 'beamscope_sample_timestamp_seconds'
  | 'beamscope_sample_duration_seconds'
  | 'beamscope_resident_bytes'
  | 'beamscope_memory_limit_bytes'
  | 'beamscope_allocated_bytes'
  | 'beamscope_used_bytes'
  | 'beamscope_usage_ratio'
  | 'beamscope_waste_bytes'
  | 'beamscope_pool_bytes'
  | 'beamscope_verdict'
  | 'beamscope_findings'
  | 'beamscope_cache_hits_total'
  | 'beamscope_cache_calls_total'
  | 'erlang_vm_allocators'
  | 'erlang_vm_memory_bytes'
  | 'erlang_vm_memory_system_bytes'
  | 'erlang_vm_memory_processes_bytes'
  | 'erlang_vm_memory_atom_bytes'

const FAMILIES: Readonly<Record<MetricName, Omit<MetricFamily, 'name' | 'samples'>>> = {
  beamscope_build_info: {
    type: 'gauge',
    unit: undefined,
    help: 'The version of beamscope; the value is always 1.',
  },
  beamscope_up: {
    type: 'gauge',
    unit: undefined,
    help: 'Whether the node answered when it was asked last: 1 or 0.',
  },
  beamscope_samples_total: {
    type: 'counter',
    unit: undefined,
    help: 'How often the node answered.',
  },
  beamscope_sample_failures_total: {
    type: 'counter',
    unit: undefined,
    help: 'How often the node did not answer, by the code of the error.',
  },
  beamscope_sample_timestamp_seconds: {
    type: 'gauge',
    unit: 's',
    help: 'When the figures of the node were taken, in seconds since 1970.',
  },
  beamscope_sample_duration_seconds: {
    type: 'gauge',
    unit: 's',
    help: 'How long the node took to answer for its allocators.',
  },
  beamscope_resident_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'What the operating system reports as resident.',
  },
  beamscope_memory_limit_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'The most memory that the node may take, where a limit is known.',
  },
  beamscope_allocated_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'Carriers of all allocators, those in the pool included.',
  },
  beamscope_used_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'What blocks use of the carriers of all allocators.',
  },
  beamscope_usage_ratio: {
    type: 'gauge',
    unit: undefined,
    help: 'Used through allocated, from 0 to 1.',
  },
  beamscope_waste_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'Unused in carriers above what an idle node has too, by allocator.',
  },
  beamscope_pool_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'Carriers abandoned to the pool, by allocator.',
  },
  beamscope_verdict: {
    type: 'gauge',
    unit: undefined,
    help: 'What is the matter with the node: 1 for its verdict, 0 for all others.',
  },
  beamscope_findings: {
    type: 'gauge',
    unit: undefined,
    help: 'How many findings the diagnosis has, by severity.',
  },
  beamscope_cache_hits_total: {
    type: 'counter',
    unit: undefined,
    help: 'Segments that came from the cache of mseg_alloc since the node started.',
  },
  beamscope_cache_calls_total: {
    type: 'counter',
    unit: undefined,
    help: 'Segments that mseg_alloc was asked for since the node started.',
  },
  erlang_vm_allocators: {
    type: 'gauge',
    unit: undefined,
    help: 'Allocated (carriers_size) and used (blocks_size) memory for the different allocators in the VM. See erts_alloc(3).',
  },
  erlang_vm_memory_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'The total amount of memory currently allocated. This is the same as the sum of the memory size for processes and system.',
  },
  erlang_vm_memory_system_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'The total amount of memory currently allocated for the emulator that is not directly related to any Erlang process. Memory presented as processes is not included in this memory.',
  },
  erlang_vm_memory_processes_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'The total amount of memory currently allocated for the Erlang processes.',
  },
  erlang_vm_memory_atom_bytes: {
    type: 'gauge',
    unit: 'By',
    help: 'The total amount of memory currently allocated for atoms. This memory is part of the memory presented as system memory.',
  },
}

/** In the order in which they are shown. */
export const METRIC_NAMES: readonly MetricName[] = Object.freeze(
  Object.keys(FAMILIES).filter((name) => isMetricName(name)),
)

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(FAMILIES, name)
}

/** A family without its samples. */
export function familyOf(name: MetricName): Omit<MetricFamily, 'samples'> {
  return { name, ...FAMILIES[name] }
}

/** A name, what stands beside the node's in the labels, and the value. */
type Measured = readonly [
  name: MetricName,
  labels: Readonly<Record<string, string>>,
  value: Integer | undefined,
]

/**
 * Every family that has a series, in the order of {@link METRIC_NAMES}. A node that is not up has no figures: what it
 * said last is old.
 */
export function metricFamilies(
  nodes: readonly MeasuredNode[],
  { version, instances = false }: MetricsOptions,
): readonly MetricFamily[] {
  const samples = new Map<MetricName, MetricSample[]>(METRIC_NAMES.map((name) => [name, []]))
  samples.get('beamscope_build_info')?.push({ labels: { version }, value: 1 })
  for (const node of nodes) {
    for (const [name, labels, value] of measure(node, instances)) {
      if (value === undefined) continue
      // A counter cannot be negative: of a node that says so the others are told nevertheless.
      if (FAMILIES[name].type === 'counter' && value < 0) continue
      const all = { node: printable(node.node), ...labels }
      samples.get(name)?.push({ labels: all, value: toDouble(value) })
    }
  }
  return METRIC_NAMES.map((name) => ({
    ...familyOf(name),
    samples: samples.get(name) ?? [],
  })).filter((family) => family.samples.length > 0)
}

function measure(node: MeasuredNode, instances: boolean): readonly Measured[] {
  const { failures, isUp, last, samples } = node
  return [
    ['beamscope_up', {}, isUp ? 1 : 0],
    ['beamscope_samples_total', {}, samples],
    ...Array.from(
      failures,
      ([code, count]): Measured => ['beamscope_sample_failures_total', { code }, count],
    ),
    ['beamscope_sample_timestamp_seconds', {}, timestamp(last?.time)],
    ...(last !== undefined && isUp ? figures(last.snapshot, last.diagnosis, instances) : []),
  ]
}

/** Seconds; a file may not say when it was taken. */
function timestamp(time = Number.NaN): number | undefined {
  return Number.isNaN(time) ? undefined : time / 1000
}

function figures(
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  instances: boolean,
): readonly Measured[] {
  const { duration } = snapshot
  return [
    ['beamscope_sample_duration_seconds', {}, duration === undefined ? undefined : duration / 1000],
    ...heldFigures(snapshot, diagnosis),
    ...VERDICTS.map(
      (verdict): Measured => [
        'beamscope_verdict',
        { verdict },
        diagnosis.verdict === verdict ? 1 : 0,
      ],
    ),
    ...SEVERITIES.map(
      (severity): Measured => [
        'beamscope_findings',
        { severity },
        diagnosis.findings.filter((it) => it.severity === severity).length,
      ],
    ),
    ...cacheFigures(snapshot, instances),
    ...allocatorFigures(snapshot, instances),
    ...memoryFigures(snapshot),
  ]
}

/** No release has more; a hostile node may name as many as it likes. */
const MAX_ALLOCATORS = 32

function heldFigures(snapshot: Snapshot, { accounting }: Diagnosis): readonly Measured[] {
  const allocated = accountingLine(accounting, 'allocated').bytes
  const used = accountingLine(accounting, 'used').bytes
  return [
    ['beamscope_resident_bytes', {}, snapshot.os?.resident],
    ['beamscope_memory_limit_bytes', {}, snapshot.os?.limit?.bytes],
    ['beamscope_allocated_bytes', {}, allocated],
    ['beamscope_used_bytes', {}, used],
    [
      'beamscope_usage_ratio',
      {},
      allocated === undefined || used === undefined ? undefined : usage(used, allocated),
    ],
    ...accounting.allocators.slice(0, MAX_ALLOCATORS).flatMap((account): readonly Measured[] => {
      const labels = { alloc: printable(account.allocator) }
      const waste = greater(0, add(account.aboveFloor, account.singleBlockUnused))
      return [
        ['beamscope_waste_bytes', labels, waste],
        ['beamscope_pool_bytes', labels, account.pooled],
      ]
    }),
  ]
}

function cacheFigures(snapshot: Snapshot, instances: boolean): readonly Measured[] {
  const rates = cacheHitRates(snapshot).slice(0, MAX_INSTANCES)
  if (rates.length === 0) return []
  if (!instances) {
    return [
      ['beamscope_cache_hits_total', {}, sum(rates.map(({ hits }) => hits))],
      ['beamscope_cache_calls_total', {}, sum(rates.map(({ calls }) => calls))],
    ]
  }
  return rates
    .toSorted((left, right) => left.instance - right.instance)
    .flatMap(({ calls, hits, instance }): readonly Measured[] => {
      const labels = { instance_no: `${instance}` }
      return [
        ['beamscope_cache_hits_total', labels, hits],
        ['beamscope_cache_calls_total', labels, calls],
      ]
    })
}

/** What prometheus.erl calls a kind: carriers, and the blocks in them, as they are now. */
interface KindFigures {
  readonly blocks: Integer
  readonly blocks_size: Integer
  readonly carriers: Integer
  readonly carriers_size: Integer
}

const USAGES = ['blocks', 'blocks_size', 'carriers', 'carriers_size'] as const

/** A node has one for each of at most 1024 schedulers, and a global one; the same for each of its allocators. */
const MAX_INSTANCES = 1_025

/** As `prometheus_vm_system_info_collector` makes them; without instances, added up. */
function allocatorFigures({ allocators }: Snapshot, instances: boolean): readonly Measured[] {
  return [...groupByAllocator(allocators)].slice(0, MAX_ALLOCATORS).flatMap(([allocator, all]) => {
    const alloc = printable(allocator)
    if (!instances) return kindFigures({ alloc }, all)
    return all
      .slice(0, MAX_INSTANCES)
      .flatMap((one) => kindFigures({ alloc, instance_no: `${one.instance}` }, [one]))
  })
}

function groupByAllocator(
  allocators: readonly AllocatorInstance[],
): Map<string, AllocatorInstance[]> {
  const groups = new Map<string, AllocatorInstance[]>()
  for (const instance of allocators) {
    const group = groups.get(instance.allocator)
    if (group === undefined) groups.set(instance.allocator, [instance])
    else group.push(instance)
  }
  return groups
}

function kindFigures(
  labels: Readonly<Record<string, string>>,
  instances: readonly AllocatorInstance[],
): readonly Measured[] {
  const kinds: readonly (readonly [kind: string, figures: readonly KindFigures[]])[] = [
    ['mbcs', instances.map(({ mbcs }) => carrierFigures(mbcs))],
    [
      'mbcs_pool',
      instances.flatMap(({ mbcsPool: pool }) => (pool === undefined ? [] : [poolFigures(pool)])),
    ],
    ['sbcs', instances.map(({ sbcs }) => carrierFigures(sbcs))],
  ]
  return kinds
    .filter(([, figures]) => figures.length > 0)
    .flatMap(([kind, figures]) =>
      USAGES.map(
        (usage): Measured => [
          'erlang_vm_allocators',
          { ...labels, kind, usage },
          sum(figures.map((figure) => figure[usage])),
        ],
      ),
    )
}

function carrierFigures({ blocks, blocksSize, carriers, carriersSize }: Carriers): KindFigures {
  return {
    blocks: blocks.current,
    blocks_size: blocksSize.current,
    carriers: carriers.current,
    carriers_size: carriersSize.current,
  }
}

function poolFigures(pool: NonNullable<AllocatorInstance['mbcsPool']>): KindFigures {
  return {
    blocks: pool.blocks,
    blocks_size: pool.blocksSize,
    carriers: pool.carriers,
    carriers_size: pool.carriersSize,
  }
}

/** As `prometheus_vm_memory_collector` makes them; nothing where `erlang:memory()` raises `notsup`. */
function memoryFigures({ memory = {} }: Snapshot): readonly Measured[] {
  const { system, processes, processes_used, atom, atom_used, binary, code, ets } = memory
  const others = [atom, binary, code, ets].filter((it) => it !== undefined)
  const other =
    system === undefined || others.length < 4 ? undefined : subtract(system, sum(others))
  return [
    ['erlang_vm_memory_bytes', { kind: 'system' }, system],
    ['erlang_vm_memory_bytes', { kind: 'processes' }, processes],
    ['erlang_vm_memory_system_bytes', { usage: 'atom' }, atom],
    ['erlang_vm_memory_system_bytes', { usage: 'binary' }, binary],
    ['erlang_vm_memory_system_bytes', { usage: 'code' }, code],
    ['erlang_vm_memory_system_bytes', { usage: 'ets' }, ets],
    ['erlang_vm_memory_system_bytes', { usage: 'other' }, other],
    ['erlang_vm_memory_processes_bytes', { usage: 'used' }, processes_used],
    ['erlang_vm_memory_processes_bytes', { usage: 'free' }, free(processes, processes_used)],
    ['erlang_vm_memory_atom_bytes', { usage: 'used' }, atom_used],
    ['erlang_vm_memory_atom_bytes', { usage: 'free' }, free(atom, atom_used)],
  ]
}

function free(all: Integer | undefined, used: Integer | undefined): Integer | undefined {
  return all === undefined || used === undefined ? undefined : subtract(all, used)
}
