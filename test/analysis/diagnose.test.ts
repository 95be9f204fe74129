import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/analysis/diagnose.ts'
import type { Diagnosis, Finding, FindingId, Verdict } from '../../src/analysis/index.ts'
import { SEVERITIES, THRESHOLDS, toJson } from '../../src/analysis/index.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { known, knownStates, states } from './diagnosis-fixtures.ts'
import { goldenBytes, goldenFiles, goldenNames } from './golden.ts'
import { carriers, instance, MiB, pool, resident, snapshot } from './made-snapshots.ts'

interface Expected {
  readonly verdict: Verdict
  /** Where it differs without the resident size. */
  readonly blind?: Verdict
  /** Allocators that are found fragmented after a peak. */
  readonly guilty?: readonly string[]
  /** Allocators whose carriers were never used well. */
  readonly structural?: readonly string[]
  /** What else is found, beside what the verdict says; alone where it says nothing. */
  readonly also?: readonly FindingId[]
}

const binary = ['binary_alloc']
const all = ['binary_alloc', 'eheap_alloc', 'ets_alloc']

/** By the folder of the snapshots. */
const expected: Readonly<Record<string, Expected>> = {
  idle: { verdict: 'healthy' },
  'idle-super-carrier': { verdict: 'healthy' },
  'idle-without-binary-alloc': { verdict: 'healthy', blind: 'inconclusive' },
  'idle-without-allocators': { verdict: 'healthy', blind: 'inconclusive' },
  'idle-large-port-table': { verdict: 'in-use' },
  'idle-large-process-table': { verdict: 'in-use' },
  code: { verdict: 'healthy' },
  'binary-freed': { verdict: 'healthy' },
  'busy-then-quiet': { verdict: 'healthy' },
  'cache-misses': { verdict: 'healthy', also: ['low-cache-hit-rate'] },
  'cache-misses-large-cache': { verdict: 'healthy', also: ['low-cache-hit-rate'] },

  'binary-fragmented': { verdict: 'fragmented', guilty: binary, also: ['abandoned-carriers'] },
  'binary-fragmented-small': { verdict: 'fragmented', guilty: binary },
  'binary-scattered': { verdict: 'fragmented', guilty: binary },
  'binary-half': { verdict: 'fragmented', guilty: binary },
  'binary-fragmented-aobf': { verdict: 'fragmented', guilty: binary },
  'binary-fragmented-no-migration': {
    verdict: 'fragmented',
    guilty: binary,
    also: ['migration-off'],
  },
  'binary-fragmented-gf': { verdict: 'fragmented', guilty: binary, also: ['migration-off'] },
  'binary-fragmented-pages-free': { verdict: 'fragmented', guilty: binary },
  'binary-fragmented-super-carrier': { verdict: 'fragmented', guilty: binary },
  'eheap-fragmented': { verdict: 'fragmented', guilty: ['eheap_alloc'] },
  'ets-fragmented': { verdict: 'fragmented', guilty: ['ets_alloc'] },
  'mixed-fragmented': { verdict: 'fragmented', guilty: all },

  'binary-live': { verdict: 'in-use' },
  'eheap-live': { verdict: 'in-use' },
  'ets-live': { verdict: 'in-use' },
  'mixed-live': { verdict: 'in-use', guilty: binary },
  'sub-binaries': { verdict: 'in-use' },
  messages: { verdict: 'in-use' },
  'persistent-terms': { verdict: 'in-use' },
  'under-load': { verdict: 'in-use' },
  'heap-freed': { verdict: 'in-use' },
  'single-blocks-large': { verdict: 'in-use' },

  'single-blocks': { verdict: 'oversized-carriers', also: ['many-single-block-carriers'] },
  'single-blocks-mapped': { verdict: 'in-use', also: ['many-single-block-carriers'] },
  'single-blocks-shared': { verdict: 'in-use' },
  // Half of each carrier was never touched: only the resident size can tell.
  'large-blocks-small-carriers': {
    verdict: 'in-use',
    blind: 'fragmented',
    structural: binary,
    also: ['small-carriers'],
  },
  'large-blocks-small-threshold': {
    verdict: 'oversized-carriers',
    also: ['many-single-block-carriers'],
  },

  outside: { verdict: 'outside-allocators', blind: 'healthy' },
  'outside-fragmented': { verdict: 'outside-allocators', blind: 'fragmented', guilty: binary },
  'fragmented-outside': { verdict: 'fragmented', guilty: binary },
  'fragmented-without-binary-alloc': { verdict: 'outside-allocators', blind: 'inconclusive' },
  'fragmented-without-eheap-alloc': { verdict: 'outside-allocators', blind: 'inconclusive' },
}

