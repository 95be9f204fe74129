/** Real nodes served: their API against what commands print, their metrics, and their page in Chromium. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Json } from '../src/analysis/json.ts'
import { COMMAND_JSON } from '../src/present/command-json.ts'
import { runCli } from '../test/cli/run-cli.ts'
import { type Serving, startServing } from '../test/cli/serving.ts'
import { request } from '../test/serve/served.ts'
import { accessibilityViolations, openPage, startBrowser, whyNoBrowser } from './support/browser.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

/** Milliseconds; a busy machine takes its time. */
const LONG = { timeout: 60_000, interval: 100 }

const MiB = 2 ** 20

function environment(node: ErlangNode): Readonly<Record<string, string>> {
  return {
    BEAMSCOPE_COOKIE: node.cookie,
    ERL_EPMD_PORT: `${node.epmdPort}`,
    HOME: '/nowhere',
  }
}

/** Series by what stands before their values. */
async function metricsOf({ port }: Serving): Promise<ReadonlyMap<string, number>> {
  const { body } = await request(port, '/metrics')
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end))]
    }),
  )
}

async function untilUp(served: Serving, node: ErlangNode, up: number): Promise<void> {
  await vi.waitUntil(
    async () => (await metricsOf(served)).get(`beamscope_up{node="${node.name}"}`) === up,
    LONG,
  )
}

/** Keys and types, however many there are of each: figures are those of another moment. */
function shapeOf(json: Json): Json {
  if (json === null || typeof json !== 'object')
    return typeof json === 'string' ? 'string' : 'figure'
  if (Array.isArray(json)) {
    const list: readonly Json[] = json
    return [...new Set(list.map((it) => JSON.stringify(shapeOf(it))))].sort()
  }
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, shapeOf(value)]))
}

describeOnEachRelease('a node that is served', (release) => {
  let node: ErlangNode
  let served: Serving
  beforeAll(async () => {
    node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    served = await startServing([node.name, '--interval', '60m', '--instances'], environment(node))
    await untilUp(served, node, 1)
  })
  afterAll(async () => {
    await served?.[Symbol.asyncDispose]()
    await node?.kill()
  })

  const api = async (command: string): Promise<{ readonly [key: string]: Json }> => {
    const { body, status } = await request(served.port, `/api/nodes/${node.name}/${command}`)
    expect(status).toBe(200)
    return JSON.parse(body)
  }

  it('says under each path what the command prints with --json', async () => {
    for (const command of COMMAND_JSON.keys()) {
      const { stdout } = await runCli([command, node.name, '--json'], { env: environment(node) })
      const printed: { readonly [key: string]: Json } = JSON.parse(stdout)
      const answered = await api(command)
      for (const key of ['beamscope', 'node', 'otp_release', 'unit']) {
        expect([command, key, answered[key]]).toEqual([command, key, printed[key]])
      }
      expect([command, shapeOf(answered.data ?? null)]).toEqual([
        command,
        shapeOf(printed.data ?? null),
      ])
    }
    const { stdout } = await runCli(['diagnose', node.name, '--json'], { env: environment(node) })
    expect(Object.keys((await api('diagnose')).data ?? {})).toEqual(
      expect.arrayContaining(Object.keys(JSON.parse(stdout).data)),
    )
  })

  it('has in its metrics the instances that it names itself, and the sums of its sample', async () => {
    const metrics = await metricsOf(served)
    const known = await node.evaluate(`
      [{A, N} || A <- erlang:system_info(alloc_util_allocators),
                 L <- [erlang:system_info({allocator, A})], is_list(L), {instance, N, _} <- L]`)
    const instances = [...known.matchAll(/\{(\w+),(\d+)\}/g)].map(
      ([, alloc, no]) => `${alloc} ${no}`,
    )
    const told = new Set<string>()
    let allocated = 0
    for (const [series, value] of metrics) {
      const [, alloc, no, usage] =
        /^erlang_vm_allocators\{.*alloc="(\w+)",instance_no="(\d+)",kind="\w+",usage="(\w+)"\}$/.exec(
          series,
        ) ?? []
      if (alloc === undefined) continue
      told.add(`${alloc} ${no}`)
      if (usage === 'carriers_size') allocated += value
    }
    expect([...told].sort()).toEqual(instances.sort())
    expect(allocated).toBe(metrics.get(`beamscope_allocated_bytes{node="${node.name}"}`))
    const { data } = await request(served.port, '/api/nodes').then(({ body }) => JSON.parse(body))
    const { summary } = data[0]
    for (const figure of ['allocated', 'used', 'resident'] as const) {
      const series = `beamscope_${figure}_bytes{node="${node.name}"}`
      expect([figure, metrics.get(series)]).toEqual([figure, summary.data[figure]])
    }
    const verdict = `beamscope_verdict{node="${node.name}",verdict="${summary.data.verdict}"}`
    expect(metrics.get(verdict)).toBe(1)
    const kinds = [...metrics.keys()].filter((it) => it.startsWith('erlang_vm_memory_'))
    expect(kinds).toHaveLength(11)
  })
})

const noBrowser = whyNoBrowser()
if (noBrowser !== undefined) console.error(`the live page skipped: ${noBrowser}`)

