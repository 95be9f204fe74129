/** Reports of real nodes, opened in a real browser as whoever gets the file does. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../test/cli/run-cli.ts'
import {
  accessibilityViolations,
  type Opened,
  openPage,
  scrollsSideways,
  startBrowser,
  whyNoBrowser,
} from './support/browser.ts'
import { describeOnRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { recordDay, spikeAtNoon } from './support/recorded-day.ts'

const shortfall = whyNoBrowser()
if (shortfall !== undefined) console.error(`reports in a browser skipped: ${shortfall}`)

let browser: Browser
let folder: TemporaryFolder
beforeAll(async () => {
  folder = await createTemporaryFolder()
  if (shortfall === undefined) browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await folder[Symbol.asyncDispose]()
})

/** Makes a report, and returns its address. */
async function makeReport(
  name: string,
  argv: readonly string[],
  node?: ErlangNode,
): Promise<string> {
  const file = join(folder.path, `${name}.html`)
  const env =
    node === undefined ? {} : { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
  const { code, stderr } = await runCli(['report', ...argv, '-o', file], { env })
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return pathToFileURL(file).href
}

/** Between its margins. Pixels. */
const A4_WIDTH = 688

/** What the page may not do, whatever else it does. */
function expectQuiet({ complaints, requests }: Opened): void {
  expect({ complaints, requests }).toEqual({ complaints: [], requests: [] })
}

async function unfoldAll(page: Page): Promise<void> {
  await page.evaluate(
    "document.querySelectorAll('details').forEach((details) => { details.open = true })",
  )
}

/** How many points of a chart are painted, in the colour of that name if there is one. */
async function painted(page: Page, chart: string, color?: string): Promise<number> {
  return Number(
    await page.evaluate(`(() => {
      const figure = document.querySelector('[data-chart="${chart}"]')
      const canvas = figure.querySelector('canvas')
      const name = getComputedStyle(figure).getPropertyValue('${color ?? ''}').trim()
      const wanted = [1, 3, 5].map((place) => parseInt(name.slice(place, place + 2), 16))
      // Of a copy: Chromium complains of whoever often reads what is drawn for the eye.
      const copy = document.createElement('canvas')
      copy.width = canvas.width
      copy.height = canvas.height
      const context = copy.getContext('2d', { willReadFrequently: true })
      context.drawImage(canvas, 0, 0)
      const { data } = context.getImageData(0, 0, copy.width, copy.height)
      let count = 0
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 200 && wanted.every((it, place) => !(Math.abs(it - data[at + place]) > 9))) count++
      }
      return count
    })()`),
  )
}

interface DrawnText {
  readonly text: string
  /** Of its canvas, and of what is drawn on it between the axes. */
  readonly left: number
  readonly right: number
  readonly width: number
  readonly plot: number
}

/** What stands in the canvas of a chart: it is drawn once more, in the colours of the dark. */
async function drawnTexts(page: Page, chart: string): Promise<readonly DrawnText[]> {
  await page.evaluate(`(() => {
    const figure = document.querySelector('[data-chart="${chart}"]')
    const canvas = figure.querySelector('canvas')
    const plot = figure.querySelector('.u-over').offsetLeft * devicePixelRatio
    const { prototype } = CanvasRenderingContext2D
    const { fillText } = prototype
    const share = { left: 0, start: 0, center: 0.5, right: 1, end: 1 }
    globalThis.drawnTexts = []
    prototype.fillText = function (text, x, y) {
      if (this.canvas === canvas && text !== '') {
        const { width } = this.measureText(text)
        const left = this.getTransform().e + x - width * share[this.textAlign]
        drawnTexts.push({ text, left, right: left + width, width: canvas.width, plot })
      }
      fillText.call(this, text, x, y)
    }
  })()`)
  await page.emulateMedia({ colorScheme: 'dark' })
  await expect.poll(() => page.evaluate('drawnTexts.length')).toBeGreaterThan(0)
  const drawn: readonly DrawnText[] = await page.evaluate('drawnTexts')
  return drawn
}

for (const release of [25, 29] as const) {
  describeOnRelease(
    release,
    'a report of a live node',
    () => {
      it('can be read by everybody, by light and in the dark', async () => {
        await using node = await startErlangNode({ release })
        // A process whose name is as long as an atom may be, and that is among the largest.
        await node.evaluate(`
          register(list_to_atom(lists:duplicate(255, $w)), spawn(fun() ->
            Rows = lists:seq(1, 300000),
            receive {stop, From} -> From ! Rows end
          end))`)
        const url = await makeReport(
          `live-${release}`,
          [node.name, '--deep', '--carriers', '--timeout', '60s'],
          node,
        )
        await using opened = await openPage(browser, url, { colorScheme: 'light' })
        const { page } = opened
        expect(await page.title()).toBe(`healthy: ${node.name} – beamscope`)
        expect(await page.locator('h1').textContent()).toBe(node.name)
        expect(await page.locator('#carriers table').count()).toBeGreaterThan(0)
        expect(await page.locator('#holders table').count()).toBeGreaterThan(0)
        expect(await page.locator('footer code').textContent()).toBe(
          `beamscope report ${node.name} --deep --carriers --timeout 60000ms -o report.html`,
        )
        expect(await accessibilityViolations(page)).toEqual([])
        await page.emulateMedia({ colorScheme: 'dark' })
        await unfoldAll(page)
        expect(await accessibilityViolations(page)).toEqual([])
        await page.emulateMedia({ media: 'print' })
        await page.setViewportSize({ width: A4_WIDTH, height: 900 })
        expect(await page.locator('#holders').textContent()).toContain('w'.repeat(255))
        expect(await scrollsSideways(page)).toBe(false)
        expectQuiet(opened)
      })
    },
    { shortfall },
  )
}

describeOnRelease(
  27,
  'a report of a day with a spike at noon',
  () => {
    let url = ''
    let file = ''
    beforeAll(async () => {
      file = join(folder.path, 'day.recording')
      await using node = await startErlangNode({ release: 27 })
      await recordDay(node, file, { before: spikeAtNoon(node) })
      url = await makeReport('day', ['--snapshot', file])
      await recordDay(node, `${file}-brief`, { samples: 3, interval: 100 })
    })

    const openDay = (options: Parameters<typeof openPage>[2] = {}): Promise<Opened> =>
      openPage(browser, url, options)

    it('says in its first words what is wrong, where, and since when', async () => {
      await using opened = await openDay()
      const verdict = await opened.page.locator('.verdict').innerText()
      expect(verdict).toMatch(/fragmented\s+1\d\d MiB are held for nothing, by binary_alloc\./)
      expect(verdict).toMatch(/It began between 2026-01-31 12:\d\d and 12:\d\d UTC/)
      expectQuiet(opened)
    })

    it('can be read by everybody, in the dark and by light', async () => {
      await using opened = await openDay({ colorScheme: 'dark' })
      const { page } = opened
      expect(await accessibilityViolations(page)).toEqual([])
      const inTheDark = await painted(page, 'waste', '--series-0')
      expect(inTheDark).toBeGreaterThan(200)
      await page.emulateMedia({ colorScheme: 'light' })
      // In the colours of now, of which the edges of lines are mixed otherwise.
      await expect
        .poll(async () => Math.abs((await painted(page, 'waste', '--series-0')) - inTheDark))
        .toBeLessThan(inTheDark / 20)
      expect(await accessibilityViolations(page)).toEqual([])
      expectQuiet(opened)
    })

    it('draws what was held, and takes away what the reader does not want to see', async () => {
      await using opened = await openDay()
      const { page } = opened
      expect(await painted(page, 'memory')).toBeGreaterThan(2_000)
      const resident = await painted(page, 'memory', '--series-0')
      expect(resident).toBeGreaterThan(200)
      const key = page.locator('[data-chart="memory"] .key').first()
      await key.click()
      expect(await key.getAttribute('aria-pressed')).toBe('false')
      await expect.poll(() => painted(page, 'memory', '--series-0')).toBe(0)
      await key.press('Enter')
      expect(await key.getAttribute('aria-pressed')).toBe('true')
      await expect.poll(() => painted(page, 'memory', '--series-0')).toBe(resident)
      expect(await page.locator('.drawing').first().isVisible()).toBe(false)
      expectQuiet(opened)
    })

    it('writes no text beyond the chart, and of the limit none over the axis', async () => {
      const until = ['--at', '12:00', '--memory-limit', '200MiB']
      const morning = await makeReport('morning', ['--snapshot', file, ...until])
      await using opened = await openPage(browser, morning, { colorScheme: 'light' })
      const texts = await drawnTexts(opened.page, 'memory')
      // At the right end.
      expect(texts.map(({ text }) => text)).toContain('12:00')
      const cut = texts.filter(({ left, right, width }) => left < 0 || right > width)
      expect(cut).toEqual([])
      const limit = texts.find(({ text }) => text.startsWith('limit'))
      expect(limit?.left).toBeGreaterThan(limit?.plot ?? 0)
      expectQuiet(opened)
    })

    it('says a time once, however many moments of one second there are', async () => {
      const moments = await makeReport('moments', ['--snapshot', `${file}-brief`])
      await using opened = await openPage(browser, moments, { colorScheme: 'light' })
      const texts = await drawnTexts(opened.page, 'memory')
      const times = texts.filter(({ text }) => /^\d\d:/.test(text))
      expect(times[0]?.text).toBe('00:00:00')
      expect(new Set(times.map(({ left }) => left)).size).toBe(1)
      expectQuiet(opened)
    })

    it('tells by pointer and by keys what was held at a moment, in all charts at once', async () => {
      await using opened = await openDay()
      const { page } = opened
      const [memory, waste] = [page.locator('.u-over').first(), page.locator('.u-over').last()]
      const told = (chart: typeof memory): Promise<string | null> =>
        chart.getAttribute('aria-valuetext')
      expect(await told(memory)).toMatch(/^2026-01-31 23:59:00: resident \d/)
      await memory.focus()
      await page.keyboard.press('Home')
      expect(await told(memory)).toMatch(
        /^2026-01-31 00:00:00: resident \d+(?:\.\d)? MiB, allocated/,
      )
      await expect.poll(() => told(waste)).toMatch(/^2026-01-31 00:00:00: binary_alloc/)
      await page.keyboard.press('ArrowRight')
      expect(await told(memory)).not.toContain('00:00:00')
      await page.keyboard.press('End')
      expect(await told(memory)).toMatch(/^2026-01-31 23:59/)
      await page.keyboard.press('Escape')
      const readout = page.locator('[data-chart="memory"] .readout')
      await expect.poll(() => readout.textContent()).toMatch(/^Last: /)
      await waste.hover({ position: { x: 5, y: 20 } })
      await expect.poll(() => told(memory)).toMatch(/^2026-01-31 00:/)
      expectQuiet(opened)
    })

    it('can be walked by keys alone, and shows where one is', async () => {
      await using opened = await openDay()
      const { page } = opened
      const here = `(() => {
        const { activeElement: it } = document
        const { outlineStyle, outlineWidth } = getComputedStyle(it)
        return [it.tagName, it.textContent.trim().slice(0, 30), outlineStyle !== 'none' && outlineWidth !== '0px']
      })()`
      await page.keyboard.press('Tab')
      expect(await page.evaluate(here)).toEqual(['A', 'Skip to the verdict', true])
      const focusable = Number(
        await page.evaluate(`[...document.querySelectorAll('a[href], button, summary, [tabindex="0"]')]
          .filter((it) => it.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })).length`),
      )
      expect(focusable).toBeGreaterThan(30)
      let count = 1
      for (; count < focusable; count++) {
        await page.keyboard.press('Tab')
        expect([count, await page.evaluate(here)]).toEqual([
          count,
          [expect.stringMatching(/^(?:A|BUTTON|SUMMARY|DIV)$/), expect.any(String), true],
        ])
      }
      expectQuiet(opened)
    })

    it('unfolds by keys, and copies', async () => {
      await using opened = await openDay()
      const { page } = opened
      const details = page.locator('details[data-key="memory"]')
      await details.locator('summary').focus()
      await page.keyboard.press('Enter')
      expect(await details.getByText('allocated_types').isVisible()).toBe(true)
      const copy = page.locator('button.copy').first()
      await copy.click()
      // As the browser lets it.
      await expect.poll(() => copy.textContent()).toMatch(/^(?:Copied|Selected)$/)
      expectQuiet(opened)
    })

    it('prints all of it, on light paper', async () => {
      await using opened = await openDay({ colorScheme: 'dark' })
      const { page } = opened
      const folded = await page.locator('details:not([open])').count()
      expect(folded).toBeGreaterThan(3)
      const pdf = await page.pdf({ preferCSSPageSize: true })
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
      expect(await page.locator('details:not([open])').count()).toBe(folded)
      await page.emulateMedia({ media: 'print' })
      expect(await page.locator('[data-chart="memory"] .drawing').isVisible()).toBe(true)
      expect(await page.locator('[data-chart="memory"] canvas').isVisible()).toBe(false)
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        'rgb(255, 255, 255)',
      )
      expect(await page.locator('details[data-key="moments"] table').isVisible()).toBe(true)
      // What is said by the way is written smaller, and not larger.
      expect(
        await page.evaluate(`(() => {
          const size = (element) => parseFloat(getComputedStyle(element).fontSize)
          return [...document.querySelectorAll('.aside, .reference, .how, .sources')]
            .filter((it) => size(it) > size(it.parentElement)).map((it) => it.outerHTML)
        })()`),
      ).toEqual([])
      await page.setViewportSize({ width: A4_WIDTH, height: 900 })
      expect(await scrollsSideways(page)).toBe(false)
      expectQuiet(opened)
    })

    it('says the same where no script runs', async () => {
      await using opened = await openDay({ javaScriptEnabled: false })
      const { page } = opened
      expect(await page.locator('.headline').isVisible()).toBe(true)
      expect(await page.locator('[data-chart="memory"] .drawing').isVisible()).toBe(true)
      expect(await page.locator('button.copy').first().isVisible()).toBe(false)
      await page.locator('details[data-key="moments"] summary').click()
      const rows = await page.locator('details[data-key="moments"] tbody tr').count()
      expect(rows).toBeGreaterThan(20)
      expect(rows).toBeLessThan(60)
      expect(opened.requests).toEqual([])
    })

    it('can be read where no script runs in a narrow window', async () => {
      await using opened = await openDay({
        javaScriptEnabled: false,
        viewport: { width: 360, height: 800 },
      })
      const drawing = opened.page.locator('[data-chart="memory"] .drawing')
      const whole = await drawing.boundingBox()
      const ticks = await drawing.locator('.tick').all()
      expect(ticks.length).toBeGreaterThan(6)
      for (const tick of ticks) {
        const box = await tick.boundingBox()
        expect(box?.height).toBeGreaterThan(8)
        expect(box?.x).toBeGreaterThanOrEqual(whole?.x ?? 0)
        expect(box?.y).toBeGreaterThanOrEqual(whole?.y ?? 0)
      }
    })

    it.each([360, 768, 1920])('fits a window that is %d wide', async (width) => {
      await using opened = await openDay({ viewport: { width, height: 800 } })
      const { page } = opened
      expect(await scrollsSideways(page)).toBe(false)
      await unfoldAll(page)
      expect(await scrollsSideways(page)).toBe(false)
      if (width === 360) expect(await accessibilityViolations(page)).toEqual([])
      await page.setViewportSize({ width: 700, height: 800 })
      await expect
        .poll(() => page.evaluate("document.querySelector('canvas').getBoundingClientRect().width"))
        .toBeLessThan(700)
      expectQuiet(opened)
    })

    it('moves nothing for those who do not want that', async () => {
      await using opened = await openDay({ reducedMotion: 'reduce' })
      expect(
        await opened.page.evaluate('getComputedStyle(document.documentElement).scrollBehavior'),
      ).toBe('auto')
    })
  },
  { shortfall },
)