function findings(diagnosis: Diagnosis, id: FindingId): readonly Finding[] {
  return diagnosis.findings.filter((finding) => finding.id === id)
}

function only(diagnosis: Diagnosis, id: FindingId): Finding {
  const [finding, ...others] = findings(diagnosis, id)
  if (finding === undefined || others.length > 0) throw new Error(`not one finding ${id}`)
  return finding
}

function guilty(
  diagnosis: Diagnosis,
  id: FindingId = 'fragmented-allocator',
): readonly (string | undefined)[] {
  return findings(diagnosis, id).map(({ allocator }) => allocator)
}

function figure(finding: Finding, what: string): number {
  const evidence = finding.evidence.find((each) => each.what === what)
  if (evidence === undefined) throw new Error(`no evidence: ${what}`)
  return Number(evidence.value)
}

describe('the verdict', () => {
  test('is known for every state', () => {
    expect(Object.keys(expected).toSorted()).toEqual(states.toSorted())
  })

  test.each(knownStates)('on $state/$node', ({ state, snapshot }) => {
    const diagnosis = diagnose(snapshot)
    expect(diagnosis.verdict).toBe(expected[state]?.verdict)
    expect(guilty(diagnosis).toSorted()).toEqual(expected[state]?.guilty ?? [])
    expect(guilty(diagnosis, 'structural-low-use')).toEqual(expected[state]?.structural ?? [])
    const ids = diagnosis.findings.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining([...(expected[state]?.also ?? [])]))
    // On a healthy node nothing is found that was not provoked; a full cache is what a peak leaves.
    const disabled = snapshot.disabled.map(() => 'disabled-allocator')
    if (diagnosis.verdict === 'healthy') {
      expect(ids.filter((id) => id !== 'mseg-cache')).toEqual([
        ...(expected[state]?.also ?? []),
        ...disabled,
      ])
    }
  })

  test.each(knownStates)('on $state/$node without a resident size', ({ state, snapshot }) => {
    const diagnosis = diagnose({ ...snapshot, os: undefined })
    expect(diagnosis.verdict).toBe(expected[state]?.blind ?? expected[state]?.verdict)
    expect(guilty(diagnosis).toSorted()).toEqual(expected[state]?.guilty ?? [])
    expect(findings(diagnosis, 'missing-part').map(({ summary }) => summary)).toContainEqual(
      expect.stringContaining('resident size'),
    )
  })

  describe.each(goldenNames)('of the incident %s', (name) => {
    const worst: Readonly<Record<string, readonly string[]>> = {
      'otp23-binary-8-schedulers': ['binary_alloc'],
      'otp25-ets-2-schedulers': ['ets_alloc'],
      'otp27-mixed-supercarrier': ['eheap_alloc', 'binary_alloc', 'ets_alloc'],
      'otp29-mixed-4-schedulers': ['eheap_alloc', 'binary_alloc', 'ets_alloc'],
    }

    test.each(goldenFiles)('in %s is fragmented, the worst allocator first', (file) => {
      const diagnosis = diagnose(readSnapshot(goldenBytes(name, file)).snapshot)
      expect(diagnosis.verdict).toBe('fragmented')
      expect(guilty(diagnosis)).toEqual(worst[name])
    })
  })

  test('is inconclusive where there is no allocator to look at', () => {
    expect(diagnose(snapshot()).verdict).toBe('inconclusive')
    expect(diagnose(snapshot({ os: resident(900 * MiB) })).verdict).toBe('inconclusive')
  })

  test('goes to what explains most', () => {
    const more = diagnose(known('outside-fragmented', 'otp29-s2'))
    expect(more.findings.map(({ id }) => id).slice(0, 2)).toEqual([
      'outside-allocators',
      'fragmented-allocator',
    ])
  })

  test('adds up what several allocators waste, none of which is much by itself', () => {
    const allocator = (name: string) =>
      instance({
        allocator: name,
        mbcs: carriers({ allocated: 20 * MiB, used: MiB, count: 9, maxUsed: 19 * MiB }),
      })
    const names = ['binary_alloc', 'ets_alloc', 'std_alloc']
    expect(diagnose(snapshot({ allocators: names.map(allocator) })).verdict).toBe('fragmented')
    expect(diagnose(snapshot({ allocators: [allocator('ets_alloc')] })).verdict).toBe('healthy')
  })

  test('lets a line be drawn elsewhere', () => {
    const idle = known('idle', 'otp29-s2')
    expect(diagnose(idle, { thresholds: { largeUse: -MiB * 10 } }).verdict).toBe('in-use')
    expect(diagnose(idle, {}).verdict).toBe('healthy')
  })
})

