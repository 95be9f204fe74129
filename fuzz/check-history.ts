/**
 * All that is made of several snapshots of a node: its history, the page that shows it, and its metrics.
 */
import { diagnose } from '../src/analysis/diagnose.ts'
import { HistoryBuilder } from '../src/analysis/history.ts'
import { momentOf, type Snapshot } from '../src/analysis/index.ts'
import { diagnosisText } from '../src/present/diagnosis.ts'
import { metricFamilies } from '../src/present/metrics.ts'
import { pageData, sectionsHtml } from '../src/present/page/page.ts'
import { metricsText } from '../src/serve/metrics-text.ts'
import { checkFigures, checkText, viewIn } from './check-analysis.ts'
import { check, checkPrintable } from './target.ts'

/** What the sections of a page are made of; anything else came from the node. */
const ELEMENTS =
  /^(?:a|b|br|button|caption|code|data|dd|del|details|div|dl|dt|em|figcaption|figure|footer|g|h[1-4]|header|li|line|nav|ol|p|path|pre|rect|section|small|span|strong|sub|summary|sup|svg|table|tbody|td|text|tfoot|th|thead|time|title|tr|tspan|ul|wbr|polyline|polygon|circle|defs|desc)$/

/** One sample of the text formats: a name, labels without a line break, a number. */
const SAMPLE = /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? -?(?:\d|Nan|\+?Inf)/

const MINUTE = 60_000

/** @throws {PropertyError} and what came out and must not */
export async function checkHistory(snapshots: readonly Snapshot[]): Promise<void> {
  const builder = new HistoryBuilder()
  const start = Date.UTC(2026, 0, 1)
  const dated = snapshots.map((snapshot, index) => ({
    ...snapshot,
    takenAt: new Date(start + index * MINUTE).toISOString(),
  }))
  for (const snapshot of dated) builder.add(snapshot)
  const last = dated.at(-1)
  if (last === undefined) return
  const diagnosis = diagnose(last, { history: builder.build() })
  checkFigures('a diagnosis with a history', diagnosis)
  checkText(diagnosisText(last, diagnosis, viewIn(undefined)))
  const moments = dated.flatMap((snapshot) => momentOf(snapshot) ?? [])
  const page = { label: 'it', snapshot: last, diagnosis, moments, next: (it: string) => it }
  checkHtml(sectionsHtml(page))
  check(JSON.stringify(pageData(page)).length > 0, 'the data of a page cannot be written')
  const measured = {
    node: 'it',
    isUp: true,
    last: { snapshot: last, diagnosis, time: start },
    samples: 1,
    failures: new Map([['ERR_TIMEOUT', 1]]),
  }
  for (const instances of [false, true]) {
    const families = metricFamilies([measured], { version: '0', instances })
    for (const format of ['prometheus', 'openmetrics'] as const) {
      checkMetrics((await metricsText(families, format)).text)
    }
  }
}

function checkHtml(text: string): void {
  for (const [, name = ''] of text.matchAll(/<\/?([^\s/>]*)/g)) {
    check(ELEMENTS.test(name), `a page has an element ${name}`)
  }
  checkPrintable('a page', text.replaceAll('\n', ' '))
  check(!/\bNaN\b|\[object /.test(text), 'a page shows what is no figure')
}

function checkMetrics(text: string): void {
  for (const line of text.split('\n')) {
    check(line === '' || line.startsWith('# ') || SAMPLE.test(line), `metrics have a line ${line}`)
  }
}
