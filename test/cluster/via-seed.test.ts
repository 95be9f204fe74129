import { describe, expect, test } from 'vitest'
import { NotInClusterError, SeedLostError } from '../../src/cluster/errors.ts'
import { Seed } from '../../src/cluster/via-seed.ts'
import { Atom, atom, equals, string, type Term, tuple } from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import {
  ConnectionLostError,
  NotConnectedError,
  UnexpectedReplyError,
} from '../../src/node/errors.ts'
import {
  RemoteCallError,
  RemoteError,
  RemoteExceptionError,
  RemoteExitError,
  RemoteSignalError,
  RemoteThrowError,
} from '../../src/node/remote-error.ts'
import type { Callee } from '../../src/probe/probe.ts'

const SEED = 'seed@host'
const NODE = 'node@host'
const WAITING = { timeout: 5_000 }
const CONNECTED = [new Atom('other@host'), new Atom(NODE)]

interface Asked {
  readonly call: string
  readonly args: readonly Term[]
  readonly timeout: number | undefined
}

/** A seed that answers `nodes(connected)` and `erpc:call/5` as the test says, and keeps what was asked. */
function scriptedSeed(script: {
  readonly nodes?: () => Term | Promise<Term>
  readonly call?: () => Term | Promise<Term>
}) {
  const asked: Asked[] = []
  const { nodes = () => CONNECTED, call = () => atom('ok') } = script
  const seed: Callee = {
    name: SEED,
    async call(module, name, args, { timeout }) {
      asked.push({ call: `${module}:${name}`, args, timeout })
      return module === 'erpc' ? call() : nodes()
    },
  }
  return { seed: new Seed(seed), asked }
}

/** What a call to the node through the seed throws when the call on the seed does this. */
async function raisedBy(cause: Error): Promise<unknown> {
  const { seed } = scriptedSeed({ call: () => Promise.reject(cause) })
  const node = await seed.reach(NODE, WAITING)
  return node.call('m', 'f', [1], WAITING).then(
    (value) => expect.fail(`it returned ${value}`),
    (error: unknown) => error,
  )
}

/** The same error: class, node and reason. */
function expectSame(error: unknown, expected: RemoteError): void {
  expect(error).toBeInstanceOf(expected.constructor)
  expect(error).toMatchObject({ node: expected.node, message: expected.message })
  expect(error instanceof RemoteError && equals(error.reason, expected.reason)).toBe(true)
}

describe('a node that is reached through a seed', () => {
  test('is called by erpc:call/5 on the seed, with the time that is left', async () => {
    const { seed, asked } = scriptedSeed({ call: () => 42 })
    const node = await seed.reach(NODE, WAITING)
    expect(node.name).toBe(NODE)
    expect(await node.call('erlang', 'abs', [-42], { timeout: 1_234.5 })).toBe(42)
    expect(asked).toEqual([
      { call: 'erlang:nodes', args: [atom('connected')], timeout: 5_000 },
      {
        call: 'erpc:call',
        args: [new Atom(NODE), atom('erlang'), atom('abs'), [-42], 1_235],
        timeout: 1_235,
      },
    ])
  })

  test('is called for ten seconds at most where no time is given, and for one millisecond at least', async () => {
    const { seed, asked } = scriptedSeed({})
    const node = await seed.reach(NODE, WAITING)
    await node.call('m', 'f', [], {})
    await node.call('m', 'f', [], { timeout: 0.1 })
    expect(asked.slice(1).map(({ args }) => args.at(-1))).toEqual([10_000, 1])
  })

  test('is the seed itself, where that is asked for', async () => {
    const { seed, asked } = scriptedSeed({ nodes: () => 7 })
    const node = await seed.reach(SEED, WAITING)
    expect(node.name).toBe(SEED)
    expect(await node.call('m', 'f', [1], WAITING)).toBe(7)
    expect(asked).toEqual([{ call: 'm:f', args: [1], timeout: 5_000 }])
  })

  test('has to be connected to it: nobody is connected for our sake', async () => {
    const { seed, asked } = scriptedSeed({})
    const reached = seed.reach('far@host', WAITING)
    await expect(reached).rejects.toBeInstanceOf(NotInClusterError)
    await expect(reached).rejects.toMatchObject({ node: 'far@host', seed: SEED })
    expect(asked.map(({ call }) => call)).toEqual(['erlang:nodes'])
  })

  test('has to have a name of a node', async () => {
    const { seed, asked } = scriptedSeed({})
    await expect(seed.reach('no name', WAITING)).rejects.toMatchObject({ code: 'ERR_NODE_NAME' })
    expect(asked).toEqual([])
  })

  test('is looked for once with all that are begun together', async () => {
    const { seed, asked } = scriptedSeed({})
    await Promise.all([seed.reach(NODE, WAITING), seed.reach('other@host', WAITING)])
    await seed.reach(NODE, WAITING)
    expect(asked).toHaveLength(1)
  })

  test('is looked for again after the seed could not tell', async () => {
    let fails = true
    const { seed } = scriptedSeed({
      nodes: async () => {
        if (fails) throw new TimeoutError('erlang:nodes', 5_000)
        return CONNECTED
      },
    })
    await expect(seed.reach(NODE, WAITING)).rejects.toBeInstanceOf(TimeoutError)
    fails = false
    expect((await seed.reach(NODE, WAITING)).name).toBe(NODE)
  })

  test.each([
    ['an atom', atom('ok')],
    ['a string', string('nodes')],
    ['a list of others', [atom('a'), 1]],
  ])('is not looked for in %s', async (_, nodes) => {
    const { seed } = scriptedSeed({ nodes: () => nodes })
    const reached = seed.reach(NODE, WAITING)
    await expect(reached).rejects.toBeInstanceOf(UnexpectedReplyError)
    await expect(reached).rejects.toMatchObject({ node: SEED })
  })
})

