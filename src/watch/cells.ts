/**
 * Text on the grid of a terminal: how many columns it takes, and how it is brought to a number of them.
 *
 * @see https://www.unicode.org/reports/tr11/ East Asian Width
 */
import { printable } from '../present/printable.ts'

/** A piece of a line, and how it is painted. */
export interface Span {
  readonly text: string
  readonly paint?: ((text: string) => string) | undefined
}

export type Line = readonly Span[]

/** What stands over or under the character before it. */
const NO_COLUMN = /^\p{Mn}$/u
/**
 * Emoji, those that an older terminal draws as text, and what is wide without being an emoji: angle brackets, and
 * since Unicode 16 trigrams, monograms and digrams.
 *
 * @see https://www.unicode.org/Public/16.0.0/ucd/EastAsianWidth.txt
 */
const WIDE =
  /^[\p{Emoji_Presentation}\p{Emoji_Modifier_Base}\u2329\u232a\u2630-\u2637\u268a-\u268f]$/u

/** Hangul Jamo, and from the CJK radicals on: nearly all of these are wide. */
const isWideBlock = (code: number): boolean => (code >= 0x1100 && code < 0x1160) || code >= 0x2e80

/**
 * How many columns a character takes at most: terminals differ in what is rare, and a line that is a column
 * short does no harm.
 */
function columnsOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (NO_COLUMN.test(character)) return 0
  return isWideBlock(code) || WIDE.test(character) ? 2 : 1
}

/** How many columns a text takes that is {@link printable}. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += columnsOfCharacter(character)
  return columns
}

const ELLIPSIS = '…'

/** Whatever does not fit is left out, and an ellipsis stands in its place. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  if (columns < 1) return ''
  let left = columns - 1
  let kept = ''
  for (const character of text) {
    left -= columnsOfCharacter(character)
    if (left < 0) break
    kept += character
  }
  return kept + ELLIPSIS
}

/** What is left out is left out after the first quarter: of a message about a file, how it begins and ends stays. */
export function cutMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  const start = cut(text, Math.ceil(columns / 4))
  let left = columns - columnsOf(start)
  const end: string[] = []
  for (const character of Array.from(text).reverse()) {
    left -= columnsOfCharacter(character)
    if (left < 0) break
    end.unshift(character)
  }
  return start + end.join('')
}

/** Spaces up to so many columns, behind the text. */
export function padEnd(text: string, columns: number): string {
  return text + spaces(columns - columnsOf(text))
}

/** Spaces up to so many columns, before the text. */
export function padStart(text: string, columns: number): string {
  return spaces(columns - columnsOf(text)) + text
}

export function spaces(count: number): string {
  return ' '.repeat(Math.max(0, count))
}

/** From outside: on one line, and nothing in it that steers the terminal. */
export function span(text: string, paint?: (text: string) => string): Span {
  return { text: printable(text), paint }
}

export function columnsOfLine(line: Line): number {
  return line.reduce((columns, { text }) => columns + columnsOf(text), 0)
}

/** A line that is no wider than that. */
export function cutLine(line: Line, columns: number): Line {
  let left = columns
  return line.map(({ text, paint }) => {
    const kept = cut(text, left)
    left -= columnsOf(kept)
    return { text: kept, paint }
  })
}

/** One at the beginning and one at the end of a line; the left one is cut first. */
export function justify(left: Line, right: Line, columns: number): Line {
  const end = cutLine(right, columns)
  const room = columns - columnsOfLine(end)
  const start = cutLine(left, Math.max(0, room - 1))
  return [...start, { text: spaces(room - columnsOfLine(start)) }, ...end]
}

/**
 * Breaks text at spaces into lines of no more than so many columns, of which there are at most so many; a word
 * that is longer is broken too.
 */
export function wrapColumns(text: string, columns: number, maxLines: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (columnsOf(longer) <= columns) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (columnsOf(line) > columns && lines.length < maxLines) {
      const head = headOf(line, columns)
      if (head === '') break
      lines.push(head)
      line = line.slice(head.length)
    }
  }
  lines.push(line)
  if (lines.length <= maxLines) return lines
  const kept = lines.slice(0, maxLines - 1)
  return [...kept, cut(lines.slice(maxLines - 1).join(' '), columns)]
}

function headOf(text: string, columns: number): string {
  let head = ''
  let left = columns
  for (const character of text) {
    left -= columnsOfCharacter(character)
    if (left < 0) break
    head += character
  }
  return head
}

/** What is drawn, and what stands for it where only ASCII does. */
const ASCII: Readonly<Record<string, string>> = {
  '▁': '_',
  '▂': '.',
  '▃': '-',
  '▄': ':',
  '▅': '=',
  '▆': '+',
  '▇': '*',
  '█': '#',
  '▸': '>',
  '↑': '^',
  '↓': 'v',
  '–': '-',
  '−': '-',
  '…': '~',
  '·': '|',
  '●': '*',
}

/** In ASCII, on as many columns. */
export function ascii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII
  return text.replace(/[^\u0000-\u007f]/gu, (character) =>
    (ASCII[character] ?? '??').slice(0, columnsOfCharacter(character)),
  )
}
