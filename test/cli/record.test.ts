/**
 * `beamscope record`, on nodes that replay a recording.
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { InterruptedError } from '../../src/cli/interruption.ts'
import { run } from '../../src/cli/program.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { indexRecording } from '../../src/history/recording-reader.ts'
import { openRecording } from '../../src/history/recording-writer.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { ReplayNode } from '../../src/replay/replay-node.ts'
import {
  binarySpikeFile,
  type RunningReplayNode,
  startReplayNode,
} from '../../src/replay/start-replay-node.ts'
import { makeContext, type Terminal } from './made-context.ts'
import { type CliResult, runCli } from './run-cli.ts'

let folder = ''
let files = 0
let node: RunningReplayNode
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-record-'))
  node = await startReplayNode({ snapshotFile: binarySpikeFile })
})
afterAll(async () => {
  await node.close()
  await rm(folder, { recursive: true })
})
afterEach(() => {
  vi.useRealTimers()
})

const newFile = (): string => join(folder, `${files++}.recording`)

const environment = ({ cookie, epmdPort }: RunningReplayNode): Record<string, string> => ({
  BEAMSCOPE_COOKIE: cookie,
  ERL_EPMD_PORT: `${epmdPort}`,
})

const FAST = ['--interval', '100ms']

async function record(...argv: readonly string[]): Promise<CliResult> {
  return runCli(['record', ...argv], { env: environment(node) })
}

interface Running {
  readonly ended: Promise<number>
  written(): string
  /** Waits until it stands in the output. */
  says(text: string | RegExp): Promise<void>
  stop(signal?: 'SIGINT' | 'SIGTERM'): void
}

/** In the background. */
function start(
  argv: readonly string[],
  env: Context['env'] = environment(node),
  terminal: Terminal = {},
): Running {
  const { context, written } = makeContext(terminal, env)
  const controller = new AbortController()
  const ended = run(['record', ...argv], { ...context, signal: controller.signal })
  return {
    ended,
    written,
    says: (text) =>
      vi.waitFor(() => expect(written()).toMatch(text), { timeout: 20_000, interval: 20 }),
    stop: (signal = 'SIGINT') => controller.abort(new InterruptedError(signal)),
  }
}