describe('an idle node', () => {
  test.each(knownStates.filter(({ state }) => state === 'idle'))(
    'has nothing to find on $node',
    ({ snapshot }) => {
      expect(diagnose(snapshot).findings).toEqual([])
    },
  )

  test('stays far below every line', () => {
    for (const { state, snapshot } of knownStates) {
      if (state !== 'idle' && state !== 'code') continue
      const { accounting } = diagnose(snapshot)
      for (const { aboveFloor } of accounting.allocators) {
        expect(Number(aboveFloor)).toBeLessThan(THRESHOLDS.wasteOfAllocator / 2)
      }
    }
  })
})

describe('a fragmented allocator', () => {
  const diagnosis = diagnose(known('binary-fragmented', 'otp25-s2'))
  const finding = only(diagnosis, 'fragmented-allocator')

  test('shows its waste, its usage now and at the peak, and what lies in the pool', () => {
    expect(figure(finding, 'wasted above the floor of an idle node')).toBeGreaterThan(150 * MiB)
    expect(figure(finding, 'usage now')).toBeLessThan(0.06)
    expect(figure(finding, 'usage at the peak')).toBeGreaterThan(0.93)
    expect(figure(finding, 'of the carriers, those in the pool')).toBeGreaterThan(100 * MiB)
    expect(figure(finding, 'instances concerned')).toBe(1)
  })

  test('says that peaks of instances were not reached together', () => {
    const peak = finding.evidence.find(({ what }) => what === 'usage at the peak')
    expect(peak?.source).toContain('at different times')
  })

  test('blames the peak in a sentence', () => {
    expect(finding.summary).toMatch(
      /^binary_alloc uses 5% of its 16\d MiB .* in the pool\), against 9\d% at its peak: .* 15\d MiB\.$/,
    )
  })

  test('blames its blocks where it never was better', () => {
    const never = only(
      diagnose(known('large-blocks-small-carriers', 'otp25-s2')),
      'structural-low-use',
    )
    expect(never.summary).toContain('never used much more')
    expect(never.severity).toBe('info')
    expect(figure(never, 'average size of these blocks')).toBeGreaterThan(250_000)
    expect(figure(never, 'largest size of a carrier (lmbcs)')).toBe(512 * 1024)
    expect(never.remedies[0]?.flags).toBe('+MBlmbcs 5120')
  })

  test('is concerned in many instances if it was scattered', () => {
    const scattered = only(diagnose(known('binary-scattered', 'otp29-s8')), 'fragmented-allocator')
    expect(figure(scattered, 'instances concerned')).toBeGreaterThan(3)
  })

  test('is a warning, and critical from half of a large node on', () => {
    expect(finding.severity).toBe('warning')
    const huge = instance({ mbcs: carriers({ allocated: 4096 * MiB, used: MiB, count: 900 }) })
    const [worst] = diagnose(snapshot({ allocators: [huge] })).findings
    expect(worst?.severity).toBe('critical')
  })
})

