/** That whatever listens does so for this machine alone, unless it is told otherwise. */
import { expect, it } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { startEpmdServer } from '../../src/epmd/server.ts'
import { connectTcp } from '../../src/net/tcp.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { ReplayNode } from '../../src/replay/replay-node.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'

/** Another address of the same machine, at which only those are reached who listen on all of them. */
const ELSEWHERE = '127.0.0.2'

/** Where the port is answered. */
async function reached(port: number): Promise<readonly string[]> {
  const hosts = ['127.0.0.1', ELSEWHERE]
  const answers = await Promise.all(
    hosts.map((host) =>
      connectTcp({ host, port }).then(
        (transport) => {
          transport.destroy()
          return [host]
        },
        () => [],
      ),
    ),
  )
  return answers.flat()
}

const cookie = new Cookie('cookie')

it('is so of a port mapper, of a replay node, and of a node that listens', async () => {
  await using epmd = await startEpmdServer()
  expect(await reached(epmd.port)).toEqual(['127.0.0.1'])
  await using replay = await startReplayNode({ snapshotFile: binarySpikeFile })
  expect(await reached(replay.epmdPort)).toEqual(['127.0.0.1'])
  expect(await reached(replay.port)).toEqual(['127.0.0.1'])
  await using node = new HiddenNode({ cookie, name: 'node@127.0.0.1', epmdPort: epmd.port })
  await node.listen()
  expect(await reached(epmd.names()[0]?.port ?? 0)).toEqual(['127.0.0.1'])
})

it.skipIf(process.platform !== 'linux')('is not so of one that is told otherwise', async () => {
  const host = '0.0.0.0'
  await using epmd = await startEpmdServer({ host })
  expect(await reached(epmd.port)).toEqual(['127.0.0.1', ELSEWHERE])
  await using replay = await startReplayNode({ snapshotFile: binarySpikeFile })
  const { recording } = replay
  await using node = await ReplayNode.start({ name: 'a@127.0.0.1', cookie, recording, host })
  expect(await reached(node.port)).toEqual(['127.0.0.1', ELSEWHERE])
})
