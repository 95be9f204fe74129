/**
 * Recordings in the place of a node, from the command line.
 */
import { appendFile, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HEADER } from '../../src/history/recording-format.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { recordingOf, START, sampleAt } from '../history/recorded.ts'
import { runCli } from './run-cli.ts'

const MINUTES = 60_000

let folder = ''
/** a@b, six samples a minute from 12:00 to 12:59:50. */
let hour = ''
/** a@b and c@d, ten samples each. */
let two = ''
let files = 0

async function write(series: readonly RawSnapshot[]): Promise<string> {
  const file = join(folder, `${files++}.recording`)
  await writeFile(file, recordingOf(series).bytes)
  return file
}

const samples = (count: number, parts: Partial<RawSnapshot> = {}): readonly RawSnapshot[] =>
  Array.from({ length: count }, (_, index) => sampleAt(index, parts))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-recordings-'))
  hour = await write(samples(360))
  two = await write(samples(10).flatMap((raw) => [raw, { ...raw, node: 'c@d' }]))
})
afterAll(() => rm(folder, { recursive: true }))

/** Of the sample that a command shows, how many samples after the first it is. */
async function shown(...argv: readonly string[]): Promise<number> {
  const { code, stderr, stdout } = await runCli([...argv, '--json'])
  expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' })
  return (Date.parse(JSON.parse(stdout).taken_at) - START) / 10_000
}

describe('every analysis command', () => {
  it.each([
    'memory',
    'fragmentation',
    'average-block-sizes',
    'sbcs-to-mbcs',
    'cache-hit-rates',
    'allocators',
    'diagnose',
    'snapshot show',
  ])('%s takes the last sample, or that of a moment', async (command) => {
    const words = [...command.split(' '), '--snapshot', hour]
    expect(await shown(...words)).toBe(359)
    expect(await shown(...words, '--at', '12:30')).toBe(180)
    const { code, stdout } = await runCli(words)
    expect(code).toBe(0)
    expect(stdout).toContain('2026-01-31T12:59:50.000Z')
  })

  it('takes a sample out of it', async () => {
    const file = join(folder, 'sample')
    const argv = ['snapshot', 'save', '--snapshot', hour, '--at', '12:10', '-o', file]
    expect(await runCli(argv)).toMatchObject({ code: 0, stdout: '' })
    expect((await readSnapshotFile(file)).raw).toEqual(sampleAt(60))
  })

  it('goes on with the same sample of the same node', async () => {
    const argv = ['memory', '--snapshot', two, '--of', 'c@d', '--at', '-1m']
    const { stdout } = await runCli(argv)
    expect(stdout).toContain(`--snapshot ${two} --at -1m --of c@d`)
  })

  it('reads it from standard input, and from what is no plain file', async () => {
    const input = await readFile(hour)
    const argv = ['memory', '--snapshot', '-', '--at', '12:30', '--json']
    const { stdout } = await runCli(argv, { input })
    expect(JSON.parse(stdout).taken_at).toBe('2026-01-31T12:30:00.000Z')
    const diagnosed = await runCli(['diagnose', '--snapshot', '-'], { input })
    expect(diagnosed).toMatchObject({ code: 0, stderr: '' })
    expect(diagnosed.stdout).toContain('standard input')
  })
})

