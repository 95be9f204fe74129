/**
 * A real Prometheus scrapes `beamscope serve` on real nodes: it has the very figures that commands print, and answers
 * all that the dashboard and the alerts of docker/monitoring ask of it.
 */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { METRIC_NAMES } from '../src/present/metrics.ts'
import { availableReleases } from '../src/testing/releases.ts'
import { expressionsOf, readDashboard } from './support/dashboard.ts'
import { describeUnless } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  erlangReleases,
  runProgram,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { monitoringFolder, Prometheus, type Series, whyNoPrometheus } from './support/prometheus.ts'
import { RunningProgram } from './support/running-program.ts'

const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))

/** What it has makes the newest of the nodes fragmented. */
const CLUSTER_FOLDER = fileURLToPath(new URL('../docker/cluster', import.meta.url))

const shortfall = await whyNot()
if (shortfall !== undefined) console.error(`Prometheus skipped: ${shortfall}`)

async function whyNot(): Promise<string | undefined> {
  const missing = await whyNoPrometheus()
  if (missing !== undefined) return missing
  const available = await availableReleases()
  return erlangReleases.every((it) => available.includes(it))
    ? undefined
    : 'not every release has an image; start a Docker engine'
}

/** Of `memory --json`, as the API answers it. */
interface MemoryAnswer {
  readonly taken_at: string
  readonly data: {
    readonly current: {
      readonly allocated: number
      readonly used: number
      readonly allocated_types: Readonly<Record<string, number>>
      readonly allocated_instances: Readonly<Record<string, number>>
    }
  }
}

