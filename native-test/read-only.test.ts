/** That no command changes a node: it is compared before and after each, in order and when it fails. */
import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { InterruptedError } from '../src/cli/interruption.ts'
import { everyCommand } from '../test/cli/every-command.ts'
import { type CliOptions, type CliResult, runCli } from '../test/cli/run-cli.ts'
import { startServing } from '../test/cli/serving.ts'
import { request } from '../test/serve/served.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { type Difference, Witness } from './support/witness.ts'

/** Command lines of every command; of NODE, of its FRIEND, or of a file in FOLDER that a former one has written. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  // The first one is the first that the node ever hears of us.
  ping: ['NODE', 'NODE --json', 'NODE --name scope@127.0.0.1'],
  names: ['127.0.0.1', '127.0.0.1 --json'],
  diagnose: [
    'NODE',
    'NODE --json',
    'NODE --vm-args',
    'NODE --deep',
    'NODE --deep --json',
    'NODE FRIEND --deep --ndjson',
    'NODE FRIEND --via FRIEND --deep',
    'NODE FRIEND --via NODE --deep',
  ],
  memory: ['NODE', 'NODE --json --unit megabyte', '--cluster NODE'],
  fragmentation: ['NODE --all', 'NODE --json'],
  'average-block-sizes': ['NODE', 'NODE --json'],
  'sbcs-to-mbcs': ['NODE --max', 'NODE --json'],
  'cache-hit-rates': ['NODE', 'NODE --json'],
  allocators: ['NODE', 'NODE --json', 'NODE --settings', 'NODE --settings --json'],
  record: [
    'NODE -o FOLDER/a.recording --interval 100ms --samples 3',
    'NODE FRIEND --via FRIEND -o FOLDER/b.recording --interval 100ms --samples 3 --json',
  ],
  'snapshot save': [
    'NODE -o FOLDER/a.snapshot --force',
    'NODE -o FOLDER/a.terms --format terms --force',
    'NODE -o FOLDER/a.recon --format recon --force',
    'NODE -o FOLDER/a.etf --format etf --force',
  ],
  'snapshot show': ['FOLDER/a.snapshot'],
  'snapshot diff': ['FOLDER/a.snapshot NODE', 'NODE NODE --json'],
  sweep: [
    '--cluster NODE',
    '--cluster NODE --hidden --json',
    '--cluster FRIEND --via FRIEND',
    'NODE FRIEND --via NODE --ndjson',
    '--epmd-host 127.0.0.1',
    '--cluster NODE --dry-run',
  ],
  serve: ['--cluster NODE --dry-run'],
  report: ['NODE', 'NODE --deep'],
  watch: [
    'NODE --samples 3 --interval 100ms',
    'NODE FRIEND --via FRIEND --samples 2 --interval 100ms --ndjson',
  ],
  call: ['NODE erlang:system_info(otp_release)', 'NODE erlang:error(oops)', 'NODE lists:seq(1,9)'],
  demo: ['', '--json'],
  // Last, since it is said to load a module: see below.
  carriers: [
    'NODE',
    'NODE --json --allocator binary_alloc',
    'NODE FRIEND --via FRIEND',
    'NODE --scheduler 1',
  ],
}

/**
 * What a node loads of its own, by itself, and keeps: `erpc` of OTP 23 at the first call that a node ever gets by
 * it (later releases have it from the start), and `instrument` for `carriers`, whose `--help` says so.
 */
const LOADED = (release: number): Readonly<Record<string, readonly string[]>> => ({
  ...(release === 23 ? { 'ping NODE': ['erpc'] } : {}),
  'carriers NODE': ['instrument'],
})

/** Somebody's programs, and somebody who looks after them. */
const LIFE = `
  spawn(fun() ->
    group_leader(whereis(init), self()),
    process_flag(trap_exit, true),
    register(shop, self()),
    {ok, _} = pg:start_link(pg),
    ok = pg:join(shops, self()),
    yes = global:register_name(shop, self()),
    {ok, _} = supervisor:start_child(kernel_safe_sup,
      #{id => till, start => {gen_event, start_link, [{local, till}]}}),
    ets:insert(ets:new(orders, [named_table, public]), [{I, I} || I <- lists:seq(1, 100)]),
    ets:insert(ets:new(prices, [private]), {1, 2}),
    persistent_term:put(shop, lists:seq(1, 100)),
    application:set_env(kernel, shop, open),
    open_port({spawn, "cat"}, [binary]),
    {ok, _} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    net_kernel:monitor_nodes(true),
    Quiet = fun() -> receive stop -> ok end end,
    Traced = spawn_link(fun() -> register(traced, self()), Quiet() end),
    Tracer = spawn_link(fun() -> register(tracer, self()), Quiet() end),
    monitor(process, Traced),
    erlang:trace(Traced, true, [call, procs, send, {tracer, Tracer}]),
    erlang:trace_pattern({lists, seq, 2}, true, [local]),
    erlang:system_monitor(Tracer, [busy_port]),
    erlang:system_flag(scheduler_wall_time, true),
    register(open, spawn_link(Quiet)),
    receive forget_erpc -> code:delete(erpc), code:purge(erpc) end,
    Quiet()
  end),
  Open = fun Open() -> case whereis(open) of undefined -> timer:sleep(5), Open(); _ -> ok end end,
  Open()`

