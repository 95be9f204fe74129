/**
 * Text from outside, made safe for a terminal.
 *
 * A node, a file or a name server may hand over escape sequences that move the cursor, rename the window
 * or turn the direction of writing; none of them reaches the terminal.
 */

/** Controls, marks of direction and whatever else takes no place of its own, or breaks a line. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** On one line: each such character as `\u001b`. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })
}

/** The same for text of several lines, which stay lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
