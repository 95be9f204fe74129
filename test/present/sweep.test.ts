/**
 * How a sweep reads; what is in one is the analysis' affair.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  clusterTotals,
  diagnose,
  type NodeSummary,
  outliers,
  type SweepOrder,
  summarizeNode,
} from '../../src/analysis/index.ts'
import { NoEpmdError } from '../../src/epmd/errors.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { paperOf } from '../../src/present/paper.ts'
import { dryRunText, type SweepReport, type SweepView, sweepText } from '../../src/present/sweep.ts'
import { knownStates } from '../analysis/diagnosis-fixtures.ts'
import { clusters, summary } from '../analysis/made-summaries.ts'

const MiB = 2 ** 20
const GiB = 1024 * MiB

function view(columns: number, parts: Partial<SweepView> = {}): SweepView {
  return {
    paper: paperOf({ isTTY: true, columns }, { NO_COLOR: '1' }),
    unit: undefined,
    label: 'rabbit@myhost and its peers',
    order: 'waste',
    rows: { all: false, isWanted: () => true },
    next: (command, node) => `beamscope ${command} ${node}`,
    ...parts,
  }
}

function report(summaries: readonly NodeSummary[], parts: Partial<SweepReport> = {}): SweepReport {
  return {
    summaries,
    totals: clusterTotals(summaries),
    outliers: outliers(summaries),
    failures: [],
    sources: [],
    duration: 1234,
    ...parts,
  }
}

const healthy: Partial<NodeSummary> = {
  allocated: 120 * MiB,
  used: 100 * MiB,
  usage: 0.833,
  waste: 8 * MiB,
  resident: 130 * MiB,
}

const fragmented: Partial<NodeSummary> = {
  verdict: 'fragmented',
  allocated: 2 * GiB,
  used: 400 * MiB,
  usage: 0.195,
  waste: 1600 * MiB,
  resident: 2200 * MiB,
  worst: 'binary_alloc',
  shape: { otpRelease: '27', schedulers: 2, settings: { 'binary_alloc.as': 'gf' } },
}

const cluster: readonly NodeSummary[] = [
  summary('rabbit-1@h1', healthy),
  summary('rabbit-2@h2', { ...healthy, verdict: 'in-use', resident: undefined }),
  summary('rabbit-3@h3', fragmented),
  summary('web@h4', { ...healthy, otpRelease: '25', schedulers: 8 }),
]

const failures: SweepReport['failures'] = [
  { node: 'rabbit-5@h5', error: new NoEpmdError('h5:4369', new Error('ECONNREFUSED')) },
  { node: 'rabbit-10@h6', error: new TimeoutError('connecting to rabbit-10@h6', 10_000) },
  { node: 'rabbit-4@h4', error: new NoEpmdError('h4:4369', new Error('ECONNREFUSED')) },
]

const sources: SweepReport['sources'] = [
  { source: 'EPMD of h9', error: new NoEpmdError('h9:4369', new Error('ECONNREFUSED')) },
]

const whole = report(cluster, { failures, sources })

describe('a sweep', () => {
  it.each([120, 80, 40])('reads as expected on %d columns', async (columns) => {
    const text = sweepText(whole, view(columns))
    expect(text.split('\n').filter(({ length }) => length > columns)).toEqual([])
    await expect(text).toMatchFileSnapshot(`expected/sweep-${columns}.txt`)
  })

  it('of recorded nodes reads as expected', async () => {
    const summaries = knownStates
      .filter(({ node }) => node === 'otp29-s2')
      .map(({ state, snapshot }) => summarizeNode(`${state}@myhost`, snapshot, diagnose(snapshot)))
    const text = sweepText(report(summaries), view(100))
    await expect(text).toMatchFileSnapshot('expected/sweep-recorded.txt')
  })

  it.each<[SweepOrder, string]>([
    ['waste', 'rabbit-3@h3'],
    ['node', 'rabbit-1@h1'],
    ['resident', 'rabbit-3@h3'],
  ])('in the order of %s begins with %s, and goes on with the worst', (order, first) => {
    const lines = sweepText(whole, view(80, { order })).split('\n')
    expect(lines[lines.findIndex((line) => line.startsWith('node ')) + 1]).toContain(first)
    expect(lines.at(-1)).toBe('Next: beamscope diagnose rabbit-3@h3')
  })

  it('keeps the column that it is in the order of, however narrow the paper is', () => {
    const wide = cluster.map((it) => ({ ...it, node: `${it.node}.example.org` }))
    for (const order of ['waste', 'usage', 'resident'] as const) {
      expect(sweepText(report(wide), view(40, { order }))).toMatch(
        new RegExp(`^node .* ${order}$`, 'm'),
      )
    }
  })

  it('gives names of nodes whole, however long they are', () => {
    const name = `rabbit@rabbit-0.${'rabbit-headless.'.repeat(4)}svc.cluster.local`
    expect(sweepText(report([summary(name)]), view(40))).toContain(`\n${name} `)
  })

  it('proposes no command where all are healthy', () => {
    expect(sweepText(report([summary('a@h', healthy)]), view(80))).not.toContain('Next:')
  })

  it('passes over a healthy node that wastes most', () => {
    const all = [
      summary('a@h', { ...healthy, waste: GiB }),
      summary('b@h', { ...healthy, verdict: 'outside-allocators' }),
    ]
    expect(sweepText(report(all), view(80))).toMatch(/Next: beamscope diagnose b@h$/)
  })

  it('says that no node answered, and still why', () => {
    const text = sweepText(report([], { failures }), view(80))
    expect(text).toContain('0 of 3 nodes answered, 1.2 s')
    expect(text).toContain('No node answered.')
    expect(text).toContain('- rabbit-4@h4: no EPMD listens on h4:4369')
    expect(text).not.toContain('Verdicts')
  })

  it('gives the sizes in the unit that was chosen', () => {
    const text = sweepText(whole, view(120, { unit: 'megabyte' }))
    expect(text).toContain('1.2 s, sizes in megabytes')
    expect(text).toMatch(
      /^rabbit-3@h3 .* 1,600\.000 +19\.5% +2,200\.000 +2,048\.000 +binary_alloc$/m,
    )
  })

  it('has sums that are those of its nodes', () => {
    expect(sweepText(whole, view(120))).toMatch(
      /^all 4 nodes +1\.59 GiB +29\.1% +2\.40 GiB +2\.35 GiB$/m,
    )
  })

  it('says of how many nodes a sum is not', () => {
    const unknown = summary('x@h', {
      verdict: 'inconclusive',
      allocated: undefined,
      used: undefined,
      usage: undefined,
      waste: undefined,
      resident: undefined,
    })
    const text = sweepText(report([...cluster, unknown]), view(80))
    expect(text).toMatch(/^x@h +27 +inconclusive( +–){4}$/m)
    expect(text).toContain('Not in the sum: the allocators of 1 node that cannot tell.')
    expect(text).toContain('Not in the sum: the resident size of 2 nodes that cannot tell.')
  })

  it('paints verdicts, and is as wide as without', () => {
    const paper = paperOf({ isTTY: true, columns: 80 }, { FORCE_COLOR: '1' })
    const painted = sweepText(whole, view(80, { paper }))
    expect(painted).toContain('\u001b[31mfragmented\u001b[39m')
    expect(painted).toContain('\u001b[32mhealthy\u001b[39m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is taken out
    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(sweepText(whole, view(80)))
  })

  it('lets no escape sequence through, wherever it comes from', () => {
    const bad = '\u001b[2J\u202e'
    const nodes = [1, 2, 3, 4].map((number) => summary(`web${bad}${number}@h`, healthy))
    const odd = summary(`web${bad}5@h`, {
      ...fragmented,
      otpRelease: bad,
      worst: bad,
      shape: {
        otpRelease: bad,
        schedulers: 2,
        settings: { [`${bad}.as`]: bad, [`${bad}.${bad}`]: bad },
      },
    })
    const text = sweepText(
      report([...nodes, odd], {
        failures: [{ node: `a${bad}@h`, error: new TimeoutError(bad, 1) }],
        sources: [{ source: bad, error: new Error(bad) }],
      }),
      view(120, { label: bad }),
    )
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
    expect(text).toContain('\\u001b[2J\\u202e')
  })

  it('says of any cluster what there is, on any paper', () => {
    fc.assert(
      fc.property(clusters, fc.constantFrom(40, 80, 120), (all, columns) => {
        const lines = sweepText(report(all), view(columns)).split('\n')
        for (const { node } of all) {
          expect(lines.filter((line) => line.startsWith(`${node} `))).toHaveLength(1)
        }
      }),
    )
  })
})

describe('a long table', () => {
  const many = Array.from({ length: 30 }, (_, index) =>
    summary(`n${index}@h`, { ...healthy, waste: index * MiB, verdict: 'fragmented' }),
  )
  const shown = (parts: Partial<SweepView>): readonly string[] =>
    sweepText(report(many), view(80, parts))
      .split('\n')
      .flatMap((line) => line.match(/^n\d+(?=@h )/)?.[0] ?? [])

  it('shows the worst, and says how many more there are', () => {
    expect(shown({})).toEqual(Array.from({ length: 20 }, (_, index) => `n${29 - index}`))
    expect(sweepText(report(many), view(80))).toContain(
      'and 10 more with 45.0 MiB wasted together; --all shows them',
    )
  })

  it('shows the worst in the order of names, too', () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${10 + index}`)
    expect(shown({ order: 'node' })).toEqual(names)
  })

  it('shows all if all are wanted', () => {
    const rows = { all: true, isWanted: () => true }
    expect(shown({ rows })).toHaveLength(30)
    expect(sweepText(report(many), view(80, { rows }))).not.toContain('--all')
  })
})

describe('nodes unlike their peers', () => {
  const settings = Object.fromEntries(
    ['as', 'acul', 'acnl', 'cp', 'mbsd'].map((name) => [`binary_alloc.${name}`, 0]),
  )
  const odd = (extra: object): NodeSummary =>
    summary('n4@h', { shape: { otpRelease: '27', schedulers: 2, settings: { ...extra } } })
  const peers = [1, 2, 3].map((number) => summary(`n${number}@h`))

  it('are named with what they have', () => {
    const text = sweepText(report([...peers, odd({ 'binary_alloc.as': 'gf' })]), view(120))
    expect(text).toContain(
      'Unlike their peers\n- n4@h has binary_alloc.as gf; 3 of the 4 nodes of role n have the default',
    )
  })

  it('are named once for all their settings', () => {
    const text = sweepText(report([...peers, odd(settings)]), view(120))
    expect(text).toContain(
      '- n4@h has binary_alloc.as 0, binary_alloc.acul 0%, binary_alloc.acnl 0 and 2 more settings, ' +
        'unlike most of the 4 nodes\n  of role n',
    )
    expect(text.match(/n4@h has/g)).toHaveLength(1)
  })

  it('are no section where there are none', () => {
    expect(sweepText(report(peers), view(120))).not.toContain('Unlike')
  })
})

describe('a list of what would be asked', () => {
  const { paper } = view(80)

  it('names each node and where it comes from', () => {
    const nodes = [
      { node: 'a@h', source: 'given' },
      { node: 'rabbit@myhost', source: 'seed a@h' },
    ]
    expect(dryRunText(nodes, sources, { paper, label: 'Nodes' })).toBe(
      [
        'Nodes  2 nodes, not asked',
        '',
        'node           found by',
        'a@h            given',
        'rabbit@myhost  seed a@h',
        '',
        'Not found',
        '- EPMD of h9: no EPMD listens on h9:4369',
        '  hint: if EPMD has another port there, give it by --epmd-port; if the node runs',
        '        without EPMD, give the port of the node itself by --port',
      ].join('\n'),
    )
  })

  it('says that there is none', () => {
    expect(dryRunText([], [], { paper, label: 'Nodes' })).toContain('No node was found.')
  })

  it('is never shortened, and lets no escape sequence through', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => ({
      node: `n${index}\u001b[0m@h`,
      source: '\u009b2J',
    }))
    const text = dryRunText(nodes, [], { paper, label: '\u001b' })
    expect(text).toContain('n99')
    expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  })
})
