/** What a terminal needs for a text, as a library counts it that has no part in drawing `watch`. */
import stringWidth from 'string-width'

/** That library counts the marks of the first block alone as nothing; terminals count none of them. */
export function terminalColumns(text: string): number {
  return stringWidth(text.replace(/\p{Mn}/gu, ''))
}