/** Names of what a node says of its allocators and carriers, which it makes when it is asked for the first time. */
const ATOMS_ONCE = 600

describeOnEachRelease('a node', (release) => {
  let node: ErlangNode
  let witness: Witness
  let folder: TemporaryFolder
  let atoms = 0

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await node.evaluate(LIFE)
    witness = await Witness.start(node, release)
    // As a node of OTP 23 is that nobody has called yet; we have, to prepare it.
    if (release === 23) await witness.friend.evaluate(`{shop, '${node.name}'} ! forget_erpc`)
    // Both have much to say to each other when they meet.
    let quiet = 0
    const isQuiet = async (): Promise<boolean> => {
      const { differences } = await witness.compare()
      await witness.keep()
      quiet = differences.length === 0 ? quiet + 1 : 0
      return quiet === 5
    }
    await vi.waitUntil(isQuiet, { timeout: 60_000 })
  })
  afterAll(async () => {
    await witness[Symbol.asyncDispose]()
    await node.kill()
    await folder[Symbol.asyncDispose]()
  })

  const words = (line: string): readonly string[] =>
    line
      .split(' ')
      .filter((word) => word !== '')
      .map((word) =>
        word
          .replace('NODE', node.name)
          .replace('FRIEND', witness.friend.name)
          .replace('FOLDER', folder.path),
      )

  const cli = (line: string, options: CliOptions = {}): Promise<CliResult> =>
    runCli(words(line), {
      ...options,
      env: {
        BEAMSCOPE_COOKIE: node.cookie,
        ERL_EPMD_PORT: `${node.epmdPort}`,
        HOME: '/nowhere',
        ...options.env,
      },
    })

  /** Until nothing has changed but that modules were loaded; a node may take a moment to see a connection end. */
  async function expectUnchanged(loaded: readonly string[] = []): Promise<void> {
    let more = 0
    const told = async (): Promise<string> => {
      const compared = await witness.compare()
      more = compared.atoms
      return JSON.stringify(without(loaded, compared.differences), undefined, 1)
    }
    // As text, which a failure shows whole.
    await expect.poll(told, { interval: 20, timeout: 20_000 }).toBe('[]')
    await witness.keep()
    atoms += more
  }

  it('is compared after every command that there is', async () => {
    expect(Object.keys(CASES).sort()).toEqual([...(await everyCommand())].sort())
  })

  const lines = Object.entries(CASES).flatMap(([name, all]) => all.map((it) => `${name} ${it}`))

  it.each(lines)('is what it was after %s', async (line) => {
    const { code, stdout, stderr } = await cli(line)
    expect({ line, code, stderr }).toMatchObject({ line, code: line.includes('oops') ? 5 : 0 })
    // Nor is its own cookie told.
    expect(stdout + stderr).not.toContain(node.cookie)
    await expectUnchanged(LOADED(release)[line])
  })

  it('is what it was after it was served', async () => {
    const env = {
      BEAMSCOPE_COOKIE: node.cookie,
      ERL_EPMD_PORT: `${node.epmdPort}`,
      HOME: '/nowhere',
    }
    const served = await startServing([node.name, '--interval', '1s'], env)
    const samples = async (): Promise<number> => {
      const { body } = await request(served.port, '/metrics')
      return Number(/^beamscope_samples_total\{.*\} (\d+)$/m.exec(body)?.[1])
    }
    await vi.waitUntil(async () => (await samples()) > 2, { timeout: 20_000 })
    expect(await served.interrupt()).toBe(130)
    await expectUnchanged(LOADED(release)['ping NODE'])
  })

  it('has its cookie in none of the files', async () => {
    const files = await readdir(folder.path)
    expect(files).toHaveLength(6)
    for (const file of files) {
      const bytes = await readFile(join(folder.path, file))
      expect([file, bytes.includes(node.cookie)]).toEqual([file, false])
    }
  })

  it('has a few atoms more, once', async () => {
    expect(atoms).toBeLessThan(ATOMS_ONCE)
    atoms = 0
    for (let round = 0; round < 3; round++) {
      await cli('diagnose NODE --deep')
      await cli('carriers NODE')
      await expectUnchanged()
    }
    // The names of ours, which are few.
    expect(atoms).toBeLessThanOrEqual(3)
  })

  describe('is what it was after a command that failed', () => {
    const asking = [
      ...Object.entries(CASES).map(([name, [first]]) => `${name} ${first}`),
      'diagnose NODE --deep',
      'diagnose NODE FRIEND --via NODE --deep',
    ].filter((line) => line.includes('NODE'))

    it('by a wrong cookie', async () => {
      for (const line of asking) {
        const { code } = await cli(line, { env: { BEAMSCOPE_COOKIE: 'another' } })
        expect([line, code]).not.toEqual([line, 0])
        await expectUnchanged()
      }
    })

    it('by Ctrl-C while the node was asked', async () => {
      for (const line of asking) {
        const controller = new AbortController()
        const interrupt = (): void => controller.abort(new InterruptedError('SIGINT'))
        subscribe('beamscope:handshake', interrupt)
        const { code } = await cli(line, { signal: controller.signal })
        unsubscribe('beamscope:handshake', interrupt)
        expect([line, code]).toEqual([line, 130])
        await expectUnchanged()
      }
    })

    it('by its time-out, wherever it was', async () => {
      for (const timeout of [1, 5, 20, 50]) {
        for (const line of ['diagnose NODE --deep', 'carriers NODE', 'sweep --cluster NODE']) {
          const { code } = await cli(`${line} --timeout ${timeout}`)
          expect([0, 3, 6]).toContain(code)
          await expectUnchanged()
        }
      }
      const { code } = await cli('call NODE timer:sleep(300) --timeout 100ms')
      expect(code).toBe(3)
      await expectUnchanged(['timer'])
    })

    it('by its death', async () => {
      const program = new URL('../lib/cli/main.cjs', import.meta.url).pathname
      const child = spawn(process.execPath, [program, ...words('call NODE timer:sleep(300)')], {
        env: { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` },
      })
      // It says what it runs.
      await once(child.stderr, 'data')
      child.kill('SIGKILL')
      await expectUnchanged(['timer'])
    })
  })

  it.each([
    ['modules', 'code:ensure_loaded(digraph)'],
    ['processes', 'erlang:spawn(timer,sleep,[1000])'],
    ['tables', 'ets:insert(orders,{a,b})'],
    ['names', 'erlang:unregister(open)'],
    ['trace', 'erlang:trace_pattern({ets,info,1},true,[])'],
    ['processes', 'erlang:trace(SHOP,true,[call,{tracer,TRACER}])'],
    ['emulator', 'erlang:system_flag(fullsweep_after,77)'],
    ['nodes', "erlang:set_cookie('FRIEND',other)"],
    ['persistent_terms', 'persistent_term:put(a,b)'],
    ['applications', 'application:set_env(kernel,shop,closed)'],
    ['code_path', 'code:add_patha("/")'],
    ['environment', 'os:putenv("A","B")'],
    ['logger', 'logger:set_primary_config(level,error)'],
    ['groups', 'pg:leave(shops,SHOP)'],
    ['files', 'file:make_dir("/tmp/a")'],
  ])('would not be what it was: %s, by a call of %s', async (part, call) => {
    const pids = await node.evaluate('[pid_to_list(whereis(Name)) || Name <- [shop, tracer]]')
    const [shop = '', tracer = ''] = pids.match(/<[^>]+>/g) ?? []
    const line = `call NODE ${call.replace('SHOP', shop).replace('TRACER', tracer)}`
    expect(await cli(line)).toMatchObject({ code: 0 })
    const { differences } = await witness.compare()
    await witness.keep()
    expect(differences.map((it) => it.part)).toContain(part)
  })
})

/** What differs but for modules that were loaded, and with them the table of the server that knows them. */
function without(
  loaded: readonly string[],
  differences: readonly Difference[],
): readonly Difference[] {
  if (loaded.length === 0) return differences
  const isLoaded = (text: string): boolean => loaded.some((it) => text.startsWith(`{${it},`))
  const isOfCodeServer = (text: string): boolean => /\{name,code(_server)?\}/.test(text)
  return differences.filter(({ part, lost, gained }) => {
    if (part === 'modules') return !(lost.length === 0 && gained.every(isLoaded))
    return !(part === 'tables' && [...lost, ...gained].every(isOfCodeServer))
  })
}
