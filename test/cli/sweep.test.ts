/**
 * Several nodes at once, by the command line: replayed ones over real sockets, and some that fail.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Json } from '../../src/analysis/json.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { Answers } from '../../src/replay/answers.ts'
import { createTemporaryFolder, type TemporaryFolder } from '../../src/testing/temporary-folder.ts'
import { type Answerer, Raised, ScriptedCluster } from '../cluster/scripted-cluster.ts'
import { type CliOptions, type CliResult, runCli } from './run-cli.ts'

/** A node that answers what a node of a known state did. */
function replaying(state: string, node: string): Answerer {
  const file = new URL(`../fixtures/diagnosis/${state}/${node}.etf`, import.meta.url)
  const answers = new Answers(readSnapshot(readFileSync(file)).raw)
  return (module, name, args) => {
    const outcome = answers.answer(module, name, args)
    if (outcome.type === 'error') throw new Raised(outcome.reason)
    return outcome.value
  }
}

const WELL = ['shop1@127.0.0.1', 'shop2@127.0.0.1', 'shop3@127.0.0.1', 'shop4@127.0.0.1'] as const

let cluster: ScriptedCluster
let folder: TemporaryFolder

beforeAll(async () => {
  folder = await createTemporaryFolder()
  cluster = await ScriptedCluster.start({
    [WELL[0]]: replaying('idle', 'otp27-s2'),
    [WELL[1]]: replaying('idle', 'otp27-s2'),
    [WELL[2]]: replaying('idle', 'otp25-s2'),
    [WELL[3]]: replaying('binary-fragmented', 'otp27-s2'),
    'foreign@127.0.0.1': 'foreign',
    'silent@127.0.0.1': 'silent',
  })
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const env = { BEAMSCOPE_COOKIE: 'secret', ERL_EPMD_PORT: `${cluster.options.epmdPort}` }
  return runCli(argv, { ...options, env: { ...env, ...options.env } })
}

async function json(...argv: readonly string[]): Promise<Record<string, Json>> {
  return JSON.parse((await cli([...argv, '--json'])).stdout)
}

describe('sweep', () => {
  it('prints the worst node first, the sums, who differs, and where to go on', async () => {
    const { code, stdout } = await cli(['sweep', ...WELL])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Sweep {2}4 nodes\n4 of 4 nodes answered/)
    const [first, ...others] = stdout.match(/^shop.*$/gm) ?? []
    expect(first).toMatch(/^shop4@127\.0\.0\.1 +27 +fragmented/)
    expect(others.map((line) => line.split(/ +/).slice(0, 3))).toEqual(
      expect.arrayContaining([
        ['shop1@127.0.0.1', '27', 'healthy'],
        ['shop2@127.0.0.1', '27', 'healthy'],
        ['shop3@127.0.0.1', '25', 'healthy'],
      ]),
    )
    expect(stdout).toMatch(/^all 4 nodes /m)
    expect(stdout).toMatch(/Unlike their peers\n(.|\n)*shop4@127\.0\.0\.1 wastes/)
    expect(stdout).toMatch(/^- shop3@127\.0\.0\.1 .*25/m)
    expect(stdout).toMatch(/Next: beamscope diagnose shop4@127\.0\.0\.1/)
    expect(stdout).not.toContain('Did not answer')
  })

  it('says of each node that failed why, and ends with 6', async () => {
    const argv = ['sweep', ...WELL, 'foreign@127.0.0.1', 'silent@127.0.0.1', 'absent@127.0.0.1']
    const { code, stdout } = await cli([...argv, '--node-timeout', '3s'])
    expect(code).toBe(6)
    expect(stdout).toMatch(/^4 of 7 nodes answered/m)
    const failures = stdout.slice(stdout.indexOf('Did not answer')).replaceAll(/\s+/g, ' ')
    expect(failures).toMatch(/foreign@127\.0\.0\.1 .*the cookie is wrong/)
    expect(failures).toMatch(/silent@127\.0\.0\.1: no answer within 3000 ms hint: .*--node-timeout/)
    expect(failures).toMatch(/no node is registered as absent/)
  })

  it('is an object with a frame for each node', async () => {
    const answer = await json('sweep', ...WELL, 'absent@127.0.0.1')
    expect(answer).toMatchObject({ beamscope: 'sweep/1', node: null, unit: 'byte' })
    expect(answer.data).toMatchObject({
      command: 'sweep',
      nodes: [
        {
          beamscope: 'sweep-node/1',
          node: WELL[3],
          otp_release: '27',
          unit: 'byte',
          data: { verdict: 'fragmented', worst: 'binary_alloc', schedulers: 2 },
        },
        { data: { verdict: 'healthy' } },
        { data: { verdict: 'healthy' } },
        { data: { verdict: 'healthy' } },
      ],
      totals: { nodes: 4, verdicts: { healthy: 3, fragmented: 1 } },
      exceeded: [],
      failures: [{ node: 'absent@127.0.0.1', code: 'ERR_EPMD_NAME_NOT_REGISTERED' }],
      sources: [],
    })
  })

  it('streams a line for each node, failures among them', async () => {
    const argv = ['sweep', ...WELL, 'absent@127.0.0.1', '--epmd-host', 'localhost', '--ndjson']
    const { code, stdout } = await cli([...argv, '--match', '*@127.0.0.1'])
    expect(code).toBe(6)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ node }) => node).toSorted()).toEqual(['absent@127.0.0.1', ...WELL])
    const kinds = lines.map(({ beamscope }) => beamscope)
    expect(kinds.filter((kind) => kind === 'sweep-node/1')).toHaveLength(4)
    expect(kinds.filter((kind) => kind === 'sweep-failure/1')).toHaveLength(1)
  })

  it('ends with 1 at what it is to fail on, though others failed', async () => {
    const codeOf = async (...argv: readonly string[]) => (await cli(['sweep', ...argv])).code
    expect(await codeOf(...WELL, '--fail-on', 'fragmented')).toBe(1)
    expect(await codeOf(...WELL, 'absent@127.0.0.1', '--fail-on', 'fragmented')).toBe(1)
    expect(await codeOf(WELL[0], WELL[1], '--fail-on', 'fragmented')).toBe(0)
    expect(await codeOf(...WELL, '--max-waste', '100MiB')).toBe(1)
    expect(await codeOf(...WELL, '--max-waste', '10GiB')).toBe(0)
    expect(await codeOf(...WELL, '--min-usage', '20%')).toBe(1)
    expect(await codeOf(...WELL, '--min-usage', '0.01')).toBe(0)
    expect(await codeOf(...WELL, '--max-resident', '100MB')).toBe(1)
    expect(await codeOf(...WELL, '--max-resident', '1TiB')).toBe(0)
  })

  it('names the nodes that are beyond a limit', async () => {
    const { stdout } = await cli(['sweep', ...WELL, '--max-waste', '100MiB'])
    expect(stdout).toMatch(/Beyond the limits\n- shop4@127\.0\.0\.1 wastes \d+ MiB, and 100 MiB at/)
    expect((await json('sweep', ...WELL, '--min-usage', '20%')).data).toMatchObject({
      exceeded: [{ node: WELL[3], what: 'usage', value: expect.any(Number), limit: 0.2 }],
    })
  })

  it('sorts by what is asked for', async () => {
    const { stdout } = await cli(['sweep', ...WELL, '--sort', 'node'])
    expect(stdout.match(/^shop\d/gm)).toEqual(['shop1', 'shop2', 'shop3', 'shop4'])
  })

  it('takes names from a file, from standard input and from EPMD, and asks each node once', async () => {
    const file = join(folder.path, 'nodes.txt')
    await writeFile(file, `# The shop\n${WELL[0]}\n\n${WELL[1]}\n`)
    const before = cluster.connected.length
    const none = await cli(['sweep', WELL[0], '--nodes-file', file, '--match', 'web*'])
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toMatch(/there is no node to ask\n {2}hint: --dry-run/)
    const named = await cli([
      ...['sweep', WELL[0], '--nodes-file', file, '--epmd-host', '127.0.0.1'],
      ...['--match', 'shop*', '--exclude', 'shop4*', '--exclude', '*3@*'],
    ])
    expect(named.stdout).toMatch(/^2 of 2 nodes answered/m)
    expect(cluster.connected.slice(before).toSorted()).toEqual([WELL[0], WELL[1]])
    const input = await cli(['sweep', '--nodes-file', '-'], { input: `${WELL[2]}\r\n` })
    expect(input.stdout).toMatch(/^1 of 1 node answered/m)
  })

  it('shows the list without asking anybody', async () => {
    const before = cluster.connected.length
    const argv = ['sweep', WELL[0], '--epmd-host', '127.0.0.1', '--dry-run']
    const { code, stdout } = await cli(argv)
    expect(code).toBe(0)
    expect(stdout).toMatch(/shop1@127\.0\.0\.1 +given\n/)
    expect(stdout).toMatch(/silent@127\.0\.0\.1 +EPMD of 127\.0\.0\.1\n/)
    expect(await json(...argv)).toMatchObject({
      beamscope: 'sweep-nodes/1',
      data: { nodes: expect.arrayContaining([{ node: WELL[0], source: 'given' }]), sources: [] },
    })
    expect(cluster.connected.length).toBe(before)
  })

  it('goes on without a source that fails, and says so', async () => {
    const argv = ['sweep', WELL[0], '--cluster', 'absent@127.0.0.1']
    const { code, stdout } = await cli(argv)
    expect(code).toBe(6)
    expect(stdout).toMatch(/^1 of 1 node answered/m)
    expect(stdout).toMatch(/Not found\n- .*absent/)
    expect((await json(...argv)).data).toMatchObject({
      sources: [{ source: 'seed absent@127.0.0.1', code: 'ERR_EPMD_NAME_NOT_REGISTERED' }],
    })
  })

  it('suggests to ask the worst node in the way in which it was asked', async () => {
    const { stdout } = await cli(['sweep', WELL[3], '--via', WELL[3], '--timeout', '20s'])
    expect(stdout).toMatch(/Next: beamscope diagnose shop4@127\.0\.0\.1 --via shop4@127\.0\.0\.1$/m)
  })

  it('fails as the only source of names did', async () => {
    const { code, stdout, stderr } = await cli(['sweep', '--cluster', 'foreign@127.0.0.1'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(/seed foreign@127\.0\.0\.1.*the cookie is wrong/)
    expect((await cli(['sweep', '--cluster', 'absent@127.0.0.1'])).code).toBe(3)
    expect((await cli(['sweep', '--via', 'absent@127.0.0.1', WELL[0]])).code).toBe(3)
  })

  it('ends when its time is over, with what there is', async () => {
    const { code, stdout } = await cli([
      ...['sweep', WELL[0], 'silent@127.0.0.1', '--timeout', '700', '--node-timeout', '1m'],
    ])
    expect(code).toBe(6)
    expect(stdout).toMatch(/^1 of 2 nodes answered/m)
    expect(stdout).toMatch(/the whole sweep: no answer within \d+ ms/)
  })

  it('ends at Ctrl-C, and leaves no connection', async () => {
    const controller = new AbortController()
    const { InterruptedError } = await import('../../src/cli/interruption.ts')
    const running = cli(['sweep', ...WELL, 'silent@127.0.0.1'], { signal: controller.signal })
    await expect.poll(() => cluster.open).toContain('silent@127.0.0.1')
    controller.abort(new InterruptedError('SIGINT'))
    expect((await running).code).toBe(130)
    await expect.poll(() => cluster.open).toEqual([])
  })

  it('teaches how nodes are named, and what the figures mean', async () => {
    const { stdout } = await cli(['sweep', '--help'])
    for (const word of [
      '--cluster',
      '--via',
      '--dns',
      '--ndjson',
      'Several nodes:',
      'exit code is 6',
    ])
      expect(stdout).toContain(word)
  })
})