describe('other findings', () => {
  test('name what dominates memory in use', () => {
    const dominating = (state: string) => only(diagnose(known(state, 'otp29-s2')), 'in-use').summary
    expect(dominating('sub-binaries')).toMatch(/% of it for binaries\.$/)
    expect(dominating('ets-live')).toMatch(/% of it for ETS tables\.$/)
    expect(dominating('eheap-live')).toMatch(/% of it for processes/)
    expect(dominating('messages')).toMatch(/% of it for processes/)
    expect(dominating('persistent-terms')).toMatch(/% of it for the rest of the system/)
  })

  test('know what dominates from the allocators, where erlang:memory() is not there', () => {
    const live = { ...known('ets-live', 'otp29-s2'), memory: undefined }
    expect(only(diagnose(live), 'in-use').summary).toMatch(/% of it for ETS tables\.$/)
  })

  test('are not what a super carrier keeps resident when it is free again', () => {
    // A peak of 200 MiB in the one, and in the other something that no segment ever was.
    const idle = known('idle-super-carrier', 'otp25-s2')
    const os = resident(240 * MiB)
    const { mseg } = idle
    const after = {
      ...idle,
      os,
      mseg: mseg.map((each, index) => ({
        ...each,
        memoryKinds: each.memoryKinds.map((kind) => ({
          ...kind,
          segmentsSize: {
            ...kind.segmentsSize,
            max: index === 1 ? 210 * MiB : kind.segmentsSize.max,
          },
        })),
      })),
    }
    expect(diagnose(after).verdict).toBe('healthy')
    const { accounting } = diagnose(after)
    expect(accounting.resident.parts.find(({ id }) => id === 'unexplained')?.why).toMatch(
      /^up to \d+ bytes may be free in the super carrier/,
    )
    expect(diagnose({ ...idle, os }).verdict).toBe('outside-allocators')
  })

  test('tell how much lies outside at least', () => {
    for (const node of ['otp23-s2', 'otp25-s2', 'otp29-s2', 'otp23-s64', 'otp29-s64']) {
      const outside = only(diagnose(known('outside', node)), 'outside-allocators')
      expect(outside.bytes).toBeGreaterThan(200 * MiB)
      expect(outside.bytes).toBeLessThan(301 * MiB)
    }
  })

  test('show rounded carriers beside what is resident', () => {
    const rounded = only(diagnose(known('single-blocks', 'otp27-s2')), 'oversized-carriers')
    expect(figure(rounded, 'single-block carriers from sys_alloc')).toBe(744)
    expect(figure(rounded, 'usage of single-block carriers')).toBeCloseTo(0.588, 2)
    expect(figure(rounded, 'allocated by all allocators')).toBeGreaterThan(
      figure(rounded, 'resident') + 300 * MiB,
    )
  })

  test('see blocks that shrank in carriers of mseg_alloc', () => {
    const shrunk = instance({
      allocator: 'eheap_alloc',
      sbcs: carriers({ allocated: 900 * MiB, used: 480 * MiB, count: 3 }),
    })
    const diagnosis = diagnose(snapshot({ allocators: [shrunk] }))
    expect(diagnosis.verdict).toBe('fragmented')
    expect(only(diagnosis, 'sparse-single-block-carriers').bytes).toBe(420 * MiB)
  })

  test('see the tables of the emulator', () => {
    const tables = only(diagnose(known('idle-large-port-table', 'otp29-s2')), 'emulator-tables')
    expect(tables.allocator).toBe('ll_alloc')
    expect(tables.remedies.map(({ flags }) => flags)).toContain('+Q 65536')
  })

  test('see a full cache of segments, which decides nothing', () => {
    const cache = only(diagnose(known('heap-freed', 'otp25-s2')), 'mseg-cache')
    expect(cache.bytes).toBeGreaterThan(500 * MiB)
    expect(cache.severity).toBe('info')
  })

  test('see pages that count although they were given back', () => {
    const lazy = only(diagnose(known('eheap-fragmented', 'otp23-s2')), 'lazy-free')
    expect(lazy.bytes).toBeGreaterThan(60 * MiB)
  })

  test('know who let these pages go, and what takes them out of the count', () => {
    const old = only(diagnose(known('eheap-fragmented', 'otp23-s2')), 'lazy-free')
    expect(old.summary).toContain('OTP 22 to 24')
    expect(old.remedies).toEqual([])
    expect(figure(old, 'resident without them')).toBe(
      figure(old, 'resident') - figure(old, 'given back, and still counted'),
    )
    const asked = (release: string) =>
      only(
        diagnose({
          ...snapshot({ allocators: [instance({ options: { acful: 60 } })] }),
          otpRelease: release,
          os: { ...resident(200 * MiB), lazyFree: 64 * MiB },
        }),
        'lazy-free',
      )
    expect(asked('27').summary).toContain('acful asked for that')
    expect(asked('27').remedies).toEqual([])
    expect(asked('29').remedies.map(({ flags }) => flags)).toEqual(['+Mumadtn true'])
  })

  test('say what is known not to help', () => {
    const unhelpful = (state: string, id: FindingId) =>
      only(diagnose(known(state, 'otp25-s2')), id).noHelp?.map(({ what }) => what)
    const collect = '[erlang:garbage_collect(P) || P <- processes()]'
    expect(unhelpful('binary-fragmented', 'fragmented-allocator')).toEqual([
      collect,
      '+MBlmbcs 512 alone',
      '+MBacul 0 or +MBas gf',
    ])
    // Heaps are what a collection moves, and smaller carriers did help.
    expect(unhelpful('eheap-fragmented', 'fragmented-allocator')).toEqual(['+MHacul 0 or +MHas gf'])
    expect(unhelpful('binary-live', 'in-use')).toEqual(['+M flags', collect])
    expect(unhelpful('ets-live', 'in-use')).toEqual(['+M flags'])
    expect(unhelpful('single-blocks', 'oversized-carriers')).toEqual([
      '+MBas, and any other strategy',
    ])
    expect(unhelpful('outside', 'outside-allocators')).toEqual(['+M flags, or collecting garbage'])
  })

  test('propose nothing that is in force', () => {
    const flags = (state: string) =>
      diagnose(known(state, 'otp29-s2')).findings.flatMap(({ remedies }) =>
        remedies.map((remedy) => remedy.flags),
      )
    expect(flags('binary-fragmented-aobf').join()).not.toMatch(/aobf|MBlmbcs 512/)
    // acful and madtn are.
    expect(flags('binary-fragmented-pages-free').join()).not.toContain('acful')
    expect(flags('cache-misses-large-cache').join()).not.toContain('MMmcs 30')
  })

  test('name each disabled allocator', () => {
    const disabled = diagnose(known('idle-without-binary-alloc', 'otp29-s2'))
    expect(only(disabled, 'disabled-allocator').allocator).toBe('binary_alloc')
  })

  test('name what is missing, with the reason that was given', () => {
    const missing = [{ what: 'resident size', why: 'the node may not run on Linux' }]
    const bare = { ...known('idle', 'otp27-s4'), os: undefined, memory: undefined, missing }
    expect(findings(diagnose(bare), 'missing-part').map(({ summary }) => summary)).toEqual([
      'Not available: resident size (the node may not run on Linux).',
      'Not available: erlang:memory() (the snapshot does not hold it).',
    ])
  })
})

