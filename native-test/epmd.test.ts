/** The port mapper both ways: our client against real EPMDs, and real nodes against our server. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EpmdOptions, lookup, names, register } from '../src/epmd/client.ts'
import { NameNotRegisteredError, RegistrationRefusedError } from '../src/epmd/errors.ts'
import { type EpmdServer, startEpmdServer } from '../src/epmd/server.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

function aliveOf(node: ErlangNode): string {
  return node.name.slice(0, node.name.indexOf('@'))
}

function mapperOf(node: ErlangNode): EpmdOptions {
  return { host: node.host, port: node.epmdPort }
}

/** Waits for what follows from the end of a connection, which EPMD sees in its own time. */
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; !(await condition()); i++) {
    if (i === 500) throw new Error('it never came about')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describeOnEachRelease('the EPMD client against the EPMD', (release) => {
  let node: ErlangNode
  let mapper: EpmdOptions

  beforeAll(async () => {
    node = await startErlangNode({ release })
    mapper = mapperOf(node)
  })

  afterAll(async () => {
    await node.stop()
  })

  it('finds a node', async () => {
    const entry = await lookup(aliveOf(node), mapper)
    expect(entry).toMatchObject({ name: aliveOf(node), port: node.port, kind: 'normal' })
    expect(entry.highestVersion).toBeGreaterThanOrEqual(6)
  })

  it('lists the names', async () => {
    expect(await names(mapper)).toEqual([{ name: aliveOf(node), port: node.port }])
  })

  it('is told which names there are in place of an unknown one', async () => {
    const asked = lookup('nobody', mapper)
    await expect(asked).rejects.toBeInstanceOf(NameNotRegisteredError)
    await expect(asked).rejects.toMatchObject({ hint: `registered there: ${aliveOf(node)}` })
  })

  it('registers a node that others find, until it closes', async () => {
    const registrant = { name: 'beamscope', port: 4711, kind: 'hidden' } as const
    const first = await register(registrant, mapper)
    expect(first.creation).toBeGreaterThan(3)
    expect(await lookup('beamscope', mapper)).toMatchObject({ port: 4711, kind: 'hidden' })
    expect(await node.evaluate('erl_epmd:port_please(beamscope, {127,0,0,1})')).toBe(
      '{port,4711,6}',
    )
    await expect(register(registrant, mapper)).rejects.toBeInstanceOf(RegistrationRefusedError)

    await first.close()
    await until(async () => (await names(mapper)).length === 1)
    await using second = await register(registrant, mapper)
    expect(second.creation).not.toBe(first.creation)
  })

  it('registers a name beyond ASCII', async () => {
    await using registration = await register({ name: 'b\u00e4r', port: 1, kind: 'hidden' }, mapper)
    expect(await lookup('b\u00e4r', mapper)).toMatchObject({ name: 'b\u00e4r' })
    expect((await names(mapper)).map((it) => it.name)).toContain('b\u00e4r')
    expect(registration.creation).toBeGreaterThan(3)
  })
})

describeOnEachRelease('the EPMD server under nodes', (release) => {
  let server: EpmdServer
  let node: ErlangNode

  beforeAll(async () => {
    server = await startEpmdServer()
    node = await startErlangNode({ release, epmdPort: server.port })
  })

  afterAll(async () => {
    await node.stop()
    await server.close()
  })

  it('registers them', async () => {
    expect(server.names()).toEqual([{ name: aliveOf(node), port: node.port }])
    expect(await lookup(aliveOf(node), mapperOf(node))).toMatchObject({ kind: 'normal' })
  })

  it('gives them their creation', async () => {
    const creation = Number(await node.evaluate('erts_internal:get_creation()'))
    expect(creation).toBeGreaterThan(3)
  })

  it('lists them to net_adm:names/1', async () => {
    expect(await node.evaluate("net_adm:names('127.0.0.1')")).toBe(
      `{ok,[{"${aliveOf(node)}",${node.port}}]}`,
    )
  })

  it('lets one find and reach another, and forgets it when it ends', async () => {
    {
      await using other = await startErlangNode({
        release,
        epmdPort: server.port,
        cookie: node.cookie,
      })
      expect(server.names()).toHaveLength(2)
      expect(await other.evaluate(`net_adm:ping('${node.name}')`)).toBe('pong')
      expect(await node.evaluate('nodes()')).toBe(`['${other.name}']`)
    }
    await until(() => server.names().length === 1)
    expect(server.names()).toEqual([{ name: aliveOf(node), port: node.port }])
  })

  it('gives a name to one at a time', async () => {
    const { unregister } = server.register({
      name: 'taken',
      port: 4711,
      kind: 'hidden',
      protocol: 0,
      highestVersion: 6,
      lowestVersion: 6,
      extra: new Uint8Array(),
    })
    const erl = 'erl -noinput -start_epmd false -name taken@127.0.0.1 -eval "halt()."'
    const output = await node.evaluate(`os:cmd(${JSON.stringify(erl)})`)
    expect(output).toContain('the name taken@127.0.0.1 seems to be in use by another Erlang node')
    unregister()
    expect(server.names()).toHaveLength(1)
  })
})
