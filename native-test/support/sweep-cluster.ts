/** Clusters of real nodes for sweeps, and what must be on each as it was. */
import { expect } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import {
  type ErlangNode,
  type ErlangNodeOptions,
  startErlangNode,
} from '../../src/testing/erlang-node.ts'
import type { ErlangRelease } from '../../src/testing/images.ts'

/** Nodes that share a port mapper and a cookie. Disposal kills them. */
export interface SweepCluster extends AsyncDisposable {
  readonly nodes: readonly ErlangNode[]
  readonly names: readonly string[]
  /** How a sweep reaches them. */
  readonly options: { readonly cookie: Cookie; readonly epmdPort: number }
}

/** Starts a node of each of these releases; they are not connected yet. */
export async function startCluster(
  releases: readonly ErlangRelease[],
  options: ErlangNodeOptions = {},
): Promise<SweepCluster> {
  const [firstRelease, ...others] = releases
  if (firstRelease === undefined) throw new Error('a cluster has a node')
  const first = await startErlangNode({ ...options, release: firstRelease })
  const { cookie, epmdPort } = first
  const started = await Promise.allSettled(
    others.map((release) => startErlangNode({ ...options, release, cookie, epmdPort })),
  )
  const nodes = [first, ...started.flatMap((it) => ('value' in it ? [it.value] : []))]
  const dispose = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()))
  }
  const failure = started.find((it) => it.status === 'rejected')
  if (failure !== undefined) {
    await dispose()
    throw failure.reason
  }
  return {
    nodes,
    names: nodes.map(({ name }) => name),
    options: { cookie: new Cookie(cookie), epmdPort },
    [Symbol.asyncDispose]: dispose,
  }
}

/** Connects a node to others, and waits until each is connected to as many as it shall be. */
export async function join(
  node: ErlangNode,
  others: readonly ErlangNode[],
  isMesh: boolean,
): Promise<void> {
  for (const { name } of others) {
    expect(await node.evaluate(`net_adm:ping('${name}')`)).toBe('pong')
  }
  const expected = new Map([node, ...others].map((it) => [it, isMesh ? others.length : 1]))
  expected.set(node, others.length)
  await Promise.all(
    [...expected].map(([it, count]) =>
      eventually(`${it.name} has ${count} neighbours`, async () => {
        expect(await it.evaluate('length(nodes())')).toBe(`${count}`)
      }),
    ),
  )
}

/**
 * What of a node must be as it was: who it is connected to, what is registered, which modules are loaded,
 * and how many processes, ports and ETS tables there are. The evaluation itself is one hidden node.
 *
 * OTP 23 loads its own module `erpc` when it is called for the first time, by whomever; later releases
 * have it from the start. This one module, on this one release, may come.
 */
const STATE = `[
  {visible, lists:sort(nodes())},
  {hidden, length(nodes(hidden))},
  {registered, lists:sort(registered())},
  {loaded, lists:sort([Module || {Module, _} <- code:all_loaded(),
                                 {Module, erlang:system_info(otp_release)} =/= {erpc, "23"}])},
  {processes, erlang:system_info(process_count)},
  {ports, length(erlang:ports())},
  {tables, length(ets:all())}
]`

/** By the name of the node; each item for itself, so that a difference is easily seen. */
export type NodeState = Readonly<Record<string, readonly string[]>>

async function stateOf(nodes: readonly ErlangNode[]): Promise<NodeState> {
  const states = await Promise.all(
    nodes.map(
      async (node) => [node.name, (await node.evaluate(STATE)).split(/,(?=[a-z_{])/)] as const,
    ),
  )
  return Object.fromEntries(states)
}

/** The state that stays: a node that has just started, or was asked for the first time, still settles. */
export async function settledState(nodes: readonly ErlangNode[]): Promise<NodeState> {
  // What the tests ask of a node loads no module then.
  for (const node of nodes) await node.evaluate('code:ensure_loaded(timer)')
  let state = await stateOf(nodes)
  await eventually('the nodes have settled', async () => {
    const before = state
    state = await stateOf(nodes)
    expect(state).toEqual(before)
  })
  return state
}

/** Holds each node to the state that it had, once what it was asked has ended. */
export async function expectState(
  nodes: readonly ErlangNode[],
  expected: NodeState,
): Promise<void> {
  await eventually('the nodes are as they were', async () => {
    expect(await stateOf(nodes)).toEqual(expected)
  })
}

/** Asks until it holds; `expect.poll` counts its attempts against a time-out of the test's. */
export async function eventually(what: string, holds: () => Promise<void>): Promise<void> {
  let cause: unknown
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    try {
      await holds()
      return
    } catch (error) {
      cause = error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw cause instanceof Error ? cause : new Error(what, { cause })
}
