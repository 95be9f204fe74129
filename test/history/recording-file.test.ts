import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FileWriteError } from '../../src/history/atomic-file.ts'
import {
  NotARecordingError,
  RecordingChangedError,
  RecordingClosedError,
  type RecordingDamage,
  RecordingDamagedError,
  RecordingInUseError,
  RecordingUnreadableError,
  UnrecordableSnapshotError,
} from '../../src/history/recording-error.ts'
import { HEADER } from '../../src/history/recording-format.ts'
import { indexRecording, readRecording } from '../../src/history/recording-reader.ts'
import { openRecording } from '../../src/history/recording-writer.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { recordingOf, START, sampleAt } from './recorded.ts'

/** The user who may do nothing special, on every Unix. */
const NOBODY = 65_534

let folder = ''
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-'))
})
afterAll(() => rm(folder, { recursive: true }))

const newFile = (): string => join(folder, `${files++}.recording`)

/** Records samples from one index to another, and closes. */
async function record(file: string, from: number, to: number): Promise<void> {
  await using recording = await openRecording(file)
  for (let index = from; index < to; index++) await recording.append(sampleAt(index))
}

async function read(file: string): Promise<{
  readonly samples: readonly RawSnapshot[]
  readonly damage: readonly RecordingDamage[]
}> {
  const samples: RawSnapshot[] = []
  const damage: RecordingDamage[] = []
  for await (const { raw } of readRecording(file, { onDamage: (it) => void damage.push(it) })) {
    samples.push(raw)
  }
  return { samples, damage }
}

const upTo = (count: number): readonly RawSnapshot[] =>
  Array.from({ length: count }, (_, index) => sampleAt(index))

describe('a recording', () => {
  it('is begun, gone on with, and read', async () => {
    const file = newFile()
    await record(file, 0, 3)
    await using recording = await openRecording(file)
    expect(recording.before).toEqual({
      bytes: recording.size,
      samples: 3,
      nodes: [{ node: 'a@b', samples: 3, first: START, last: START + 20_000 }],
      damage: [],
      damaged: 0,
    })
    // Who opens it does not know what was written before.
    expect(await recording.append(sampleAt(3))).toMatchObject({ isKey: true })
    const { bytes, isKey } = await recording.append(sampleAt(4))
    expect(isKey).toBe(false)
    expect(bytes).toBeLessThan(100)
    expect(await read(file)).toEqual({ samples: upTo(5), damage: [] })
    expect((await stat(file)).size).toBe(recording.size)
  })

  it('takes samples in the order in which they were given, without waiting', async () => {
    const file = newFile()
    const recording = await openRecording(file, { syncEvery: 0, keyEvery: 4 })
    const given = upTo(20).map((raw) => recording.append(raw))
    const closing = recording.close()
    expect((await Promise.all(given)).filter(({ isKey }) => isKey)).toHaveLength(5)
    await closing
    expect((await read(file)).samples).toEqual(upTo(20))
  })

  it('goes on while what was written is brought to the disk', async () => {
    const file = newFile()
    await using recording = await openRecording(file, { syncEvery: 1 })
    await recording.append(sampleAt(0))
    await delay(20)
    await recording.append(sampleAt(1))
    expect((await read(file)).samples).toHaveLength(2)
  })

  it('is closed once, and takes nothing afterwards', async () => {
    const recording = await openRecording(newFile())
    await recording.close()
    await recording.close()
    await expect(recording.append(sampleAt(0))).rejects.toBeInstanceOf(RecordingClosedError)
  })

  it('goes on after a snapshot that it does not take', async () => {
    const file = newFile()
    await using recording = await openRecording(file)
    await recording.append(sampleAt(0))
    const refused = recording.append(sampleAt(1, { node: undefined }))
    await expect(refused).rejects.toBeInstanceOf(UnrecordableSnapshotError)
    await recording.append(sampleAt(1))
    expect((await read(file)).samples).toEqual(upTo(2))
  })

  it('is read as long as it is recorded into', async () => {
    const file = newFile()
    await using recording = await openRecording(file)
    for (const [index, raw] of upTo(5).entries()) {
      await recording.append(raw)
      expect((await read(file)).samples).toHaveLength(index + 1)
    }
  })

  it('is indexed without being unpacked', async () => {
    const file = newFile()
    const other = (index: number) => sampleAt(index, { node: 'c@d' })
    const { bytes } = recordingOf([sampleAt(5), other(9), sampleAt(2), other(8)], 2)
    await writeFile(file, bytes)
    expect(await indexRecording(file)).toEqual({
      bytes: bytes.length,
      samples: 4,
      nodes: [
        { node: 'a@b', samples: 2, first: START + 20_000, last: START + 50_000 },
        { node: 'c@d', samples: 2, first: START + 80_000, last: START + 90_000 },
      ],
      damage: [],
      damaged: 0,
    })
  })
})

