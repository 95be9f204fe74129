/**
 * Text from outside, made safe for a terminal.
 *
 * A node, a file or a name server may hand over escape sequences that move the cursor, rename the window
 * or turn the direction of writing; none of them reaches the terminal.
 */

/**
 * Controls, marks of direction, whatever else takes no place of its own, and what breaks a line; the same stands
 * in `etf/characters.ts`, which is not to be loaded for a help text.
 */
export const INVISIBLE: RegExp =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu

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

/**
 * The same for terms as Erlang writes them, where what is not Latin-1 stands between quotes alone: they can still
 * be read back.
 */
export function printableTerm(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line.replace(INVISIBLE, (character) => {
        const code = (character.codePointAt(0) ?? 0).toString(16)
        return `\\x{${code.toUpperCase()}}`
      }),
    )
    .join('\n')
}

/** The same for JSON, where it stands in strings alone. */
export function printableJson(json: string): string {
  return json.replace(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