describe('the pool', () => {
  const abandoned = (statistics: Readonly<Record<string, number>>) =>
    only(
      diagnose(
        snapshot({
          allocators: [
            instance({
              mbcs: carriers({ allocated: 100 * MiB, used: 90 * MiB, count: 20, blocks: 1000 }),
              mbcsPool: { ...pool(60 * MiB, 10 * MiB, 12), blocks: 500, statistics },
            }),
          ],
        }),
      ),
      'abandoned-carriers',
    )

  test('shows what lies in it, and what it counts', () => {
    const finding = only(diagnose(known('binary-scattered', 'otp23-s8')), 'abandoned-carriers')
    expect(figure(finding, 'carriers in the pool')).toBeGreaterThan(70 * MiB)
    expect(figure(finding, 'carriers fetched from the pool')).toBe(21)
    expect(figure(finding, 'searches that found none')).toBe(7)
  })

  test('is not reused where more searches fail than find something', () => {
    const finding = abandoned({ fetch: 150, fail: 4000 })
    expect(finding.summary).toContain('hardly reused, since 4000 searches')
    expect(finding.remedies.map(({ flags }) => flags)).toContain('+MBacfml 69906')
  })

  test('is reused where they find something, or hardly any was made', () => {
    expect(abandoned({ fetch: 4000, fail: 150 }).summary).toContain('waits to be fetched')
    expect(abandoned({ fetch: 3, fail: 9 }).summary).toContain('waits to be fetched')
  })
})

describe('the cache of segments', () => {
  test('is found too small where segments are asked for often', () => {
    const finding = only(diagnose(known('cache-misses', 'otp25-s2')), 'low-cache-hit-rate')
    expect(figure(finding, 'segments asked for')).toBeGreaterThan(19_000)
    expect(figure(finding, 'hit rate of all instances')).toBeLessThan(0.4)
    expect(figure(finding, 'segments kept, at most')).toBe(10)
    expect(finding.remedies[0]?.flags).toBe('+MMmcs 30')
  })

  test('is not made larger than it can be', () => {
    const found = diagnose(known('cache-misses-large-cache', 'otp29-s2'))
    const flags = only(found, 'low-cache-hit-rate').remedies.map((remedy) => remedy.flags)
    expect(flags).toEqual(['+MMrmcbf 60 +MMamcbf 8192'])
    // It is full at the moment, but a smaller one would be worse.
    expect(only(found, 'mseg-cache').remedies).toEqual([])
  })
})

