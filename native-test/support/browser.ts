/** Chromium, for tests of pages: it speaks to nobody but the page that it is given. */
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's; `CHROMIUM` names another one. */
const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** What is missing, with what to do about it; `undefined` if nothing is. */
export function whyNoBrowser(): string | undefined {
  return existsSync(PROGRAM)
    ? undefined
    : `there is no ${PROGRAM}; install Chromium (Debian: chromium), or name another one in CHROMIUM`
}

/** Milliseconds; the machine may be busy with nodes. */
const PATIENCE = 60_000

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium with an empty profile; `await using` ends it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: FLAGS, timeout: PATIENCE })
}

/** A page, and what it did that a page of ours never does. */
export interface Opened extends AsyncDisposable {
  readonly page: Page
  /** Errors and warnings on its console, what it threw, and what its own policy forbade it. */
  readonly complaints: readonly string[]
  /** Whatever it asked for besides itself. */
  readonly requests: readonly string[]
}

/** Opens a page in a profile of its own, where nothing is kept from others. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE)
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    // What stands in the page itself is no request to anybody.
    if (request.url() !== url && !request.url().startsWith('data:')) requests.push(request.url())
  })
  await page.goto(url, { waitUntil: 'load' })
  return {
    page,
    complaints,
    requests,
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** What axe finds wrong, a line for each element: rule, element, reason. Empty if nothing is. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  // Not as an element of the page: its policy would forbid that, and should.
  await page.evaluate(axe.source)
  const found: unknown = await page.evaluate(`
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => id + ': ' + target.join(' ') + ': ' + failureSummary)))`)
  if (!Array.isArray(found)) throw new TypeError('axe gave no list')
  return found.map(String)
}

/** Whether the page is wider than its window, so that it has to be moved from side to side. */
export async function scrollsSideways(page: Page): Promise<boolean> {
  const width = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return width !== 0
}
