/** Recordings of real nodes: killed while they are written, and a day in what the command line says of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { indexRecording, readRecording } from '../src/history/recording-reader.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  type ProgramResult,
  runProgram,
  startErlangNode,
} from './support/index.ts'
import { leak, MIDNIGHT, recordDay, spikeAtNoon } from './support/recorded-day.ts'

const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))
const HOUR = 3_600_000
/** A day takes fifteen seconds, and a minute on a machine that has much else to do. */
const DAY_TIMEOUT = 300_000
const MiB = 2 ** 20

function beamscope(...argv: readonly string[]): Promise<ProgramResult> {
  return runProgram([process.execPath, MAIN, ...argv], { timeout: 60_000 })
}

/** The data of a command that was asked for JSON. */
async function dataOf(...argv: readonly string[]) {
  const { status, stdout, stderr } = await beamscope(...argv, '--json')
  expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: '' })
  return JSON.parse(stdout).data
}

interface Recording {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  /** What it has written so far on standard output, and on standard error. */
  told(): string
  said(): string
}

/** Starts to record, a line for each sample. */
function startRecording({ cookie, epmdPort }: ErlangNode, argv: readonly string[]): Recording {
  const child = spawn(process.execPath, [MAIN, 'record', ...argv, '--ndjson'], {
    env: { BEAMSCOPE_COOKIE: cookie, ERL_EPMD_PORT: `${epmdPort}` },
  })
  let told = ''
  let said = ''
  child.stdout.on('data', (chunk) => {
    told += chunk
  })
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  return { child, ended: once(child, 'close'), told: () => told, said: () => said }
}

/** Records until it is killed, somewhere within a few samples; returns when those were taken that were told. */
async function recordUntilKilled(node: ErlangNode, file: string): Promise<readonly string[]> {
  const argv = [node.name, '-o', file, '--interval', '100ms']
  const { child, ended, said, told } = startRecording(node, argv)
  for (let left = 20_000; !told().includes('\n') && left > 0; left -= 10) {
    expect({ said: said(), code: child.exitCode }).toMatchObject({ code: null })
    await delay(10)
  }
  await delay(Math.random() * 300)
  child.kill('SIGKILL')
  await ended
  // What was cut within a line was not told.
  const lines = told().slice(0, told().lastIndexOf('\n')).split('\n')
  return lines.map((line) => {
    const { beamscope, taken_at: takenAt } = JSON.parse(line)
    expect(beamscope).toBe('record-sample/1')
    return takenAt
  })
}

describeOnEachRelease(
  'a recorder that is killed',
  (release) => {
    it('leaves all that it has told of, and the next one goes on behind it', async ({ expect }) => {
      await using folder = await createTemporaryFolder()
      await using node = await startErlangNode({ release })
      const file = join(folder.path, 'killed.recording')
      const told: string[] = []
      for (let round = 0; round < 10; round++) {
        told.push(...(await recordUntilKilled(node, file)))
        const found: (string | undefined)[] = []
        const torn: string[] = []
        const onDamage = ({ reason }: { readonly reason: string }): void => void torn.push(reason)
        for await (const { raw } of readRecording(file, { onDamage })) found.push(raw.takenAt)
        expect(found).toEqual(expect.arrayContaining(told))
        // And no more than one of each round that nobody was told of.
        expect(found.length - told.length).toBeLessThanOrEqual(round + 1)
        expect(torn.filter((reason) => reason !== 'torn')).toEqual([])
        expect(torn.length).toBeLessThanOrEqual(1)
      }
      expect(told.length).toBeGreaterThanOrEqual(10)
      const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
      const { samples } = await indexRecording(file)
      const last = await runProgram(
        [process.execPath, MAIN, 'record', node.name, '-o', file, '--samples', '1'],
        { timeout: 60_000, environment: env },
      )
      expect(last).toMatchObject({ status: 0 })
      expect(last.stderr).toContain(`goes on behind ${samples} samples of ${node.name}`)
      expect(await indexRecording(file)).toMatchObject({ samples: samples + 1, damaged: 0 })
    })
  },
  { concurrent: true },
)

describeOnRelease(29, 'a recording by way of a node', () => {
  it('goes on when that node was gone, and has come back', async () => {
    await using folder = await createTemporaryFolder()
    await using shop = await startErlangNode({ release: 29 })
    const { cookie, epmdPort } = shop
    await using seed = await startErlangNode({ release: 29, cookie, epmdPort })
    const meet = (): Promise<string> => seed.evaluate(`net_kernel:connect_node('${shop.name}')`)
    await meet()
    const file = join(folder.path, 'via.recording')
    const argv = [shop.name, '--via', seed.name, '-o', file, '--interval', '200ms']
    const { child, ended, said, told } = startRecording(shop, argv)
    using _ = { [Symbol.dispose]: () => child.kill('SIGKILL') }
    const until = (isSo: () => boolean): Promise<void> =>
      vi.waitFor(() => expect({ isSo: isSo(), said: said() }).toMatchObject({ isSo: true }), {
        timeout: 60_000,
        interval: 50,
      })
    const samples = (): number => told().split('record-sample/1').length - 1
    await until(() => samples() >= 2)

    await seed.restart()
    await until(() => said().includes(`${shop.name} does not answer: `))
    const before = samples()
    await meet()
    await until(() => said().includes(`${shop.name} answers again, after `) && samples() > before)
    child.kill('SIGINT')
    expect(await ended).toEqual([130, null])
    expect(said().split('does not answer').length).toBe(2)
    const { damaged, nodes, samples: recorded } = await indexRecording(file)
    expect({ damaged, nodes: nodes.map(({ node }) => node) }).toEqual({
      damaged: 0,
      nodes: [shop.name],
    })
    expect(recorded).toBeGreaterThan(before)
  })
})

