/**
 * The cluster of docker/compose.yaml, as docs/sweeping.md goes through it: swept directly and through its
 * seed, by the built program.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { Atom, isAtom, isList } from '../src/etf/index.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { projectFolder } from '../test/snippets.ts'
import { ComposeProject, inherited, whyNoCompose } from './support/compose.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { findFreePort, type ProgramResult, runProgram } from './support/index.ts'

const COMPOSE_FILE = fileURLToPath(new URL('../docker/compose.yaml', import.meta.url))
const NODES_FILE = fileURLToPath(new URL('../docker/cluster/nodes', import.meta.url))
const GUIDE = 'docs/sweeping.md'
const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))

const HOSTS = ['shop1', 'shop2', 'shop3', 'shop4', 'shop5'] as const
type Host = (typeof HOSTS)[number]

const SEED = 'shop@shop1'

/** The node that leads the table. */
const WORST = { node: 'shop@shop3', release: '29', verdict: 'fragmented', worst: 'binary_alloc' }

/** Which of them wastes a few kilobytes more is chance. */
const HEALTHY = [
  { node: 'shop@shop1', release: '25', verdict: 'healthy', worst: null },
  { node: 'shop@shop2', release: '23', verdict: 'healthy', worst: null },
]

/** Who is connected with whom: the seed alone with the others, and nobody with the stranger. */
const CONNECTIONS: Readonly<Record<Exclude<Host, 'shop5'>, readonly string[]>> = {
  shop1: ['shop@shop2', 'shop@shop3', 'shop@shop5'],
  shop2: [SEED],
  shop3: [SEED],
  shop4: [],
}

const shortfall = await whyNoCompose()
if (shortfall !== undefined) console.error(`the compose cluster skipped: ${shortfall}`)

