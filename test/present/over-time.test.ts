/** How the past of a node reads; what is in it is the analysis' affair. */
import { describe, expect, it } from 'vitest'
import { diagnose, HistoryBuilder, type HistorySummary } from '../../src/analysis/index.ts'
import { overTimeText } from '../../src/present/over-time.ts'
import { paperOf } from '../../src/present/paper.ts'
import type { View } from '../../src/present/view.ts'
import { type Life, NOON, snapshotAt, snapshotsOf } from '../analysis/made-history.ts'
import { MiB } from '../analysis/made-snapshots.ts'

function summaryOf(life: Life): HistorySummary {
  const builder = new HistoryBuilder()
  for (const each of snapshotsOf(life)) builder.add(each)
  const { history } = diagnose(snapshotAt(life.hours, life), { history: builder.build() })
  if (history === undefined) throw new Error('there is no history')
  return history
}

function shown(history: HistorySummary, parts: Partial<View> = {}, columns = 80): string {
  return overTimeText(history, {
    paper: { ...paperOf({}, {}), width: columns },
    unit: undefined,
    keyword: undefined,
    label: 'shop@host',
    next: (command) => command,
    ...parts,
  })
}

/** As one line, however it is broken. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')

const LEAK: Life = {
  hours: 12,
  interval: 300,
  limit: 1024,
  allocators: (hour) => ({ binary_alloc: { allocated: 106 + 20 * hour, used: 100 + 20 * hour } }),
}

describe('the past of a node', () => {
  it.each([50, 80])('reads as expected, %d columns wide', async (columns) => {
    const text = shown(summaryOf(NOON), {}, columns)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns)
    await expect(text).toMatchFileSnapshot(`expected/over-time-${columns}.txt`)
  })

  it('names the hour and the allocator, and whether it has stayed', () => {
    const text = flat(shown(summaryOf(NOON)))
    expect(text).toMatch(
      /- binary_alloc, from 2026-01-31 12:2\d UTC to 2026-01-31 12:3\d UTC: 17\d MiB more\./,
    )
    expect(text).toContain('It has stayed so.')
  })

  it('says how fast it grows and when that is too much, in UTC', () => {
    const text = flat(shown(summaryOf(LEAK)))
    expect(text).toMatch(/resident 37\d MiB grows by 20\.0 MiB an hour/)
    expect(text).toContain('used in binary_alloc')
    expect(text).toMatch(
      /limit 1\.00 GiB \/sys\/fs\/cgroup\/memory\.max: reached at about 2026-02-0\d \d\d:\d\d UTC/,
    )
    expect(text).toContain('may come and go each day as well')
    expect(text).toContain('No allocator began to waste memory at a certain time.')
  })

  it('says why it says nothing', () => {
    const few = flat(shown(summaryOf({ ...LEAK, hours: 0.5 })))
    expect(few).toContain('no growth that is sure: there are 7 samples, and 16 are needed')
    const { limit: _, ...unlimited } = LEAK
    expect(flat(shown(summaryOf(unlimited)))).toContain('not known; --memory-limit gives one')
    expect(flat(shown(summaryOf({ ...LEAK, limit: 1e6 })))).toContain(
      'not said when it is reached: it is further away than 10 times the time that was seen',
    )
  })

  it('tells of restarts, and of samples that came late', () => {
    const life = { ...NOON, restarts: [2, 4, 6, 15] }
    const text = flat(shown({ ...summaryOf(life), disordered: 12 }))
    expect(text).toContain(
      'started anew (4 times, lately 2026-01-31 04:00 UTC, 2026-01-31 06:00 UTC, 2026-01-31 15:00 UTC)',
    )
    expect(text).toContain('It stayed so until the node was started anew.')
    expect(text).toContain('12 came after later ones')
  })

  it('tells of the largest rises alone, where there are many', () => {
    const summary = summaryOf(NOON)
    const steps = Array.from({ length: 20 }, (_, index) =>
      summary.steps.map((step) => ({ ...step, bytes: (index + 1) * MiB })),
    ).flat()
    const lines = shown({ ...summary, steps }).split('\n')
    expect(lines.filter((line) => line.startsWith('- binary_alloc'))).toHaveLength(8)
    expect(lines).toContain('- and 12 times by less')
    expect(flat(lines.join(' '))).not.toContain('12.0 MiB more')
    expect(flat(lines.join(' '))).toContain('13.0 MiB more')
  })

  it('is in the unit that was chosen', () => {
    const text = shown(summaryOf(LEAK), { unit: 'megabyte' })
    expect(text).toMatch(/limit +1,024\.000/)
    expect(text).not.toContain('MiB')
  })

  it('shows nothing that steers a terminal', () => {
    const evil = '\u001b[2J\u2067'
    const summary = summaryOf(NOON)
    const [step] = summary.steps
    const [peak] = summary.peaks
    const [trend] = summary.trends
    if (!(step && peak && trend)) throw new Error('there is nothing to show')
    const text = shown({
      ...summary,
      steps: [{ ...step, allocator: evil }],
      peaks: [{ ...peak, allocator: evil, takenAt: `${evil}2026` }],
      trends: [{ ...trend, allocator: evil, bytesPerHour: MiB }],
      limit: { ...summary.limit, source: evil },
    })
    expect(text).not.toContain('\u001b')
    expect(text).not.toContain('\u2067')
  })
})
