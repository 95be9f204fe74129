/**
 * The pictures of the documents, taken of what is built: `npm run screenshots`. A real node has a spike at noon, and
 * is shown by a report and by the live page.
 */
import { spawn } from 'node:child_process'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { runProgram } from '../../src/testing/program.ts'
import { openPage, startBrowser } from './browser.ts'
import { createTemporaryFolder, type ErlangNode, startErlangNode } from './index.ts'
import { recordDay, spikeAtNoon } from './recorded-day.ts'

const MAIN = join(process.cwd(), 'lib/cli/main.cjs')
const IMAGES = join(process.cwd(), 'docs/images')

/** Whoever reads the documents has to fetch them. Bytes. */
const MAX_SIZE = 150_000

interface Picture {
  readonly name: string
  readonly url: string
  readonly colorScheme: 'light' | 'dark'
  /** What stands at the top. */
  readonly section?: string
  readonly height?: number
  /** Milliseconds until it is worth looking at. */
  readonly after?: number
}

async function take(browser: Browser, picture: Picture): Promise<void> {
  const { name, url, colorScheme, section, height = 720, after = 0 } = picture
  await using opened = await openPage(browser, url, {
    colorScheme,
    viewport: { width: 1200, height },
    reducedMotion: 'reduce',
  })
  const { page } = opened
  if (section !== undefined) {
    await page.evaluate(`document.querySelector('${section}').scrollIntoView()`)
  }
  await page.waitForTimeout(after)
  const path = join(IMAGES, `${name}.png`)
  await page.screenshot({ path })
  const { size } = await stat(path)
  console.log(`${path}: ${size} bytes`)
  if (size > MAX_SIZE) throw new Error(`${path} is larger than ${MAX_SIZE} bytes`)
}

/** Serves the node as long as somebody takes pictures. */
async function serving(
  node: ErlangNode,
  environment: NodeJS.ProcessEnv,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const argv = [MAIN, 'serve', node.name, '--listen', '0', '--interval', '1s']
  const child = spawn(process.execPath, argv, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          const [, found] = /(http:\/\/127\.0\.0\.1:\d+\/)/.exec(line) ?? []
          if (found !== undefined) resolve(found)
        })
      }
    })
    await use(url)
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGINT')
  }
}

await mkdir(IMAGES, { recursive: true })
await using folder = await createTemporaryFolder()
await using node = await startErlangNode({ name: 'shop' })
await using browser = await startBrowser()

// Pictures show no path of this machine.
process.chdir(folder.path)
const recording = 'day.recording'
await recordDay(node, recording, { before: spikeAtNoon(node) })
const environment = {
  ...process.env,
  BEAMSCOPE_COOKIE: node.cookie,
  ERL_EPMD_PORT: `${node.epmdPort}`,
}
const report = join(folder.path, 'report.html')
const { status, stderr } = await runProgram(
  [process.execPath, MAIN, 'report', '--snapshot', recording, '-o', report],
  { timeout: 60_000 },
)
if (status !== 0) throw new Error(stderr)

const url = pathToFileURL(report).href
await take(browser, { name: 'report-light', url, colorScheme: 'light' })
await take(browser, { name: 'report-dark', url, colorScheme: 'dark' })
await take(browser, {
  name: 'report-over-time',
  url,
  colorScheme: 'light',
  section: '#time',
  height: 900,
})
await take(browser, { name: 'report-waterfall', url, colorScheme: 'dark', section: '#waterfall' })
await take(browser, { name: 'report-instances', url, colorScheme: 'light', section: '#instances' })
await serving(node, environment, (live) =>
  take(browser, { name: 'live', url: live, colorScheme: 'light', after: 8_000, height: 800 }),
)