for (const release of [25, 29] as const) {
  describeOnRelease(release, 'a day with a spike at noon', () => {
    it(
      'is diagnosed with the hour, the allocator, and its usage at the peak',
      async () => {
        await using folder = await createTemporaryFolder()
        await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
        const file = join(folder.path, 'day.recording')
        const { samples } = await recordDay(node, file, { before: spikeAtNoon(node) })
        expect(samples).toBe(1_440)

        const { findings, history, verdict } = await dataOf('diagnose', '--snapshot', file)
        expect(verdict).toBe('fragmented')
        const [finding] = findings
        expect(finding).toMatchObject({ id: 'fragmented-allocator', allocator: 'binary_alloc' })
        const isNoon = expect.stringMatching(/^2026-01-31T12:/)
        expect(history).toMatchObject({ samples: 1_440, restarts: [], disordered: 0 })
        expect(history.steps).toMatchObject([
          { allocator: 'binary_alloc', from: isNoon, to: isNoon, returned_at: null },
        ])
        const peak = finding.evidence.find(
          ({ what }: { what: string }) => what === 'usage at the peak, as it was sampled',
        )
        expect(peak.source).toMatch(/in the snapshot of 2026-01-31T12:(?:0[5-9]|[12]\d):00\.000Z/)
        expect(peak.value).toBeGreaterThan(0.8)
        expect(history.peaks).toContainEqual(
          expect.objectContaining({
            allocator: 'binary_alloc',
            taken_at: isNoon,
            usage: peak.value,
          }),
        )

        const { status, stdout } = await beamscope('diagnose', '--snapshot', file)
        expect(status).toBe(0)
        const text = stdout.replaceAll(/\s+/g, ' ')
        expect(text).toContain('VERDICT fragmented')
        expect(text).toMatch(
          /binary_alloc uses \d+% of its \d+ MiB .*, against [89]\d% at its peak: .* It began between 2026-01-31 12:\d\d and 12:\d\d UTC/,
        )
        expect(text).toMatch(/[89]\d\.\d% usage at the peak, as it was sampled/)

        const before = await dataOf('diagnose', '--snapshot', file, '--at', '11:59')
        expect(before.verdict).not.toBe('fragmented')
        expect(before.history.steps).toEqual([])
      },
      DAY_TIMEOUT,
    )
  })
}

/** What a node does besides: processes come and go, and binaries of all sizes. */
const CHURN = `
  Some = fun() -> [binary:copy(<<0>>, rand:uniform(20000)) || _ <- lists:seq(1, 20)] end,
  spawn(fun() ->
    (fun Loop() -> [spawn(Some) || _ <- lists:seq(1, 10)], timer:sleep(20), Loop() end)()
  end),
  ok`

/** By how much `erlang:memory(ets)` differs between the last sample and the first. */
async function tablesAtEnds(file: string): Promise<number> {
  const sizes: number[] = []
  for await (const { raw } of readRecording(file)) {
    sizes.push(Number(toSnapshot(raw).memory?.ets ?? 0))
  }
  return (sizes.at(-1) ?? 0) - (sizes[0] ?? 0)
}

describeOnRelease(27, 'a day with a leak', () => {
  it(
    'is diagnosed with the growth in an hour and when the limit is reached, and fits 10 MB',
    async () => {
      await using folder = await createTemporaryFolder()
      // Both figures are of four schedulers.
      await using node = await startErlangNode({ release: 27, emulatorArguments: ['+S', '4:4'] })
      await node.evaluate(CHURN)
      const file = join(folder.path, 'leak.recording')
      const interval = 3 * 60_000
      const day = await recordDay(node, file, { samples: 480, interval, before: leak(node, 300) })
      const hours = (day.to - day.from) / HOUR

      const limit = 2 ** 30
      const { findings, history } = await dataOf(
        ...['diagnose', '--snapshot', file, '--memory-limit', '1GiB'],
      )
      const trendOf = (what: string, allocator: string | null) =>
        history.trends.find(
          (it: { what: string; allocator: string | null }) =>
            it.what === what && it.allocator === allocator,
        )
      // By another way: what the node itself counts in tables.
      const perHour = (await tablesAtEnds(file)) / hours
      const used = trendOf('used', 'ets_alloc')
      expect(used.shape).toBe('growth')
      expect(used.bytes_per_hour / perHour).toBeGreaterThan(0.95)
      expect(used.bytes_per_hour / perHour).toBeLessThan(1.05)
      const resident = trendOf('resident', null)
      expect(resident.shape).toBe('growth')
      expect(resident.bytes_per_hour / perHour).toBeGreaterThan(0.75)
      expect(resident.bytes_per_hour / perHour).toBeLessThan(1.25)

      const left = (limit - resident.bytes_now) / perHour
      const reached = (Date.parse(history.limit.reached_at) - day.to) / HOUR
      expect(history.limit).toMatchObject({ bytes: limit, source: 'as it was given' })
      expect(reached / left).toBeGreaterThan(0.75)
      expect(reached / left).toBeLessThan(1.25)
      expect(findings.map(({ id }: { id: string }) => id)).toContain('growth')

      // A sample every ten seconds.
      expect((day.bytes / day.samples) * 8_640).toBeLessThan(10_000_000)
      expect(day.from).toBe(MIDNIGHT)
      expect(perHour * hours).toBeGreaterThan(100 * MiB)
    },
    DAY_TIMEOUT,
  )
})
