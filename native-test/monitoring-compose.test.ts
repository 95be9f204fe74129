/**
 * Nodes, beamscope and Prometheus of docker/monitoring/compose.yaml, as docs/monitoring.md starts them.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ComposeProject, whyNoCompose } from './support/compose.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { type ExtraImage, whyNoImage } from './support/extra-images.ts'
import { findFreePort } from './support/index.ts'
import { monitoringFolder, query } from './support/prometheus.ts'

const IMAGES: readonly ExtraImage[] = ['beamscope', 'prometheus']

/** Three nodes and beamscope. */
const WITH_HEALTH = 4

const NODES = ['shop@shop1', 'shop@shop2', 'shop@shop3']
const FRAGMENTED = 'shop@shop3'

const shortfall = await whyNot()
if (shortfall !== undefined) console.error(`the compose file for monitoring skipped: ${shortfall}`)

async function whyNot(): Promise<string | undefined> {
  const reasons = [await whyNoCompose()]
  for (const image of IMAGES) reasons.push(await whyNoImage(image))
  return reasons.find((it) => it !== undefined)
}

describeUnless(shortfall, 'the compose file for monitoring', () => {
  let project: ComposeProject
  let served: string
  let prometheus: string

  beforeAll(async () => {
    const [port, prometheusPort] = [await findFreePort(), await findFreePort()]
    served = `http://127.0.0.1:${port}`
    prometheus = `http://127.0.0.1:${prometheusPort}`
    project = new ComposeProject(join(monitoringFolder, 'compose.yaml'), {
      BEAMSCOPE_PORT: `${port}`,
      PROMETHEUS_PORT: `${prometheusPort}`,
    })
    await project.run('up', '--detach')
    try {
      await vi.waitFor(async () => expect(await project.countHealthy()).toBe(WITH_HEALTH), {
        timeout: 180_000,
        interval: 500,
      })
    } catch (cause) {
      throw new Error(`not all are healthy:\n${await project.run('logs', '--no-color')}`, { cause })
    }
  })

  // Also when it did not come up.
  afterAll(() => project[Symbol.asyncDispose]())

  it('lets nobody in without the token', async () => {
    const without = await fetch(`${served}/metrics`)
    expect(without.status).toBe(401)
    const token = await project.run('exec', '-T', 'prometheus', 'cat', '/run/secrets/token')
    const headers = { Authorization: `Bearer ${token}` }
    const { status } = await fetch(`${served}/metrics`, { headers })
    expect(status).toBe(200)
  })

  it('has secrets that only the one user of all these can read', async () => {
    const listed = await project.run('exec', '-T', 'prometheus', 'ls', '-ln', '/run/secrets')
    expect(listed).toMatch(/^-r-------- 1 65534 65534 +32 .* cookie$/m)
    expect(listed).toMatch(/^-r-------- 1 65534 65534 +32 .* token$/m)
  })

  it('has a Prometheus that takes its configuration as it is', async () => {
    const config = '/etc/prometheus/prometheus.yml'
    const checked = await project.run(
      'exec',
      '-T',
      'prometheus',
      'promtool',
      'check',
      'config',
      config,
    )
    expect(checked).toContain(`${config} is valid prometheus config file`)
  })

  it('shows each node up, and the verdict of each', async () => {
    const waiting = { timeout: 60_000, interval: 500 }
    await expect.poll(() => nodesOf('beamscope_up == 1'), waiting).toEqual(NODES)
    // It may have been asked before it was what it is.
    const fragmented = 'beamscope_verdict{verdict="fragmented"} == 1'
    await expect.poll(() => nodesOf(fragmented), waiting).toEqual([FRAGMENTED])
  })

  it('alerts for the fragmented node alone', async () => {
    const alerts = 'ALERTS{alertname=~"Beamscope.+"}'
    await expect
      .poll(() => nodesOf(alerts), { timeout: 60_000, interval: 500 })
      .toEqual([FRAGMENTED])
    expect(await query(prometheus, alerts)).toMatchObject([
      { labels: { alertname: 'BeamscopeNodeFragmented', alertstate: 'pending' } },
    ])
  })

  it('knows how near the nodes are to the limit of their containers', async () => {
    const limits = await query(prometheus, 'node:beamscope_memory_limit_bytes:min')
    expect(limits.map(({ value }) => Number(value))).toEqual(NODES.map(() => 2 ** 30))
  })

  /** Nodes of an answer, in order. */
  async function nodesOf(expression: string): Promise<readonly (string | undefined)[]> {
    const series = await query(prometheus, expression)
    return series.map(({ labels }) => labels.node).sort()
  }
})