describe('--at', () => {
  it.each<[string, number]>([
    ['2026-01-31T12:30:00Z', 180],
    ['2026-01-31 12:30', 180],
    ['2026-01-31T14:30+02:00', 180],
    ['2026-01-31T14:30:05.5+0200', 180],
    ['2026-01-31T12:30:09.999Z', 180],
    ['2027-01-01T00:00Z', 359],
    ['12:30:19', 181],
    ['12:00', 0],
    // After the end, and nothing the day before.
    ['23:00', 359],
    ['-30m', 179],
    ['-10s', 358],
    ['-0.5m', 356],
    ['-1ms', 358],
  ])('%s is the last sample until then', async (at, index) => {
    expect(await shown('memory', '--snapshot', hour, '--at', at)).toBe(index)
    expect(await shown('diagnose', '--snapshot', hour, '--at', at)).toBe(index)
  })

  it('is of the day before, if the last day ended earlier', async () => {
    const day = 24 * 60 * MINUTES
    const at = (time: number): RawSnapshot =>
      sampleAt(0, { takenAt: new Date(START + time).toISOString() })
    const file = await write([at(0), at(2 * 60 * MINUTES), at(day - 60 * MINUTES)])
    expect(await shown('memory', '--snapshot', file, '--at', '14:10')).toBe(720)
    expect(await shown('memory', '--snapshot', file, '--at', '11:00')).toBe(8_280)
    expect(await shown('memory', '--snapshot', file, '--at', '10:59')).toBe(720)
  })

  it.each(['yesterday', '25:00', '2026-02-30T12:00Z', '2026-01-31', '-2', '12', '', '-0s', '- 2h'])(
    '"%s" is none',
    async (at) => {
      const { code, stderr } = await runCli(['memory', '--snapshot', hour, '--at', at])
      expect({ at, code }).toEqual({ at, code: 2 })
      expect(stderr).toContain('Write it as 2026-01-31T12:00:00Z, as 12:00 (UTC), or as -2h')
    },
  )

  it('says when the recording begins, if it does so later', async () => {
    const { code, stderr } = await runCli(['memory', '--snapshot', hour, '--at', '-2h'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/0\.recording holds nothing of a@b at -2h or before/)
    expect(stderr).toContain('hint: its first sample is of 2026-01-31T12:00:00.000Z')
  })

  it('takes what was written last where the clock went back, and what was taken last until a moment', async () => {
    const file = await write([0, 10, 20, 5, 6].map((index) => sampleAt(index)))
    for (const command of ['memory', 'diagnose']) {
      expect(await shown(command, '--snapshot', file)).toBe(6)
      expect(await shown(command, '--snapshot', file, '--at', '12:02')).toBe(10)
      expect(await shown(command, '--snapshot', file, '--at', '12:01')).toBe(6)
      expect(await shown(command, '--snapshot', file, '--at', '12:05')).toBe(20)
    }
  })
})

describe('--of', () => {
  it('chooses a node', async () => {
    for (const node of ['a@b', 'c@d']) {
      const argv = ['memory', '--snapshot', two, '--of', node, '--json']
      expect(JSON.parse((await runCli(argv)).stdout)).toMatchObject({ node })
    }
    expect(await runCli(['memory', '--snapshot', hour, '--of', 'a@b'])).toMatchObject({ code: 0 })
  })

  it.each([
    [[], /holds several nodes, and one has to be chosen by --of/],
    [['--of', 'e@f'], /holds nothing of e@f/],
  ])('%j: is missing, and the nodes are listed', async (argv, message) => {
    const { code, stderr } = await runCli(['memory', '--snapshot', two, ...argv])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toContain('hint: it holds a@b, c@d')
  })

  it('lists no more nodes than can be read', async () => {
    const many = await write(
      Array.from({ length: 30 }, (_, index) => sampleAt(0, { node: `n${index}@b` })),
    )
    const { stderr } = await runCli(['memory', '--snapshot', many])
    expect(stderr).toMatch(/n19@b and\s+10 more/)
  })
})

describe('diagnose', () => {
  async function history(...argv: readonly string[]): Promise<unknown> {
    const { code, stderr, stdout } = await runCli(['diagnose', ...argv, '--json'])
    expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' })
    return JSON.parse(stdout).data.history
  }

  it('uses all that was recorded until then', async () => {
    expect(await history('--snapshot', hour)).toMatchObject({ samples: 360 })
    expect(await history('--snapshot', hour, '--at', '12:10')).toMatchObject({ samples: 61 })
    expect(await history('--snapshot', two, '--of', 'c@d')).toMatchObject({ samples: 10 })
  })

  it('takes a recording for the past of a snapshot, as far as it is older', async () => {
    const file = join(folder, 'at-half-past')
    await runCli(['snapshot', 'save', '--snapshot', hour, '--at', '12:30', '-o', file])
    expect(await history('--snapshot', file)).toBeUndefined()
    // The one at that time is in both.
    expect(await history('--snapshot', file, '--earlier', hour)).toMatchObject({ samples: 182 })
  })

  it('joins recordings, in whatever order they are given', async () => {
    const all = samples(300)
    const [a, b, c] = [all.slice(0, 100), all.slice(100, 200), all.slice(200)]
    const argv = ['--snapshot', await write(c)]
    for (const series of [b, a]) argv.push('--earlier', await write(series))
    expect(await history(...argv)).toMatchObject({ samples: 300, disordered: 0 })
  })

  it('counts a recording once, however often and by whatever name it is given', async () => {
    const link = join(folder, 'link-to-hour')
    await symlink(hour, link)
    for (const argv of [
      ['--snapshot', hour, '--earlier', hour],
      ['--snapshot', link, '--earlier', hour, '--earlier', hour],
    ]) {
      expect(await history(...argv)).toMatchObject({ samples: 360, disordered: 0 })
    }
  })

  it('takes a recording for the past of a live node', async () => {
    const { raw } = await readSnapshotFile(binarySpikeFile)
    await using node = await startReplayNode({ recording: raw })
    const before = await write(
      Array.from({ length: 20 }, (_, index) => ({
        ...raw,
        node: node.name,
        takenAt: new Date(START + index * 60_000).toISOString(),
      })),
    )
    const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
    const argv = ['diagnose', node.name, '--earlier', before, '--json']
    const { code, stdout } = await runCli(argv, { env })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).data.history).toMatchObject({ samples: 21 })
    const ofOther = await runCli(['diagnose', node.name, '--earlier', hour], { env })
    expect(ofOther.code).toBe(2)
    expect(ofOther.stderr).toMatch(/holds nothing of \S+\n\s+hint: it holds a@b/)
  })

  it('takes the limit that it is given, and refuses it where nothing shows growth', async () => {
    expect(await history('--snapshot', hour, '--memory-limit', '8GiB')).toMatchObject({
      limit: { bytes: 8 * 2 ** 30, source: 'as it was given' },
    })
    const { code, stderr } = await runCli([
      'diagnose',
      '--snapshot',
      binarySpikeFile,
      '--memory-limit',
      '8GiB',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('--memory-limit goes with a recording')
  })
})

describe('a moment of no recording', () => {
  it.each([
    [['memory', 'a@127.0.0.1', '--at', '12:00'], 'there is none'],
    [['memory', 'a@127.0.0.1', 'b@127.0.0.1', '--of', 'a@b'], 'there is none'],
    [['memory', '--snapshot', binarySpikeFile, '--at', '12:00'], 'binary-spike.etf is a snapshot'],
    [['diagnose', '--snapshot', binarySpikeFile, '--of', 'a@b'], 'binary-spike.etf is a snapshot'],
    [['snapshot', 'show', binarySpikeFile, '--of', 'a@b'], 'binary-spike.etf is a snapshot'],
    [
      ['snapshot', 'diff', binarySpikeFile, binarySpikeFile, '--at', '12:00'],
      'there are not so many',
    ],
    [
      ['snapshot', 'diff', binarySpikeFile, binarySpikeFile, '--of', 'a@b'],
      'there are not so many',
    ],
  ])('%j is refused', async (argv, why) => {
    const { code, stderr } = await runCli(argv)
    expect(code).toBe(2)
    expect(stderr).toContain('--at and --of go with a recording')
    expect(stderr).toContain(why)
    expect(stderr).toContain(
      'hint: give --snapshot with a file that `beamscope record` has written',
    )
  })
})

describe('damage', () => {
  async function damaged(): Promise<string> {
    const { bytes, ends } = recordingOf(samples(200))
    const at = (ends[100] ?? 0) - 10
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const file = join(folder, `${files++}.recording`)
    await writeFile(file, bytes)
    return file
  }

  it('is told, and the rest works', async () => {
    const file = await damaged()
    for (const command of ['memory', 'diagnose', 'snapshot show']) {
      const argv = [...command.split(' '), '--snapshot', file, '--json']
      const { code, stderr, stdout } = await runCli(argv)
      expect(code).toBe(0)
      expect(stderr).toMatch(
        /^\S+\.recording: \d+ bytes at \d+ are damaged, and 27 more parts cannot be read; the rest is read\n$/,
      )
      expect(JSON.parse(stdout).taken_at).toBe(sampleAt(199).takenAt)
    }
  })

  it('of the sample that was asked for leaves the one before', async () => {
    const file = await damaged()
    for (const command of ['memory', 'diagnose']) {
      const argv = [command, '--snapshot', file, '--at', '12:17', '--json']
      expect(JSON.parse((await runCli(argv)).stdout).taken_at).toBe(sampleAt(99).takenAt)
    }
  })

  it('of the end is what a killed writer leaves', async () => {
    const file = await write(samples(5))
    await truncate(file, (await readFile(file)).length - 3)
    const { code, stderr } = await runCli(['memory', '--snapshot', file])
    expect(code).toBe(0)
    expect(stderr).toContain('are the beginning of a record that was not written to its end')
  })

  it('of all of it leaves nothing to show', async () => {
    const empty = join(folder, 'empty')
    await writeFile(empty, HEADER)
    expect(await runCli(['memory', '--snapshot', empty])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('empty: it holds no sample'),
    })
    await appendFile(empty, 'what is no record')
    expect(await runCli(['diagnose', '--snapshot', empty])).toMatchObject({ code: 5 })
    const newer = join(folder, 'newer')
    await writeFile(newer, 'beamscope recording 2\n')
    expect(await runCli(['memory', '--snapshot', newer])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('upgrade beamscope'),
    })
  })

  it('leaves out samples that say what no node says', async () => {
    const file = await write([sampleAt(0), sampleAt(1, { memory: 7 }), sampleAt(2, { memory: 8 })])
    for (const command of ['memory', 'diagnose']) {
      const { code, stderr, stdout } = await runCli([command, '--snapshot', file, '--json'])
      expect(code).toBe(0)
      expect(stderr).toMatch(/2 samples left out: /)
      expect(JSON.parse(stdout).taken_at).toBe(sampleAt(0).takenAt)
    }
    const none = await write([sampleAt(1, { memory: 7 })])
    expect(await runCli(['memory', '--snapshot', none])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no sample of a@b in it can be used'),
    })
  })
})

