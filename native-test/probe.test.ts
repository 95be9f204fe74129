/** Snapshots of real nodes, from whole ones to those that cannot tell all. */
import { expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

function connect({ cookie, epmdPort, name }: ErlangNode): Promise<RemoteNode> {
  return new HiddenNode({ cookie: new Cookie(cookie), epmdPort }).connect(name)
}

const UTIL_ALLOCATORS = 9

describeOnEachRelease('a snapshot', (release) => {
  it('holds everything in one round', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '3:2'] })
    await using remote = await connect(node)
    const raw = await probe(remote)
    const snapshot = toSnapshot(raw)
    expect(snapshot).toMatchObject({
      node: node.name,
      otpRelease: String(release),
      schedulers: 3,
      schedulersOnline: 2,
      disabled: [],
      missing: [],
      os: { source: '/proc/self/smaps_rollup' },
    })
    expect(Number(snapshot.os?.resident)).toBeGreaterThan(10_000_000)
    expect(Number(snapshot.memory?.total)).toBeGreaterThan(5_000_000)
    // Instance 0 and one for each scheduler, online or not; literal_alloc has only the first.
    const ets = snapshot.allocators.filter(({ allocator }) => allocator === 'ets_alloc')
    expect(ets.map(({ instance }) => instance)).toEqual([0, 1, 2, 3])
    expect(snapshot.mseg).toHaveLength(4)
    // Three requests, each a spawn; nothing else was sent.
    expect(remote.counters.messagesSent).toBe(3)
  })

  it('of 64 schedulers arrives whole', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '64:64'] })
    await using remote = await connect(node)
    const before = remote.counters.bytesReceived
    const snapshot = toSnapshot(await probe(remote))
    expect(snapshot.allocators).toHaveLength(UTIL_ALLOCATORS * 65 + 1)
    // 0.7 MB as `term_to_binary` writes it; the atom cache leaves two bytes of each atom.
    expect(remote.counters.bytesReceived - before).toBeGreaterThan(200_000)
  })

  it('says what a node with a disabled allocator cannot tell', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+MHe', 'false'] })
    await using remote = await connect(node)
    const snapshot = toSnapshot(await probe(remote))
    expect(snapshot.memory).toBeUndefined()
    expect(snapshot.disabled).toEqual(['eheap_alloc'])
    expect(snapshot.missing).toEqual([
      { what: 'erlang:memory()', why: expect.stringContaining('notsup') },
    ])
    expect(snapshot.allocators.length).toBeGreaterThan(20)
  })

  it('of a node with the fewest allocators still says what there is', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+Mea', 'min'] })
    await using remote = await connect(node)
    const snapshot = toSnapshot(await probe(remote))
    expect(snapshot.disabled).toContain('binary_alloc')
    expect(snapshot.os).toBeDefined()
  })
})
