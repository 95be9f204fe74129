/**
 * The commands that need a live node: how they are called, and what they say of a node that cannot tell.
 */
import { describe, expect, it } from 'vitest'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { type CliResult, runCli } from './run-cli.ts'

async function onReplay(...argv: readonly string[]): Promise<CliResult> {
  await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
  return await runCli(
    argv.map((word) => (word === 'NODE' ? node.name : word)),
    { env: { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` } },
  )
}

describe('carriers', () => {
  it.each<readonly [argv: readonly string[], message: RegExp]>([
    [[], /a NODE is missing/],
    [['a@b', '--allocator', 'x'], /Allowed choices are temp_alloc, .*literal_alloc/],
    [['a@b', '--scheduler', 'one'], /whole number from 0 to 1024/],
    [['a@b', '--histogram-start', '0'], /whole number from 1 to 268435456/],
    [['a@b', '--histogram-width', '33'], /whole number from 1 to 32/],
    [['a@b', '--snapshot', 'x'], /unknown option '--snapshot'/],
  ])('%j is a wrong command line', async (argv, message) => {
    const { code, stdout, stderr } = await runCli(['carriers', ...argv])
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('teaches what it runs, what that needs, and what the figures mean', async () => {
    const { code, stdout } = await runCli(['carriers', '--help'])
    const text = stdout.replaceAll(/\s+/g, ' ')
    expect(code).toBe(0)
    expect(text).toContain('It runs instrument:carriers/1 on the node')
    expect(text).toContain('runtime_tools from OTP 26 on, of tools before')
    expect(text).toContain('"free_blocks"')
    expect(stdout).toMatch(/\$ beamscope carriers rabbit@myhost --allocator binary_alloc/)
  })

  it('says which application is missing on the node', async () => {
    const { code, stdout, stderr } = await onReplay('carriers', 'NODE')
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/has no module instrument, which is in \w+ on OTP \d+\n {2}hint: add /)
  })
})

describe('diagnose --deep', () => {
  it.each([['--snapshot', binarySpikeFile], ['a@b', '--snapshot', binarySpikeFile], []])(
    'needs a node, and no file',
    async (...argv) => {
      const { code, stdout, stderr } = await runCli(['diagnose', '--deep', ...argv])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/--deep needs a NODE.*\n {2}hint: .*name a live node/)
    },
  )

  it('says what is read, and what is not', async () => {
    const { stdout } = await runCli(['diagnose', '--help'])
    const text = stdout.replaceAll(/\s+/g, ' ')
    expect(text).toContain('process_info/2 and ets:info/1')
    expect(text).toContain('No message, row, dictionary or byte of a binary is read')
  })

  it('diagnoses a node that tells nothing of its processes all the same', async () => {
    const { code, stdout, stderr } = await onReplay('diagnose', 'NODE', '--deep')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('VERDICT  fragmented')
    expect(stdout).toMatch(/Looked at 0 of 0 processes.*\nNot looked at:\n- tables: .*undef/)
    const json = await onReplay('diagnose', 'NODE', '--deep', '--json')
    expect(JSON.parse(json.stdout).data).toMatchObject({
      verdict: 'fragmented',
      holders: { processes: { total: 0, looked_at: 0 }, referred_to: 0, largest_tables: [] },
    })
  })

  it('ends as other diagnoses do with --fail-on', async () => {
    expect((await onReplay('diagnose', 'NODE', '--deep', '--fail-on', 'fragmented')).code).toBe(1)
    expect((await onReplay('diagnose', 'NODE', '--deep', '--fail-on', 'in-use')).code).toBe(0)
  })
})
