import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionRefusedError } from '../../src/net/errors.ts'
import { metricFamilies } from '../../src/present/metrics.ts'
import { metricsText } from '../../src/serve/metrics-text.ts'
import { Observations } from '../../src/serve/observations.ts'
import { startOtlp } from '../../src/serve/otlp.ts'
import { type Exported, type ExportedMetric, readOtlpRequest } from './otlp-request.ts'
import { NODE, snapshot } from './served.ts'

/** Milliseconds; a busy machine takes its time. */
const LONG = 20_000

const VERSION = '9.8.7'

interface Received {
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Exported
}

/** What stands in for a collector: a server that keeps what it is sent. */
async function startCollector(status = 200) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { headers, url: path } = request
      received.push({ path, headers, body: readOtlpRequest(Buffer.concat(chunks)) })
      response.writeHead(status, { 'Content-Type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    received,
    url: `http://127.0.0.1:${port}/v1/metrics`,
    base: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function observed(): Observations {
  const observations = new Observations([NODE])
  observations.find(NODE)?.take({ type: 'sample', node: NODE, time: 1_000, snapshot })
  return observations
}

const OPTIONS = { interval: 100, version: VERSION, instances: false, told: () => {} }

/** Lines as /metrics has them, in order. */
function lines(exported: Exported | undefined): readonly string[] {
  return (exported?.metrics ?? [])
    .flatMap(({ name, points }) =>
      points.map(({ attributes, value }) => {
        const labels = Object.entries(attributes).map(([label, text]) => `${label}="${text}"`)
        return `${name}{${labels.join(',')}} ${value}`
      }),
    )
    .sort()
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a collector', () => {
  it('is sent the same figures that /metrics has', async () => {
    await using collector = await startCollector()
    const observations = observed()
    const { url } = collector
    await using _otlp = await startOtlp(observations, { ...OPTIONS, url })
    await vi.waitUntil(() => collector.received.length > 0, LONG)
    const [first] = collector.received
    expect(first?.path).toBe('/v1/metrics')
    const families = metricFamilies(observations.nodes, { version: VERSION })
    const { text } = await metricsText(families, 'prometheus')
    const expected = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines(first?.body)).toEqual(expected.sort())
    expect(first?.headers['content-type']).toBe('application/x-protobuf')
    expect(first?.body.resource).toMatchObject({
      'service.name': 'beamscope',
      'service.version': VERSION,
    })
  })

  it('is told what is a counter, what is a gauge, and in which unit', async () => {
    await using collector = await startCollector()
    const { url } = collector
    await using _otlp = await startOtlp(observed(), { ...OPTIONS, url })
    await vi.waitUntil(() => collector.received.length > 0, LONG)
    const of = (name: string): ExportedMetric | undefined =>
      collector.received[0]?.body.metrics.find((metric) => metric.name === name)
    expect(of('beamscope_cache_calls_total')).toMatchObject({
      type: 'sum',
      isMonotonic: true,
      aggregationTemporality: 2,
    })
    expect(of('beamscope_resident_bytes')).toMatchObject({ unit: 'By', type: 'gauge' })
    expect(of('beamscope_sample_timestamp_seconds')).toMatchObject({ unit: 's', type: 'gauge' })
  })

  it('is sent no figures of a node that is gone', async () => {
    await using collector = await startCollector()
    const observations = observed()
    const { url } = collector
    await using _otlp = await startOtlp(observations, { ...OPTIONS, url })
    const last = (): readonly string[] => lines(collector.received.at(-1)?.body)
    await vi.waitUntil(() => last().some((it) => it.startsWith('erlang_vm_allocators')), LONG)
    const error = new ConnectionRefusedError('127.0.0.1:1')
    observations.take({ type: 'failure', node: NODE, time: 2_000, error })
    await vi.waitUntil(() => last().includes(`beamscope_up{node="${NODE}"} 0`), LONG)
    expect(last().filter((it) => it.startsWith('erlang_vm'))).toEqual([])
    expect(last().filter((it) => it.startsWith('beamscope_resident'))).toEqual([])
    // Counters are no exception.
    expect(last().filter((it) => it.startsWith('beamscope_cache'))).toEqual([])
    observations.remove(NODE)
    await vi.waitUntil(() => !last().some((it) => it.includes(NODE)), LONG)
    expect(last()).toEqual([`beamscope_build_info{version="${VERSION}"} 1`])
  })

  it('is named without what stands in its query', async () => {
    await using collector = await startCollector(403)
    const told: (Error | undefined)[] = []
    const url = `${collector.url}?key=secret`
    await using _otlp = await startOtlp(observed(), {
      ...OPTIONS,
      url,
      told: (error) => told.push(error),
    })
    await vi.waitUntil(() => told.length > 0, LONG)
    expect(told[0]?.message).toContain(collector.url)
    expect(told[0]?.message).not.toContain('secret')
  })

  it('is sent every series of a node with many instances', async () => {
    await using collector = await startCollector()
    const observations = new Observations([NODE])
    const allocators = snapshot.allocators
      .slice(0, 1)
      .flatMap((one) => Array.from({ length: 600 }, (_, instance) => ({ ...one, instance })))
    const large = { ...snapshot, allocators }
    observations.find(NODE)?.take({ type: 'sample', node: NODE, time: 1, snapshot: large })
    const { url } = collector
    await using _otlp = await startOtlp(observations, { ...OPTIONS, url, instances: true })
    await vi.waitUntil(() => collector.received.length > 0, LONG)
    const series = lines(collector.received[0]?.body)
    expect(series.filter((it) => it.startsWith('erlang_vm_allocators')).length).toBeGreaterThan(
      4_000,
    )
    expect(series.filter((it) => it.includes('overflow'))).toEqual([])
  })

  it('is that of the variables of the SDK, with the headers and names in them', async () => {
    await using collector = await startCollector()
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.base)
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-key=secret')
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment=lab')
    await using _otlp = await startOtlp(observed(), { ...OPTIONS, url: undefined })
    await vi.waitUntil(() => collector.received.length > 0, LONG)
    const [first] = collector.received
    expect(first?.path).toBe('/v1/metrics')
    expect(first?.headers['x-key']).toBe('secret')
    expect(first?.body.resource).toMatchObject({ 'deployment.environment': 'lab' })
  })

  it('that refuses is told of, and keeps the server from ending for no more than a moment', async () => {
    await using collector = await startCollector(403)
    const told: (Error | undefined)[] = []
    const { url } = collector
    const otlp = await startOtlp(observed(), {
      ...OPTIONS,
      url,
      told: (error) => told.push(error),
    })
    await vi.waitUntil(() => told.length > 0, LONG)
    expect(told[0]?.message).toBe(
      `the collector at ${collector.url} does not take metrics: 403 Forbidden`,
    )
    await otlp[Symbol.asyncDispose]()
  })
})
