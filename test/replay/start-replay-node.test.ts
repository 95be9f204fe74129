import { describe, expect, test } from 'vitest'
import { names } from '../../src/epmd/client.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { Cookie, connect, diagnose, takeSnapshot } from '../../src/index.ts'
import {
  binarySpikeFile,
  type RunningReplayNode,
  startReplayNode,
} from '../../src/replay/start-replay-node.ts'

const { raw: recording } = await readSnapshotFile(binarySpikeFile)

function join(node: RunningReplayNode): ReturnType<typeof connect> {
  return connect(node.name, { cookie: new Cookie(node.cookie), epmdPort: node.epmdPort })
}

describe('a replay node with its own port mapper', () => {
  test('is found by the name, cookie and port that it tells', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    expect(node).toMatchObject({ name: 'shop@127.0.0.1', host: '127.0.0.1' })
    await using remote = await join(node)
    expect(diagnose(await takeSnapshot(remote)).verdict).toBe('fragmented')
  })

  test('answers from a recording at hand', async () => {
    await using node = await startReplayNode({ recording: { ...recording, schedulers: 7 } })
    await using remote = await join(node)
    expect(await takeSnapshot(remote)).toMatchObject({ schedulers: 7 })
  })

  test('does not share its port mapper: two may have one name', async () => {
    await using first = await startReplayNode({ recording })
    await using second = await startReplayNode({ recording })
    expect(first.name).toBe(second.name)
    expect(first.cookie).not.toBe(second.cookie)
    for (const node of [first, second]) {
      const listed = await names({ host: node.host, port: node.epmdPort })
      expect(listed).toEqual([{ name: 'shop', port: node.port }])
    }
  })

  test('is at 127.0.0.1, wherever the recorded node was', async () => {
    const elsewhere = { ...recording, node: 'rabbit@db1.invalid' }
    await using node = await startReplayNode({ recording: elsewhere })
    expect(node.name).toBe('rabbit@127.0.0.1')
    await using nameless = await startReplayNode({ recording: { ...recording, node: undefined } })
    expect(nameless.name).toBe('replay@127.0.0.1')
  })

  test.each([
    ['marten', 'marten@127.0.0.1'],
    ['marten@localhost', 'marten@localhost'],
  ])('may be named %s, and have a cookie of the test', async (name, full) => {
    await using node = await startReplayNode({ recording, name, cookie: 'of the test' })
    expect(node).toMatchObject({ name: full, cookie: 'of the test' })
    await using remote = await connect(full, {
      cookie: new Cookie('of the test'),
      epmdPort: node.epmdPort,
      port: node.port,
    })
    expect(remote.isConnected).toBe(true)
  })

  test('leaves neither port open, and closes twice', async () => {
    const node = await startReplayNode({ recording })
    await node.close()
    await node.close()
    await expect(join(node)).rejects.toMatchObject({ code: 'ERR_EPMD_NOT_RUNNING' })
    const options = { cookie: new Cookie(node.cookie), port: node.port }
    await expect(connect(node.name, options)).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_LISTENING',
    })
  })

  test.each<[string, { name?: string; cookie?: string }, string]>([
    ['a name that is none', { name: 'two words' }, 'ERR_NODE_NAME'],
    ['an empty cookie', { cookie: '' }, 'ERR_COOKIE_INVALID'],
  ])('is refused with %s', async (_, options, code) => {
    await expect(
      startReplayNode({ snapshotFile: binarySpikeFile, ...options }),
    ).rejects.toMatchObject({ code })
  })

  test('is refused without its file', async () => {
    const started = startReplayNode({ snapshotFile: '/nowhere/incident.etf' })
    await expect(started).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_UNREADABLE' })
  })
})
