/** The files of docker/monitoring agree with each other and with docs/monitoring.md, and promtool takes them. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { METRIC_NAMES } from '../src/present/metrics.ts'
import { projectFolder } from '../test/snippets.ts'
import { dashboardFile, expressionsOf, type Panel, readDashboard } from './support/dashboard.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { type ProgramResult, runProgram } from './support/index.ts'
import { monitoringFolder, whyNoPrometheus } from './support/prometheus.ts'
import { readYaml, whyNoYaml } from './support/yaml.ts'

const GUIDE = join(projectFolder, 'docs/monitoring.md')

const shortfall = (await whyNoPrometheus()) ?? (await whyNoYaml())
if (shortfall !== undefined) console.error(`the files for monitoring skipped: ${shortfall}`)

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly annotations: { readonly runbook: string }
    }[]
  }[]
}

interface Service {
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
}

interface DataSources {
  readonly datasources: readonly { readonly type: string; readonly url: string }[]
}

interface Providers {
  readonly providers: readonly { readonly options: { readonly path: string } }[]
}

type Components = Readonly<Record<string, unknown>>

interface Collector {
  readonly receivers: Components
  readonly processors: Components
  readonly exporters: Components
  readonly service: { readonly pipelines: Components }
}

function path(file: string): string {
  return join(monitoringFolder, file)
}

function promtool(...options: readonly string[]): Promise<ProgramResult> {
  return runProgram(['promtool', ...options], { timeout: 60_000 })
}

describeUnless(shortfall, 'the files for monitoring', () => {
  it('are taken by promtool, and alerts fire when they are to', async () => {
    const checked = await Promise.all([
      promtool('check', 'config', '--syntax-only', path('prometheus.yml')),
      promtool('check', 'rules', path('rules.yml'), path('alerts.yml')),
      promtool('test', 'rules', path('alerts.test.yml')),
    ])
    for (const { status, stdout, stderr } of checked) expect(status, stdout + stderr).toBe(0)
  })

  it('have a test and a paragraph of the guide for each alert', async () => {
    const { groups } = await readYaml<Alerts>(path('alerts.yml'))
    const alerts = groups.flatMap(({ rules }) => rules)
    const names = alerts.map(({ alert }) => alert)
    expect(names.length).toBeGreaterThan(8)
    const tests = await readFile(path('alerts.test.yml'), 'utf8')
    const guide = await readFile(GUIDE, 'utf8')
    const fired = Array.from(tests.matchAll(/alertname: (\w+)\n.*\n +exp_alerts:/g), ([, it]) => it)
    expect(names.filter((it) => !fired.includes(it))).toEqual([])
    expect(Array.from(guide.matchAll(/^### (Beamscope\w+)$/gm), ([, it]) => it).sort()).toEqual(
      names.toSorted(),
    )
    expect(alerts.map(({ annotations }) => annotations.runbook)).toEqual(
      names.map((it) => `docs/monitoring.md, ${it}`),
    )
  })

  it('name no metric and no rule that is not there', async () => {
    const { panels } = await readDashboard()
    const rules = await readFile(path('rules.yml'), 'utf8')
    const alerts = await readFile(path('alerts.yml'), 'utf8')
    const text = [...panels.flatMap(expressionsOf), rules, alerts].join('\n')
    const metrics = Array.from(
      text.matchAll(/(?<![:\w])(?:beamscope|erlang_vm)_\w+/g),
      ([it]) => it,
    )
    const known: readonly string[] = METRIC_NAMES
    expect(metrics.filter((it) => !known.includes(it))).toEqual([])
    const recorded = Array.from(text.matchAll(/\bnode:\w+:\w+/g), ([it]) => it)
    expect(recorded.filter((it) => !rules.includes(`- record: ${it}\n`))).toEqual([])
  })

  it('have a dashboard on which no panel lies on another, with the variables that it names', async () => {
    const { panels, templating, uid } = await readDashboard()
    expect(uid).toBe('beamscope')
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(panels.flatMap((it, index) => panels.slice(index + 1).filter(overlaps(it)))).toEqual([])
    const names = templating.list.map(({ name }) => name)
    const text = await readFile(dashboardFile, 'utf8')
    const used = Array.from(text.matchAll(/\$\{?([a-z]\w*)/g), ([, name = '']) => name)
    expect([...new Set(used)].sort()).toEqual(names.toSorted())
  })

  it('have Grafana find the dashboard and Prometheus where the Compose file has them', async () => {
    const { services } = await readYaml<ComposeFile>(path('compose.yaml'))
    const { datasources } = await readYaml<DataSources>(
      path('grafana/provisioning/datasources/prometheus.yaml'),
    )
    const { providers } = await readYaml<Providers>(
      path('grafana/provisioning/dashboards/beamscope.yaml'),
    )
    expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090' }])
    expect(services.prometheus).toBeDefined()
    const inside = `${providers[0]?.options.path}/beamscope.json`
    expect(services.grafana).toMatchObject({
      environment: { GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: inside },
      volumes: [
        './grafana/provisioning:/etc/grafana/provisioning:ro',
        `./grafana/${basename(dashboardFile)}:${inside}:ro`,
      ],
    })
  })

  it('have beamscope on loopback alone, hardened, with no secret but in files', async () => {
    const { services } = await readYaml<ComposeFile>(path('compose.yaml'))
    for (const { ports = [] } of Object.values(services)) {
      expect(ports.filter((it) => !it.startsWith('127.0.0.1:'))).toEqual([])
    }
    expect(services.beamscope).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      user: '65534:65534',
      init: true,
    })
    expect(services.beamscope).not.toHaveProperty('environment')
  })

  it('have a collector whose pipeline has all its parts, and uses each', async () => {
    const { exporters, processors, receivers, service } = await readYaml<Collector>(
      path('otel-collector.yaml'),
    )
    expect(service.pipelines).toEqual({
      metrics: {
        receivers: Object.keys(receivers),
        processors: Object.keys(processors),
        exporters: Object.keys(exporters),
      },
    })
    expect(receivers).toEqual({ otlp: { protocols: { http: { endpoint: '127.0.0.1:4318' } } } })
  })
})

function overlaps({ gridPos: left }: Panel): (other: Panel) => boolean {
  return ({ gridPos: right }) =>
    left.x < right.x + right.w &&
    right.x < left.x + left.w &&
    left.y < right.y + right.h &&
    right.y < left.y + left.h
}
