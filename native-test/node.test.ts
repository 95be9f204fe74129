/** The hidden node against real nodes: connecting, calling, and every way a call can end. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { CLIENT_FLAGS, flag, hasFlags } from '../src/dist/flags.ts'
import { atom, binary, equals, isList, isTuple, Pid, string, tuple } from '../src/etf/index.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import { type ErlangNode, findFreePort, startErlangNode } from './support/index.ts'

/** What puts a distribution header before each message. */
const HEADERS = flag.FRAGMENTS | flag.DIST_HDR_ATOM_CACHE

function connect(node: ErlangNode, options: Partial<HiddenNodeOptions> = {}): Promise<RemoteNode> {
  const { cookie, epmdPort } = node
  return new HiddenNode({ cookie: new Cookie(cookie), epmdPort, ...options }).connect(node.name)
}

describeOnEachRelease('a hidden node', (release) => {
  let node: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode({ release })
  })

  afterAll(async () => {
    await node.stop()
  })

  it('joins, is seen as hidden alone, and is gone when it closes', async () => {
    const remote = await connect(node, { name: 'scope@127.0.0.1' })
    expect(remote.connected.peer.name.full).toBe(node.name)
    expect(
      await node.evaluate("{nodes(hidden), lists:member('scope@127.0.0.1', nodes())}"),
    ).toMatch(/'scope@127\.0\.0\.1'.*false}$/)
    await remote.close()
    await expect
      .poll(() => node.evaluate("lists:member('scope@127.0.0.1', nodes(hidden))"))
      .toBe('false')
  })

  it('calls by erpc and by rpc, with exact values both ways', async () => {
    await using remote = await connect(node)
    const value = [1, -(2 ** 40), 2n ** 64n, tuple(atom('é'), binary('é')), [[], [tuple()]]]
    for (const protocol of ['erpc', 'rpc'] as const) {
      const result = await remote.call('lists', 'reverse', [value], { protocol })
      expect(isList(result) && equals(result, value.toReversed())).toBe(true)
    }
    expect(hasFlags(remote.connected.flags, flag.SPAWN)).toBe(true)
  })

  it('hands over a result that is not decoded, by erpc and by rpc', async () => {
    for (const flags of [CLIENT_FLAGS, CLIENT_FLAGS & ~HEADERS]) {
      await using remote = await connect(node, { flags })
      for (const protocol of ['erpc', 'rpc'] as const) {
        const call = ['erlang', 'system_info', [atom('system_version')], { protocol }] as const
        const [encoded, decoded] = await Promise.all([
          remote.callEncoded(...call),
          remote.call(...call),
        ])
        expect(encoded.decode()).toEqual(decoded)
        await expect(
          remote.callEncoded('no_such_module', 'f', [], { protocol }),
        ).rejects.toMatchObject({ code: 'ERR_REMOTE_EXCEPTION', reason: atom('undef') })
      }
    }
  })

  it.each([
    ['without a distribution header', CLIENT_FLAGS & ~HEADERS],
    ['with fragments', CLIENT_FLAGS & ~flag.DIST_HDR_ATOM_CACHE],
    ['with the atom cache', CLIENT_FLAGS & ~flag.FRAGMENTS],
    ['with both', CLIENT_FLAGS],
  ])('exchanges frames %s', async (_, flags) => {
    await using remote = await connect(node, { flags })
    expect(remote.connected.flags & HEADERS).toBe(flags & HEADERS)
    const list = await remote.call('lists', 'seq', [1, 100_000])
    expect(isList(list) && list.length).toBe(100_000)
    for (let round = 0; round < 3; round++) {
      const modules = await remote.call('erlang', 'loaded')
      const echo = await remote.call('lists', 'reverse', [modules])
      expect(isList(modules) && equals(echo, modules.toReversed())).toBe(true)
    }
    const large = binary('x'.repeat(1_000_000))
    expect(await remote.call('erlang', 'byte_size', [large])).toBe(1_000_000)
  })

  it('maps what a function raises, with its reason and stack', async () => {
    await using remote = await connect(node)
    const call = (name: string, ...args: Parameters<typeof atom>[0][]) =>
      remote.call('erlang', name, args.map(atom))
    await expect(call('throw', 'ball')).rejects.toMatchObject({
      code: 'ERR_REMOTE_THROW',
      reason: atom('ball'),
    })
    await expect(call('exit', 'door')).rejects.toMatchObject({
      code: 'ERR_REMOTE_EXIT',
      reason: atom('door'),
    })
    const failure: { remoteStack?: unknown } = await call('error', 'oops').then(
      () => ({}),
      (error) => error,
    )
    expect(failure).toMatchObject({ code: 'ERR_REMOTE_EXCEPTION', reason: atom('oops') })
    expect(Array.isArray(failure.remoteStack)).toBe(true)
    await expect(remote.call('no_such_module', 'f')).rejects.toMatchObject({
      code: 'ERR_REMOTE_EXCEPTION',
      reason: atom('undef'),
    })
    await expect(remote.call('no_such_module', 'f', [], { protocol: 'rpc' })).rejects.toMatchObject(
      { code: 'ERR_REMOTE_EXCEPTION', reason: atom('undef') },
    )
  })

  it('calls a gen_server by its name and by its pid', async () => {
    await using remote = await connect(node)
    // rex is one.
    const request = tuple(...['call', 'erlang', 'node'].map(atom), [], atom('user'))
    expect(await remote.genServerCall(atom('rex'), request)).toEqual(atom(node.name))
    const pid = await remote.call('erlang', 'whereis', [atom('rex')])
    if (!(pid instanceof Pid)) throw new Error('rex is not registered')
    expect(await remote.genServerCall(pid, request)).toEqual(atom(node.name))
    await expect(remote.genServerCall(atom('nobody'), request)).rejects.toMatchObject({
      code: 'ERR_REMOTE_EXIT',
      reason: atom('noproc'),
    })
    expect(
      await node.evaluate(
        '{monitored_by, L} = process_info(whereis(rex), monitored_by), length(L)',
      ),
    ).toBe('0')
  })

  it('tells of the signal that ended the process of a call', async () => {
    await using remote = await connect(node)
    const call = remote.call('timer', 'sleep', [60_000])
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_REMOTE_SIGNAL' })
    await node.evaluate(
      'lists:foreach(fun(P) -> case process_info(P, current_function) of ' +
        '{current_function, {timer, sleep, 1}} -> exit(P, kill); _ -> ok end end, processes())',
    )
    await rejected
  })

  it('gives up after a time-out or by a signal, and goes on with other calls', async () => {
    await using remote = await connect(node)
    const sleep = { timeout: 100 }
    await expect(remote.call('timer', 'sleep', [60_000], sleep)).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    const reason = new Error('enough')
    const controller = new AbortController()
    const call = remote.call('timer', 'sleep', [60_000], { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 50)
    await expect(call).rejects.toBe(reason)
    expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
    expect(remote.counters.callsPending).toBe(0)
    // No monitor of ours is left on the processes that still sleep.
    expect(
      await node.evaluate(
        'length([P || P <- processes(), {monitored_by, L} <- [process_info(P, monitored_by)], ' +
          'Q <- L, is_pid(Q), node(Q) =/= node()])',
      ),
    ).toBe('0')
  })

  it('keeps thousands of calls in flight', async () => {
    await using remote = await connect(node)
    const calls = Array.from({ length: 5_000 }, (_, index) =>
      remote.call('erlang', '+', [index, 1], { timeout: 60_000 }),
    )
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index + 1))
  })

  it('takes a reply of 20 MB, and sends as much', async () => {
    await using remote = await connect(node)
    const size = 20_000_000
    const copy = await remote.call('binary', 'copy', [binary('x'), size], { timeout: 60_000 })
    expect(copy instanceof Uint8Array && copy.length).toBe(size)
    const measured = await remote.call('erlang', 'byte_size', [copy], { timeout: 60_000 })
    expect(measured).toBe(size)
  })

  it('lets small calls pass while 100 MB go each way', async () => {
    await using remote = await connect(node)
    const size = 100_000_000
    const waiting = { timeout: 60_000 }
    let isOver = false
    const large = (async () => {
      const reply = await remote.call('binary', 'copy', [binary('x'), size], waiting)
      const measured = await remote.call('erlang', 'byte_size', [reply], waiting)
      isOver = true
      return measured
    })()
    let passed = 0
    while (!isOver) {
      expect(await remote.call('erlang', 'node', [], waiting)).toEqual(atom(node.name))
      passed++
    }
    expect(await large).toBe(size)
    // One at a time, beside some thousand fragments each way.
    expect(passed).toBeGreaterThan(20)
  })

  it('lets a called function print', async () => {
    await using remote = await connect(node)
    const args = [string('~p~n'), [tuple(1)]]
    expect(await remote.call('io', 'format', args, { timeout: 5_000 })).toEqual(atom('ok'))
  })

  it('finds no reason to guess: each way to fail has its own error', async () => {
    await expect(connect(node, { cookie: new Cookie('wrong') })).rejects.toMatchObject({
      code: 'ERR_DIST_WRONG_COOKIE',
      node: node.name,
    })
    await expect(connect(node, { epmdPort: await findFreePort() })).rejects.toMatchObject({
      code: 'ERR_EPMD_NOT_RUNNING',
    })
    const client = new HiddenNode({ cookie: new Cookie(node.cookie), epmdPort: node.epmdPort })
    await expect(client.connect('nobody@127.0.0.1')).rejects.toMatchObject({
      code: 'ERR_EPMD_NAME_NOT_REGISTERED',
    })
    await expect(connect(node, { port: await findFreePort() })).rejects.toMatchObject({
      code: 'ERR_NODE_NOT_LISTENING',
    })
    const port = node.port
    const other = new HiddenNode({ cookie: new Cookie(node.cookie), port })
    await expect(other.connect('other@127.0.0.1')).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_DIST_/),
    })
  })

  it('fails every call in flight when the node is killed', async () => {
    await using node = await startErlangNode({ release })
    await using remote = await connect(node)
    const call = remote.call('timer', 'sleep', [60_000], { timeout: 60_000 })
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_NODE_CONNECTION_LOST' })
    await node.kill()
    await rejected
    expect(remote.isConnected).toBe(false)
  })
})

describeOnRelease('any', 'a pid of a real node', () => {
  it('comes back as the very same', async () => {
    await using node = await startErlangNode()
    await using remote = await connect(node)
    const pid = await remote.call('erlang', 'whereis', [atom('init')])
    expect(pid).toBeInstanceOf(Pid)
    const info = await remote.call('erlang', 'is_process_alive', [pid])
    expect(info).toEqual(atom('true'))
    expect(isTuple(pid)).toBe(false)
  })
})
