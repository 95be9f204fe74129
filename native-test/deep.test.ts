/** Who holds memory on real nodes, and that to look for them changes nothing there. */
import { expect, it } from 'vitest'
import { type Diagnosis, diagnose } from '../src/analysis/diagnose.ts'
import type { Holders } from '../src/analysis/holders.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { type HoldersOptions, probeHolders } from '../src/probe/holders.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { type CliResult, runCli } from '../test/cli/run-cli.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

const MiB = 2 ** 20

function connect({ cookie, epmdPort, name }: ErlangNode): Promise<RemoteNode> {
  return new HiddenNode({ cookie: new Cookie(cookie), epmdPort }).connect(name)
}

async function holdersOf(node: ErlangNode, options: HoldersOptions = {}): Promise<Holders> {
  await using remote = await connect(node)
  return await probeHolders(remote, options, { timeout: 60_000 })
}

async function diagnoseDeep(node: ErlangNode): Promise<Diagnosis> {
  await using remote = await connect(node)
  const snapshot = toSnapshot(await probe(remote))
  return diagnose(snapshot, { holders: await probeHolders(remote, {}, { timeout: 60_000 }) })
}

function cli({ cookie, epmdPort }: ErlangNode, ...argv: readonly string[]): Promise<CliResult> {
  return runCli(argv, {
    env: { BEAMSCOPE_COOKIE: cookie, ERL_EPMD_PORT: `${epmdPort}`, HOME: '/nowhere' },
  })
}

/** A registered process that has evaluated this, collected its garbage, and keeps the value. */
async function holder(node: ErlangNode, name: string, expression: string): Promise<void> {
  const held = await node.evaluate(`
    Self = self(),
    register(${name}, spawn(fun() ->
      Make = fun() -> ${expression} end,
      Held = Make(),
      erlang:garbage_collect(),
      Self ! holding,
      receive stop -> Held end
    end)),
    receive holding -> ok end`)
  expect(held).toBe('ok')
}

/** 100 bytes of each of 1000 binaries, which are 95 MiB. */
const PARTS = '[binary:part(binary:copy(<<I:32>>, 25000), 0, 100) || I <- lists:seq(1, 1000)]'

