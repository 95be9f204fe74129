/** A node that replays a recording: at one moment of it, or as time passes in it. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HEADER } from '../../src/history/recording-format.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { Cookie, connect, takeSnapshot } from '../../src/index.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { Playback, type PlaybackOptions } from '../../src/replay/playback.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { recordingOf, START, sampleAt } from '../history/recorded.ts'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-playback-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(series: readonly RawSnapshot[]): Promise<string> {
  const file = join(folder, `${files++}.recording`)
  await writeFile(file, recordingOf(series).bytes)
  return file
}

const samples = (...indices: readonly number[]): readonly RawSnapshot[] =>
  indices.map((index) => sampleAt(index))

/** The same of a real node, which says all that a snapshot asks for; each has one scheduler more. */
async function realSamples(count: number): Promise<readonly RawSnapshot[]> {
  const { raw } = await readSnapshotFile(binarySpikeFile)
  return samples(...Array.from({ length: count }, (_, index) => index)).map(
    ({ node, takenAt }, schedulers) => ({ ...raw, node, takenAt, schedulers }),
  )
}

const indexOf = ({ takenAt }: RawSnapshot): number => (Date.parse(takenAt ?? '') - START) / 10_000

const at = (index: number): Date => new Date(START + index * 10_000)

/** Which samples were shown, until one is. */
async function shown(playback: Playback, last: number, times = 1): Promise<readonly number[]> {
  const seen: number[] = [indexOf(playback.current)]
  for (let left = 20_000; left > 0; left--) {
    const now = indexOf(playback.current)
    if (now !== seen.at(-1)) seen.push(now)
    if (seen.filter((index) => index === last).length >= times) return seen
    await delay(1)
  }
  throw new Error(`it showed ${seen}`)
}

describe('a replay node', () => {
  it('answers from the last sample of a recording, and stays there', async () => {
    await using node = await startReplayNode({ snapshotFile: await write(await realSamples(3)) })
    expect(node.name).toBe('a@127.0.0.1')
    expect(indexOf(node.recording)).toBe(2)
    await using remote = await connect(node.name, {
      cookie: new Cookie(node.cookie),
      epmdPort: node.epmdPort,
    })
    expect(await takeSnapshot(remote)).toMatchObject({ schedulers: 2 })
  })

  it('answers differently as time passes in the recording', async () => {
    const file = await write(await realSamples(5))
    // Each ten seconds within 20 ms.
    await using node = await startReplayNode({ snapshotFile: file, speed: 500 })
    await using remote = await connect(node.name, {
      cookie: new Cookie(node.cookie),
      epmdPort: node.epmdPort,
    })
    const seen: unknown[] = []
    while (seen.at(-1) !== 4) seen.push((await takeSnapshot(remote)).schedulers)
    expect(seen).toEqual([...seen].sort())
    expect(indexOf(node.recording)).toBe(4)
  })

  it.each<[string, PlaybackOptions, string]>([
    ['several nodes', {}, 'ERR_RECORDING_NODE'],
    ['no such node', { of: 'e@f' }, 'ERR_RECORDING_NODE'],
  ])('is refused with %s', async (_, options, code) => {
    const file = await write([sampleAt(0), sampleAt(0, { node: 'c@d' })])
    await expect(startReplayNode({ snapshotFile: file, ...options })).rejects.toMatchObject({
      code,
      hint: 'it holds a@b, c@d',
    })
    await using node = await startReplayNode({ snapshotFile: file, of: 'c@d' })
    expect(node.name).toBe('c@127.0.0.1')
  })

  it('is refused without a sample, and with a speed that is none', async () => {
    const empty = join(folder, 'empty')
    await writeFile(empty, HEADER)
    await expect(startReplayNode({ snapshotFile: empty })).rejects.toMatchObject({
      code: 'ERR_RECORDING_EMPTY',
    })
    const file = await write(samples(0))
    for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(startReplayNode({ snapshotFile: file, speed })).rejects.toThrow(RangeError)
    }
    await truncate(file, HEADER.length + 10)
    await expect(startReplayNode({ snapshotFile: file })).rejects.toMatchObject({
      code: 'ERR_RECORDING_EMPTY',
    })
  })
})

describe('a moment of a recording', () => {
  it.each<[PlaybackOptions, number]>([
    [{}, 4],
    [{ from: at(2) }, 2],
    [{ from: new Date(at(2).getTime() + 9_999) }, 2],
    [{ from: at(100) }, 4],
    [{ from: at(-100) }, 0],
  ])('%j is that of the last sample until then', async (options, index) => {
    await using playback = await Playback.open(await write(samples(0, 1, 2, 3, 4)), options)
    expect(indexOf(playback.current)).toBe(index)
  })

  it('is by default the one that was written last', async () => {
    await using playback = await Playback.open(await write(samples(0, 10, 20, 5, 6)))
    expect(indexOf(playback.current)).toBe(6)
  })
})

describe('a recording that is played', () => {
  it('shows each sample in its turn, from a moment on, and stays at the last', async () => {
    const file = await write(samples(0, 1, 2, 3, 4, 5))
    await using playback = await Playback.open(file, { from: at(2), speed: 200 })
    const seen = await shown(playback, 5)
    expect(seen).toEqual([...seen].sort())
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(2)
    await delay(100)
    expect(indexOf(playback.current)).toBe(5)
  })

  it('begins again, if it is to', async () => {
    const file = await write(samples(0, 1, 2))
    await using playback = await Playback.open(file, { speed: 200, loop: true })
    const seen = await shown(playback, 2, 3)
    expect(seen.filter((index) => index === 0).length).toBeGreaterThanOrEqual(2)
  })

  it('waits longer than a timer can', async () => {
    const file = await write(samples(0, 300_000))
    await using playback = await Playback.open(file, { speed: 1 })
    await delay(50)
    expect(indexOf(playback.current)).toBe(0)
  })

  it('closes at any time, twice, and shows what it showed', async () => {
    const playback = await Playback.open(await write(samples(0, 1, 2)), {
      speed: 1_000,
      loop: true,
    })
    await delay(Math.random() * 30)
    await playback.close()
    const last = indexOf(playback.current)
    await playback.close()
    await delay(50)
    expect(indexOf(playback.current)).toBe(last)
  })
})
