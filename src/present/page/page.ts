/**
 * A page that shows a node: one file that asks nobody for anything, or the same page live.
 */
import { createHash } from 'node:crypto'
import { carriersSection } from './carriers.ts'
import { pageData } from './charts.ts'
import { findingsSection } from './findings.ts'
import { GLOSSARY } from './glossary.ts'
import { heatMapSection } from './heat-map.ts'
import { holdersSection } from './holders.ts'
import { type Content, Html, html, scriptJson } from './html.ts'
import type { NodePage } from './node-page.ts'
import { overTimeSection, timeHtml } from './over-time.ts'
import { rawFiguresSection } from './raw-figures.ts'
import { copied, type Section, sectionHtml } from './sections.ts'
import { settingsSection } from './settings.ts'
import { verdictSection } from './verdict.ts'
import { waterfallSection } from './waterfall.ts'

export { pageData } from './charts.ts'
export type { NodePage } from './node-page.ts'

/** What stands in every page: made of `src/page/` when the program is built. */
export interface PageAssets {
  readonly css: string
  readonly script: string
}

/** How the page follows nodes. */
export interface LivePage {
  /** All that can be chosen. */
  readonly nodes: readonly string[]
  readonly selected: string
  /** Where server-sent events are; `?node=NODE` is added. */
  readonly eventsPath: string
}

export interface PageOptions {
  readonly title: string
  /** One, or none as long as the node has not answered. */
  readonly nodes: readonly NodePage[]
  /** ISO 8601. */
  readonly madeAt: string
  /** Of beamscope. */
  readonly version: string
  readonly assets: PageAssets
  readonly live?: LivePage | undefined
}

/** Everything of one node; the live page replaces it at each sample. */
export function sectionsHtml(node: NodePage): string {
  return sections(node).text
}

function sections(node: NodePage): Html {
  const all: readonly (Section | undefined)[] = [
    verdictSection(node),
    findingsSection(node),
    waterfallSection(node),
    overTimeSection(node),
    heatMapSection(node),
    carriersSection(node),
    holdersSection(node),
    settingsSection(node),
    rawFiguresSection(node),
    GLOSSARY,
  ]
  const shown = all.flatMap((section) => section ?? [])
  return html`<header class="node">
<h1>${node.snapshot.node ?? node.label}</h1>
${facts(node)}
</header>
<nav class="contents" aria-label="On this page"><ol>${shown.map(
    ({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`,
  )}</ol></nav>
<div class="sections">
${shown.map(sectionHtml)}</div>`
}

function facts({ label, snapshot }: NodePage): Html {
  const { node, otpRelease, schedulers, takenAt } = snapshot
  const all: readonly (readonly [string, Content])[] = [
    ...(otpRelease === undefined ? [] : [['OTP', otpRelease] as const]),
    ...(schedulers === undefined ? [] : [['schedulers', schedulers] as const]),
    ...(takenAt === undefined ? [] : [['taken', timeOf(takenAt)] as const]),
    ...(node === undefined || node === label ? [] : [['from', label] as const]),
  ]
  return html`<dl class="facts">${all.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`
}

/** A file may say anything. */
function timeOf(takenAt: string): Content {
  const time = Date.parse(takenAt)
  if (Number.isNaN(time)) return takenAt
  return html`${timeHtml(time)} UTC`
}

/**
 * The whole page.
 *
 * @throws {RangeError} for more nodes than one: a page is of one
 */
export function pageHtml(options: PageOptions): string {
  const { assets, live, madeAt, nodes, title, version } = options
  if (nodes.length > 1) throw new RangeError(`a page is of one node, not of ${nodes.length}`)
  const [node] = nodes
  const data = JSON.stringify(node === undefined ? { charts: [] } : pageData(node))
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(assets, live)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="generator" content="beamscope ${version}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(assets.css)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the verdict</a>
${live === undefined ? undefined : liveBar(live)}
<main id="main" tabindex="-1">
${node === undefined ? html`<p class="waiting">Waiting for the first answer of the node.</p>` : sections(node)}
</main>
<footer>
<p>Made by beamscope ${version} <time datetime="${madeAt}">${madeAt}</time>. It read figures of the allocators, and changed nothing on the node.</p>
${
  node === undefined || live !== undefined
    ? undefined
    : html`<p>The same again:</p>${copied('the command for this report', `${node.next('report')} -o report.html`)}`
}
</footer>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${new Html(assets.script)}</script>
</body>
</html>
`.text
}

function liveBar({ nodes, selected, eventsPath }: LivePage): Html {
  return html`<div class="live" data-events="${eventsPath}" data-node="${selected}">
<nav aria-label="Nodes"><ul>${nodes.map((name) => {
    const path = `?${new URLSearchParams({ node: name })}`
    return name === selected
      ? html`<li><a href="${path}" aria-current="page">${name}</a></li>`
      : html`<li><a href="${path}">${name}</a></li>`
  })}</ul></nav>
<button type="button" class="freeze" aria-pressed="false">Freeze</button>
<p class="state" role="status">Shown as it was when the page was loaded.</p>
</div>`
}

/** Nothing runs and nothing paints but what stands in the page; nothing is fetched but, when live, events. */
function policy({ css, script }: PageAssets, live: LivePage | undefined): string {
  return [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(css)}'`,
    'img-src data:',
    ...(live === undefined ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
