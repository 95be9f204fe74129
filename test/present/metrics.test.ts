import { describe, expect, it } from 'vitest'
import { accountFor, accountingLine } from '../../src/analysis/accounting.ts'
import { diagnose } from '../../src/analysis/diagnose.ts'
import type { Snapshot } from '../../src/analysis/snapshot.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import {
  METRIC_NAMES,
  type MeasuredNode,
  type MetricName,
  type MetricSample,
  metricFamilies,
} from '../../src/present/metrics.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import { metricsText } from '../../src/serve/metrics-text.ts'
import * as made from '../analysis/made-snapshots.ts'

const NODE = 'shop@127.0.0.1'

const { snapshot } = await readSnapshotFile(binarySpikeFile)

function measured(it: Snapshot, parts: Partial<MeasuredNode> = {}): MeasuredNode {
  return {
    node: NODE,
    isUp: true,
    last: { snapshot: it, diagnosis: diagnose(it), time: Date.parse('2026-01-31T12:00:00.250Z') },
    samples: 7,
    failures: new Map([['ERR_NET_REFUSED', 2]]),
    ...parts,
  }
}

function samplesOf(
  name: MetricName,
  nodes: readonly MeasuredNode[],
  instances = false,
): readonly MetricSample[] {
  const families = metricFamilies(nodes, { version: '1.2.3', instances })
  return families.find((family) => family.name === name)?.samples ?? []
}

