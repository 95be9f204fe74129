/** Verdicts on real nodes that were brought into a known state. */
import { describe, expect, it } from 'vitest'
import { type Diagnosis, diagnose } from '../src/analysis/diagnose.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

async function diagnoseNode({ cookie, epmdPort, name }: ErlangNode): Promise<Diagnosis> {
  await using hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
  return diagnose(toSnapshot(await probe(await hidden.connect(name))))
}

/** Evaluates to a value that a process of its own then holds, when it has dropped everything else. */
async function hold(node: ErlangNode, expression: string): Promise<void> {
  const held = await node.evaluate(`
    Self = self(),
    spawn(fun() ->
      Make = fun() -> ${expression} end,
      Held = Make(),
      erlang:garbage_collect(),
      Self ! holding,
      receive stop -> Held end
    end),
    receive holding -> ok end`)
  expect(held).toBe('ok')
}

const every = (nth: number, list: string): string => `[X || {I, X} <- ${list}, I rem ${nth} =:= 0]`

/** 40,000 binaries of 4 kB at once, of which every 20th stays. */
const BINARY_SPIKE = every(20, '[{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 40000)]')

/** 5,000 processes with a list of 1,500 elements each, of which every 20th stays. */
const HEAP_SPIKE = `
  Parent = self(),
  Pids = [spawn(fun() -> L = lists:seq(1, 1500), Parent ! made, receive stop -> L end end)
          || _ <- lists:seq(1, 5000)],
  [receive made -> ok end || _ <- Pids],
  [exit(P, kill) || {I, P} <- lists:zip(lists:seq(1, 5000), Pids), I rem 20 =/= 0]`

/** 200,000 rows of 50 elements, of which every 50th stays. */
const TABLE_SPIKE = `
  Table = ets:new(rows, [public]),
  [ets:insert(Table, {I, lists:duplicate(50, I)}) || I <- lists:seq(1, 200000)],
  [ets:delete(Table, I) || I <- lists:seq(1, 200000), I rem 50 =/= 0],
  Table`

describeOnEachRelease('a diagnosis', (release) => {
  it.each([1, 2, 8])('finds an idle node of %i schedulers healthy', async (schedulers) => {
    const emulatorArguments = ['+S', `${schedulers}:${schedulers}`]
    await using node = await startErlangNode({ release, emulatorArguments })
    const { verdict, findings } = await diagnoseNode(node)
    expect({ verdict, findings }).toEqual({ verdict: 'healthy', findings: [] })
  })

  it.each([
    ['binaries', 'binary_alloc', BINARY_SPIKE],
    ['heaps', 'eheap_alloc', HEAP_SPIKE],
    ['tables', 'ets_alloc', TABLE_SPIKE],
  ])('finds a node that is fragmented by %s, and blames %s', async (_, allocator, spike) => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await hold(node, spike)
    const { verdict, findings } = await diagnoseNode(node)
    expect(verdict).toBe('fragmented')
    expect(findings[0]).toMatchObject({ id: 'fragmented-allocator', allocator })
    expect(findings[0]?.remedies.length).toBeGreaterThan(0)
  })

  describe('takes for no fragmentation', () => {
    it('binaries that are all referenced', async () => {
      await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
      await hold(node, '[binary:copy(<<I:32>>, 1024) || I <- lists:seq(1, 40000)]')
      expect((await diagnoseNode(node)).verdict).toBe('in-use')
    })

    it('what single-block carriers round up', async () => {
      await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
      await hold(node, '[binary:copy(<<I:32>>, 135000) || I <- lists:seq(1, 1000)]')
      expect((await diagnoseNode(node)).verdict).toBe('oversized-carriers')
    })
  })
})
