/**
 * What can be wrong with text that should hold a term.
 */
import { BeamscopeError } from '../errors.ts'
import { visible } from './characters.ts'

/** Text that holds no term that could be used here. */
export abstract class ParseError extends BeamscopeError {
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  /** In UTF-16 code units, as in `text.slice(offset)`. */
  readonly offset: number
  /**
   * Two lines ready to print: the line of the text, shortened to 76 columns, and a caret under the
   * place. Control characters are written as their numbers.
   */
  readonly excerpt: string

  constructor(
    message: string,
    text: string,
    offset: number,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    const { line, column } = locate(text, offset)
    super(`${message}, at line ${line}, column ${column}`, options)
    this.line = line
    this.column = column
    this.offset = offset
    this.excerpt = excerptOf(text, offset)
  }
}

/** The text breaks a rule of Erlang's syntax, or holds more than the data that is read here. */
export class TermSyntaxError extends ParseError {
  readonly code = 'ERR_TERM_SYNTAX'
}

/** The text is how Erlang prints a value that no text can bring back. */
export class UnreadableTermError extends ParseError {
  readonly code = 'ERR_TERM_UNREADABLE'
}

/** The term is larger or deeper than the caller allows. */
export class ParseLimitError extends ParseError {
  readonly code = 'ERR_TERM_TEXT_LIMIT'
  readonly limit: number
  constructor(message: string, text: string, offset: number, limit: number) {
    super(message, text, offset)
    this.limit = limit
  }
}

/** Line and column of an offset, both from 1. */
export function locate(
  text: string,
  offset: number,
): { readonly line: number; readonly column: number } {
  let line = 1
  let start = 0
  for (;;) {
    const end = text.indexOf('\n', start)
    if (end === -1 || end >= offset) break
    line++
    start = end + 1
  }
  let column = 1
  for (const _ of text.slice(start, offset)) column++
  return { line, column }
}

const EXCERPT_WIDTH = 76
/** How much of the line goes before the caret when not all of it has room. */
const BEFORE_CARET = 50
const CUT = '...'

function excerptOf(text: string, offset: number): string {
  // No more of the text is looked at than can be shown: a line may hold all of it.
  const before = text.slice(Math.max(0, offset - EXCERPT_WIDTH), offset)
  const after = text.slice(offset, offset + EXCERPT_WIDTH)
  const left = before.slice(before.lastIndexOf('\n') + 1)
  const lineEnd = after.search(/\r?\n/)
  const right = lineEnd === -1 ? after : after.slice(0, lineEnd)
  const leftIsWhole = left.length < before.length || offset <= EXCERPT_WIDTH
  const rightIsWhole = lineEnd !== -1 || offset + EXCERPT_WIDTH >= text.length

  const shownRight = Array.from(right, visible)
  const rightWidth = widthOf(shownRight) + (rightIsWhole ? 0 : CUT.length)
  const leftRoom = Math.max(BEFORE_CARET, EXCERPT_WIDTH - rightWidth)
  const shownLeft = Array.from(left, visible)
  // The first and the last may be half a character.
  if (!leftIsWhole) shownLeft.shift()
  if (!rightIsWhole) shownRight.pop()
  if (!leftIsWhole || widthOf(shownLeft) > leftRoom) {
    while (widthOf(shownLeft) > leftRoom - CUT.length) shownLeft.shift()
    shownLeft.unshift(CUT)
  }
  const leftWidth = widthOf(shownLeft)
  const rightRoom = EXCERPT_WIDTH - leftWidth
  if (!rightIsWhole || widthOf(shownRight) > rightRoom) {
    while (widthOf(shownRight) > rightRoom - CUT.length) shownRight.pop()
    shownRight.push(CUT)
  }
  return `${[...shownLeft, ...shownRight].join('')}\n${' '.repeat(leftWidth)}^`
}

function widthOf(pieces: readonly string[]): number {
  let width = 0
  for (const piece of pieces) width += piece.length
  return width
}