describe('what erpc:call/5 raises on the seed', () => {
  const reason = tuple(atom('badmatch'), 7)
  const stack = [tuple(atom('m'), atom('f'), 1, [])]

  test('by throw is what the function threw', async () => {
    expectSame(
      await raisedBy(new RemoteThrowError(SEED, reason)),
      new RemoteThrowError(NODE, reason),
    )
  })

  test('is what was thrown, even if it looks like one of its own', async () => {
    const thrown = tuple(atom('exception'), reason, stack)
    expectSame(
      await raisedBy(new RemoteThrowError(SEED, thrown)),
      new RemoteThrowError(NODE, thrown),
    )
  })

  test('by exit, {exception, Reason}, is what the function exited with', async () => {
    const exit = new RemoteExitError(SEED, tuple(atom('exception'), reason))
    expectSame(await raisedBy(exit), new RemoteExitError(NODE, reason))
  })

  test('by exit, {signal, Reason}, is what ended its process', async () => {
    const exit = new RemoteExitError(SEED, tuple(atom('signal'), atom('killed')))
    expectSame(await raisedBy(exit), new RemoteSignalError(NODE, atom('killed')))
  })

  test('by error, {exception, Reason, Stack}, is what it failed with, and where', async () => {
    const raised = tuple(atom('exception'), reason, stack)
    const error = await raisedBy(new RemoteExceptionError(SEED, raised, []))
    expectSame(error, new RemoteExceptionError(NODE, reason, stack))
    expect(error).toMatchObject({ remoteStack: stack })
  })

  test('by error, {erpc, timeout}, is a time-out', async () => {
    const raised = tuple(atom('erpc'), atom('timeout'))
    const error = await raisedBy(new RemoteExceptionError(SEED, raised, []))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ what: `${NODE}, through ${SEED}: m:f`, timeout: 5_000 })
  })

  test('by error, {erpc, noconnection}, is the loss of the node, not of the seed', async () => {
    const raised = tuple(atom('erpc'), atom('noconnection'))
    const error = await raisedBy(new RemoteExceptionError(SEED, raised, []))
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect(error).toMatchObject({ node: NODE })
  })

  test.each(['notsup', 'system_limit', 'badarg'])(
    'by error, {erpc, %s}, is that the node could not make the call',
    async (why) => {
      const raised = tuple(atom('erpc'), atom(why))
      const error = await raisedBy(new RemoteExceptionError(SEED, raised, []))
      expectSame(error, new RemoteCallError(NODE, atom(why)))
    },
  )

  test.each([
    new RemoteExceptionError(SEED, atom('undef'), []),
    new RemoteExceptionError(SEED, tuple(atom('badmatch'), 1), []),
    new RemoteExceptionError(SEED, tuple(atom('exception')), []),
    new RemoteExitError(SEED, atom('normal')),
    new RemoteExitError(SEED, tuple(atom('shutdown'), 1)),
    new RemoteSignalError(SEED, atom('killed')),
    new RemoteCallError(SEED, atom('notsup')),
    new UnexpectedReplyError(SEED, 'nothing'),
  ])('and is not of erpc is the seed’s own: %s', async (error) => {
    expect(await raisedBy(error)).toBe(error)
  })

  test('by no answer in time is a time-out that names the node', async () => {
    const error = await raisedBy(new TimeoutError(`${SEED}: erpc:call/5`, 5_000))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ what: `${NODE}, through ${SEED}: m:f`, timeout: 5_000 })
  })

  test('by an abort is its reason', async () => {
    const reason = new Error('called off')
    expect(await raisedBy(reason)).toBe(reason)
  })

  test('by an abort is its reason, even if that is a time-out, as of a whole sweep', async () => {
    const reason = new TimeoutError('the whole sweep', 100)
    const { seed } = scriptedSeed({ call: () => Promise.reject(reason) })
    const node = await seed.reach(NODE, WAITING)
    const signal = AbortSignal.abort(reason)
    await expect(node.call('m', 'f', [], { signal })).rejects.toBe(reason)
  })
})

describe('a seed that is lost', () => {
  test.each([new ConnectionLostError(SEED), new NotConnectedError(SEED)])(
    'is said to be, of each node that was asked through it: %s',
    async (cause) => {
      const error = await raisedBy(cause)
      expect(error).toBeInstanceOf(SeedLostError)
      expect(error).toMatchObject({ node: NODE, seed: SEED, cause })
    },
  )

  test('is lost as a node that is asked, too', async () => {
    const { seed } = scriptedSeed({ nodes: () => Promise.reject(new NotConnectedError(SEED)) })
    const asked = (await seed.reach(SEED, WAITING)).call('m', 'f', [], WAITING)
    await expect(asked).rejects.toBeInstanceOf(ConnectionLostError)
    await expect(asked).rejects.toMatchObject({ node: SEED })
  })

  test('is said to be where a node is to be reached, too, of each', async () => {
    const cause = new NotConnectedError(SEED)
    const { seed } = scriptedSeed({ nodes: () => Promise.reject(cause) })
    const names = [NODE, 'other@host']
    const reached = await Promise.allSettled(names.map((name) => seed.reach(name, WAITING)))
    for (const [index, it] of reached.entries()) {
      expect(it).toMatchObject({
        reason: { code: 'ERR_CLUSTER_SEED_LOST', node: names[index], cause },
      })
    }
  })
})