describe('reading', () => {
  it('stops when the caller says so', async () => {
    const file = newFile()
    await record(file, 0, 3)
    const controller = new AbortController()
    const reason = new Error('enough')
    const samples = readRecording(file, { signal: controller.signal })
    await samples.next()
    controller.abort(reason)
    await expect(samples.next()).rejects.toBe(reason)
    await expect(indexRecording(file, { signal: controller.signal })).rejects.toBe(reason)
    await expect(openRecording(file, { signal: controller.signal })).rejects.toBe(reason)
    // And leaves nothing open that would be in the way.
    await record(file, 3, 4)
  })

  it('lets others have their turn while it is read from memory, which waits for nothing', async () => {
    const { bytes } = recordingOf(Array.from({ length: 60 }, (_, index) => sampleAt(index)))
    const controller = new AbortController()
    const { signal } = controller
    setTimeout(() => controller.abort(new Error('called off')), 0)
    let count = 0
    const all = async (): Promise<void> => {
      for await (const _ of readRecording({ name: 'bytes', bytes }, { signal })) {
        count += 1
        const end = performance.now() + 5
        while (performance.now() < end);
      }
    }
    await expect(all()).rejects.toThrow('called off')
    expect(count).toBeLessThan(60)
  })

  it('throws for damage that nobody takes, when all else was read', async () => {
    const file = newFile()
    const { bytes, ends } = recordingOf(upTo(4), 2)
    const [first = 0] = ends
    bytes[first - 1] = (bytes[first - 1] ?? 0) ^ 1
    await writeFile(file, bytes.subarray(0, -1))
    const samples: RawSnapshot[] = []
    const reading = async () => {
      for await (const { raw } of readRecording(file)) samples.push(raw)
    }
    await expect(reading()).rejects.toBeInstanceOf(RecordingDamagedError)
    expect(samples).toEqual([sampleAt(2)])
    await expect(reading()).rejects.toMatchObject({
      code: 'ERR_RECORDING_DAMAGED',
      message: `${file}: ${first - 22} bytes at 22 are damaged, and 2 more parts cannot be read`,
      damage: { offset: 22, bytes: first - 22, reason: 'damaged' },
      count: 3,
    })
    expect(await indexRecording(file)).toMatchObject({ samples: 1, damaged: 3 })
  })

  it.each([
    ['that is not there', () => newFile(), 'there is no such file or folder'],
    ['that is a folder', () => folder, 'it is a folder'],
    ['with a name that none can have', () => 'a\0b', 'null bytes'],
  ])('says why of a file %s', async (_, path, reason) => {
    const reading = read(path())
    await expect(reading).rejects.toBeInstanceOf(RecordingUnreadableError)
    await expect(reading).rejects.toThrow(reason)
  })
})

