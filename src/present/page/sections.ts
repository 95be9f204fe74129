/**
 * What all sections of a page have in common.
 */
import { toDouble } from '../../analysis/integer.ts'
import type { Missing } from '../../analysis/snapshot.ts'
import type { Amount } from '../../analysis/unit.ts'
import { formatCount, formatSize, NONE } from '../figures.ts'
import { type Content, type Html, html } from './html.ts'

/** A part of a page that has a place in the list of contents. */
export interface Section {
  /** Of its element; links lead there. */
  readonly id: string
  readonly title: string
  readonly body: Content
}

export function sectionHtml({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`
}

/** A column of a table: its heading, and whether it holds figures. */
export interface Column {
  readonly title: Content
  readonly isFigure?: boolean
}

export const text = (title: Content): Column => ({ title })
export const figure = (title: Content): Column => ({ title, isFigure: true })

/** A table whose rows are headed by their first cell; it scrolls by itself where it is too wide. */
export function tableHtml(
  caption: Content,
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  total?: readonly Content[],
): Html {
  const cells = (row: readonly Content[]): Content =>
    row.map((content, index) => {
      const isFigure = columns[index]?.isFigure ?? false
      if (index === 0 && !isFigure) return html`<th scope="row">${content}</th>`
      return isFigure ? html`<td class="figure">${content}</td>` : html`<td>${content}</td>`
    })
  return scrolled(html`<table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ title, isFigure }) =>
    isFigure
      ? html`<th scope="col" class="figure">${title}</th>`
      : html`<th scope="col">${title}</th>`,
  )}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody>
${total === undefined ? undefined : html`<tfoot><tr>${cells(total)}</tr></tfoot>`}
</table>`)
}

/** What is wide can be moved by keys as well, where it does not fit. */
export function scrolled(content: Content): Html {
  return html`<div class="wide">${content}</div>`
}

/** A size for people, with the exact one for whoever points at it and for whoever copies it. */
export function size(bytes: Amount): Html {
  return html`<data value="${bytes}" title="${formatCount(bytes)} bytes">${formatSize(bytes)}</data>`
}

/** The same, where there may be none or none is known. */
export function sizeOrNone(bytes: Amount | undefined): Content {
  return bytes === undefined || toDouble(bytes) === 0 ? NONE : size(bytes)
}

/** An allocator's name, which may be broken before `_alloc`. */
export function allocatorName(name: string): Content {
  const stem = name.replace(/_alloc$/, '')
  return stem === name ? name : html`${stem}<wbr>_alloc`
}

/** What cannot be understood without the rest, and can be unfolded. `key` tells it from others on its page. */
export function unfolded(key: string, summary: Content, body: Content): Html {
  return html`<details data-key="${key}"><summary>${summary}</summary>
${body}
</details>`
}

/** What is to be copied: it stands on its own lines. The button is seen where there is a script to serve it. */
export function copied(label: string, lines: string): Html {
  return html`<div class="copied"><pre><code>${lines}</code></pre><button type="button" class="copy" aria-label="Copy ${label}">Copy</button></div>`
}

export function sentence(words: string): string {
  return /[.?!]$/.test(words) ? words : `${words}.`
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerated(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** What could not be had, and why. */
export function missingList(missing: readonly Missing[]): Content {
  return missing.length === 0
    ? undefined
    : html`<ul>${missing.map(({ what, why }) => html`<li>${what}: ${why}</li>`)}</ul>`
}

/** A long table shows this many rows, and says how many it leaves out. */
export const MAX_ROWS = 100

export function shortened<Row>(rows: readonly Row[]): {
  readonly shown: readonly Row[]
  readonly more: Content
} {
  const hidden = rows.length - MAX_ROWS
  return {
    shown: rows.slice(0, MAX_ROWS),
    more:
      hidden <= 0
        ? undefined
        : html`<p class="aside">and ${formatCount(hidden)} more, which the command line shows</p>`,
  }
}
