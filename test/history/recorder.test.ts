/** Recording for a long time: within bounds, over full disks, and past those who move the file. */
import {
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Recorder, type RecorderEvent, type RecorderOptions } from '../../src/history/recorder.ts'
import { compactRecording } from '../../src/history/recording-compaction.ts'
import { indexRecording, readRecording } from '../../src/history/recording-reader.ts'
import { openRecording } from '../../src/history/recording-writer.ts'
import { START, sampleAt } from './recorded.ts'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-recorder-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
})

const newFile = (): string => join(folder, `${files++}.recording`)

interface Told {
  readonly recorder: Recorder
  readonly events: RecorderEvent[]
}

async function openTold(file: string, options: RecorderOptions = {}): Promise<Told> {
  const events: RecorderEvent[] = []
  const tell = (event: RecorderEvent): void => void events.push(event)
  return { recorder: await Recorder.open(file, { ...options, tell }), events }
}

async function indices(file: string): Promise<readonly number[]> {
  const found: number[] = []
  for await (const { time } of readRecording(file)) found.push((time - START) / 10_000)
  return found
}

const from = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => first + index)

const typesOf = (events: readonly RecorderEvent[]): readonly string[] =>
  events.map(({ type }) => type)

/** Bytes: some two hundred samples. */
const MAX_SIZE = 20_000

describe('a recorder', () => {
  it('begins a recording, and goes on with it', async () => {
    const file = newFile()
    for (const first of [0, 5]) {
      const { recorder, events } = await openTold(file)
      for (const index of from(first, 5)) await recorder.append(sampleAt(index))
      expect(recorder).toMatchObject({ samples: 5, held: 0, lost: 0, compactions: 0 })
      expect(recorder.before?.samples).toBe(first === 0 ? undefined : 5)
      expect(recorder.size).toBe((await stat(file)).size)
      await recorder.close()
      await recorder.close()
      expect(events).toEqual([])
    }
    expect(await indices(file)).toEqual(from(0, 10))
  })

  it('leaves nothing where nothing was recorded, but what was there', async () => {
    const file = newFile()
    await (await Recorder.open(file)).close()
    expect((await readdir(folder)).filter((it) => file.endsWith(it.slice(0, 4)))).toEqual([])
    const { recorder } = await openTold(file)
    await recorder.append(sampleAt(1))
    await recorder.close()
    await (await Recorder.open(file)).close()
    expect(await indices(file)).toEqual([1])
  })

  it('leaves out what cannot be recorded', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file)
    await recorder.append(sampleAt(0))
    await recorder.append(sampleAt(1, { node: undefined }))
    await recorder.append(sampleAt(2))
    await recorder.close()
    expect(typesOf(events)).toEqual(['unrecordable'])
    expect(await indices(file)).toEqual([0, 2])
  })
})

describe('a limit of size', () => {
  it('is kept, and what is new is not lost while what is old goes', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file, { maxSize: MAX_SIZE })
    const count = 800
    // Of the last hours: what is older than a day would be thinned out.
    const start = Date.now() - count * 10_000
    const takenAt = (index: number): string => new Date(start + index * 10_000).toISOString()
    for (const index of from(0, count)) {
      await recorder.append(sampleAt(index, { takenAt: takenAt(index) }))
      // Samples do not come as fast as that.
      while (recorder.held > 20) await delay(1)
    }
    await vi.waitFor(() => expect(recorder.held).toBe(0), { timeout: 20_000 })
    await recorder.close()
    expect(recorder.lost).toBe(0)
    expect(recorder.samples).toBe(count)
    expect(recorder.compactions).toBeGreaterThan(1)
    expect(new Set(typesOf(events))).toEqual(new Set(['compacting', 'compacted']))
    const found: (string | undefined)[] = []
    for await (const { raw } of readRecording(file)) found.push(raw.takenAt)
    expect(found.length).toBeGreaterThan(20)
    expect(found).toEqual(from(count - found.length, found.length).map(takenAt))
    expect((await stat(file)).size).toBeLessThan(2 * MAX_SIZE)
  })

  it('is not what keeps a recorder from closing', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file, { maxSize: 10_000 })
    let next = 0
    while (!typesOf(events).includes('compacting')) await recorder.append(sampleAt(next++))
    await recorder.append(sampleAt(next++))
    await recorder.close()
    expect(recorder.lost).toBe(0)
    // What was held meanwhile is in it.
    expect((await indices(file)).slice(-2)).toEqual([next - 2, next - 1])
    expect((await readdir(folder)).filter((it) => /tmp|lock/.test(it))).toEqual([])
  })

  it('that cannot be kept is told, and recording goes on', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file, { maxSize: 10_000 })
    const handle = await open(newFile(), 'w')
    let next = 0
    while (recorder.size <= 10_000) await recorder.append(sampleAt(next++))
    const chmod = vi.spyOn(Object.getPrototypeOf(handle), 'chmod')
    chmod.mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    await recorder.append(sampleAt(next++))
    await vi.waitFor(() => expect(typesOf(events)).toContain('not-compacted'), { timeout: 20_000 })
    for (let more = 0; more < 10; more++) await recorder.append(sampleAt(next++))
    await recorder.close()
    await handle.close()
    expect(typesOf(events)).toEqual(['compacting', 'not-compacted'])
    expect(await indices(file)).toEqual(from(0, next))
  })
})

