import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { carrierReports } from '../../../src/analysis/carriers.ts'
import { diagnose } from '../../../src/analysis/diagnose.ts'
import type { HistorySummary } from '../../../src/analysis/history-summary.ts'
import { add, sum } from '../../../src/analysis/integer.ts'
import { VERDICTS } from '../../../src/analysis/node-summary.ts'
import type { Snapshot } from '../../../src/analysis/snapshot.ts'
import { momentOf } from '../../../src/analysis/timeline.ts'
import { drawing } from '../../../src/present/page/drawing.ts'
import { type NodePage, pageData, pageHtml, sectionsHtml } from '../../../src/present/page/page.ts'
import { stepsOf } from '../../../src/present/page/waterfall.ts'
import { known, knownStates } from '../../analysis/diagnosis-fixtures.ts'
import { binaryHolder, holders, holdingProcess } from '../../analysis/made-holders.ts'
import { attributes, type Markup, parseMarkup } from './markup.ts'

const ASSETS = { css: 'p { color: red }', script: 'const a = 1 < 2 && "</p>"' }
const MADE_AT = '2026-01-31T12:00:00.000Z'

function nodePage(snapshot: Snapshot, parts: Partial<NodePage> = {}): NodePage {
  return {
    label: 'shop@host',
    snapshot,
    diagnosis: diagnose(snapshot, { holders: parts.holders }),
    moments: [],
    next: (command) => `beamscope ${command} shop@host`,
    ...parts,
  }
}

function page(node: NodePage, live?: Parameters<typeof pageHtml>[0]['live']): string {
  return pageHtml({
    title: 'shop@host – beamscope',
    nodes: [node],
    madeAt: MADE_AT,
    version: '1.2.3',
    assets: ASSETS,
    live,
  })
}

const parsed = (node: NodePage): Markup => parseMarkup(page(node))

const fragmented = known('binary-fragmented', 'otp27-s2')

