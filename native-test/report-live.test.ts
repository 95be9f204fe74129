/** What the page does when it is live, in a real browser, with a server of the test's own. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { diagnose } from '../src/analysis/diagnose.ts'
import { momentOf } from '../src/analysis/timeline.ts'
import { readPageAssets } from '../src/cli/page-assets.ts'
import { type NodePage, pageData, pageHtml, sectionsHtml } from '../src/present/page/page.ts'
import { known } from '../test/analysis/diagnosis-fixtures.ts'
import {
  accessibilityViolations,
  type Opened,
  openPage,
  startBrowser,
  whyNoBrowser,
} from './support/browser.ts'
import { describeUnless } from './support/describe-on-release.ts'

const shortfall = whyNoBrowser()
if (shortfall !== undefined) console.error(`the live page skipped: ${shortfall}`)

const LONG = { timeout: 60_000, interval: 50 }

/** The node after so many minutes: idle at first. */
function nodePage(minutes: number): NodePage {
  const at = (minute: number): string => new Date(Date.UTC(2026, 0, 31, 12, minute)).toISOString()
  const snapshots = Array.from({ length: minutes + 1 }, (_, minute) => ({
    ...known(minute < 3 ? 'idle' : 'binary-fragmented', 'otp27-s2'),
    node: 'shop@host',
    takenAt: at(minute),
  }))
  const snapshot = snapshots.at(-1) ?? known('idle', 'otp27-s2')
  return {
    label: 'shop@host',
    snapshot,
    diagnosis: diagnose(snapshot),
    moments: snapshots.flatMap((each) => momentOf(each) ?? []),
    next: (command) => `beamscope ${command} shop@host`,
  }
}

describeUnless(shortfall, 'a live page', () => {
  let browser: Browser
  let html = ''
  beforeAll(async () => {
    browser = await startBrowser()
    html = pageHtml({
      title: 'shop@host',
      nodes: [nodePage(1)],
      madeAt: '2026-01-31T12:00:00.000Z',
      version: '1',
      assets: await readPageAssets(),
      live: { nodes: ['shop@host', 'other@host'], selected: 'shop@host', eventsPath: 'events' },
    })
  })
  afterAll(() => browser?.close())

  const listeners = new Set<ServerResponse>()
  let asked: string[] = []
  let server = createServer()
  let opened: Opened
  let page: Page
  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      if (!request.url?.startsWith('/events')) {
        response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(html)
        return
      }
      asked.push(request.url)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(':\n\n')
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened = await openPage(browser, addressOf(server.address()), { reducedMotion: 'reduce' })
    page = opened.page
    await vi.waitUntil(() => listeners.size === 1, LONG)
  })
  afterEach(async () => {
    await opened[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })

  const addressOf = (address: AddressInfo | string | null): string => {
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    return `http://127.0.0.1:${address.port}/`
  }
  const push = (event: string, data: unknown): void => {
    for (const response of listeners) {
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    }
  }
  const sample = (minutes: number): void => {
    const node = nodePage(minutes)
    push('sample', { html: sectionsHtml(node), data: pageData(node) })
  }
  const state = (): Promise<string> => page.locator('.state').innerText()
  const headline = (): Promise<string> => page.locator('.headline').innerText()
  const taken = (): Promise<string> => page.locator('.facts').innerText()

  it('shows each answer, and leaves unfolded, focused and where it was what the reader looks at', async () => {
    expect(asked).toEqual(['/events?node=shop%40host'])
    expect(await headline()).toMatch(/^Nothing is wrong/)
    const summary = page.locator('details[data-key="memory"] summary')
    await summary.focus()
    await page.keyboard.press('Enter')
    await page.locator('[data-chart="memory"] .key').first().click()
    await summary.focus()
    const scrolled = await page.evaluate('scrollY')
    const charts = 'document.querySelectorAll(".plot canvas").length'
    expect(await page.evaluate(charts)).toBe(2)
    await page.evaluate('window.kept = document.querySelector(".plot canvas")')
    sample(2)
    await expect.poll(taken, LONG).toContain('12:02:00')
    expect(await state()).toMatch(/^Live/)
    expect(await page.locator('details[data-key="memory"]').getAttribute('open')).toBe('')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('memory')
    expect(await page.evaluate('scrollY')).toBe(scrolled)
    const key = page.locator('[data-chart="memory"] .key').first()
    expect(await key.getAttribute('aria-pressed')).toBe('false')
    expect(await page.evaluate('window.kept.isConnected')).toBe(true)
    expect(await page.evaluate(charts)).toBe(2)
    sample(5)
    await expect.poll(headline, LONG).toMatch(/held for nothing, by binary_alloc/)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('memory')
    expect(await accessibilityViolations(page)).toEqual([])
    expect(opened.complaints).toEqual([])
  })

  it('stays as it is while it is frozen', async () => {
    const freeze = page.locator('.freeze')
    await freeze.click()
    expect(await freeze.getAttribute('aria-pressed')).toBe('true')
    expect(await state()).toMatch(/^Frozen/)
    await vi.waitUntil(() => listeners.size === 0, LONG)
    await freeze.press('Enter')
    await vi.waitUntil(() => listeners.size === 1, LONG)
    sample(2)
    await expect.poll(taken, LONG).toContain('12:02:00')
    expect(await state()).toMatch(/^Live/)
  })

  it('says politely that the node did not answer, or that the server is gone, and comes back', async () => {
    expect(await page.locator('.state').getAttribute('role')).toBe('status')
    push('failure', { message: 'shop@host is <gone>', hint: 'look whether it runs' })
    await expect
      .poll(state, LONG)
      .toBe(
        'The node did not answer: shop@host is <gone>. look whether it runs. Shown is its last answer.',
      )
    for (const response of listeners) response.end()
    await expect.poll(state, LONG).toMatch(/^Connection lost/)
    await vi.waitUntil(() => listeners.size === 1, LONG)
    sample(2)
    await expect.poll(state, LONG).toMatch(/^Live/)
  })

  it('leads to the other nodes', async () => {
    const link = page.getByRole('link', { name: 'other@host' })
    expect(await link.getAttribute('href')).toBe('?node=other%40host')
    expect(await page.locator('nav [aria-current]').innerText()).toBe('shop@host')
  })
})
