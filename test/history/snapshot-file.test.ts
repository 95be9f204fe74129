import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FileExistsError, FileWriteError } from '../../src/history/atomic-file.ts'
import { writeSnapshot } from '../../src/history/snapshot-bytes.ts'
import { SnapshotTooLargeError, SnapshotUnreadableError } from '../../src/history/snapshot-error.ts'
import { readSnapshotFile, writeSnapshotFile } from '../../src/history/snapshot-file.ts'
import { goldenPath } from '../analysis/golden.ts'

describe('a snapshot file', () => {
  const golden = goldenPath('otp25-ets-2-schedulers', 'snapshot.etf')
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'beamscope-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is read, and written over what was there', async () => {
    const { raw, snapshot } = await readSnapshotFile(golden)
    const path = join(folder, 'copy.etf')
    await writeFile(path, 'something longer than nothing')
    await expect(writeSnapshotFile(path, raw, 'etf')).rejects.toBeInstanceOf(FileExistsError)
    await writeSnapshotFile(path, raw, 'etf', { overwrite: true })
    expect(await readFile(path)).toEqual(Buffer.from(writeSnapshot(raw, 'etf')))
    expect((await readSnapshotFile(path)).snapshot).toEqual(snapshot)
  })

  it('that is not there is named, with the reason', async () => {
    const path = join(folder, 'nothing.etf')
    const reading = readSnapshotFile(path)
    await expect(reading).rejects.toBeInstanceOf(SnapshotUnreadableError)
    await expect(reading).rejects.toMatchObject({
      code: 'ERR_SNAPSHOT_UNREADABLE',
      message: `${path}: cannot be read: there is no such file or folder`,
      source: path,
      cause: { code: 'ENOENT' },
    })
  })

  it('is no folder', async () => {
    await expect(readSnapshotFile(folder)).rejects.toThrow(
      `${folder}: cannot be read: it is a folder`,
    )
    const { raw } = await readSnapshotFile(golden)
    await expect(writeSnapshotFile(folder, raw, 'etf', { overwrite: true })).rejects.toBeInstanceOf(
      FileWriteError,
    )
  })

  it('takes the place of nothing but a file', async () => {
    const { raw } = await readSnapshotFile(golden)
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const [path, reason] of [
      [folder, 'it is a folder'],
      [pipe, 'it is no ordinary file'],
    ] as const) {
      for (const overwrite of [false, true]) {
        const writing = writeSnapshotFile(path, raw, 'etf', { overwrite })
        await expect(writing).rejects.toBeInstanceOf(FileWriteError)
        await expect(writing).rejects.toThrow(`${path} cannot be written: ${reason}`)
      }
    }
    expect((await stat(pipe)).isFIFO()).toBe(true)
    await rm(pipe)
  })

  it('is not written where a link leads nowhere, unless it may take its place', async () => {
    const { raw } = await readSnapshotFile(golden)
    const path = join(folder, 'link.etf')
    await symlink(join(folder, 'nowhere'), path)
    await expect(writeSnapshotFile(path, raw, 'etf')).rejects.toBeInstanceOf(FileExistsError)
    await writeSnapshotFile(path, raw, 'etf', { overwrite: true })
    expect((await lstat(path)).isFile()).toBe(true)
  })

  it('may not have a name that is too long', async () => {
    const { raw } = await readSnapshotFile(golden)
    const path = join(folder, 'a'.repeat(300))
    await expect(writeSnapshotFile(path, raw, 'etf')).rejects.toThrow(
      `${path} cannot be written: its name is too long`,
    )
  })

  it('is read no further than the limit, even if it never ends', async () => {
    await expect(readSnapshotFile('/dev/zero', { maxSize: 1_000_000 })).rejects.toBeInstanceOf(
      SnapshotTooLargeError,
    )
  })

  it('is named in every error about its content', async () => {
    const path = join(folder, 'prose.txt')
    await writeFile(path, 'Dear node,')
    await expect(readSnapshotFile(path)).rejects.toThrow(path)
  })

  it('stops being read when the caller says so', async () => {
    const reason = new Error('enough')
    await expect(readSnapshotFile(golden, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })

  it('is not stopped by what killed processes left, which is removed after an hour', async () => {
    const inside = join(folder, 'left')
    await mkdir(inside)
    const names = [
      '.a.etf.4711.tmp',
      '.a.etf.0123456789abcdef.tmp',
      '.b.etf.4711.tmp',
      '.a.etf.x.tmp',
    ]
    for (const name of names) {
      await writeFile(join(inside, name), 'left over')
      const twoHoursAgo = Date.now() / 1000 - 7200
      await utimes(join(inside, name), twoHoursAgo, twoHoursAgo)
    }
    await writeFile(join(inside, '.a.etf.4712.tmp'), 'being written')
    const { raw } = await readSnapshotFile(golden)
    await writeSnapshotFile(join(inside, 'a.etf'), raw, 'etf')
    const left = await readdir(inside)
    expect(left.sort()).toEqual(['.a.etf.4712.tmp', '.a.etf.x.tmp', '.b.etf.4711.tmp', 'a.etf'])
  })

  it('is there whole, whenever a process that overwrites it is killed', async () => {
    const inside = join(folder, 'killed')
    await mkdir(inside)
    const path = join(inside, 'a.etf')
    const { raw, snapshot } = await readSnapshotFile(golden)
    await writeSnapshotFile(path, raw, 'native')
    // The built library, as `beamscope snapshot save --force` writes.
    const library = new URL('../../lib/history/snapshot-file.js', import.meta.url).href
    const source = `
      const [, path, golden, library] = process.argv
      const { readSnapshotFile, writeSnapshotFile } = await import(library)
      const { raw } = await readSnapshotFile(golden)
      for (let round = 0; ; round++) {
        const format = ['native', 'etf', 'terms'][round % 3]
        await writeSnapshotFile(path, raw, format, { overwrite: true })
        process.stdout.write('.')
      }`
    for (let round = 0; round < 5; round++) {
      const argv = ['--input-type=module', '-e', source, path, golden, library]
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'close')
      await once(child.stdout, 'data')
      await delay(Math.random() * 30)
      child.kill('SIGKILL')
      await ended
      expect((await readSnapshotFile(path)).snapshot).toEqual(snapshot)
    }
    // No more than one of each process.
    expect((await readdir(inside)).length).toBeLessThanOrEqual(6)
  }, 120_000)
})