const SCAN = {
  otpRelease: '27',
  ran: [],
  histogramStart: 512,
  histogramWidth: 14,
  carriers: [1, 5, 90].map((percent) => ({
    allocator: 'binary_alloc',
    inPool: false,
    size: 100_000_000,
    unscanned: 0,
    blocks: [
      { type: 'binary_alloc', count: 3, size: percent * 1_000_000 },
      { type: 'ets_alloc', count: 1, size: 10 },
    ],
    freeBlocks: [0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
  })),
  counted: new Map([['binary_alloc', 3]]),
  missing: [],
}

const HISTORY: HistorySummary = {
  from: '2026-01-31T11:00:00.000Z',
  to: '2026-01-31T12:59:00.000Z',
  samples: 120,
  disordered: 0,
  restarts: [],
  since: '2026-01-31T11:00:00.000Z',
  trends: [],
  limit: {
    bytes: 2 ** 28,
    source: 'as it was given',
    reachedAt: undefined,
    earliest: undefined,
    latest: undefined,
    why: 'it does not grow',
  },
  steps: [
    {
      allocator: 'binary_alloc',
      from: '2026-01-31T11:58:00.000Z',
      to: '2026-01-31T12:02:00.000Z',
      bytes: 150 * 2 ** 20,
      before: { allocated: 170_000_000, used: 160_000_000, waste: 9_000_000 },
      after: { allocated: 170_000_000, used: 8_000_000, waste: 160_000_000 },
      peakUsed: 160_000_000,
      peakAt: '2026-01-31T11:58:00.000Z',
      returnedAt: undefined,
    },
  ],
  peaks: [],
}

/** As a recording of two hours would have it: idle, then in use, then fragmented. */
function withPast(): NodePage {
  const states = ['idle', 'binary-live', 'binary-fragmented', 'binary-fragmented']
  const snapshots = Array.from({ length: 120 }, (_, index) => ({
    ...known(states[Math.floor(index / 30)] ?? '', 'otp27-s2'),
    node: 'shop@host',
    takenAt: new Date(Date.UTC(2026, 0, 31, 11, index)).toISOString(),
  }))
  const snapshot = snapshots.at(-1) ?? fragmented
  return nodePage(snapshot, {
    diagnosis: { ...diagnose(snapshot), history: HISTORY },
    moments: snapshots.flatMap((each) => momentOf(each) ?? []),
  })
}

const everything = (): NodePage => ({
  ...withPast(),
  carriers: carrierReports(SCAN),
  holders: holders({
    largestProcesses: [holdingProcess()],
    binaryHolders: [binaryHolder(1_000_000)],
    largestTables: [
      {
        name: 'orders',
        type: 'set',
        protection: 'public',
        owner: '<0.1.0>',
        rows: 7,
        bytes: 1_000,
      },
    ],
    missing: [{ what: 'tables', why: 'there was no time' }],
  }),
})

/** The first node of each, and one of which little is known. */
const ofEachState = [
  ...knownStates.filter(
    ({ state }, index) => knownStates.findIndex((each) => each.state === state) === index,
  ),
  {
    state: 'idle-without-allocators, on another host',
    node: 'otp29-s2',
    snapshot: { ...known('idle-without-allocators', 'otp29-s2'), os: undefined },
  },
]

describe('a page of each known state', () => {
  const seen = new Set<string>()

  it.each(ofEachState)('of $state on $node says what its diagnosis says', ({ snapshot }) => {
    const node = nodePage(snapshot)
    const { verdict, findings, accounting } = node.diagnosis
    seen.add(verdict)
    const { text } = parsed(node)
    expect(text).toMatch(new RegExp(`^[!?✓●] ${verdict}$`, 'm'))
    for (const { summary, remedies } of findings) {
      expect(text).toContain(summary)
      for (const { flags } of remedies) expect(text).toContain(flags)
    }
    for (const { line } of stepsOf(accounting.resident)) {
      expect(text).toContain(line.what)
    }
  })

  it('comes to every verdict', () => {
    expect([...seen].sort()).toEqual([...VERDICTS].sort())
  })

  it.each(knownStates)('of $state on $node adds up as drawn', ({ snapshot }) => {
    const { resident } = diagnose(snapshot).accounting
    const steps = stepsOf(resident)
    for (const [index, { line, depth, from, to }] of steps.entries()) {
      expect(to).toBe(add(from, line.bytes ?? 0))
      const later = steps.slice(index + 1)
      const end = later.findIndex((step) => step.depth <= depth)
      const parts = later.slice(0, end < 0 ? undefined : end).filter((it) => it.depth === depth + 1)
      if (parts.length === 0 || line.bytes === undefined) continue
      expect(sum(parts.map((part) => part.line.bytes ?? 0))).toBe(line.bytes)
      expect([parts[0]?.from, parts.at(-1)?.to]).toEqual([from, to])
    }
  })
})

describe('the first words', () => {
  const wordsOf = (snapshot: Snapshot): string =>
    parsed(nodePage(snapshot)).text.replace(/\s+/g, ' ')

  it('count what is found, and not what is missing', () => {
    const idle = known('idle', 'otp29-s2')
    const foreign = { ...idle, os: undefined }
    expect(nodePage(foreign).diagnosis.findings.map(({ id }) => id)).toEqual(['missing-part'])
    const words = wordsOf(foreign)
    expect(words).not.toMatch(/\d findings?\b/)
    expect(words).toContain('None: nothing stands out.')
    expect(words).toContain('Not seen')
  })

  it('say of a single finding whether it is grave', () => {
    const inUse = knownStates
      .map(({ snapshot }) => snapshot)
      .find((snapshot) => {
        const { findings } = diagnose(snapshot)
        return findings.length === 1 && findings[0]?.severity === 'info'
      })
    expect(wordsOf(inUse ?? fragmented)).toContain('1 finding, which is not grave.')
  })

  it.each([
    ['on another host', 'idle'],
    ['without allocators', 'idle-without-allocators'],
  ])('of a healthy node %s say nothing of what was not seen', (where, state) => {
    const seen = known(state, 'otp29-s2')
    const words = wordsOf(where === 'on another host' ? { ...seen, os: undefined } : seen)
    expect(words).toContain('✓ healthy')
    expect(words).toContain('not all of it was seen')
    expect(words).not.toContain('reports no more than')
    expect(wordsOf(known('idle', 'otp29-s2'))).toContain('reports no more than')
  })

  it('of data in use deny no waste that is shown below them', () => {
    const words = wordsOf(known('binary-live', 'otp27-s2'))
    expect(words).toContain('in-use')
    expect(words).toMatch(/of it for nothing, \d/)
    expect(words).not.toContain('nothing is lost')
  })
})

describe('the markup', () => {
  const markup = parsed(everything())

  it('has each section once, and leads to nothing that is not there', () => {
    const ids = attributes(markup, 'id')
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(
      expect.arrayContaining([
        'verdict',
        'findings',
        'waterfall',
        'time',
        'instances',
        'carriers',
        'holders',
        'settings',
        'figures',
        'glossary',
      ]),
    )
    const links = attributes(markup, 'href').filter((link) => link !== 'data:,')
    expect(links.filter((link) => !ids.includes(link.replace('#', '')))).toEqual([])
    const labels = attributes(markup, 'aria-labelledby')
    expect(labels.filter((label) => !ids.includes(label))).toEqual([])
  })

  it('has headings that leave out no level', () => {
    const levels = markup.tags.flatMap(({ name }) => (/^h\d$/.test(name) ? [Number(name[1])] : []))
    expect(levels.filter((level) => level === 1)).toEqual([1])
    for (const [index, level] of levels.entries()) {
      expect(level).toBeLessThanOrEqual((levels[index - 1] ?? 0) + 1)
    }
  })

  it('names each table, and heads each of its columns', () => {
    const count = (wanted: string): number =>
      markup.tags.filter(({ name }) => name === wanted).length
    expect(count('table')).toBeGreaterThan(15)
    expect(count('caption')).toBe(count('table'))
  })

  it('has no style, no handler and no address of its own', () => {
    const names = markup.tags.flatMap((tag) => [...tag.attributes.keys()])
    expect(names.filter((name) => name === 'style' || name.startsWith('on'))).toEqual([])
    expect(attributes(markup, 'src')).toEqual([])
    expect(page(everything()).match(/\b(?:https?|wss?|file):\/\/[^\s"<]*/g)).toBeNull()
  })

  it('is in English, has a title, and a way past its contents', () => {
    const [first] = markup.tags
    expect([first?.name, first?.attributes.get('lang')]).toEqual(['html', 'en'])
    expect(markup.text).toMatch(/^shop@host – beamscope$/m)
    expect(attributes(markup, 'href')).toContain('#main')
  })

  it('is for one node', () => {
    const node = nodePage(fragmented)
    const options = { title: '', madeAt: MADE_AT, version: '1', assets: ASSETS }
    expect(() => pageHtml({ ...options, nodes: [node, node] })).toThrow(RangeError)
    expect(parseMarkup(pageHtml({ ...options, nodes: [] })).text).toContain('Waiting')
  })

  it('is the same as what takes its place when live', () => {
    const node = everything()
    expect(page(node)).toContain(sectionsHtml(node))
  })
})

describe('the policy', () => {
  const policyOf = (markup: Markup): string => attributes(markup, 'content').join('\n')
  const hash = (text: string): string =>
    `'sha256-${createHash('sha256').update(text).digest('base64')}'`

  it('allows its own script and style alone, and no request', () => {
    const whole = page(everything())
    expect(policyOf(parseMarkup(whole))).toContain(
      `default-src 'none'; script-src ${hash(ASSETS.script)}; style-src ${hash(ASSETS.css)}; ` +
        "img-src data:; base-uri 'none'; form-action 'none'",
    )
    expect(whole).toContain(`<style>${ASSETS.css}</style>`)
    expect(whole).toContain(`<script>${ASSETS.script}</script>`)
  })

  it('allows a live page to hear from where it came from', () => {
    const live = { nodes: ['a@h', 'b@h'], selected: 'a@h', eventsPath: 'events' }
    expect(policyOf(parseMarkup(page(everything(), live)))).toContain("; connect-src 'self'; ")
  })
})

describe('a live page', () => {
  it('names all nodes, and which of them it shows', () => {
    const nodes = ['shop@host', 'a b&c"@host']
    const live = { nodes, selected: 'shop@host', eventsPath: '/live/events' }
    const { tags, text } = parseMarkup(page(everything(), live))
    const links = tags.filter(({ attributes: all }) => all.get('href')?.startsWith('?'))
    expect(
      links.map((link) => new URLSearchParams(link.attributes.get('href')).get('node')),
    ).toEqual(nodes)
    expect(links.map((link) => link.attributes.get('aria-current'))).toEqual(['page', undefined])
    expect(text).toContain('Freeze')
    const bar = tags.find(({ attributes: all }) => all.has('data-events'))
    expect(bar?.attributes.get('data-events')).toBe('/live/events')
  })
})

describe('what a node says', () => {
  const EVIL = `</script></style><img src=x onerror=alert(1)>"'><!--&lt;\u202e`

  /** With that behind every text. */
  function poison<Data>(data: Data): Data
  function poison(data: unknown): unknown {
    if (typeof data === 'string') return `${data}${EVIL}`
    if (data instanceof Map) {
      return new Map(Array.from(data, ([key, value]) => [poison(key), poison(value)]))
    }
    if (Array.isArray(data)) return data.map((each) => poison(each))
    if (typeof data !== 'object' || data === null) return data
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, poison(value)]))
  }

  it('is text wherever it stands', () => {
    const clean = everything()
    const snapshot = poison(clean.snapshot)
    const evil: NodePage = {
      ...clean,
      label: poison(clean.label),
      snapshot,
      diagnosis: { ...clean.diagnosis, ...diagnose(snapshot) },
      moments: poison(clean.moments),
      carriers: poison(clean.carriers),
      holders: poison(clean.holders),
    }
    const markup = parsed(evil)
    const names = ({ tags }: Markup): readonly string[] =>
      tags.flatMap((tag) => [
        tag.name,
        ...[...tag.attributes.keys()].map((it) => `${tag.name} ${it}`),
      ])
    const ours = new Set(names(parsed(clean)))
    expect(names(markup).filter((name) => !ours.has(name))).toEqual([])
    expect(markup.text).toContain('binary_alloc</script></style><img src=x')
    expect(markup.text).not.toContain('\u202e')
    // In the script's data it ends nothing either.
    const whole = page(evil)
    expect(whole.split('</script>')).toHaveLength(3)
    expect(whole.split('</style>')).toHaveLength(2)
  })
})

describe('over time', () => {
  const node = withPast()

  it('says when it began, and in which allocator', () => {
    const { text } = parsed(node)
    expect(text).toContain(
      'It began between 2026-01-31 11:58 and 12:02 UTC: the waste of binary_alloc rose by 150 MiB',
    )
    expect(text).toContain(
      'the waste of binary_alloc rose by 150 MiB between 2026-01-31 11:58 and 12:02 UTC, and stayed',
    )
  })

  it('draws what the data say, with the limit', () => {
    const data = JSON.parse(JSON.stringify(pageData(node)))
    expect(data.charts.map((chart: { id: string }) => chart.id)).toEqual(['memory', 'waste'])
    const [memory, waste] = data.charts
    expect(memory.times).toHaveLength(120)
    expect(memory.limit).toEqual({ bytes: 2 ** 28, label: 'limit, 256 MiB' })
    for (const { values } of [...memory.series, ...waste.series]) {
      expect(values).toHaveLength(120)
    }
    expect(waste.series[0].name).toBe('binary_alloc')
    expect(waste.marks).toHaveLength(1)
  })

  it('says of how many samples the moments are', () => {
    expect(parsed(node).text).toContain('120 moments, from')
    const history = { ...HISTORY, samples: 8_640 }
    const many = { ...node, diagnosis: { ...node.diagnosis, history } }
    expect(parsed(many).text).toContain('120 moments of 8,640, from')
  })

  it('numbers in the drawing what the list below it names', () => {
    const again = { ...HISTORY, restarts: ['2026-01-31T11:20:00.000Z', '2026-01-31T12:20:00.000Z'] }
    const whole = page({ ...node, diagnosis: { ...node.diagnosis, history: again } })
    const [, memory = ''] = whole.split('<svg class="drawing"')
    const numbers = [...memory.matchAll(/class="occasion"[^>]*\/><text[^>]*>(\d+)<\/text>/g)]
    expect(numbers.map(([, number]) => number)).toEqual(['1', '2'])
  })

  it.each([
    [0, ['0 B', '1 B', '2 B', '3 B', '4 B']],
    [150 * 2 ** 20, ['0 B', '40.0 MiB', '80.0 MiB', '120 MiB', '160 MiB']],
    [801 * 2 ** 20, ['0 B', '256 MiB', '512 MiB', '768 MiB', '1.00 GiB']],
    [1_010 * 2 ** 10, ['0 B', '256 KiB', '512 KiB', '768 KiB', '1.00 MiB']],
  ])('has lines at round sizes up to %d bytes', (bytes, sizes) => {
    const drawn = drawing({
      id: 'waste',
      title: 'Waste',
      times: [0, 60_000],
      series: [{ name: 'waste', values: [0, bytes] }],
      marks: [],
      limit: undefined,
    })
    const ends = [...drawn.text.matchAll(/text-anchor="end">([^<]+B)</g)]
    expect(ends.map(([, size]) => size)).toEqual(sizes)
  })

  it('is left out where there is one moment', () => {
    expect(attributes(parsed(nodePage(fragmented)), 'id')).not.toContain('time')
    expect(pageData(nodePage(fragmented))).toMatchObject({ charts: [{ times: [] }, { times: [] }] })
  })
})

describe('as text', () => {
  it.each([
    ['healthy', () => nodePage(known('idle', 'otp29-s4'))],
    ['everything', everything],
  ])('a page that is %s reads as expected', async (name, make) => {
    const { text } = parseMarkup(sectionsHtml(make()))
    await expect(`${text}\n`).toMatchFileSnapshot(`../expected/page-${name}.txt`)
  })
})