describe('snapshot show', () => {
  it('says what a recording holds', async () => {
    const { code, stdout } = await runCli(['snapshot', 'show', hour])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Recording {2}\S+0\.recording\n360 samples in [\d.]+ KiB\n/)
    expect(stdout).toMatch(
      /\na@b {7}360 {2}2026-01-31T12:00:00\.000Z {2}2026-01-31T12:59:50\.000Z\n/,
    )
    expect(stdout).toContain('\nSnapshot  ')
    const { data } = JSON.parse((await runCli(['snapshot', 'show', hour, '--json'])).stdout)
    expect(data).toMatchObject({
      format: 'recording',
      schedulers: 4,
      recording: {
        samples: 360,
        nodes: [
          {
            node: 'a@b',
            samples: 360,
            from: '2026-01-31T12:00:00.000Z',
            to: '2026-01-31T12:59:50.000Z',
          },
        ],
        damaged: 0,
        damage: [],
      },
    })
  })

  it('counts in words', async () => {
    const { stdout } = await runCli(['snapshot', 'show', await write([sampleAt(0)])])
    expect(stdout).toMatch(/^1 sample in /m)
  })

  it('shows no sample of several nodes, before one is chosen', async () => {
    const { stdout } = await runCli(['snapshot', 'show', two])
    expect(stdout).toMatch(/\na@b .*\nc@d /)
    expect(stdout).not.toContain('Snapshot')
    expect((await runCli(['snapshot', 'show', two, '--of', 'c@d'])).stdout).toContain('Snapshot')
    const { data, node } = JSON.parse((await runCli(['snapshot', 'show', two, '--json'])).stdout)
    expect(node).toBeNull()
    expect(data).toEqual({ format: 'recording', recording: expect.anything() })
  })

  it('says what is damaged', async () => {
    const file = await write(samples(3))
    await truncate(file, (await readFile(file)).length - 3)
    const { stdout } = await runCli(['snapshot', 'show', file])
    expect(stdout.replaceAll('\n', ' ')).toContain('a record that was not written to its end')
    const json = JSON.parse((await runCli(['snapshot', 'show', file, '--json'])).stdout)
    expect(json.data.recording).toMatchObject({ damaged: 1, damage: [{ reason: 'torn' }] })
  })
})