describe('record', () => {
  it('takes so many samples, which every analysis reads', async () => {
    const file = newFile()
    const result = await record(node.name, '-o', file, ...FAST, '--samples', '5')
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(result.stderr).toMatch(
      /^\S+\.recording: 5 samples recorded in [\d.]+ s; [\d.]+ KiB\nNext: beamscope diagnose --snapshot \S+\.recording\n$/,
    )
    expect(await indexRecording(file)).toMatchObject({
      samples: 5,
      damaged: 0,
      nodes: [{ node: node.name }],
    })
    const { code, stdout } = await runCli(['diagnose', '--snapshot', file])
    expect(code).toBe(0)
    expect(stdout).toContain('VERDICT  fragmented')
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  it('ends after a time', async () => {
    const file = newFile()
    expect(await record(node.name, '-o', file, ...FAST, '--for', '3s')).toMatchObject({
      code: 0,
    })
    expect((await indexRecording(file)).samples).toBeGreaterThan(0)
  })

  it('goes on with a recording, and says what was there and what was cut off', async () => {
    const file = newFile()
    await record(node.name, '-o', file, ...FAST, '--samples', '3')
    const again = await record(node.name, '-o', file, ...FAST, '--samples', '2')
    expect(again.stderr).toMatch(
      /^\S+: goes on behind 3 samples of shop@127\.0\.0\.1 from \d{4}-\S+Z to \d{4}-\S+Z, [\d.]+ KiB\n/,
    )
    await truncate(file, (await readFile(file)).length - 5)
    const torn = await record(node.name, '-o', file, ...FAST, '--samples', '1')
    expect(torn.stderr).toMatch(/goes on behind 4 samples/)
    expect(torn.stderr).toMatch(
      /: \d+ bytes of a sample that was not written to its end are cut off\n/,
    )
    expect(torn.stderr).not.toContain('cannot be read')
    await appendFile(file, 'x'.repeat(100))
    const damaged = await record(node.name, '-o', file, ...FAST, '--samples', '1')
    expect(damaged.stderr).toMatch(/: 1 part of it cannot be read\n/)
    expect(await indexRecording(file)).toMatchObject({ samples: 6 })
  })

  it('prints one object at the end', async () => {
    const file = newFile()
    await record(node.name, '-o', file, ...FAST, '--samples', '2')
    const { stdout } = await record(node.name, '-o', file, ...FAST, '--samples', '3', '--json')
    const { data, beamscope } = JSON.parse(stdout)
    expect(beamscope).toBe('record/1')
    expect(data).toEqual({
      file,
      bytes: (await readFile(file)).length,
      samples: 3,
      failures: 0,
      lost: 0,
      compactions: 0,
      interval: 100,
      duration: expect.any(Number),
      nodes: [{ node: node.name, samples: 3, failures: 0, failure: null }],
      before: expect.objectContaining({ samples: 2 }),
    })
  })

  it('prints an object a line as it goes', async () => {
    const file = newFile()
    const { stdout } = await record(node.name, '-o', file, ...FAST, '--samples', '2', '--ndjson')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { beamscope: 'record-sample/1', node: node.name, data: { file } },
      { beamscope: 'record-sample/1', otp_release: '27' },
      { beamscope: 'record/1', data: { samples: 2, before: null } },
    ])
  })

  it('lists whom it would ask', async () => {
    const file = newFile()
    const { code, stdout } = await record(node.name, '-o', file, '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain(node.name)
    expect(existsSync(file)).toBe(false)
  })

  it('has one line that changes on a terminal', async () => {
    const running = start([node.name, '-o', newFile(), ...FAST], environment(node), {
      isTTY: true,
      columns: 100,
    })
    await running.says(/\.recording: \d+ samples, [\d.]+ KiB/)
    running.stop()
    expect(await running.ended).toBe(130)
  })
})

describe('where no node answers at the start', () => {
  it.each([
    ['nobody is there', 'a@127.0.0.1', { ERL_EPMD_PORT: '1' }, 3],
    ['the cookie is another', 'shop@127.0.0.1', { BEAMSCOPE_COOKIE: 'other' }, 4],
  ])('and %s, it fails with that, and leaves no file', async (_, name, env, code) => {
    const file = newFile()
    const result = await runCli(['record', name, '-o', file], {
      env: { ...environment(node), ...env },
    })
    expect(result.code).toBe(code)
    expect(result.stderr).toContain('beamscope: ')
    expect(result.stderr).toContain('hint: ')
    expect(existsSync(file)).toBe(false)
  })

  it('leaves what was there as it was', async () => {
    const file = newFile()
    await record(node.name, '-o', file, ...FAST, '--samples', '2')
    const before = await readFile(file)
    const result = await runCli(['record', 'a@127.0.0.1', '-o', file], {
      env: { ...environment(node), ERL_EPMD_PORT: '1' },
    })
    expect(result.code).toBe(3)
    expect(await readFile(file)).toEqual(before)
  })
})

describe('a node that does not answer any more', () => {
  it('is told of once, and when it is back; the others go on', async () => {
    const file = newFile()
    const { raw: recording } = await readSnapshotFile(binarySpikeFile)
    const cookie = new Cookie('of the test')
    const options = { name: 'shop@127.0.0.1', cookie, recording }
    const first = await ReplayNode.start(options)
    const { port } = first
    const running = start([first.name, '-o', file, ...FAST, '--port', `${port}`, '--ndjson'], {
      BEAMSCOPE_COOKIE: 'of the test',
    })
    await running.says('record-sample/1')
    await first.close()
    await running.says(/shop@127\.0\.0\.1 does not answer: /)
    await vi.waitFor(
      () => expect(running.written().split('record-failure/1').length).toBeGreaterThan(3),
      { timeout: 20_000 },
    )
    const samples = running.written().split('record-sample/1').length
    const second = await ReplayNode.start({ ...options, port })
    await running.says(/shop@127\.0\.0\.1 answers again, after [\d.]+ s and \d+ failures\n/)
    await vi.waitFor(
      () => expect(running.written().split('record-sample/1').length).toBeGreaterThan(samples + 2),
      { timeout: 20_000 },
    )
    running.stop()
    expect(await running.ended).toBe(130)
    await second.close()
    expect(running.written().split('does not answer').length).toBe(2)
    expect(await indexRecording(file)).toMatchObject({ damaged: 0 })
  })

  it('was never there, which is a partial success', async () => {
    const file = newFile()
    const other = 'nobody@127.0.0.1'
    const result = await record(node.name, other, '-o', file, ...FAST, '--samples', '3', '--json')
    expect(result.code).toBe(6)
    expect(result.stderr.split(`${other} does not answer`).length).toBe(2)
    expect(result.stderr).toMatch(/3 samples recorded in [\d.]+ s, 3 failures/)
    expect(JSON.parse(result.stdout).data.nodes).toMatchObject([
      { node: node.name, samples: 3, failure: null },
      { node: other, samples: 0, failures: 3, failure: { code: 'ERR_EPMD_NAME_NOT_REGISTERED' } },
    ])
  })
})

it('goes on with a node that was recorded, when others were not', async () => {
  const file = newFile()
  const result = await record('nobody@127.0.0.1', node.name, '-o', file, ...FAST, '--samples', '1')
  expect(result.code).toBe(6)
  expect(result.stderr).toContain('recorded in')
  expect(result.stderr).toMatch(/, 1 failure;/)
  expect(result.stderr).toContain(`Next: beamscope diagnose --snapshot ${file} --of ${node.name}\n`)
})

it('says that no node has answered, when its time is over before', async () => {
  const file = newFile()
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const result = await record(
    ...['silent@127.0.0.1', '--port', `${port}`, '-o', file, '--for', '300ms'],
  )
  silent.close()
  expect(result).toMatchObject({ code: 3, stdout: '' })
  expect(result.stderr).toMatch(
    /silent@127\.0\.0\.1: the first sample: no answer within \d+ ms\n\s+hint: allow more with --for/,
  )
  expect(existsSync(file)).toBe(false)
})

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it, and the file is whole', async (signal, code) => {
    const file = newFile()
    const running = start([node.name, '-o', file, ...FAST, '--ndjson'])
    await running.says(/(?:record-sample\/1[\s\S]*){3}/)
    running.stop(signal)
    expect(await running.ended).toBe(code)
    expect(running.written()).toMatch(/\d+ samples recorded in .*\nNext: /)
    expect(running.written()).toContain('"record/1"')
    expect(existsSync(`${file}.lock`)).toBe(false)
    const { damaged, samples } = await indexRecording(file)
    expect(damaged).toBe(0)
    expect(samples).toBeGreaterThanOrEqual(3)
  })
})

