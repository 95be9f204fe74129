/**
 * How a diagnosis reads; what is in one is the analysis' affair.
 */
import { describe, expect, it } from 'vitest'
import type { AccountingLine, AllocatorAccount } from '../../src/analysis/accounting.ts'
import type { Diagnosis } from '../../src/analysis/diagnose.ts'
import type { Finding } from '../../src/analysis/finding.ts'
import type { Snapshot } from '../../src/analysis/snapshot.ts'
import { diagnosisText } from '../../src/present/diagnosis.ts'
import { paperOf } from '../../src/present/paper.ts'
import type { View } from '../../src/present/view.ts'

const MiB = 2 ** 20

const snapshot: Snapshot = {
  node: 'rabbit@myhost',
  takenAt: '2026-01-31T12:00:00.000Z',
  otpRelease: '27',
  schedulers: 2,
  schedulersOnline: 2,
  memory: undefined,
  allocators: [],
  mseg: [],
  sysAllocOptions: undefined,
  mappers: {},
  disabled: [],
  os: undefined,
  missing: [],
}

const remedy = (letter: string): Finding['remedies'] => [
  {
    flags: `+M${letter}as aobf`,
    why: `fills the lowest addresses first; +M${letter}lmbcs 512 goes with it`,
    price: 'slower with many free blocks',
    restart: true,
  },
  {
    flags: `an_expression:that_is(long, enough, to, leave, no, room, behind, ${letter})`,
    why: 'it helps',
    price: 'none',
    restart: false,
  },
  {
    flags: `+M${letter}as ageffcbf`,
    why: 'fills the oldest carriers first',
    price: 'more work to find one',
    restart: true,
    alternative: true,
  },
]

const fragmented = (allocator: string, letter: string, bytes: number): Finding => ({
  id: 'fragmented-allocator',
  severity: 'critical',
  allocator,
  summary: `${allocator} uses 5% of its carriers, and what survived the peak keeps the rest.`,
  bytes,
  verdict: 'fragmented',
  evidence: [
    { what: 'wasted', value: bytes, unit: 'byte', source: 'mbcs' },
    { what: 'usage now', value: 0.05, unit: 'ratio', source: 'mbcs' },
    { what: 'usage at the peak', value: 0.95, unit: 'ratio', source: 'mbcs, the sums of max' },
    { what: 'blocks', value: 12_345, unit: 'count', source: 'mbcs' },
  ],
  remedies: remedy(letter),
  noHelp: [{ what: `+M${letter}lmbcs 512 alone`, why: 'survivors pin small carriers as well' }],
})

const missing: Finding = {
  id: 'missing-part',
  severity: 'info',
  allocator: undefined,
  summary: 'Not available: erlang:memory() (the node cannot tell).',
  bytes: undefined,
  verdict: undefined,
  evidence: [],
  remedies: [],
}

const line = (
  id: AccountingLine['id'],
  what: string,
  bytes: number | undefined,
  parts: readonly AccountingLine[] = [],
  why?: string,
): AccountingLine => ({ id, what, bytes, source: `the source of ${id}`, why, parts })

const account = (allocator: string, allocated: number): AllocatorAccount => ({
  allocator,
  allocated,
  used: allocated / 4,
  unused: (allocated / 4) * 3,
  floor: allocated / 4,
  aboveFloor: allocated / 2,
  singleBlockUnused: 0,
  pooled: allocated / 8,
  usage: 0.25,
  instances: [],
  settings: [],
})

const diagnosis: Diagnosis = {
  verdict: 'fragmented',
  findings: [
    fragmented('binary_alloc', 'B', 98 * MiB),
    fragmented('ets_alloc', 'E', 20 * MiB),
    missing,
  ],
  accounting: {
    resident: line('resident', 'resident', 150 * MiB, [
      line('allocated', 'carriers', 160 * MiB, [
        line('used', 'used by blocks', 40 * MiB),
        line('unused_above_floor', 'unused', 120 * MiB),
      ]),
      line('not_resident', 'counted above but not resident', -10 * MiB),
    ]),
    notes: [
      line('pooled', 'of the carriers, those in the pool', 80 * MiB),
      line('swapped', 'swapped out', undefined, [], 'nobody tells'),
    ],
    allocators: [account('std_alloc', MiB), account('binary_alloc', 159 * MiB)],
  },
  vmArgs: '# fragmented-allocator, binary_alloc\n+MBas aobf',
}

function view(columns: number, env: Record<string, string> = {}): View {
  return {
    paper: paperOf({ isTTY: true, columns }, { NO_COLOR: '1', ...env }),
    unit: undefined,
    keyword: undefined,
    label: 'rabbit@myhost',
    next: (command) => `beamscope ${command} rabbit@myhost`,
  }
}

it.each([80, 50])('reads as expected on %d columns', async (columns) => {
  const text = diagnosisText(snapshot, diagnosis, view(columns))
  const typed = /an_expression|beamscope/
  const wide = text.split('\n').filter((it) => it.length > columns && !typed.test(it))
  expect(wide).toEqual([])
  await expect(text).toMatchFileSnapshot(`expected/diagnosis-${columns}.txt`)
})

describe('the verdict', () => {
  it.each<readonly [verdict: Diagnosis['verdict'], sentence: RegExp]>([
    ['fragmented', /^VERDICT {2}fragmented – 118 MiB sit unused in binary_alloc and ets_alloc/m],
    ['healthy', /^VERDICT {2}healthy – nothing stands out/m],
    ['in-use', /^VERDICT {2}in-use – /m],
    ['outside-allocators', /^VERDICT {2}outside-allocators – /m],
    ['oversized-carriers', /^VERDICT {2}oversized-carriers – /m],
    ['inconclusive', /^VERDICT {2}inconclusive – /m],
  ])('%s is said in a sentence', (verdict, sentence) => {
    expect(diagnosisText(snapshot, { ...diagnosis, verdict }, view(80))).toMatch(sentence)
  })
})

it('gives the figures in the unit that was chosen', () => {
  const text = diagnosisText(snapshot, diagnosis, { ...view(80), unit: 'megabyte' })
  expect(text).toContain('sizes in megabytes')
  expect(text).toMatch(/^ +98\.000 {2}wasted$/m)
  expect(text).toMatch(/^-10\.000 {4}counted above/m)
})

it('says of maxima that they were not simultaneous, where there are any', () => {
  const said = 'maxima are not'
  expect(diagnosisText(snapshot, diagnosis, view(80))).toContain(said)
  expect(diagnosisText(snapshot, { ...diagnosis, findings: [] }, view(80))).not.toContain(said)
})

it('lets no escape sequence of a node through', () => {
  const finding = { ...fragmented('x', 'X', 1), summary: 'a\u001b[2Jb', allocator: 'y\u001b[0m' }
  const text = diagnosisText(snapshot, { ...diagnosis, findings: [finding] }, view(80))
  expect(text).not.toContain('\u001b')
})
