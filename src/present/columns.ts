/**
 * How many columns of a terminal a text takes.
 *
 * @see https://www.unicode.org/reports/tr11/ East Asian Width
 */
import { stripVTControlCharacters } from 'node:util'

/** What has the width of one column, each character: ASCII, the rest of Latin-1, and its extensions. */
const NARROW = /^[\u0020-\u007e\u00a0-\u02ff]*$/

/** Colours take none, what combines with the character before takes none, wide ones take two. */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length
  let columns = 0
  for (const character of stripVTControlCharacters(text)) columns += columnsOfCharacter(character)
  return columns
}

/** Regional indicators stand in pairs, each of which is a flag of two columns. */
const HALF_FLAG = /^\p{Regional_Indicator}$/u

const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}\p{Emoji_Modifier}]$/u

const EMOJI = /^\p{Emoji_Presentation}$/u

function columnsOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (COMBINING.test(character)) return 0
  if (HALF_FLAG.test(character)) return 1
  return isWide(code) || EMOJI.test(character) ? 2 : 1
}

/** The blocks whose width is W or F in EastAsianWidth.txt, emoji apart: first and last character. */
const WIDE: readonly (readonly [number, number])[] = [
  // Hangul Jamo
  [0x1100, 0x115f],
  // Angle brackets
  [0x2329, 0x232a],
  // CJK Radicals Supplement to CJK Symbols and Punctuation, but for the half fill space
  [0x2e80, 0x303e],
  // Hiragana to Enclosed CJK Letters and Months
  [0x3041, 0x3247],
  [0x3250, 0x4dbf],
  // CJK Unified Ideographs, Yi
  [0x4e00, 0xa4c6],
  // Hangul Jamo Extended-A
  [0xa960, 0xa97c],
  // Hangul Syllables
  [0xac00, 0xd7a3],
  // CJK Compatibility Ideographs
  [0xf900, 0xfaff],
  // Vertical Forms
  [0xfe10, 0xfe19],
  // CJK Compatibility Forms, Small Form Variants
  [0xfe30, 0xfe6b],
  // Fullwidth Forms
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  // Tangut to Kana Extended
  [0x16fe0, 0x1b2fb],
  // Enclosed Ideographic Supplement
  [0x1f200, 0x1f251],
  // CJK Unified Ideographs Extension B to the end of the Tertiary Ideographic Plane
  [0x20000, 0x3fffd],
]

function isWide(code: number): boolean {
  return WIDE.some(([first, last]) => code >= first && code <= last)
}
