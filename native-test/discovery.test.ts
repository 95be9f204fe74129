/** The nodes of small clusters, found by each source that knows of them; and that nothing is left there. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type DiscoverOptions,
  type Discovery,
  discover,
  type NodeSource,
} from '../src/cluster/discover.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

/** What ended a moment ago may still be seen. Milliseconds. */
const MOMENT = { timeout: 20_000 }

/**
 * All that we could leave on a node: connections, names, processes, modules, ports. The tool that asks is
 * connected as a hidden node with the name of its process.
 */
const STATE = `
  {lists:sort([N || N <- nodes(connected), not lists:prefix("c", atom_to_list(N))]),
   lists:sort(registered()),
   erlang:system_info(process_count),
   length(erlang:ports()),
   length(code:all_loaded())}`

describeOnEachRelease('the nodes of a cluster', (release) => {
  let seed: ErlangNode
  let visible: ErlangNode
  let hidden: ErlangNode
  let options: DiscoverOptions

  beforeAll(async () => {
    seed = await startErlangNode({ release })
    const { epmdPort, cookie } = seed
    const joining = { release, epmdPort, cookie }
    ;[visible, hidden] = await Promise.all([
      startErlangNode(joining),
      startErlangNode({ ...joining, emulatorArguments: ['-hidden'] }),
    ])
    for (const it of [visible, hidden]) {
      expect(await it.evaluate(`net_adm:ping('${seed.name}')`)).toBe('pong')
    }
    options = { epmdPort, cookie: new Cookie(cookie) }
  })

  afterAll(async () => {
    await Promise.all([hidden, visible].map((it) => it.stop()))
    await seed.stop()
  })

  const seedSource = (hidden = false): NodeSource => ({ type: 'seed', node: seed.name, hidden })

  function names({ nodes, failures }: Discovery): readonly string[] {
    expect(failures).toEqual([])
    return nodes.map(({ name }) => name)
  }

  const all = (): readonly string[] => [seed, visible, hidden].map(({ name }) => name).toSorted()

  /** Once it has settled. */
  async function states(): Promise<readonly string[]> {
    const now = () => Promise.all([seed, visible, hidden].map((it) => it.evaluate(STATE)))
    let states = await now()
    await expect
      .poll(async () => {
        const before = states
        states = await now()
        return states.join() === before.join()
      }, MOMENT)
      .toBe(true)
    return states
  }

  it('are told by a seed, without the hidden ones', async () => {
    const found = await discover([seedSource()], options)
    expect(names(found)).toEqual([seed.name, visible.name].toSorted())
    expect(new Set(found.nodes.map(({ source }) => source))).toEqual(new Set([`seed ${seed.name}`]))
  })

  it('are told by a seed with the hidden ones, but without ours', async () => {
    const find = () => discover([seedSource(true)], { ...options, exclude: ['c*'] })
    // The tool that asked before may still be there.
    await expect.poll(async () => names(await find()), MOMENT).toEqual(all())
  })

  it('are told by EPMD, hidden or not, without ours', async () => {
    const source: NodeSource = { type: 'epmd', host: '127.0.0.1' }
    expect(names(await discover([source], options))).toEqual(all())
    await using from = new HiddenNode({
      epmdPort: seed.epmdPort,
      cookie: new Cookie(seed.cookie),
      name: 'discovery@127.0.0.1',
    })
    await from.connect(seed.name)
    await from.listen({ host: '127.0.0.1' })
    expect(names(await discover([source], { ...options, from }))).toEqual(all())
    expect(from.remotes.map(({ name }) => name)).toEqual([seed.name])
  })

  it('are told by several at once, each node by the first', async () => {
    const sources: readonly NodeSource[] = [
      { type: 'seed', node: visible.name },
      { type: 'epmd', host: '127.0.0.1' },
      seedSource(),
    ]
    const found = await discover(sources, options)
    expect(names(found)).toEqual([...[seed.name, visible.name].toSorted(), hidden.name])
    expect(found.nodes.map(({ source }) => source)).toEqual([
      `seed ${visible.name}`,
      `seed ${visible.name}`,
      'EPMD of 127.0.0.1',
    ])
  })

  it('are told by a seed that only another node reaches', async () => {
    const source: NodeSource = { type: 'seed', node: visible.name }
    const found = await discover([source], { ...options, via: seed.name })
    expect(names(found)).toEqual([seed.name, visible.name].toSorted())
  })

  it('are as they were', async () => {
    const before = await states()
    const sources: readonly NodeSource[] = [seedSource(true), { type: 'epmd', host: '127.0.0.1' }]
    for (const via of [undefined, seed.name]) {
      names(await discover(sources, { ...options, via }))
    }
    await expect.poll(states, MOMENT).toEqual(before)
    expect(before[0]).toContain(visible.name)
    expect(before[1]).not.toContain(hidden.name)
  })

  it('keep a connection that stood before', async () => {
    await using from = new HiddenNode({ ...options, cookie: new Cookie(seed.cookie) })
    const remote = await from.connect(seed.name)
    names(await discover([seedSource(), { type: 'seed', node: visible.name }], { from }))
    expect(remote.isConnected).toBe(true)
    expect(from.remotes).toEqual([remote])
  })
})