describe('every analysis command', () => {
  const COMMANDS = [
    'diagnose',
    'memory',
    'fragmentation',
    'average-block-sizes',
    'sbcs-to-mbcs',
    'cache-hit-rates',
    'allocators',
  ] as const

  it.each(COMMANDS)('%s prints for each node what it prints for one', async (command) => {
    const [, second, third] = WELL
    const together = await cli([command, third, second, 'absent@127.0.0.1'])
    expect(together.code).toBe(6)
    const single = async (node: string) => timeless((await cli([command, node])).stdout.trimEnd())
    expect(timeless(together.stdout)).toContain(
      `${await single(third)}\n\n${await single(second)}\n\nDid not answer\n- `,
    )
  })

  it.each(COMMANDS)('%s gives of each node the object that it gives of one', async (command) => {
    const [first, second] = WELL
    const { data } = await json(command, first, second, 'absent@127.0.0.1')
    const one = { ...(await json(command, second)), taken_at: expect.any(String) }
    expect(data).toMatchObject({
      command,
      nodes: [{ beamscope: `${command}/1`, node: first }, { node: second }],
      failures: [{ node: 'absent@127.0.0.1', code: 'ERR_EPMD_NAME_NOT_REGISTERED' }],
    })
    expect(Reflect.get(Object(Reflect.get(Object(data), 'nodes')), 1)).toEqual(withoutTimes(one))
    const { stdout } = await cli([command, second, '--ndjson'])
    expect(JSON.parse(stdout)).toEqual(withoutTimes(one))
  })

  it('fails on what diagnose fails on, of any node', async () => {
    expect((await cli(['diagnose', ...WELL, '--fail-on', 'fragmented'])).code).toBe(1)
    expect((await cli(['diagnose', WELL[0], WELL[1], '--fail-on', 'fragmented'])).code).toBe(0)
  })

  it('proposes flags node by node', async () => {
    const { stdout } = await cli(['diagnose', WELL[3], WELL[0], '--vm-args'])
    expect(stdout).toMatch(
      /^# shop4@127\.0\.0\.1\n(.|\n)*\+MBas(.|\n)*\n# shop1@127\.0\.0\.1\n# Nothing/,
    )
  })

  it('carriers says of each node what it lacks', async () => {
    const { code, stdout } = await cli(['carriers', WELL[0], WELL[1]])
    expect(code).toBe(6)
    expect(stdout.match(/shop[12]@127\.0\.0\.1 has no module instrument/g)).toHaveLength(2)
    expect(stdout.match(/hint:/g)).toHaveLength(1)
  })
})

/** Times, and how long an answer took, are of each look. */
function timeless(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
}

function withoutTimes(object: object): object {
  return { ...object, taken_at: expect.any(String) }
}
