import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { startEpmdServer } from '../../src/epmd/server.ts'
import { atom, ExportFun, equals, string, tuple } from '../../src/etf/index.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { probe } from '../../src/probe/probe.ts'
import { type RawSnapshot, toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { ReplayNode } from '../../src/replay/replay-node.ts'

const NAME = 'shop@127.0.0.1'
const COOKIE = new Cookie('secret')
const RECORDING = new URL('../../recordings/binary-spike.etf', import.meta.url).pathname

let recording: RawSnapshot
let node: ReplayNode
let client: HiddenNode

beforeEach(async () => {
  recording = (await readSnapshotFile(RECORDING)).raw
  node = await ReplayNode.start({ name: NAME, cookie: COOKIE, recording })
  client = new HiddenNode({ cookie: COOKIE, port: node.port })
})

afterEach(async () => {
  await client.close()
  await node.close()
})

describe('a replay node', () => {
  test('answers a probe as the recorded node did', async () => {
    const remote = await client.connect(NAME)
    const raw = await probe(remote)
    const { takenAt: _, ...then } = toSnapshot(recording)
    expect(toSnapshot(raw)).toMatchObject({ ...then, os: { resident: then.os?.resident } })
    expect(equals(raw.memory ?? [], recording.memory ?? [])).toBe(true)
  })

  test('is found through an EPMD', async () => {
    await using epmd = await startEpmdServer()
    epmd.register({
      name: 'shop',
      port: node.port,
      kind: 'hidden',
      protocol: 0,
      highestVersion: 6,
      lowestVersion: 6,
      extra: new Uint8Array(),
    })
    await using other = new HiddenNode({ cookie: COOKIE, epmdPort: epmd.port })
    expect((await other.connect(NAME)).isConnected).toBe(true)
  })

  test('names those that ask for it, and uses names again', async () => {
    const asking = { cookie: COOKIE, port: node.port, name: 'undefined@127.0.0.1' }
    const names = new Set<string>()
    for (let round = 0; round < 20; round++) {
      await using other = new HiddenNode(asking)
      names.add((await other.connect(NAME)).connected.self.name.full)
    }
    // The node may see late that somebody is gone.
    expect(names.size).toBeLessThan(5)
    await using one = new HiddenNode(asking)
    await using two = new HiddenNode(asking)
    await one.connect(NAME)
    await two.connect(NAME)
    expect(one.name).not.toBe(two.name)
  })

  test.each(['erpc', 'rpc'] as const)('answers single questions by %s', async (protocol) => {
    const remote = await client.connect(NAME)
    const call = (item: Parameters<typeof remote.call>[2]) =>
      remote.call('erlang', 'system_info', item, { protocol })
    expect(await remote.call('erlang', 'node', [], { protocol })).toEqual(atom(NAME))
    expect(await call([atom('otp_release')])).toEqual(string('27'))
    expect(await call([atom('schedulers')])).toBe(4)
    const one = await call([tuple(atom('allocator'), atom('ets_alloc'))])
    const list = await call([tuple(atom('allocator'), [atom('ets_alloc')])])
    expect(equals(list, [tuple(atom('ets_alloc'), one)])).toBe(true)
  })

  test('answers several questions of one call, or fails with the first that it cannot', async () => {
    const remote = await client.connect(NAME)
    const apply = new ExportFun(atom('erlang'), atom('apply'), 2)
    const call = (...names: readonly string[]) =>
      remote.call('lists', 'zipwith', [
        apply,
        names.map((name) => new ExportFun(atom('erlang'), atom(name), 1)),
        names.map(() => [atom('schedulers')]),
      ])
    expect(await call('system_info', 'system_info')).toEqual([4, 4])
    await expect(call('system_info', 'halt')).rejects.toMatchObject({ reason: atom('undef') })
  })

  test.each([
    ['lists', 'zipwith', [atom('apply'), [], []], 'undef'],
    ['lists', 'zipwith', [new ExportFun(atom('erlang'), atom('apply'), 2), [1], [[]]], 'undef'],
    [
      'lists',
      'zipwith',
      [
        new ExportFun(atom('erlang'), atom('apply'), 2),
        [new ExportFun(atom('lists'), atom('zipwith'), 3)],
        [[new ExportFun(atom('erlang'), atom('apply'), 2), [], []]],
      ],
      'undef',
    ],
    ['erlang', 'system_info', [tuple(atom('allocator'), [atom('exec_alloc')])], 'badarg'],
    ['erlang', 'system_info', [7], 'badarg'],
    ['os', 'cmd', [string('ls')], 'undef'],
    ['erlang', 'halt', [], 'undef'],
  ] as const)('carries out nothing: %s:%s fails with %s', async (module, name, args, reason) => {
    const remote = await client.connect(NAME)
    for (const protocol of ['erpc', 'rpc'] as const) {
      await expect(remote.call(module, name, args, { protocol })).rejects.toMatchObject({
        code: 'ERR_REMOTE_EXCEPTION',
        reason: atom(reason),
        remoteStack: [expect.anything()],
      })
    }
  })

  test('says notsup and enoent where the recording has nothing', async () => {
    await using mute = await ReplayNode.start({
      name: NAME,
      cookie: COOKIE,
      recording: { ...recording, memory: undefined, os: undefined },
    })
    await using other = new HiddenNode({ cookie: COOKIE, port: mute.port })
    const raw = await probe(await other.connect(NAME))
    expect(raw.missing.map(({ what }) => what)).toEqual(['erlang:memory()', 'resident size'])
  })

  test('refuses another cookie, and serves the others on', async () => {
    const remote = await client.connect(NAME)
    const stranger = new HiddenNode({ cookie: new Cookie('other'), port: node.port })
    await expect(stranger.connect(NAME)).rejects.toMatchObject({ code: 'ERR_DIST_WRONG_COOKIE' })
    expect(await remote.call('erlang', 'node')).toEqual(atom(NAME))
  })

  test('cuts off who sends garbage, and serves the others on', async () => {
    const remote = await client.connect(NAME)
    const socket = connect({ host: '127.0.0.1', port: node.port })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await closed
    expect(await remote.call('erlang', 'node')).toEqual(atom(NAME))
  })

  test('cuts its clients when it closes', async () => {
    const remote = await client.connect(NAME)
    const call = remote.call('erlang', 'node')
    await call
    await node.close()
    await expect.poll(() => remote.isConnected).toBe(false)
  })
})
