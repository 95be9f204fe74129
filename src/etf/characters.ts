/**
 * The characters of Erlang text: which of them make up a name, which are printable, which need an
 * escape.
 *
 * @see https://www.erlang.org/doc/system/data_types.html
 */

const NAME = 1
const NAME_START = 2

/** Erlang's names are Latin-1: what every code below 256 may be. */
const classes = new Uint8Array(256)
mark('az', NAME | NAME_START)
mark('ßö', NAME | NAME_START)
mark('øÿ', NAME | NAME_START)
mark('AZ', NAME)
mark('ÀÖ', NAME)
mark('ØÞ', NAME)
mark('09', NAME)
mark('__', NAME)
mark('@@', NAME)

function mark(range: string, flags: number): void {
  classes.fill(flags, range.charCodeAt(0), range.charCodeAt(1) + 1)
}

/** Whether a code can begin an atom without quotes. */
export function isNameStart(code: number): boolean {
  return ((classes[code] ?? 0) & NAME_START) !== 0
}

/** Whether a code can stand within an atom without quotes, or within a variable. */
export function isNameCharacter(code: number): boolean {
  return ((classes[code] ?? 0) & NAME) !== 0
}

/** Whether a code begins a variable. */
export function isVariableStart(code: number): boolean {
  return isNameCharacter(code) && !isNameStart(code) && !isDigit(code) && code !== 0x40
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** The words that are no atoms without quotes, as `erl_scan:reserved_word/1` of OTP 29 has them. */
export const reservedWords: ReadonlySet<string> = new Set(
  (
    'after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let ' +
    'maybe not of or orelse receive rem try when xor'
  ).split(' '),
)

/** Reserved from OTP 27 only: earlier releases print them without quotes. */
export const lateReservedWords: ReadonlySet<string> = new Set(['else', 'maybe'])

/** The letters behind a backslash that stand for another character. */
export const escapedLetters: ReadonlyMap<string, number> = new Map([
  ['b', 0x08],
  ['d', 0x7f],
  ['e', 0x1b],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['s', 0x20],
  ['t', 0x09],
  ['v', 0x0b],
])

/** How `io_lib:write_string/2` writes these; a space stays one. */
const shortEscapes = new Map(
  Array.from(escapedLetters, ([letter, code]): [number, string] => [code, `\\${letter}`]).filter(
    ([code]) => code !== 0x20,
  ),
)

/**
 * Whether a list that holds only such codes is printed as a string, as `io_lib:printable_list/1` has
 * it on a node started without `+pc unicode`.
 */
export function isPrintable(code: number): boolean {
  return (
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xff) ||
    (code !== 0x7f && shortEscapes.has(code))
  )
}

/** A code point as it stands between quotes of the kind given: no control character comes out raw. */
export function escaped(code: number, quote: '"' | "'"): string {
  if (code === 0x5c || code === quote.charCodeAt(0)) return `\\${String.fromCharCode(code)}`
  if (code >= 0x20 && code <= 0x7e) return String.fromCharCode(code)
  if (code < 0xa0) return shortEscapes.get(code) ?? `\\${code.toString(8).padStart(3, '0')}`
  // Half of a surrogate pair is no character; only JavaScript can have made such a name.
  if (code >= 0xd800 && code <= 0xdfff) return `\\x{${code.toString(16).toUpperCase()}}`
  return String.fromCodePoint(code)
}

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u

/**
 * A character as a message may show it: what steers a terminal, or hides, becomes its number. A tab
 * becomes a space.
 */
export function visible(character: string): string {
  if (character === '\t') return ' '
  if (!INVISIBLE.test(character)) return character
  return `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`
}
