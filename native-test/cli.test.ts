/** The command line against real nodes: every command, and every reason not to reach one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { atom } from '../src/etf/index.ts'
import { connect, sweep } from '../src/index.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { type CliResult, runCli } from '../test/cli/run-cli.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  findFreePort,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'

/** Runs a command with the cookie and the port mapper of a node. */
function cli(node: ErlangNode, ...argv: readonly string[]): Promise<CliResult> {
  const { cookie, epmdPort } = node
  return runCli(argv, {
    env: { BEAMSCOPE_COOKIE: cookie, ERL_EPMD_PORT: `${epmdPort}`, HOME: '/nowhere' },
  })
}

async function succeed(node: ErlangNode, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(node, ...argv)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

async function fail(node: ErlangNode, ...argv: readonly string[]): Promise<Partial<CliResult>> {
  const { code, stdout, stderr } = await cli(node, ...argv)
  expect(stdout).toBe('')
  return { code, stderr }
}

const ANALYSIS_COMMANDS = [
  'diagnose',
  'memory',
  'fragmentation',
  'average-block-sizes',
  'sbcs-to-mbcs',
  'cache-hit-rates',
  'allocators',
]

describeOnEachRelease('the command line', (release) => {
  let node: ErlangNode
  let folder: TemporaryFolder

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    node = await startErlangNode({ release })
  })
  afterAll(async () => {
    await node.stop()
    await folder[Symbol.asyncDispose]()
  })

  it.each(ANALYSIS_COMMANDS)('%s shows a live node to people and to programs', async (command) => {
    const text = await succeed(node, command, node.name)
    expect(text).toContain(`  ${node.name}\nOTP ${release}, `)
    expect(text).toContain(`Next: beamscope `)
    const json = JSON.parse(await succeed(node, command, node.name, '--json'))
    expect(json).toMatchObject({
      beamscope: `${command}/1`,
      node: node.name,
      taken_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      otp_release: `${release}`,
      unit: 'byte',
    })
  })

  it('saves snapshots that say afterwards what the node said', async () => {
    for (const format of ['native', 'etf', 'terms', 'recon']) {
      const file = join(folder.path, `live.${format}`)
      const saved = await cli(node, 'snapshot', 'save', node.name, '-o', file, '--format', format)
      expect(saved).toMatchObject({ code: 0, stdout: '' })
      const { data } = JSON.parse(await succeed(node, 'snapshot', 'show', file, '--json'))
      expect(data.format).toBe(format)
      expect(data.allocated).toBeGreaterThan(5_000_000)
      if (format === 'native') expect(data.os.resident).toBeGreaterThan(10_000_000)
    }
    expect((await readFile(join(folder.path, 'live.terms'), 'utf8')).endsWith('.\n')).toBe(true)
  })

  it('lists the names of a host', async () => {
    const { data } = JSON.parse(await succeed(node, 'names', '127.0.0.1', '--json'))
    expect(data).toEqual([{ name: node.name.split('@')[0], port: node.port }])
    expect(await succeed(node, 'names', '127.0.0.1')).toContain(`${node.port}`)
  })

  describe('ping', () => {
    it('says what it reached', async () => {
      expect(await succeed(node, 'ping', node.name)).toMatch(
        new RegExp(`^reached {2}${node.name} {2}OTP ${release}\n`),
      )
      const { data } = JSON.parse(await succeed(node, 'ping', node.name, '--json'))
      expect(data).toMatchObject({
        otp_release: `${release}`,
        address: `127.0.0.1:${node.port}`,
        flags: expect.arrayContaining(['SPAWN', 'BIG_CREATION']),
      })
      expect(data.connect_ms).toBeGreaterThan(0)
    })

    it('goes without EPMD, and around names that do not resolve', async () => {
      await succeed(node, 'ping', node.name, '--port', `${node.port}`, '--epmd-port', '1')
      await using elsewhere = await startErlangNode({ release, name: 'far@away.invalid' })
      expect(await fail(elsewhere, 'ping', elsewhere.name)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/cannot be resolved\n {2}hint: .*--map away.invalid=ADDRESS/),
      })
      await succeed(elsewhere, 'ping', elsewhere.name, '--map', 'away.invalid=127.0.0.1')
      const mapping = `away.invalid=127.0.0.1:${elsewhere.port}`
      await succeed(elsewhere, 'ping', elsewhere.name, '--map', mapping, '--epmd-port', '1')
    })

    it('names the nodes that are registered when the one it wants is not', async () => {
      expect(await fail(node, 'ping', 'missing@127.0.0.1')).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(
          new RegExp(`no node is registered as missing.*\n.*${node.name.split('@')[0]}`),
        ),
      })
    })

    it('knows a missing port mapper from a missing node', async () => {
      const port = `${await findFreePort()}`
      expect(await fail(node, 'ping', node.name, '--epmd-port', port)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('no EPMD listens'),
      })
      expect(await fail(node, 'ping', node.name, '--port', port)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining(`127.0.0.1:${port}`),
      })
    })

    it('knows a wrong cookie, and tells nobody which', async () => {
      const { code, stdout, stderr } = await runCli(['ping', node.name, '--verbose'], {
        env: { BEAMSCOPE_COOKIE: 'wrong-cookie', ERL_EPMD_PORT: `${node.epmdPort}` },
      })
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
      expect(stderr).toMatch(/the cookie is wrong\n {2}hint: /)
      expect(stderr).not.toContain('wrong-cookie')
    })

    it('knows a node that allows only others', async () => {
      await using strict = await startErlangNode({ release })
      await strict.evaluate("net_kernel:allow(['friend@127.0.0.1'])")
      expect(await fail(strict, 'ping', strict.name)).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('does not allow'),
      })
    })

    it('knows another node that answers in place of the one it wants', async () => {
      const { code, stderr } = await fail(node, 'ping', 'x@127.0.0.1', '--port', `${node.port}`)
      expect(stderr).toContain(`x@127.0.0.1 was dialled, and "${node.name}" answered`)
      expect(code).toBe(4)
    })

    it('gives up on a node that is there and says nothing', async () => {
      await using stopped = await startErlangNode({ release })
      await stopped.pause()
      const { code, stderr } = await fail(stopped, 'ping', stopped.name, '--timeout', '300ms')
      await stopped.resume()
      expect(stderr).toMatch(/no answer within 300 ms\n {2}hint: .*suspended.*--timeout/s)
      expect(code).toBe(3)
    })
  })

  describe('call', () => {
    it('prints what the function returns, and says what runs', async () => {
      const { code, stdout, stderr } = await cli(
        node,
        'call',
        node.name,
        'lists:reverse([1, {b, "c"}, <<"d">>])',
      )
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: '[<<"d">>,{b,"c"},1]\n',
        stderr: `${node.name} runs lists:reverse/1\n`,
      })
    })

    it('takes back the identifiers that it printed', async () => {
      const { stdout } = await cli(node, 'call', node.name, 'erlang:whereis(init)')
      expect(stdout).toMatch(/^<0\.\d+\.0>\n$/)
      const call = `erlang:process_info(${stdout.trim()}, registered_name)`
      const { stdout: json } = await cli(node, 'call', node.name, call, '--json')
      expect(JSON.parse(json)).toMatchObject({
        beamscope: 'call/1',
        data: { term: '{registered_name,init}' },
      })
    })

    it.each([
      ['erlang:error(oops)', /failed with oops\n {2}in erlang:error\(oops\)\n/],
      ['maps:get(a, #{b => 1})', /failed with \{badkey,a\}\n {2}in maps:get\(a, #\{b => 1\}/],
      ['erlang:throw({ball, 1})', /threw \{ball,1\}/],
      ['erlang:exit(door)', /exited with door/],
      ['no_module:f()', /failed with undef\n {2}in no_module:f\(\)/],
    ])('%s ends in 5 and says how it ended', async (call, message) => {
      const { code, stderr } = await fail(node, 'call', node.name, call)
      expect(stderr).toMatch(message)
      expect(code).toBe(5)
    })
  })

  it('takes a name that is given, and leaves no connection behind', async () => {
    const call = 'erlang:nodes(hidden)'
    const { stdout } = await cli(node, 'call', node.name, call, '--name', 'scope@127.0.0.1')
    expect(stdout).toContain("'scope@127.0.0.1'")
    await expect
      .poll(() => node.evaluate("lists:member('scope@127.0.0.1', nodes(hidden))"))
      .toBe('false')
  })

  it('costs a node no atom, however often it is asked, as a library neither', async () => {
    const { name, cookie, epmdPort } = node
    const reached = { cookie: new Cookie(cookie), epmdPort }
    await using watching = new HiddenNode({ ...reached, name: 'watching@127.0.0.1' })
    const watched = await watching.connect(name)
    const countAtoms = () => watched.call('erlang', 'system_info', [atom('atom_count')])
    const askMuch = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count++) {
        await using remote = await connect(name, reached)
        await remote.call('erlang', 'node')
      }
      for (let count = 0; count < times; count++) {
        for await (const { status } of sweep([name], reached)) expect(status).toBe('answered')
      }
      for (let count = 0; count < times; count += 5) {
        await succeed(node, 'ping', name)
        await succeed(node, 'sweep', '--cluster', name, '--hidden', '--exclude', 'watching@*')
      }
    }
    const askAtOnce = async (): Promise<void> => {
      const remotes = await Promise.all(Array.from({ length: 20 }, () => connect(name, reached)))
      const clients = remotes.map(({ connected }) => connected.self.name.full)
      expect(new Set(clients).size).toBe(20)
      await succeed(node, 'ping', name)
      for (const remote of remotes) {
        expect(await remote.call('erlang', 'node')).toEqual(atom(name))
        await remote.close()
      }
    }
    // One that just goes is not free for the next yet.
    await askMuch(10)
    await askAtOnce()
    const before = Number(await countAtoms())
    await askMuch(20)
    await askAtOnce()
    expect(Number(await countAtoms())).toBeLessThan(before + 4)
  })

  it('says what a node with a disabled allocator leaves out, and shows the rest', async () => {
    await using poor = await startErlangNode({ release, emulatorArguments: ['+MHe', 'false'] })
    for (const command of ANALYSIS_COMMANDS) {
      expect(await succeed(poor, command, poor.name)).toMatch(
        /disabled on the node: eheap_alloc|eheap_alloc is disabled/,
      )
    }
    const { data } = JSON.parse(await succeed(poor, 'memory', poor.name, '--json'))
    expect(data.current.allocated).toBeGreaterThan(5_000_000)
    expect(data.current.allocated_types).not.toHaveProperty('eheap_alloc')
  })

  it('shows a node of 64 schedulers on one screen', async () => {
    await using large = await startErlangNode({ release, emulatorArguments: ['+S', '64:64'] })
    const text = await succeed(large, 'fragmentation', large.name)
    expect(text.split('\n').length).toBeLessThan(40)
    expect(text).toContain('and 565 more with ')
    const all = await succeed(large, 'fragmentation', large.name, '--all')
    expect(all.split('\n').length).toBeGreaterThan(585)
  })
})
