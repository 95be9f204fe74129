/**
 * The findings: how grave each is, what it rests on, and what can be tried at which price.
 */
import {
  type Evidence,
  type Finding,
  isMaximum,
  type NoHelp,
  type Remedy,
} from '../../analysis/finding.ts'
import { formatCount, formatPercentage } from '../figures.ts'
import { MAXIMA, MAXIMA_MARK } from '../view.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import {
  copied,
  figure,
  type Section,
  sentence,
  size,
  tableHtml,
  text,
  unfolded,
} from './sections.ts'

export function findingsSection({ diagnosis }: NodePage): Section {
  const { findings, vmArgs } = diagnosis
  // What is missing has a place of its own, at the end.
  const found = findings.filter(({ id }) => id !== 'missing-part')
  const missing = findings.filter(({ id }) => id === 'missing-part')
  return {
    id: 'findings',
    title: 'Findings',
    body: html`${
      found.length === 0
        ? html`<p>None: nothing stands out.</p>`
        : html`<p class="aside">The gravest first. Each says what it rests on, what can be tried, and what that costs; nothing of it is sure to help.</p>
<ol class="findings">${found.map((finding) => html`<li>${findingHtml(finding)}</li>\n`)}</ol>
${
  found.some(({ evidence }) => evidence.some(isMaximum))
    ? html`<p class="aside">${MAXIMA}</p>`
    : undefined
}`
    }
${
  vmArgs === ''
    ? undefined
    : html`<h3>For vm.args</h3>
<p>All flags that are proposed, as lines for the file that a release starts with.</p>
${copied('the lines for vm.args', vmArgs)}`
}
${
  missing.length === 0
    ? undefined
    : html`<h3 id="not-seen">Not seen</h3>
<ul>${missing.map(({ summary }) => html`<li>${sentence(summary)}</li>`)}</ul>`
}`,
  }
}

/** What only explains is folded. */
function findingHtml(finding: Finding): Html {
  const { allocator, id, severity, summary } = finding
  const about = `${id.replaceAll('-', ' ')}${allocator === undefined ? '' : `, ${allocator}`}`
  const head = html`<span class="severity severity-${severity}">${severity}</span> <span class="about">${about}</span>`
  const rest = html`${evidenceTable(finding)}${remediesHtml(finding)}${noHelpHtml(finding.noHelp ?? [])}`
  return severity === 'info'
    ? html`<h3>${head}</h3>
<p>${summary}</p>
${unfolded(`finding ${about}`, `Evidence${finding.remedies.length === 0 ? '' : ', and what to try'}`, rest)}`
    : html`<h3>${head}</h3>
<p class="summary">${summary}</p>
${rest}`
}

function evidenceTable({ evidence, id, allocator }: Finding): Content {
  if (evidence.length === 0) return undefined
  const about = `${id.replaceAll('-', ' ')}${allocator === undefined ? '' : `, ${allocator}`}`
  return tableHtml(
    html`Evidence <span class="unseen">for ${about}</span>`,
    [figure('figure'), text('what it is'), text('where it comes from')],
    evidence.map((each) => [
      evidenceFigure(each),
      html`<span class="name">${each.what}${isMaximum(each) ? MAXIMA_MARK : ''}</span>`,
      html`<span class="source">${each.source}</span>`,
    ]),
  )
}

function evidenceFigure({ unit, value }: Evidence): Content {
  switch (unit) {
    case 'byte':
      return size(value)
    case 'ratio':
      return formatPercentage(Number(value))
    case 'count':
      return formatCount(value)
    case 'millisecond':
      return `${formatCount(value)} ms`
  }
}

function remediesHtml({ remedies }: Finding): Content {
  if (remedies.length === 0) return undefined
  return html`<h4>Try</h4>
<ul class="remedies">${remedies.map((remedy) => html`<li>${remedyHtml(remedy)}</li>`)}</ul>`
}

function remedyHtml({ alternative, flags, price, restart, why }: Remedy): Html {
  const how = restart ? 'needs a restart' : 'without a restart'
  return html`${copied('this remedy', flags)}
<p class="how">${alternative ? 'or instead; ' : undefined}${how}</p>
<dl class="reasons"><div><dt>Why</dt><dd>${sentence(why)}</dd></div><div><dt>Price</dt><dd>${sentence(price)}</dd></div></dl>`
}

function noHelpHtml(noHelp: readonly NoHelp[]): Content {
  if (noHelp.length === 0) return undefined
  return html`<h4>No help</h4>
<ul class="no-help">${noHelp.map(
    ({ what, why }) => html`<li><code>${what}</code>: ${sentence(why)}</li>`,
  )}</ul>`
}
