/**
 * HTML in which nothing from outside is ever markup: whatever a template is given is text, unless a template
 * made it.
 */
import { printableLines } from '../printable.ts'

/** Markup, made by {@link html} alone. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What stands in a template: `undefined` is nothing, a list is its elements one after the other. */
export type Content = Html | string | number | bigint | undefined | readonly Content[]

/** A template. Text, also in attributes between double quotes, stands as it is read. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  let text = strings[0] ?? ''
  contents.forEach((content, index) => {
    text += markup(content) + (strings[index + 1] ?? '')
  })
  return new Html(text)
}

function markup(content: Content): string {
  if (content === undefined) return ''
  if (content instanceof Html) return content.text
  if (typeof content === 'object') return content.map(markup).join('')
  return escapeText(String(content))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What cannot be seen is named, as on a terminal: it may turn the direction of writing here as well. */
export function escapeText(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** For `<script type="application/json">`, which nothing in the text can end. */
export function scriptJson(json: string): Html {
  return new Html(json.replace(/[<>&\u2028\u2029]/g, escapeUnit))
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