describeOnEachRelease('a deep look', (release) => {
  it('names those who keep large binaries by small parts, and those who do not', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await holder(node, 'keeps_parts', PARTS)
    await holder(node, 'keeps_copies', `[binary:copy(X) || X <- ${PARTS}]`)
    const { binaryHolders, binaryProcesses, heldTogether, processes } = await holdersOf(node)
    expect(processes.lookedAt).toBe(processes.total)
    expect(binaryProcesses.lookedAt).toBe(processes.total)
    const [largest] = binaryHolders
    expect(largest).toMatchObject({ registeredName: 'keeps_parts', isEstimate: false })
    expect(largest?.binaries).toBeGreaterThanOrEqual(1000)
    expect(Number(largest?.bytes)).toBeGreaterThan(95 * MiB)
    expect(largest?.alone).toBe(largest?.bytes)
    expect(Number(largest?.memory)).toBeLessThan(MiB)
    expect(Number(heldTogether)).toBeLessThan(100 * MiB)
    const copies = binaryHolders.find(({ registeredName }) => registeredName === 'keeps_copies')
    expect(Number(copies?.bytes)).toBeLessThan(MiB)

    const { findings, verdict } = await diagnoseDeep(node)
    expect(verdict).toBe('in-use')
    const finding = (id: string) => findings.find((it) => it.id === id)
    expect(finding('held-binaries')).toMatchObject({
      allocator: 'binary_alloc',
      summary: expect.stringMatching(/^One process refers to most of 9\d MiB of binaries/),
      evidence: expect.arrayContaining([
        expect.objectContaining({
          what: expect.stringMatching(/keeps_parts, 1000 binaries of 98/),
        }),
      ]),
    })
    const remedies = finding('held-binaries')?.remedies.map(({ flags }) => flags)
    expect(remedies).toContain('binary:copy(Part)')
    expect(finding('in-use')?.evidence.map(({ what }) => what)).toEqual(
      expect.arrayContaining([expect.stringContaining('keeps_parts')]),
    )
  })

  it('tells a binary that several refer to from those that one has alone', async () => {
    await using node = await startErlangNode({ release })
    await holder(node, 'first', 'persistent_term:put(held, binary:copy(<<1>>, 5000000)), ok')
    await holder(node, 'second', '[binary:copy(<<2>>, 1000000) | persistent_term:get(held)]')
    await holder(node, 'third', 'persistent_term:get(held)')
    const { binaryHolders, heldTogether } = await holdersOf(node)
    const second = binaryHolders.find(({ registeredName }) => registeredName === 'second')
    expect(second).toBeDefined()
    expect(Number(second?.alone)).toBe(1_000_000)
    expect(Number(heldTogether)).toBeLessThan(9_000_000)
  })

  it('finds the largest processes and tables, whoever may read them', async () => {
    await using node = await startErlangNode({ release })
    await holder(node, 'large_heap', 'lists:seq(1, 500000)')
    await holder(node, 'long_queue', '[self() ! I || I <- lists:seq(1, 300)], ok')
    await holder(
      node,
      'has_table',
      `[begin T = ets:new(Name, [Access]), ets:insert(T, [{I, I} || I <- lists:seq(1, Rows)]), T end
        || {Name, Access, Rows} <- [{secret_rows, private, 50000}, {open_rows, public, 40000}]]`,
    )
    const holders = await holdersOf(node, { otpRelease: `${release}` })
    expect(holders.largestProcesses[0]).toMatchObject({ registeredName: 'large_heap' })
    expect(Number(holders.largestProcesses[0]?.memory)).toBeGreaterThan(5_000_000)
    expect(holders.largestTables.slice(0, 2)).toMatchObject([
      { name: 'secret_rows', type: 'set', protection: 'private', rows: 50_000 },
      { name: 'open_rows', protection: 'public', rows: 40_000 },
    ])
    const words = await node.evaluate(
      'hd([ets:info(T, memory) || T <- ets:all(), ets:info(T, name) =:= open_rows])',
    )
    expect(holders.largestTables[1]?.bytes).toBe(Number(words) * 8)
    expect(holders.missing).toEqual([])
  })

  it('knows what proc_lib runs in a process, from OTP 27 on', async () => {
    await using node = await startErlangNode({ release })
    const { largestProcesses } = await holdersOf(node, { otpRelease: `${release}` })
    const kernel = largestProcesses.find(({ registeredName }) => registeredName === 'net_kernel')
    const call = release < 27 ? 'proc_lib:init_p/5' : 'net_kernel:init/1'
    expect(kernel?.initialCall).toBe(call)
  })

  it('estimates what a process refers to that is too large to list it', async () => {
    await using node = await startErlangNode({ release })
    await holder(node, 'many', '[binary:copy(<<I:32>>, 250) || I <- lists:seq(1, 20000)]')
    const { binaryHolders } = await holdersOf(node, { maxListed: 500_000 })
    const many = binaryHolders.find(({ registeredName }) => registeredName === 'many')
    expect(many).toMatchObject({ isEstimate: true, binaries: undefined })
    // 20,000 of 1000 bytes, as its collector counts them.
    expect(Number(many?.bytes)).toBeGreaterThan(19_000_000)
    expect(Number(many?.bytes)).toBeLessThan(25_000_000)
  })

  it('stands processes and tables that come and go', async () => {
    await using node = await startErlangNode({ release })
    await node.evaluate(`
      [spawn(fun() ->
         F = fun F() ->
           P = spawn(fun() -> T = ets:new(brief, []), ets:insert(T, {1, 2}), receive after 1 -> ok end end),
           R = monitor(process, P), receive {'DOWN', R, _, _, _} -> ok end, F()
         end, F() end) || _ <- lists:seq(1, 50)], ok`)
    for (let round = 0; round < 5; round++) {
      const { missing, processes } = await holdersOf(node)
      expect(missing).toEqual([])
      expect(processes.lookedAt).toBe(processes.total)
    }
  })

  it('stops when its time is over, and says how far it came', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await node.evaluate(
      '[spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 100000)], ok',
    )
    await using remote = await connect(node)
    const { binaryProcesses, processes } = await probeHolders(remote, {}, { timeout: 150 })
    expect(binaryProcesses.lookedAt).toBeLessThan(100_000)
    expect(binaryProcesses.lookedAt).toBeLessThanOrEqual(processes.lookedAt)
    const { code, stdout } = await cli(node, 'diagnose', node.name, '--deep', '--timeout', '60s')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Looked at (100,\d{3}) of \1 processes/m)
  })

  it('collects no garbage and loads no code', async () => {
    await using node = await startErlangNode({ release })
    await node.evaluate(`
      Self = self(),
      register(litters, spawn(fun() ->
        _ = [binary:copy(<<I:32>>, 250) || I <- lists:seq(1, 100)],
        Self ! littered,
        receive stop -> ok end
      end)),
      receive littered -> ok end`)
    const litter = (): Promise<string> =>
      node.evaluate('length(element(2, process_info(whereis(litters), binary)))')
    const loaded = (): Promise<string> => node.evaluate('length(code:all_loaded())')
    const before = [await litter(), await loaded()]
    await holdersOf(node)
    expect([await litter(), await loaded()]).toEqual(before)
    await node.evaluate('erlang:garbage_collect(whereis(litters))')
    expect(Number(await litter())).toBeLessThan(Number(before[0]))
  })

  it('is shown to people and to programs', async () => {
    await using node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await holder(node, 'keeps_parts', PARTS)
    const { code, stdout, stderr } = await cli(node, 'diagnose', node.name, '--deep')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Holders\nLooked at (\d+) of \1 processes, and at (\d+) of \2 tables/m)
    expect(stdout).toMatch(/^ +95\.4 MiB +95\.4 MiB +1,000 .* keeps_parts$/m)
    expect(stdout).toMatch(/INFO {2}held-binaries, binary_alloc/)
    const deep = JSON.parse((await cli(node, 'diagnose', node.name, '--deep', '--json')).stdout)
    expect(deep).toMatchObject({
      beamscope: 'diagnose/1',
      data: {
        verdict: 'in-use',
        holders: {
          processes: { total: expect.any(Number), looked_at: expect.any(Number) },
          binary_holders: expect.arrayContaining([
            expect.objectContaining({ registered_name: 'keeps_parts', is_estimate: false }),
          ]),
        },
      },
    })
    const plain = JSON.parse((await cli(node, 'diagnose', node.name, '--json')).stdout)
    expect(plain.data).not.toHaveProperty('holders')
  })
})