describeUnless(shortfall, 'the compose cluster', () => {
  const cookie = randomBytes(16).toString('hex')
  const ports = new Map<Host, number>()
  /** Of this run. */
  let project: ComposeProject
  /** The cookie that shop4 made. */
  let strange: string

  /** Where the hosts are found from here. */
  function mappings(hosts: readonly Host[]): readonly string[] {
    return hosts.flatMap((host) => ['--map', `${host}=127.0.0.1:${ports.get(host)}`])
  }

  /** Asks all nodes of the list, each at a port of its own or all through the seed. */
  function sweep(how: 'directly' | 'via', ...options: readonly string[]): Promise<ProgramResult> {
    const reach = how === 'via' ? ['--via', SEED, ...mappings(['shop1'])] : mappings(HOSTS)
    // The one that is paused always takes as long as it may.
    return beamscope('--nodes-file', NODES_FILE, ...reach, '--node-timeout', '5s', ...options)
  }

  function beamscope(...options: readonly string[]): Promise<ProgramResult> {
    return runProgram([process.execPath, MAIN, 'sweep', ...options], {
      timeout: 60_000,
      environment: { BEAMSCOPE_COOKIE: cookie, HOME: '/nowhere' },
    })
  }

  /** The guide's commands that ask the cluster; there its hosts have the ports that it has by default. */
  async function readCommands(): Promise<string> {
    const text = await readFile(join(projectFolder, GUIDE), 'utf8')
    const blocks = Array.from(text.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block)
    let commands = blocks.filter((it) => /shop\d.*npx|npx.*shop\d/s.test(it)).join('')
    for (const [host, port] of ports) {
      commands = commands.replaceAll(new RegExp(`(?<=${host}=127.0.0.1:)\\d+`, 'g'), `${port}`)
    }
    return commands
  }

  /** What a node is connected to, but for us. */
  async function connectionsOf(host: Host, secret = cookie): Promise<readonly string[]> {
    const map = new Map([[host, { host: '127.0.0.1', port: ports.get(host) }]])
    await using hidden = new HiddenNode({ cookie: new Cookie(secret), map })
    const remote = await hidden.connect(`shop@${host}`)
    const nodes = await remote.call('erlang', 'nodes', [new Atom('connected')])
    const names = isList(nodes) ? nodes.map((it) => (isAtom(it) ? it.name : '')) : []
    return names.filter((it) => it !== hidden.name).sort()
  }

  async function connections(): Promise<typeof CONNECTIONS> {
    const [shop1, shop2, shop3, shop4] = await Promise.all([
      connectionsOf('shop1'),
      connectionsOf('shop2'),
      connectionsOf('shop3'),
      connectionsOf('shop4', strange),
    ])
    return { shop1, shop2, shop3, shop4 }
  }

  beforeAll(async () => {
    for (const host of HOSTS) ports.set(host, await findFreePort())
    const variables = [...ports].map(([host, port]) => [`${host.toUpperCase()}_PORT`, `${port}`])
    project = new ComposeProject(COMPOSE_FILE, {
      ...Object.fromEntries(variables),
      BEAMSCOPE_COOKIE: cookie,
    })
    await project.run('up', '--detach')
    try {
      await vi.waitFor(async () => expect(await project.countHealthy()).toBe(HOSTS.length), {
        timeout: 120_000,
        interval: 500,
      })
    } catch (cause) {
      throw new Error(`not all are healthy:\n${await project.run('logs', '--no-color')}`, { cause })
    }
    strange = await project.run('exec', '-T', 'shop4', 'sh', '-c', 'cat /tmp/*/.erlang.cookie')
    expect(await connections()).toEqual(CONNECTIONS)
  })

  // Also when it did not come up.
  afterAll(() => project[Symbol.asyncDispose]())

  it('is the same cluster both ways, but for why a node cannot be asked', async () => {
    const [directly, via] = await Promise.all([sweep('directly', '--json'), sweep('via', '--json')])
    for (const { status, stdout } of [directly, via]) {
      expect(status).toBe(6)
      const { data, beamscope } = JSON.parse(stdout)
      expect(beamscope).toBe('sweep/1')
      const [worst, ...others] = data.nodes.map(summaryOf)
      expect(worst).toEqual(WORST)
      expect(others.sort(byNode)).toEqual(HEALTHY)
      expect(data.totals).toMatchObject({ nodes: 3, verdicts: { healthy: 2, fragmented: 1 } })
      expect(data.totals.waste).toBeGreaterThan(100 * 2 ** 20)
      expect(data.outliers).toContainEqual(
        expect.objectContaining({ node: 'shop@shop3', role: 'shop', what: 'waste' }),
      )
    }
    expect(failuresIn(directly)).toEqual([
      ['shop@shop4', 'ERR_DIST_WRONG_COOKIE'],
      ['shop@shop5', 'ERR_TIMEOUT'],
    ])
    expect(failuresIn(via)).toEqual([
      ['shop@shop4', 'ERR_CLUSTER_NOT_CONNECTED'],
      ['shop@shop5', 'ERR_TIMEOUT'],
    ])
  })

  it('is a table for people, and a line a node for programs', async () => {
    const [table, stream] = await Promise.all([sweep('directly'), sweep('via', '--ndjson')])
    expect([table.status, stream.status]).toEqual([6, 6])
    expect(table.stdout).toMatch(/^node .*\nshop@shop3 +29 +fragmented /m)
    expect(table.stdout).toMatch(/^Verdicts: 1 fragmented, 2 healthy$/m)
    expect(table.stdout).toMatch(/shop@shop4[\s\S]* the\s+cookie\s+is\s+wrong/)
    expect(table.stdout).toMatch(/shop@shop5: no answer within 5000 ms/)
    expect(table.stdout).not.toContain(cookie)
    const lines: readonly { readonly beamscope: string; readonly node: string }[] = stream.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ node }) => node).sort()).toEqual(HOSTS.map((host) => `shop@${host}`))
    // Each as soon as it is known.
    expect(lines.at(-1)).toMatchObject({ beamscope: 'sweep-failure/1', node: 'shop@shop5' })
  })

  it('is found from the seed, which does not know the stranger', async () => {
    const { status, stdout } = await beamscope(
      ...['--via', SEED, ...mappings(['shop1']), '--dry-run', '--json'],
    )
    expect(status).toBe(0)
    const { data } = JSON.parse(stdout)
    expect(data.nodes.map(({ node }: { readonly node: string }) => node)).toEqual([
      SEED,
      ...CONNECTIONS.shop1,
    ])
  })

  it('ends in 1 where there is what was asked for, although nodes failed', async () => {
    const known = ['--exclude', '*@shop5', '--json']
    const [found, limited, silent] = await Promise.all([
      sweep('directly', ...known, '--fail-on', 'fragmented'),
      sweep('via', ...known, '--max-waste', '100MiB'),
      sweep('via', ...known, '--exclude', '*@shop4', '--max-waste', '1GiB'),
    ])
    expect([found.status, limited.status, silent.status]).toEqual([1, 1, 0])
    expect(failuresIn(found)).toEqual([['shop@shop4', 'ERR_DIST_WRONG_COOKIE']])
  })

  it('does what the guide says of it', async () => {
    const script = `
      cd "${projectFolder}"
      npx() { shift; "${process.execPath}" "${MAIN}" "$@" >&2; echo "$1 $?"; }
      ${await readCommands()}`
    const { stdout, stderr } = await runProgram(['bash', '-c', script], {
      timeout: 60_000,
      environment: { ...inherited(), BEAMSCOPE_COOKIE: cookie },
    })
    const directly = ['sweep 6']
    const via = ['sweep 6', 'sweep 6', 'sweep 0', 'memory 0']
    const limited = ['sweep 1']
    expect(stdout.trim().split('\n'), stderr).toEqual([...directly, ...via, ...limited])
  })

  it('has the connections that it had', async () => {
    await expect.poll(connections, { timeout: 30_000 }).toEqual(CONNECTIONS)
  })

  // Last: from here on none is paused.
  it('gets no connection for our sake, where one could be had', async () => {
    await project.run('exec', '-T', 'shop5', 'sh', '-c', 'kill -CONT -1')
    const answer = (): Promise<readonly string[] | string> => connectionsOf('shop5').catch(String)
    await expect.poll(answer, { timeout: 30_000 }).toEqual([SEED])
    const reach = ['--via', 'shop@shop3', ...mappings(['shop3'])]
    const asked = await beamscope('shop@shop5', ...reach, '--json')
    expect(failuresIn(asked)).toEqual([['shop@shop5', 'ERR_CLUSTER_NOT_CONNECTED']])
    await expect.poll(answer, { timeout: 30_000 }).toEqual([SEED])
  })
})

interface SweptNode {
  readonly node: string
  readonly otp_release: string
  readonly data: { readonly verdict: string; readonly worst: string | null }
}

interface Summary extends Pick<SweptNode, 'node'> {
  readonly release: string
  readonly verdict: string
  readonly worst: string | null
}

function summaryOf({ node, otp_release: release, data }: SweptNode): Summary {
  return { node, release, verdict: data.verdict, worst: data.worst }
}

function byNode(left: Summary, right: Summary): number {
  return left.node < right.node ? -1 : 1
}

function failuresIn({ stdout }: ProgramResult): readonly (readonly [string, string])[] {
  const failures: readonly { readonly node: string; readonly code: string }[] =
    JSON.parse(stdout).data.failures
  return failures.map(({ node, code }) => [node, code])
}