it('tells that the clock was set back, and goes on', async () => {
  const file = newFile()
  vi.useFakeTimers({ toFake: ['Date'] })
  const running = start([node.name, '-o', file, ...FAST, '--ndjson'])
  await running.says('record-sample/1')
  vi.setSystemTime(Date.now() - 3_600_000)
  await running.says(/the clock was set back by \d+ (?:min|h)/)
  // The first may have been under way.
  await running.says(/set back(?:[\s\S]*record-sample\/1){3}/)
  running.stop()
  expect(await running.ended).toBe(130)
  const { nodes } = await indexRecording(file)
  expect((nodes[0]?.last ?? 0) - (nodes[0]?.first ?? 0)).toBeGreaterThan(3_000_000)
})

describe('is refused', () => {
  it.each<[readonly string[], RegExp]>([
    [['-o', '-'], /a recording is a file/],
    [['-o', ''], /--output names no file/],
    [[], /required option '-o, --output <file>'/],
    [['-o', 'x', '--interval', '10ms'], /It is 100ms or more/],
    [['-o', 'x', '--samples', '0'], /It is a number from 1 on/],
    [['-o', 'x', '--for', 'ever'], /Write it as 30s, 10m, 8h, 7d or 2w/],
    [['-o', 'x', '--max-size', '10kB'], /It is 1MiB or more/],
    [['-o', 'x', '--max-age', '10s'], /It is 1m or more/],
  ])('with %j', async (argv, message) => {
    const { code, stderr } = await record(node.name, ...argv)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('without a node', async () => {
    expect(await record('-o', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no node is named'),
    })
  })

  it('for a file that is something else, or in use, or nowhere', async () => {
    const other = newFile()
    await writeFile(other, 'precious')
    expect(await record(node.name, '-o', other)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not a recording'),
    })
    expect(await readFile(other, 'utf8')).toBe('precious')
    const used = newFile()
    await using _ = await openRecording(used)
    expect(await record(node.name, '-o', used)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('records into it'),
    })
    expect(await record(node.name, '-o', join(folder, 'none', 'x'))).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /there is no such file or folder\n\s+hint: .*beside the recording/,
      ),
    })
  })
})