describe('opening', () => {
  it('cuts off what was not written to its end, at whatever byte, and goes on there', async () => {
    const file = newFile()
    const { bytes, ends } = recordingOf(upTo(2))
    const [first = 0] = ends
    for (let cut = 0; cut < bytes.length; cut += cut < HEADER.length + 40 ? 1 : 13) {
      await writeFile(file, bytes.subarray(0, cut))
      const recording = await openRecording(file, { syncEvery: 60_000 })
      const count = ends.filter((end) => end <= cut).length
      const end = count === 0 ? HEADER.length : first
      expect(recording.size).toBe(end)
      const torn = cut > end ? [{ offset: end, bytes: cut - end, reason: 'torn' }] : []
      expect(recording.before?.damage ?? []).toEqual(torn)
      await recording.append(sampleAt(count))
      await recording.close()
      expect(await read(file)).toEqual({ samples: upTo(count + 1), damage: [] })
    }
  })

  it('leaves alone what else is damaged, and goes on behind it', async () => {
    const file = newFile()
    const { bytes, ends } = recordingOf(upTo(3))
    const [first = 0] = ends
    const damaged = Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(5_000)])
    damaged[first + 20] = 7
    await writeFile(file, damaged)
    await using recording = await openRecording(file)
    expect(recording.before).toMatchObject({
      samples: 1,
      damage: [{ offset: first, bytes: damaged.length - first, reason: 'damaged' }],
    })
    await recording.append(sampleAt(3))
    expect((await readFile(file)).subarray(0, damaged.length).equals(damaged)).toBe(true)
    expect((await read(file)).samples).toEqual([sampleAt(0), sampleAt(3)])
  })

  it.each([
    ['text', Buffer.from('Dear node,')],
    ['a recording of the future', Buffer.from('beamscope recording 2\n')],
    ['what nearly is one', Buffer.from('beamscope recordings\n')],
    ['zeros', Buffer.alloc(100)],
  ])('does not touch %s', async (_, bytes) => {
    const file = newFile()
    await writeFile(file, bytes)
    const { mtimeMs } = await stat(file)
    await expect(openRecording(file)).rejects.toMatchObject({
      code: /^ERR_RECORDING_(UNRECOGNISED|VERSION)$/,
      source: file,
    })
    expect(await readFile(file)).toEqual(bytes)
    expect((await stat(file)).mtimeMs).toBe(mtimeMs)
    await expect(stat(`${file}.lock`)).rejects.toThrow('ENOENT')
  })

  it.each([
    ['a folder', () => folder, FileWriteError, 'it is a folder'],
    ['a file in no folder', () => join(folder, 'no', 'x'), FileWriteError, 'there is no such'],
    ['a device', () => '/dev/full', Error, /no plain file|denied/],
  ])('says why of %s', async (_, path, type, reason) => {
    const opening = openRecording(path())
    await expect(opening).rejects.toBeInstanceOf(type)
    await expect(opening).rejects.toThrow(reason)
  })

  it('says why of a file that is only to be read', async () => {
    const file = newFile()
    await record(file, 0, 1)
    await chmod(file, 0o444)
    await chmod(folder, 0o777)
    // To root every file is one to be written.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(NOBODY)
    try {
      const opening = openRecording(file)
      await expect(opening).rejects.toBeInstanceOf(FileWriteError)
      await expect(opening).rejects.toThrow('permission denied')
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  })
})

describe('a second writer', () => {
  it('is refused as long as the first one is there', async () => {
    const file = newFile()
    const first = await openRecording(file)
    const second = openRecording(file)
    await expect(second).rejects.toBeInstanceOf(RecordingInUseError)
    await expect(second).rejects.toMatchObject({
      code: 'ERR_RECORDING_IN_USE',
      pid: process.pid,
      message: `${file}: process ${process.pid} records into it`,
    })
    await first.append(sampleAt(0))
    await first.close()
    await record(file, 1, 2)
    expect((await read(file)).samples).toEqual(upTo(2))
    expect(await readdir(folder)).not.toContain(`${file}.lock`)
  })

  const lockOf = async (file: string): Promise<string> => {
    await using recording = await openRecording(file)
    return readFile(`${recording.file}.lock`, 'utf8')
  }

  it.each([
    ['of a process that has ended', (lock: string) => lock.replace(/^\d+/, '4194304')],
    [
      'of a process whose number another one has now',
      (lock: string) => lock.replace(/ \d+ /, ' 1 '),
    ],
    ['of before the machine was restarted', (lock: string) => lock.replace(/\/[0-9a-f]/, '/x')],
    ['that is none', () => 'lock'],
    ['that is empty', () => ''],
  ])('takes over a lock %s', async (_, changed) => {
    const file = newFile()
    const lock = await lockOf(file)
    // Where there is no /proc, only the first of these can be told apart.
    if (changed(lock) === lock) return
    await writeFile(`${file}.lock`, changed(lock))
    await record(file, 0, 1)
    await expect(stat(`${file}.lock`)).rejects.toThrow('ENOENT')
  })
})

describe('a file that somebody else changes while it is recorded into', () => {
  const cases: readonly [string, (file: string) => Promise<unknown>][] = [
    ['removed', (file) => unlink(file)],
    ['removed', (file) => rename(file, `${file}.old`).then(() => writeFile(file, 'new'))],
    ['shortened', (file) => truncate(file, 30)],
    ['written to by another process', (file) => appendFile(file, 'x')],
    ['taken over by another process', (file) => writeFile(`${file}.lock`, '1 2 3 4\n')],
  ]

  it.each(cases)('was %s: nothing more is written', async (change, make) => {
    const file = newFile()
    const recording = await openRecording(file)
    await recording.append(sampleAt(0))
    await make(file)
    const before = await readFile(file).catch(() => undefined)
    for (let i = 0; i < 2; i++) {
      const appending = recording.append(sampleAt(1))
      await expect(appending).rejects.toBeInstanceOf(RecordingChangedError)
      await expect(appending).rejects.toMatchObject({ change, message: `${file}: was ${change}` })
    }
    await recording.close()
    expect(await readFile(file).catch(() => undefined)).toEqual(before)
  })

  it('may lose its lock file, as long as nobody takes it', async () => {
    const file = newFile()
    await using recording = await openRecording(file)
    await unlink(`${file}.lock`)
    await recording.append(sampleAt(0))
    expect((await read(file)).samples).toHaveLength(1)
  })
})