describe('snapshot diff', () => {
  async function compared(...argv: readonly string[]): Promise<readonly unknown[]> {
    const { code, stderr, stdout } = await runCli(['snapshot', 'diff', ...argv, '--json'])
    expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' })
    const { before, after } = JSON.parse(stdout).data
    return [before.taken_at, after.taken_at].map((it) => it && (Date.parse(it) - START) / 10_000)
  }

  it('compares two moments of one recording, or one and the end', async () => {
    expect(await compared(hour, hour, '--at', '12:10', '--at', '12:20')).toEqual([60, 120])
    expect(await compared(hour, hour, '--at', '12:10')).toEqual([60, 359])
  })

  it('gives moments to recordings alone', async () => {
    const file = join(folder, 'first')
    await runCli(['snapshot', 'save', '--snapshot', hour, '--at', '12:00', '-o', file])
    expect(await compared(file, hour, '--at', '12:10')).toEqual([0, 60])
    expect(await compared(two, hour, '--at', '12:01', '--of', 'a@b')).toEqual([6, 359])
  })

  it('goes on with the second', async () => {
    const argv = ['snapshot', 'diff', hour, hour, '--at', '12:10', '--at', '-1m']
    expect((await runCli(argv)).stdout).toContain(`diagnose --snapshot ${hour} --at -1m`)
  })
})