describe('metrics of a recorded node', () => {
  it.each(['prometheus', 'openmetrics'] as const)('are this text for %s', async (format) => {
    const { text } = await metricsText(
      metricFamilies([measured(snapshot)], { version: '1.2.3' }),
      format,
    )
    await expect(text).toMatchFileSnapshot(`expected/metrics.${format}.txt`)
  })

  it('have every name once, with a help', () => {
    expect(new Set(METRIC_NAMES).size).toBe(METRIC_NAMES.length)
    for (const { help } of metricFamilies([measured(snapshot)], { version: '1' })) {
      expect(help).toMatch(/^[A-Z][^"\n\\]*[.)]$/)
    }
  })

  it('add up to what the accounting has', () => {
    const accounting = accountFor(snapshot)
    const sum = (name: MetricName, wanted: (labels: MetricSample['labels']) => boolean): number =>
      samplesOf(name, [measured(snapshot)])
        .filter(({ labels }) => wanted(labels))
        .reduce((total, { value }) => total + value, 0)
    const allocated = accountingLine(accounting, 'allocated').bytes
    const used = accountingLine(accounting, 'used').bytes
    const pooled = accountingLine(accounting, 'pooled').bytes
    expect(sum('beamscope_allocated_bytes', () => true)).toBe(allocated)
    expect(sum('erlang_vm_allocators', ({ usage }) => usage === 'carriers_size')).toBe(allocated)
    expect(sum('beamscope_used_bytes', () => true)).toBe(used)
    expect(sum('erlang_vm_allocators', ({ usage }) => usage === 'blocks_size')).toBe(used)
    expect(sum('beamscope_pool_bytes', () => true)).toBe(pooled)
    expect(sum('beamscope_verdict', () => true)).toBe(1)
    expect(sum('beamscope_verdict', ({ verdict }) => verdict === 'fragmented')).toBe(1)
  })

  it('are the same added up as by instance, of which each is told', () => {
    for (const name of ['erlang_vm_allocators', 'beamscope_cache_calls_total'] as const) {
      const together = new Map<string, number>()
      const key = ({ instance_no: _, ...rest }: MetricSample['labels']): string =>
        JSON.stringify(rest)
      const each = samplesOf(name, [measured(snapshot)], true)
      for (const { labels, value } of each) {
        expect(labels.instance_no).toMatch(/^\d+$/)
        together.set(key(labels), (together.get(key(labels)) ?? 0) + value)
      }
      const added = samplesOf(name, [measured(snapshot)])
      expect(each.length).toBeGreaterThan(added.length)
      expect(together).toEqual(new Map(added.map(({ labels, value }) => [key(labels), value])))
    }
  })
})

describe('a node', () => {
  it('that does not answer has no figures, and yet a time', () => {
    const node = measured(snapshot, { isUp: false })
    const families = metricFamilies([node], { version: '1' })
    expect(families.map(({ name, samples }) => [name, samples.map(({ value }) => value)])).toEqual([
      ['beamscope_build_info', [1]],
      ['beamscope_up', [0]],
      ['beamscope_samples_total', [7]],
      ['beamscope_sample_failures_total', [2]],
      ['beamscope_sample_timestamp_seconds', [1_769_860_800.25]],
    ])
  })

  it('that cannot tell something has no series of it', () => {
    const bare = made.snapshot({ allocators: [made.instance()] })
    const names = metricFamilies([measured(bare)], { version: '1' }).map(({ name }) => name)
    expect(names).toContain('erlang_vm_allocators')
    expect(names).not.toContain('beamscope_resident_bytes')
    expect(names).not.toContain('beamscope_memory_limit_bytes')
    expect(names).not.toContain('beamscope_sample_duration_seconds')
    expect(names.filter((name) => name.startsWith('erlang_vm_memory'))).toEqual([])
  })

  it('has the kinds that prometheus.erl has: a pool where there is one', () => {
    const kinds = (it: Snapshot): readonly (string | undefined)[] => [
      ...new Set(
        samplesOf('erlang_vm_allocators', [measured(it)]).map(({ labels }) => labels.kind),
      ),
    ]
    const without = made.snapshot({ allocators: [made.instance()] })
    const pool = made.pool(5, 3)
    const withPool = made.snapshot({ allocators: [made.instance({ mbcsPool: pool })] })
    expect(kinds(without)).toEqual(['mbcs', 'sbcs'])
    expect(kinds(withPool)).toEqual(['mbcs', 'mbcs_pool', 'sbcs'])
    const inPool = samplesOf('erlang_vm_allocators', [measured(withPool)])
      .filter(({ labels }) => labels.kind === 'mbcs_pool')
      .map(({ labels, value }) => [labels.usage, value])
    expect(inPool).toEqual([
      ['blocks', 1],
      ['blocks_size', 3],
      ['carriers', 1],
      ['carriers_size', 5],
    ])
  })

  it('has erlang:memory() as prometheus.erl divides it', () => {
    const memory = {
      ...{ total: 100, processes: 40, processes_used: 30, system: 60 },
      ...{ atom: 5, atom_used: 4, binary: 6, code: 7, ets: 8 },
    }
    const values = (name: MetricName): readonly unknown[] =>
      samplesOf(name, [measured(made.snapshot({ memory }))]).map(({ labels, value }) => [
        labels.kind ?? labels.usage,
        value,
      ])
    expect(values('erlang_vm_memory_bytes')).toEqual([
      ['system', 60],
      ['processes', 40],
    ])
    expect(values('erlang_vm_memory_system_bytes')).toEqual([
      ['atom', 5],
      ['binary', 6],
      ['code', 7],
      ['ets', 8],
      ['other', 34],
    ])
    expect(values('erlang_vm_memory_processes_bytes')).toEqual([
      ['used', 30],
      ['free', 10],
    ])
    expect(values('erlang_vm_memory_atom_bytes')).toEqual([
      ['used', 4],
      ['free', 1],
    ])
  })

  it('has integers beyond 2^53 in decimal digits, the nearest that a double is', async () => {
    const size = 2n ** 63n + 1n
    const huge = made.instance({ mbcs: made.carriers({ allocated: size, used: size }) })
    const families = metricFamilies([measured(made.snapshot({ allocators: [huge] }))], {
      version: '1',
    })
    const { text } = await metricsText(families, 'prometheus')
    const [, digits = ''] =
      /^erlang_vm_allocators\{.*kind="mbcs",usage="carriers_size"\} (.*)$/m.exec(text) ?? []
    expect(digits).toMatch(/^\d+$/)
    expect(Number(digits)).toBe(Number(size))
  })
})

describe('a node that counts below 0', () => {
  it('has no series of that, and the others have theirs', async () => {
    const ofCalls = (calls: number): Snapshot => ({
      ...snapshot,
      mseg: snapshot.mseg.map((it) => ({
        ...it,
        memoryKinds: it.memoryKinds.map((kind) => ({ ...kind, calls: { mseg_alloc: calls } })),
      })),
    })
    const nodes = [measured(ofCalls(-1), { node: 'wrong@127.0.0.1' }), measured(ofCalls(9))]
    const families = metricFamilies(nodes, { version: '1', instances: true })
    const { text } = await metricsText(families, 'openmetrics')
    const calls = text.split('\n').filter((line) => line.startsWith('beamscope_cache_calls_total{'))
    expect(calls.length).toBeGreaterThan(0)
    for (const line of calls) expect(line).toMatch(/node="shop@127\.0\.0\.1".*\} 9$/)
    expect(text).toContain('beamscope_up{node="wrong@127.0.0.1"} 1\n')
  })
})

describe('names from outside', () => {
  const HOSTILE = 'a"} 1\nevil{x="\\" \u001b[2J\u202e'

  it.each(['prometheus', 'openmetrics'] as const)('stay labels for %s', async (format) => {
    const allocators = [made.instance({ allocator: HOSTILE })]
    const node = measured(made.snapshot({ allocators }), {
      node: HOSTILE,
      failures: new Map([[HOSTILE, 1]]),
    })
    const { text } = await metricsText(metricFamilies([node], { version: '1' }), format)
    const label = String.raw`"a\"} 1\\u000aevil{x=\"\\\" \\u001b[2J\\u202e"`
    expect(text).toContain(`node=${label},alloc=${label}`)
    for (const line of text.split('\n')) {
      expect(line).toMatch(/^$|^# (HELP|TYPE|EOF)|^\w+(\{(\w+="(\\.|[^"\\])*",?)*\})? [\d.e+-]+$/)
      expect(line).not.toMatch(/^evil/)
    }
  })

  it('are no more than so many', () => {
    const allocators = Array.from({ length: 100 }, (_, index) =>
      made.instance({ allocator: `alloc_${index}` }),
    )
    const node = measured(made.snapshot({ allocators }))
    const named = (name: MetricName): number =>
      new Set(samplesOf(name, [node]).map(({ labels }) => labels.alloc)).size
    expect(named('erlang_vm_allocators')).toBe(32)
    expect(named('beamscope_waste_bytes')).toBe(32)
    const instances = Array.from({ length: 2_000 }, (_, instance) => made.instance({ instance }))
    const many = measured(made.snapshot({ allocators: instances }))
    const told = samplesOf('erlang_vm_allocators', [many], true)
    expect(new Set(told.map(({ labels }) => labels.instance_no)).size).toBe(1_025)
  })
})