describe('settings of its own', () => {
  test('are named where they turn migration off, and where that was not asked for', () => {
    const off = (state: string) => only(diagnose(known(state, 'otp25-s2')), 'migration-off')
    expect(off('binary-fragmented-gf').summary).toContain('The strategy turned it off')
    expect(off('binary-fragmented-no-migration').summary).toContain('acul 0, which turns aoffcbf')
    expect(off('binary-fragmented-gf').remedies.map(({ flags }) => flags)).toEqual([
      '+MBas aoffcbf',
    ])
  })

  test('are not held against the strategy that was recommended', () => {
    expect(
      findings(diagnose(known('binary-fragmented-aobf', 'otp25-s2')), 'migration-off'),
    ).toEqual([])
    expect(
      findings(diagnose(known('binary-fragmented-aobf', 'otp25-s2')), 'small-carriers'),
    ).toEqual([])
  })

  test('are named where carriers became small and blocks did not', () => {
    const small = only(diagnose(known('large-blocks-small-carriers', 'otp29-s2')), 'small-carriers')
    expect(figure(small, 'the same by default')).toBe(5 * MiB)
    expect(small.remedies.map(({ flags }) => flags)).toEqual(['+MBlmbcs 5120'])
  })
})

describe('blocks with a carrier each', () => {
  test('are found, and a threshold that lets them share some', () => {
    const many = only(diagnose(known('single-blocks', 'otp25-s2')), 'many-single-block-carriers')
    expect(figure(many, 'blocks in single-block carriers')).toBe(1000)
    expect(many.remedies.map(({ flags }) => flags)).toEqual([
      '+MBsbct 1024 +MBlmbcs 10240',
      'erlang:system_flag(erts_alloc, {binary_alloc, sbct, 1048576})',
    ])
  })

  test('are let alone where they are large', () => {
    const large = diagnose(known('single-blocks-large', 'otp25-s2'))
    expect(findings(large, 'many-single-block-carriers')).toEqual([])
  })
})

describe('a node that answers slowly', () => {
  test('is told of, with how long it took', () => {
    const slow = only(diagnose({ ...known('idle', 'otp29-s2'), duration: 4321.5 }), 'slow-answer')
    expect(slow.summary).toContain('took 4.3 s to answer')
    expect(slow.severity).toBe('warning')
    expect(slow.evidence[0]).toMatchObject({ value: 4322, unit: 'millisecond' })
  })

  test('decides nothing, and is not told of where it took as long as usual', () => {
    const diagnosis = diagnose({ ...known('idle', 'otp29-s2'), duration: 300 })
    expect(diagnosis).toMatchObject({ verdict: 'healthy', findings: [] })
  })
})

describe('every diagnosis', () => {
  test.each(knownStates)('of $state/$node is complete and in order', ({ snapshot }) => {
    const { findings } = diagnose(snapshot)
    const ranks = findings.map(({ severity }) => SEVERITIES.indexOf(severity))
    expect(ranks).toEqual(ranks.toSorted((left, right) => right - left))
    for (const { summary, evidence, remedies, noHelp = [] } of findings) {
      for (const { what, why } of noHelp) expect([what, why]).not.toContain('')
      expect(summary).toMatch(/^\S.*\.$/)
      expect(summary).not.toMatch(/undefined|NaN|Infinity/)
      for (const { source, value, unit } of evidence) {
        expect(source).not.toBe('')
        if (unit === 'ratio') expect(Number(value)).toBeLessThanOrEqual(1)
      }
      for (const { flags, why, price } of remedies) {
        expect([flags, why, price]).not.toContain('')
        expect(flags).not.toContain('undefined')
      }
    }
  })

  test('is JSON under the keys of the contract', () => {
    const json = toJson(diagnose(known('mixed-fragmented', 'otp23-s2')))
    expect(json).toMatchObject({
      verdict: 'fragmented',
      findings: expect.arrayContaining([
        expect.objectContaining({
          id: 'fragmented-allocator',
          severity: 'warning',
          allocator: 'binary_alloc',
          evidence: expect.any(Array),
          remedies: expect.any(Array),
        }),
      ]),
      accounting: { resident: { id: 'resident', bytes: expect.any(Number) } },
    })
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  })

  test('leaves its snapshot as it was, and comes out the same again', () => {
    const once = known('mixed-live', 'otp25-s2')
    const copy = structuredClone(once)
    expect(diagnose(once)).toEqual(diagnose(copy))
    expect(once).toEqual(copy)
  })
})
