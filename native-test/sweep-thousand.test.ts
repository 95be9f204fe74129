/** Large sweeps: memory and sockets are bounded by how many nodes are asked at a time, not by how many there are. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { names } from '../src/epmd/client.ts'
import { type EpmdServer, startEpmdServer } from '../src/epmd/server.ts'
import { readSnapshotFile } from '../src/history/snapshot-file.ts'
import { ReplayNode } from '../src/replay/replay-node.ts'
import { binarySpikeFile } from '../src/replay/start-replay-node.ts'
import { describeOnRelease, describeUnless } from './support/describe-on-release.ts'
import { type ErlangNode, isFree, startErlangNode } from './support/index.ts'
import { describeReport, runSweep, type SweepReport } from './support/sweep-program.ts'

const CONCURRENCY = 16

/** Of sockets: each node has one, first to its EPMD and then to itself, and some may just be closing. */
const CLOSING = 4

/**
 * Of bytes: as measured, 100 nodes and 1,000 come to the same within 5 MiB, of 80. Kept snapshots would
 * take 65 MiB more.
 */
const MARGIN = 16 * 2 ** 20

const COOKIE = 'secret'

/** The program that sweeps reads in `/proc` what it takes. */
const shortfall = process.platform === 'linux' ? undefined : 'there is no /proc'
if (shortfall !== undefined) console.error(`large sweeps skipped: ${shortfall}`)

describeUnless(shortfall, 'a sweep of a thousand nodes', () => {
  let epmd: EpmdServer
  const nodes: ReplayNode[] = []
  let few: SweepReport
  let many: SweepReport

  const run = async (count: number): Promise<SweepReport> => {
    const swept = nodes.slice(0, count).map(({ name }) => name)
    const options = { cookie: COOKIE, epmdPort: epmd.port, concurrency: CONCURRENCY }
    const report = await runSweep({ ...options, names: swept })
    console.log(describeReport(`${count} replay nodes, ${CONCURRENCY} at a time`, report))
    return report
  }

  beforeAll(async () => {
    epmd = await startEpmdServer()
    const recording = (await readSnapshotFile(binarySpikeFile)).raw
    for (let number = 0; number < 1_000; number++) {
      const alive = `replay${number}`
      const node = await ReplayNode.start({
        name: `${alive}@127.0.0.1`,
        cookie: new Cookie(COOKIE),
        recording,
      })
      nodes.push(node)
      epmd.register({
        name: alive,
        port: node.port,
        kind: 'hidden',
        protocol: 0,
        highestVersion: 6,
        lowestVersion: 6,
        extra: new Uint8Array(),
      })
    }
    few = await run(100)
    many = await run(1_000)
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await epmd.close()
  })

  it('has an answer of each', () => {
    expect([...few.failures, ...many.failures]).toEqual([])
    expect(few.answers).toHaveLength(100)
    expect(many.answers.map(({ node }) => node)).toEqual(nodes.map(({ name }) => name).toSorted())
  })

  it('has no more sockets than nodes are asked at a time', () => {
    for (const { sockets } of [few, many]) {
      expect(sockets).toBeGreaterThan(0)
      expect(sockets).toBeLessThanOrEqual(CONCURRENCY + CLOSING)
    }
  })

  it('takes no more memory than that of a hundred', () => {
    const ifKept = 900 * many.snapshotSize
    expect(ifKept).toBeGreaterThan(3 * MARGIN)
    expect(many.peak - few.peak).toBeLessThan(MARGIN)
  })
})

describeOnRelease(25, 'a sweep of a cluster of a hundred nodes', () => {
  let first: ErlangNode

  beforeAll(async () => {
    first = await startErlangNode({
      release: 25,
      emulatorArguments: ['-connect_all', 'false', '+S', '1:1'],
    })
    const start = performance.now()
    expect(await first.evaluate(startOthers(99), { timeout: 120_000 })).toBe('up')
    console.log(`99 more nodes: ${((performance.now() - start) / 1000).toFixed(1)} s`)
  })
  afterAll(async () => {
    await first.kill()
  })

  it('says the same of each directly and through the first', async () => {
    const others = (await first.evaluate('nodes()')).matchAll(/'([^']+)'/g)
    const cluster = [first.name, ...Array.from(others, ([, name = '']) => name)]
    expect(cluster).toHaveLength(100)
    const { cookie, epmdPort } = first
    const request = { names: cluster, cookie, epmdPort, concurrency: CONCURRENCY }
    const direct = await runSweep(request)
    console.log(describeReport('100 nodes, directly', direct))
    const via = await runSweep({ ...request, via: first.name })
    console.log(describeReport('100 nodes, through the first', via))
    expect(direct.failures).toEqual([])
    expect(direct.answers.map(({ node }) => node)).toEqual(cluster.toSorted())
    expect(via).toMatchObject({ answers: direct.answers, failures: [] })
    expect(direct.sockets).toBeLessThanOrEqual(CONCURRENCY + CLOSING)
    expect(via.sockets).toBe(1)
  })

  it('leaves no node behind when the first ends', async () => {
    const listening = await names({ host: '127.0.0.1', port: first.epmdPort })
    expect(listening).toHaveLength(100)
    await first.kill()
    for (const { name, port } of listening) {
      await expect.poll(() => isFree(port), { timeout: 20_000, message: name }).toBe(true)
    }
  })
})

/**
 * Starts nodes beside this one, some at a time, and waits until it is connected to all. They end with it,
 * however it ends: each watches it, and halts when it is gone.
 */
const startOthers = (count: number): string => `
  Erl = os:find_executable("erl"),
  First = node(),
  Watch = lists:flatten(io_lib:format(
    "spawn(fun() -> monitor_node(~p, true), receive {nodedown, _} -> halt() end end).", [First])),
  Start = fun(Number) ->
    Name = "other" ++ integer_to_list(Number) ++ "@127.0.0.1",
    open_port({spawn_executable, Erl}, [
      exit_status, stderr_to_stdout,
      {args, ["-noinput", "-boot", "start_clean", "-name", Name, "-start_epmd", "false",
              "-connect_all", "false", "+S", "1:1", "+SDcpu", "1:1", "+SDio", "1", "+A", "1",
              "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-eval", Watch]}])
  end,
  Caller = self(),
  Keeper = spawn(fun() ->
    ok = net_kernel:monitor_nodes(true),
    Loop = fun Loop(Next, Up) ->
      Up =:= ${count} andalso (Caller ! {self(), up}),
      receive
        {nodeup, _} when Next =< ${count} -> Start(Next), Loop(Next + 1, Up + 1);
        {nodeup, _} -> Loop(Next, Up + 1);
        {_, {exit_status, Status}} -> Caller ! {self(), {ended, Status}}, Loop(Next, Up);
        _ -> Loop(Next, Up)
      end
    end,
    [Start(Number) || Number <- lists:seq(1, 6)],
    Loop(7, 0)
  end),
  receive {Keeper, Result} -> Result end
`
