/** What days of real nodes show, of which it is known what happened: when waste rose, what grows, how fast, up to what. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diagnose, type History, HistoryBuilder, type Snapshot } from '../src/analysis/index.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { readRecording } from '../src/history/recording-reader.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { takeSnapshot } from '../src/probe/take-snapshot.ts'
import type { ErlangRelease } from '../src/testing/images.ts'
import { Container } from './support/container.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import {
  LEAKED_ROW,
  leak,
  MIDNIGHT,
  type RecordedDay,
  type RecordedDayOptions,
  recordDay,
  spikeAtNoon,
} from './support/recorded-day.ts'

const MiB = 2 ** 20
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A sample each five minutes, of a whole day. */
const SAMPLES = 288
const MINUTES = 5
const DAY: RecordedDayOptions = { samples: SAMPLES, interval: MINUTES * MINUTE }

async function pastOf({ file }: RecordedDay): Promise<{ history: History; last: Snapshot }> {
  const builder = new HistoryBuilder()
  let last: Snapshot | undefined
  for await (const { raw } of readRecording(file)) {
    last = toSnapshot(raw)
    builder.add(last)
  }
  const history = builder.build()
  if (history === undefined || last === undefined) throw new Error('nothing was recorded')
  return { history, last }
}

function start(release: ErlangRelease): Promise<ErlangNode> {
  return startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
}

describeOnEachRelease('a day', (release) => {
  let folder: TemporaryFolder
  beforeAll(async () => {
    folder = await createTemporaryFolder()
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  it('of a node that fragments at noon names the hour and the allocator', async () => {
    await using node = await start(release)
    const spike = spikeAtNoon(node)
    const day = await recordDay(node, `${folder.path}/noon`, {
      ...DAY,
      before: (index, remote) => spike(index * MINUTES, remote),
    })
    const { history, last } = await pastOf(day)
    // At 12:05 it takes 160 MiB, and at 12:30 lets go of most of them.
    expect(history.steps).toHaveLength(1)
    const [step] = history.steps
    expect(step).toMatchObject({ allocator: 'binary_alloc', returned: undefined })
    const fell = MIDNIGHT + 12.5 * HOUR
    expect(Math.abs((step?.from ?? 0) - fell)).toBeLessThanOrEqual(2 * MINUTES * MINUTE)
    expect(Math.abs((step?.to ?? 0) - fell)).toBeLessThanOrEqual(2 * MINUTES * MINUTE)
    expect((step?.bytes ?? 0) / MiB).toBeGreaterThan(130)

    const { findings, verdict } = diagnose(last, { history })
    expect(verdict).toBe('fragmented')
    const finding = findings.find(({ id }) => id === 'fragmented-allocator')
    expect(finding?.allocator).toBe('binary_alloc')
    expect(finding?.summary).toMatch(/It began between 2026-01-31 12:[234]\d and 12:[234]\d UTC/)
    const peak = finding?.evidence.find(({ what }) => what.endsWith('as it was sampled'))
    // How full carriers become is up to the node: 0.87 to 0.95 were seen, and 0.05 afterwards.
    expect(Number(peak?.value)).toBeGreaterThan(0.8)
    // It happened at once, and is no growth.
    expect(findings.map(({ id }) => id)).not.toContain('growth')
  })

  // The release makes no difference to these, and each takes its time.
  if (release === 25 || release === 27) return

  it('of a node that leaks says how fast, of what, and when the limit is reached', async () => {
    await using node = await start(release)
    const rows = 100
    const day = await recordDay(node, `${folder.path}/leak`, { ...DAY, before: leak(node, rows) })
    const { history, last } = await pastOf(day)
    const perHour = (rows * LEAKED_ROW * 60) / MINUTES
    const rateOf = (figure: string, allocator?: string): number =>
      history.trends.find((each) => each.figure === figure && each.allocator === allocator)?.perHour
        ?.typical ?? 0
    expect(Math.abs(rateOf('used', 'ets_alloc') - perHour)).toBeLessThan(0.05 * perHour)
    // What is resident grows by whole pages and carriers.
    expect(Math.abs(rateOf('resident') - perHour)).toBeLessThan(0.25 * perHour)
    expect(history.steps).toEqual([])

    const resident = Number(last.os?.resident)
    const memoryLimit = Math.round(resident + 10 * perHour)
    const { findings, history: past } = diagnose(last, { history, memoryLimit })
    const growth = findings.find(({ id }) => id === 'growth')
    expect(growth?.summary).toContain('blocks in ets_alloc by 1.3 MiB an hour')
    expect(growth?.severity).toBe('warning')
    const reached = Date.parse(past?.limit.reachedAt ?? '') - day.to
    expect(Math.abs(reached / HOUR - 10)).toBeLessThan(4)
  })

  it('in which it was started anew is told apart by that', async () => {
    const file = `${folder.path}/restart`
    const half = { samples: 40, interval: MINUTES * MINUTE }
    const named = { release, name: 'again' }
    const then = await startErlangNode(named)
    await recordDay(then, file, half)
    await then.kill()
    await using now = await startErlangNode(named)
    const second = MIDNIGHT + 40 * MINUTES * MINUTE
    const day = await recordDay(now, file, { ...half, start: second })
    const { history } = await pastOf(day)
    expect(history).toMatchObject({ samples: 80, restarts: [second], since: second, disordered: 0 })
  })
})

describeOnEachRelease(
  'the memory that a node may take',
  (release) => {
    it('is that of its container, or of the machine', async () => {
      await using node = await start(release)
      await using client = new HiddenNode({
        cookie: new Cookie(node.cookie),
        epmdPort: node.epmdPort,
      })
      const remote = await client.connect(node.name)
      const container = await Container.of(node)
      const machine = Number(
        /MemTotal:\s+(\d+) kB/.exec(await container.run('cat /proc/meminfo'))?.[1],
      )
      expect((await takeSnapshot(remote)).os?.limit).toEqual({
        bytes: machine * 1024,
        source: '/proc/meminfo',
      })
      await container.limitMemory(512 * MiB)
      const limit = await container.run(
        'cd /sys/fs/cgroup; cat memory.max 2>/dev/null || cat memory/memory.limit_in_bytes',
      )
      expect((await takeSnapshot(remote)).os?.limit).toEqual({
        bytes: Number(limit),
        source: expect.stringMatching(/^\/sys\/fs\/cgroup\/memory/),
      })
    })
  },
  { isolation: true },
)