it('leaves out what is older than it may be', async () => {
  const file = newFile()
  const now = Date.now()
  const hour = 3_600_000
  const at = (time: number) => sampleAt(0, { takenAt: new Date(time).toISOString() })
  {
    await using writer = await openRecording(file)
    for (let ago = 10; ago > 0; ago--) await writer.append(at(now - ago * hour))
  }
  const { recorder, events } = await openTold(file, { maxAge: 3.5 * hour })
  await recorder.append(at(now))
  await vi.waitFor(() => expect(typesOf(events)).toEqual(['compacting', 'compacted']), {
    timeout: 20_000,
  })
  await recorder.close()
  const { samples, nodes } = await indexRecording(file)
  expect(samples).toBe(4)
  expect(nodes[0]?.first).toBe(now - 3 * hour)
})

describe('a disk that is full', () => {
  it('is told once, and samples are held until there is room', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file)
    await recorder.append(sampleAt(0))
    const handle = await open(newFile(), 'w')
    const write = vi.spyOn(Object.getPrototypeOf(handle), 'write')
    write.mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    for (const index of from(1, 5)) await recorder.append(sampleAt(index))
    expect(recorder).toMatchObject({ samples: 1, held: 5, lost: 0 })
    expect(events).toMatchObject([
      { type: 'failing', error: { message: `${file} cannot be written: the disk is full` } },
    ])
    write.mockRestore()
    await recorder.append(sampleAt(6))
    expect(recorder).toMatchObject({ samples: 7, held: 0 })
    expect(typesOf(events)).toEqual(['failing', 'recovered'])
    await recorder.close()
    await handle.close()
    expect(await indices(file)).toEqual(from(0, 7))
  })

  it('does not take more memory than it may', async () => {
    const file = newFile()
    const { recorder } = await openTold(file, { maxHeld: 2_000 })
    const handle = await open(newFile(), 'w')
    const write = vi.spyOn(Object.getPrototypeOf(handle), 'write')
    write.mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    for (const index of from(0, 20)) await recorder.append(sampleAt(index))
    const { held, lost } = recorder
    expect(held).toBeGreaterThan(1)
    expect(lost).toBe(20 - held)
    write.mockRestore()
    await recorder.append(sampleAt(20))
    expect(recorder).toMatchObject({ samples: held + 1, held: 0, lost })
    await recorder.close()
    await handle.close()
    expect(await indices(file)).toEqual([...from(0, held), 20])
  })

  it('that stays full takes what was held with it, and that is said', async () => {
    const file = newFile()
    const { recorder } = await openTold(file)
    await recorder.append(sampleAt(0))
    const handle = await open(newFile(), 'w')
    const write = vi.spyOn(Object.getPrototypeOf(handle), 'write')
    write.mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    for (const index of from(1, 5)) await recorder.append(sampleAt(index))
    await recorder.close()
    await handle.close()
    expect(recorder).toMatchObject({ samples: 1, held: 0, lost: 5 })
    expect(await indices(file)).toEqual([0])
  })
})

describe('a file that others touch', () => {
  it('is begun anew when it was moved away, as logs are', async () => {
    const file = newFile()
    const { recorder, events } = await openTold(file)
    for (const index of from(0, 3)) await recorder.append(sampleAt(index))
    await rename(file, `${file}.1`)
    for (const index of from(3, 3)) await recorder.append(sampleAt(index))
    await recorder.close()
    expect(typesOf(events)).toEqual(['begun-anew'])
    expect(await indices(`${file}.1`)).toEqual(from(0, 3))
    expect(await indices(file)).toEqual(from(3, 3))
  })

  it('is not written to any more when somebody else has written to it', async () => {
    const file = newFile()
    const { recorder } = await openTold(file)
    await recorder.append(sampleAt(0))
    await writeFile(file, 'something else', { flag: 'a' })
    await expect(recorder.append(sampleAt(1))).rejects.toMatchObject({
      code: 'ERR_RECORDING_CHANGED',
    })
    await recorder.close()
  })

  it('is refused while somebody else records into it', async () => {
    const file = newFile()
    await using writer = await openRecording(file)
    await expect(Recorder.open(file)).rejects.toMatchObject({ code: 'ERR_RECORDING_IN_USE' })
    expect(writer.file).toBe(file)
  })
})

describe('a symbolic link', () => {
  /** To a file in another folder, over another link; nothing is there yet. */
  async function linked(): Promise<{ readonly link: string; readonly file: string }> {
    const name = `${files++}`
    await mkdir(join(folder, name))
    const link = join(folder, `${name}.link`)
    const file = join(folder, name, 'file')
    await symlink(join(name, 'between'), link)
    await symlink(file, join(folder, name, 'between'))
    return { link, file }
  }

  it('stays, whatever becomes of the file that it leads to', async () => {
    const { link, file } = await linked()
    const { recorder } = await openTold(link)
    for (const index of from(0, 10)) await recorder.append(sampleAt(index))
    await recorder.close()
    await compactRecording(link, { maxAge: 45_000, now: START + 90_000 })
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect((await lstat(file)).isFile()).toBe(true)
    expect(await indices(file)).toEqual(from(5, 5))
  })

  it('is no way past somebody who records into that file', async () => {
    const { link, file } = await linked()
    const { recorder } = await openTold(link)
    await expect(Recorder.open(file)).rejects.toMatchObject({ code: 'ERR_RECORDING_IN_USE' })
    await expect(Recorder.open(link)).rejects.toMatchObject({ code: 'ERR_RECORDING_IN_USE' })
    await recorder.close()
    // Nothing was recorded: what was made is gone, and what was there is not.
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