describeUnless(shortfall, 'Prometheus', () => {
  const token = randomBytes(16).toString('hex')
  const cookie = randomBytes(16).toString('hex')
  let folder: TemporaryFolder
  const nodes: ErlangNode[] = []
  let served: string
  let server: RunningProgram
  let prometheus: Prometheus

  /** Asks each node once, and then not for an hour: so what is compared is one and the same sample. */
  async function startServer(tokenFile: string): Promise<void> {
    const names = nodes.map(({ name }) => name)
    const options = ['--listen', '127.0.0.1:0', '--interval', '60m', '--instances']
    const reach = ['--epmd-port', `${nodes[0]?.epmdPort}`, '--token-file', tokenFile]
    server = await RunningProgram.start(
      [process.execPath, MAIN, 'serve', ...names, ...reach, ...options],
      {
        environment: { BEAMSCOPE_COOKIE: cookie, HOME: folder.path },
        ready: new RegExp(names.map((it) => `(?=[^]*^${it} answers$)`).join(''), 'm'),
      },
    )
    served = /Serving .* at (http:\S+)\//.exec(server.output)?.[1] ?? ''
  }

  async function get(path: string): Promise<string> {
    const response = await fetch(`${served}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    })
    expect(response.status).toBe(200)
    return response.text()
  }

  function metrics(): Promise<string> {
    return get('/metrics')
  }

  async function memoryOf(node: string): Promise<MemoryAnswer> {
    return JSON.parse(await get(`/api/nodes/${node}/memory`))
  }

  /** Values by one of their labels. */
  async function valuesBy(label: string, expression: string): Promise<Record<string, string>> {
    const series = await prometheus.query(expression)
    return Object.fromEntries(series.map(({ labels, value }) => [labels[label] ?? '', value]))
  }

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    for (const release of erlangReleases) {
      const shared = nodes[0] && { epmdPort: nodes[0].epmdPort }
      nodes.push(await startErlangNode({ release, cookie, folders: [CLUSTER_FOLDER], ...shared }))
    }
    const fragmented = join(CLUSTER_FOLDER, 'fragmented.erl')
    expect(await nodes.at(-1)?.evaluate(`file:eval("${fragmented}")`)).toBe('ok')
    const tokenFile = join(folder.path, 'token')
    await writeFile(tokenFile, token, { mode: 0o400 })
    await startServer(tokenFile)
    prometheus = await Prometheus.start({ target: new URL(served).host, tokenFile })
    await vi.waitFor(
      async () => {
        expect(await prometheus.query('node:beamscope_waste:ratio')).toHaveLength(nodes.length)
      },
      { timeout: 60_000, interval: 200 },
    )
  })

  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    for (const node of nodes) await node.kill()
    await folder?.[Symbol.asyncDispose]()
  })

  it('finds each node up, on four releases', async () => {
    expect(await valuesBy('node', 'beamscope_up')).toEqual(
      Object.fromEntries(nodes.map(({ name }) => [name, '1'])),
    )
  })

  it('has the bytes that the API has, as `memory --json` prints them, to the last', async () => {
    for (const { name } of nodes) {
      const { data, taken_at: takenAt } = await memoryOf(name)
      const { allocated_types: types, allocated_instances: instances } = data.current
      const ofNode = `node="${name}"`
      const [sampledAt] = await prometheus.query(`beamscope_sample_timestamp_seconds{${ofNode}}`)
      expect(Number(sampledAt?.value)).toBe(Date.parse(takenAt) / 1000)
      // recon leaves literals out.
      const carriers = `erlang_vm_allocators{${ofNode}, usage="carriers_size", alloc!="literal_alloc"}`
      expect(await valuesBy('alloc', `sum by (alloc) (${carriers})`)).toMatchObject(texts(types))
      expect(await valuesBy('instance_no', `sum by (instance_no) (${carriers})`)).toEqual(
        texts(instances),
      )
      const blocks = `erlang_vm_allocators{${ofNode}, usage="blocks_size", alloc!="literal_alloc"}`
      expect(await prometheus.query(`sum (${carriers})`)).toEqual(single(data.current.allocated))
      expect(await prometheus.query(`sum (${blocks})`)).toEqual(single(data.current.used))
    }
  })

  it('has the figures that a command prints, where both are of one recorded sample', async () => {
    const { name = '', epmdPort = 0 } = nodes.at(-1) ?? {}
    const file = join(folder.path, 'node.recording')
    const beamscope = [process.execPath, MAIN] as const
    const environment = { BEAMSCOPE_COOKIE: cookie, HOME: folder.path }
    const run = async (...argv: readonly string[]): Promise<string> => {
      const program = [...beamscope, ...argv] as const
      const { status, stdout, stderr } = await runProgram(program, { environment, timeout: 60_000 })
      expect({ status, stderr }).toMatchObject({ status: 0 })
      return stdout
    }
    await run('record', name, '--epmd-port', `${epmdPort}`, '-o', file, '--samples', '1')
    const { data }: MemoryAnswer = JSON.parse(await run('memory', '--snapshot', file, '--json'))
    const tokenFile = join(folder.path, 'token')
    const options = ['--listen', '127.0.0.1:0', '--token-file', tokenFile]
    await using recorded = await RunningProgram.start(
      [...beamscope, 'serve', '--snapshot', file, ...options],
      { environment, ready: /Serving .* at http:/ },
    )
    const [, url = ''] = /Serving .* at (http:\S+)\//.exec(recorded.output) ?? []
    await using another = await Prometheus.start({ target: new URL(url).host, tokenFile })
    const carriers = 'erlang_vm_allocators{usage="carriers_size", alloc!="literal_alloc"}'
    const blocks = 'erlang_vm_allocators{usage="blocks_size", alloc!="literal_alloc"}'
    const values = async (expression: string): Promise<readonly string[]> =>
      (await another.query(expression)).map(({ value }) => value)
    await expect
      .poll(() => values(`sum (${carriers})`), { timeout: 60_000 })
      .toEqual([`${data.current.allocated}`])
    expect(await values(`sum (${blocks})`)).toEqual([`${data.current.used}`])
    for (const [alloc, bytes] of Object.entries(data.current.allocated_types)) {
      expect(
        await values(`sum (erlang_vm_allocators{usage="carriers_size", alloc="${alloc}"})`),
      ).toEqual([`${bytes}`])
    }
  })

  it('has the verdict, and what adds up to it', async () => {
    const fragmented = nodes.at(-1)?.name
    expect(await valuesBy('node', 'beamscope_verdict{verdict="fragmented"} == 1')).toEqual({
      [String(fragmented)]: '1',
    })
    for (const { name } of nodes) {
      const { data } = JSON.parse(await get(`/api/nodes/${name}/diagnose`))
      const [verdict] = await prometheus.query(`beamscope_verdict{node="${name}"} == 1`)
      expect(verdict?.labels.verdict).toBe(data.verdict)
      const findings: readonly { readonly severity: string }[] = data.findings
      expect(await prometheus.query(`sum (beamscope_findings{node="${name}"})`)).toEqual(
        single(findings.length),
      )
    }
  })

  it('is given text that promtool finds nothing in, of each metric that is known', async () => {
    const text = await metrics()
    const { status, stdout, stderr } = await runProgram(['promtool', 'check', 'metrics'], {
      input: text,
      timeout: 60_000,
    })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
    const names = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name))
    // Nodes that all answer have no failures.
    const missing = METRIC_NAMES.filter((it) => !names.has(it))
    expect(missing).toEqual(['beamscope_sample_failures_total'])
  })

  it('has each alert of the file, and the fragmented node is pending', async () => {
    const text = await readFile(join(monitoringFolder, 'alerts.yml'), 'utf8')
    const names = Array.from(text.matchAll(/^ +- alert: (\w+)$/gm), ([, name]) => name)
    expect(names.length).toBeGreaterThan(8)
    await expect.poll(rules, { timeout: 60_000 }).toEqual(names.map((name) => `${name} ok`).sort())
    // An alert may have been evaluated before there was a sample.
    await expect
      .poll(
        () => prometheus.query('ALERTS{alertname="BeamscopeNodeFragmented", alertstate="pending"}'),
        { timeout: 60_000 },
      )
      .toMatchObject([{ labels: { node: nodes.at(-1)?.name, severity: 'warning' } }])
  })

  /** Of alerts, with whether they could be evaluated. */
  async function rules(): Promise<readonly string[]> {
    const response = await fetch(`${prometheus.url}/api/v1/rules?type=alert`)
    const { data }: RulesAnswer = JSON.parse(await response.text())
    const all = data.groups.flatMap((group) => group.rules)
    return all.map(({ health, name }) => `${name} ${health}`).sort()
  }

  it('answers what the dashboard asks', async () => {
    const { panels } = await readDashboard()
    const empty: string[] = []
    for (const panel of panels) {
      const answers = await Promise.all(expressionsOf(panel).map((it) => prometheus.query(it)))
      if (answers.length > 0 && answers.flat().length === 0) empty.push(panel.title)
    }
    // Nothing is asked of the cache within a minute, and no question failed.
    expect(
      empty.filter((title) => !['Segments from the cache', 'Failures'].includes(title)),
    ).toEqual([])
  })
})

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string }[]
    }[]
  }
}

/** As Prometheus writes them. */
function texts(figures: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(figures).map(([key, figure]) => [key, `${figure}`]))
}

/** One series without labels. */
function single(figure: number): readonly Series[] {
  return [{ labels: {}, value: `${figure}` }]
}
