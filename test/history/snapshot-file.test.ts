import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
})