describeOnEachRelease('a cluster that is served', (release) => {
  it.each([
    ['nodes of ours that have a name for a moment', []],
    ['one that has a name of its own', ['--name', 'observer@127.0.0.1']],
  ])('shows who comes, found by a seed, by %s', async (_, named) => {
    await using first = await startErlangNode({ release })
    const { cookie, epmdPort } = first
    const often = ['--find-interval', '1s', '--interval', '1s']
    const argv = ['--cluster', first.name, ...often, ...named]
    await using served = await startServing(argv, environment(first))
    await untilUp(served, first, 1)
    await using second = await startErlangNode({ release, cookie, epmdPort })
    await first.evaluate(`pong = net_adm:ping('${second.name}')`)
    await untilUp(served, second, 1)
    expect(served.printed()).toContain(`${second.name} was found\n`)
    await second.kill()
    await untilUp(served, second, 0)
    // Nobody knows of it any more; it may come back, and the others are as they were.
    await untilUp(served, first, 1)
    expect(served.printed()).not.toContain('left out')
    expect(served.printed()).not.toMatch(/^seed /m)
  })
})

describeOnRelease(
  27,
  'the live page',
  () => {
    let browser: Browser
    let node: ErlangNode
    let other: ErlangNode
    let served: Serving
    beforeAll(async () => {
      browser = await startBrowser()
      node = await startErlangNode({ release: 27, emulatorArguments: ['+S', '2:2'] })
      const { cookie, epmdPort } = node
      other = await startErlangNode({ release: 27, name: 'other', cookie, epmdPort })
      const argv = [node.name, other.name, '--interval', '1s', '--node-timeout', '5s']
      served = await startServing(argv, environment(node))
      await untilUp(served, node, 1)
      await untilUp(served, other, 1)
    })
    afterAll(async () => {
      await served?.[Symbol.asyncDispose]()
      await other?.kill()
      await node?.kill()
      await browser?.close()
    })

    it('shows what the node holds as it changes', async () => {
      await using opened = await openPage(browser, `http://127.0.0.1:${served.port}/`)
      const { page } = opened
      const used = async (): Promise<number> => {
        const row = page.locator('table.bars tr', { hasText: 'used by blocks' })
        const text = await row.locator('td.exact').first().innerText()
        return Number(text.replaceAll(/\D/g, ''))
      }
      await vi.waitUntil(async () => /^Live/.test(await page.locator('.state').innerText()), LONG)
      const before = await used()
      await node.evaluate(`
        register(holder, spawn(fun() -> Kept = binary:copy(<<0>>, ${64 * MiB}), receive stop -> Kept end end))`)
      await vi.waitUntil(async () => (await used()) > before + 63 * MiB, LONG)
      await node.evaluate('holder ! stop')
      await vi.waitUntil(async () => (await used()) < before + 32 * MiB, LONG)
      expect(await accessibilityViolations(page)).toEqual([])
      expect(opened.complaints).toEqual([])
      const paths = opened.requests.map((url) => new URL(url).pathname)
      expect([...new Set(paths)]).toEqual(['/events'])
    })

    it('goes from one node to the other', async () => {
      await using opened = await openPage(browser, `http://127.0.0.1:${served.port}/`)
      const { page } = opened
      expect(await page.locator('h1').innerText()).toBe(node.name)
      await page.getByRole('link', { name: other.name }).click()
      await vi.waitUntil(async () => (await page.locator('h1').innerText()) === other.name, LONG)
      await vi.waitUntil(async () => /^Live/.test(await page.locator('.state').innerText()), LONG)
      expect(opened.complaints).toEqual([])
    })

    it('says that a node has died, and shows it again when it is back', async () => {
      const url = `http://127.0.0.1:${served.port}/?node=${encodeURIComponent(other.name)}`
      await using opened = await openPage(browser, url)
      const { page } = opened
      const state = page.locator('.state')
      await other.kill()
      await untilUp(served, other, 0)
      await vi.waitUntil(async () => /did not answer/.test(await state.innerText()), LONG)
      expect(await page.locator('h1').innerText()).toBe(other.name)
      expect(await accessibilityViolations(page)).toEqual([])
      const { cookie, epmdPort } = node
      other = await startErlangNode({ release: 27, name: 'other', cookie, epmdPort })
      await untilUp(served, other, 1)
      await vi.waitUntil(async () => /^Live/.test(await state.innerText()), LONG)
      expect(opened.complaints).toEqual([])
    })

    it('is shown to nobody who has not logged in, and to whoever has', async () => {
      const token = 'CanaryOfAToken5530194'
      const env = { ...environment(node), BEAMSCOPE_TOKEN: token }
      await using guarded = await startServing([node.name, '--interval', '1s'], env)
      await using opened = await openPage(browser, `http://127.0.0.1:${guarded.port}/`)
      const { page } = opened
      expect(await accessibilityViolations(page)).toEqual([])
      await page.getByLabel('Token').fill('wrong')
      await page.getByRole('button').click()
      await vi.waitUntil(async () => (await page.getByRole('alert').count()) === 1, LONG)
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button').click()
      await vi.waitUntil(async () => /^Live/.test(await page.locator('.state').innerText()), LONG)
      expect(page.url()).toBe(`http://127.0.0.1:${guarded.port}/`)
      expect(await page.evaluate('document.cookie')).toBe('')
      // A browser says on its console that it was refused.
      expect(opened.complaints.filter((it) => !it.includes('401'))).toEqual([])
    })
  },
  { shortfall: noBrowser },
)