/** Runs a module that has the built library; `npm test` builds it first. */
function run(source: string, file: string, shell?: string): ChildProcess {
  const library = new URL('../../lib/', import.meta.url).href
  const program = [process.execPath, '--input-type=module', '-e', source, file, library] as const
  const [command, ...args] = shell === undefined ? program : ['sh', '-c', shell, 'sh', ...program]
  return spawn(command ?? '', args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

const LIBRARY = `
  const [, file, library] = process.argv
  const { openRecording } = await import(library + 'history/recording-writer.js')
  const { Tuple, Atom } = await import(library + 'etf/index.js')
  const { randomBytes } = await import('node:crypto')
  const sample = (index, size = 0) => ({
    node: 'a@b', takenAt: new Date(index).toISOString(), otpRelease: '27', schedulers: 4,
    schedulersOnline: 4, memory: [new Tuple([new Atom('total'), index])],
    allocators: [...Array(200)].map((_, i) => new Tuple([new Atom('x_alloc'), (index * i) % 1000])),
    os: undefined, missing: [{ what: 'x', why: randomBytes(size).toString('hex') }],
    duration: undefined,
  })`

describe('a process that is killed', () => {
  it('at any moment, again and again, loses nothing that it was told is there', async () => {
    const file = newFile()
    // Says each sample that was taken, and has others under way.
    const source = `${LIBRARY}
      const recording = await openRecording(file, { keyEvery: 8, syncEvery: 0 })
      let next = recording.before?.nodes[0] === undefined ? 1 : recording.before.nodes[0].last + 1
      for (;;) {
        const index = next++
        await recording.append(sample(index, 2000))
        process.stdout.write(index + '\\n')
      }`
    let last = 0
    for (let round = 0; round < 12; round++) {
      const child = run(source, file)
      let said = ''
      child.stdout?.on('data', (chunk) => {
        said += chunk
      })
      const ended = once(child, 'close')
      while (!said.includes('\n') && child.exitCode === null) await delay(2)
      await delay(Math.random() * 60)
      child.kill('SIGKILL')
      await ended
      const told = Number(said.trim().split('\n').at(-1))
      expect(told).toBeGreaterThan(last)
      const { samples, damage } = await read(file)
      // Each of them once, in order, and no more than one that nobody was told of.
      expect(samples.map(({ takenAt }) => Date.parse(takenAt ?? ''))).toEqual(
        samples.map((_, index) => index + 1),
      )
      expect(samples.length - told).toBeGreaterThanOrEqual(0)
      expect(samples.length - told).toBeLessThanOrEqual(1)
      for (const { reason } of damage) expect(reason).toBe('torn')
      expect(damage.length).toBeLessThanOrEqual(1)
      last = samples.length
    }
    await record(file, 0, 1)
    expect(await read(file)).toMatchObject({ damage: [] })
    expect(await indexRecording(file)).toMatchObject({ samples: last + 1 })
  }, 120_000)
})

describe('a disk that is full', () => {
  it('leaves what was written before, and takes what fits into it afterwards', async () => {
    const file = newFile()
    // 16 or 32 KiB, as the shell counts: a write beyond is done in part, and then refused.
    const source = `${LIBRARY}
      const recording = await openRecording(file, { keyEvery: 1 })
      await recording.append(sample(1))
      const error = await recording.append(sample(2, 100_000)).catch((error) => error)
      await recording.append(sample(3))
      await recording.close()
      process.stdout.write(JSON.stringify({ code: error.code, cause: error.cause?.code, message: error.message }))`
    const child = run(source, file, `trap '' XFSZ; ulimit -f 32; exec "$@"`)
    let said = ''
    child.stdout?.on('data', (chunk) => {
      said += chunk
    })
    await once(child, 'close')
    expect(JSON.parse(said)).toEqual({
      code: 'ERR_FILE_WRITE',
      cause: 'EFBIG',
      message: `${file} cannot be written: it would be larger than a file may be`,
    })
    const { samples, damage } = await read(file)
    expect(samples.map(({ takenAt }) => Date.parse(takenAt ?? ''))).toEqual([1, 3])
    expect(damage).toEqual([])
  })
})

it('is not for those who hold no recording', async () => {
  const file = newFile()
  await writeFile(file, '')
  await expect(read(file)).rejects.toBeInstanceOf(NotARecordingError)
})
