import {
  appendFile,
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atom } from '../../src/etf/index.ts'
import { compactRecording } from '../../src/history/recording-compaction.ts'
import { RecordingInUseError, RecordingUnreadableError } from '../../src/history/recording-error.ts'
import { HEADER } from '../../src/history/recording-format.ts'
import { readRecording } from '../../src/history/recording-reader.ts'
import { openRecording } from '../../src/history/recording-writer.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { answer, utilInstance } from '../probe/answers.ts'
import { recordingOf, START, sampleAt } from './recorded.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let folder = ''
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-'))
})
afterAll(() => rm(folder, { recursive: true }))

const recorded = new Map<readonly RawSnapshot[], Uint8Array>()

async function fileOf(series: readonly RawSnapshot[]): Promise<string> {
  const file = join(folder, `${files++}.recording`)
  const bytes = recorded.get(series) ?? recordingOf(series, 64).bytes
  recorded.set(series, bytes)
  await writeFile(file, bytes)
  return file
}

async function read(file: string): Promise<readonly RawSnapshot[]> {
  const samples: RawSnapshot[] = []
  for await (const { raw } of readRecording(file)) samples.push(raw)
  return samples
}

/** What an allocator has, and uses, in a sample of 10 seconds. */
function held(index: number, allocated: number, used: number, node = 'a@b'): RawSnapshot {
  const mbcs = {
    blocks: { ets_alloc: { count: 1, size: used } },
    carriers: 1,
    carriersSize: allocated,
  }
  return sampleAt(index, {
    node,
    memory: [],
    allocators: [answer('ets_alloc', [utilInstance(1, { mbcs })])],
  })
}

/** Two hours from noon on. Each hour has a peak of carriers, one of usage, and one of waste. */
const series = Array.from({ length: 720 }, (_, index) => {
  const [allocated, used] = { 100: [9000, 500], 200: [8000, 7000], 304: [8900, 0] }[
    index % 360
  ] ?? [1000, 500]
  return held(index, allocated ?? 0, used ?? 0)
})

const indexes = (samples: readonly RawSnapshot[]): readonly number[] =>
  samples.map(({ takenAt }) => (Date.parse(takenAt ?? '') - START) / 10_000)

describe('a recording that is compacted', () => {
  it('keeps one sample a minute, and the peaks of each hour, of what is older than a day', async () => {
    const file = await fileOf(series)
    const { size: before } = await stat(file)
    // The second hour is younger than a day.
    const now = START + HOUR + DAY
    const compaction = await compactRecording(file, { now })
    const left = await read(file)
    const minutes = Array.from({ length: 60 }, (_, minute) => minute * 6)
    const expected = [...minutes, 100, 200, 304].sort((a, b) => a - b)
    expect(indexes(left)).toEqual([...expected, ...Array.from({ length: 360 }, (_, i) => 360 + i)])
    expect(left).toEqual(indexes(left).map((index) => series[index]))
    expect(compaction).toEqual({
      before,
      after: (await stat(file)).size,
      samples: 720,
      kept: 423,
      damaged: 0,
    })
    expect(compaction.after).toBeLessThan(before)
  })

  it('is the same however often it was compacted before', async () => {
    const [often, once] = [await fileOf(series), await fileOf(series)]
    for (const age of [DAY, 6 * DAY, 8 * DAY]) {
      await compactRecording(often, { now: START + age + 30 * MINUTE })
    }
    await compactRecording(once, { now: START + 8 * DAY + 30 * MINUTE })
    // One an hour, and the peaks of the day.
    expect(indexes(await read(once))).toEqual([0, 100, 200, 304, 360])
    expect(await read(often)).toEqual(await read(once))
  })

  it('keeps the peaks of each node', async () => {
    const other = series.map((_, index) => held(index, index === 77 ? 5000 : 1000, 500, 'c@d'))
    const both = series.flatMap((raw, index) => [raw, other[index] ?? raw])
    const file = await fileOf(both)
    await compactRecording(file, { now: START + 8 * DAY })
    const left = await read(file)
    expect(indexes(left.filter(({ node }) => node === 'a@b'))).toEqual([0, 100, 200, 304, 360])
    expect(indexes(left.filter(({ node }) => node === 'c@d'))).toEqual([0, 77, 360])
  })

  it('leaves out what is too old, and then what is oldest until it is small enough', async () => {
    const file = await fileOf(series)
    const now = START + 2 * HOUR
    await compactRecording(file, { now, maxAge: 30 * MINUTE })
    expect(indexes(await read(file))).toEqual(Array.from({ length: 180 }, (_, i) => 540 + i))
    const { kept } = await compactRecording(file, { now, maxSize: 6000 })
    expect((await stat(file)).size).toBeLessThanOrEqual(6000)
    expect((await stat(file)).size).toBeGreaterThan(4000)
    expect(indexes(await read(file))).toEqual(
      Array.from({ length: kept }, (_, i) => 720 - kept + i),
    )
    expect(await compactRecording(file, { now, maxSize: 1 })).toMatchObject({ kept: 0 })
    expect(await readFile(file)).toEqual(Buffer.from(HEADER))
  })

  it('keeps what has no figures that can be read', async () => {
    const odd = [0, 1, 2].map((index) => sampleAt(index, { allocators: [atom('odd')], memory: 7 }))
    const file = await fileOf(odd)
    await compactRecording(file, { now: START + 30 * DAY })
    expect(await read(file)).toEqual(odd)
  })

  it('keeps the rights of the file, drops what cannot be read, and can be gone on with', async () => {
    const file = await fileOf(series.slice(0, 10))
    await chmod(file, 0o600)
    await appendFile(file, 'not a record')
    const now = START + 100_000
    expect(await compactRecording(file, { now })).toMatchObject({ kept: 10, damaged: 1 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const recording = await openRecording(file)
    expect(recording.before).toMatchObject({ samples: 10, damaged: 0 })
    await recording.append(held(10, 1, 1))
    const compacting = compactRecording(file)
    await expect(compacting).rejects.toBeInstanceOf(RecordingInUseError)
    await recording.close()
    expect(await read(file)).toHaveLength(11)
  })

  it('stays as it is when that fails, or is given up', async () => {
    const file = await fileOf(series)
    const before = await readFile(file)
    const reason = new Error('enough')
    const compacting = compactRecording(file, { signal: AbortSignal.abort(reason) })
    await expect(compacting).rejects.toBe(reason)
    expect(await readFile(file)).toEqual(before)
    const missing = compactRecording(join(folder, 'missing'))
    await expect(missing).rejects.toBeInstanceOf(RecordingUnreadableError)
    expect((await readdir(folder)).filter((it) => !it.endsWith('.recording'))).toEqual([])
  })
})
