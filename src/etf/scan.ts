/**
 * Text to tokens, as `erl_scan` makes them.
 *
 * @see https://www.erlang.org/doc/system/data_types.html
 */
import {
  escapedLetters,
  isDigit,
  isNameCharacter,
  isNameStart,
  isVariableStart,
  lateReservedWords,
  reservedWords,
  visible,
} from './characters.ts'
import { ParseLimitError, TermSyntaxError } from './parse-error.ts'
import { Atom } from './terms.ts'

export type Token =
  | { readonly kind: 'atom'; readonly atom: Atom }
  | { readonly kind: 'integer'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly codes: number[] }
  | { readonly kind: 'sigil'; readonly codes: readonly number[] }
  | { readonly kind: 'variable' }
  | { readonly kind: 'word'; readonly word: string }
  | Identifier
  | { readonly kind: 'opaque'; readonly of: string }
  | Sign
  | { readonly kind: 'stop' }
  | { readonly kind: 'end' }

interface Sign {
  readonly kind: 'sign'
  readonly sign: string
}

/** `<0.1.2>`, `#Port<0.1>` or `#Ref<0.1.2.3>`. */
export interface Identifier {
  readonly kind: 'identifier'
  readonly of: 'pid' | 'port' | 'reference'
  /** What stands for the node: a number, or the node's name. */
  readonly node: bigint | Atom
  readonly numbers: readonly bigint[]
}

/** The BEAM's own limit for one integer as from OTP 27; earlier releases have larger ones. */
const MAX_INTEGER_BITS = 2 ** 22 - 1

const MAX_ATOM_CHARACTERS = 255

const SPACE = 0x20
const DOUBLE_QUOTE = 0x22
const HASH = 0x23
const DOLLAR = 0x24
const PERCENT = 0x25
const SINGLE_QUOTE = 0x27
const DOT = 0x2e
const LESS = 0x3c
const BACKSLASH = 0x5c
const UNDERSCORE = 0x5f
const TILDE = 0x7e

const STOP: Token = { kind: 'stop' }
const END: Token = { kind: 'end' }
const VARIABLE: Token = { kind: 'variable' }

/** By their first character; longest first, where one begins another. */
const signs = new Map<number, readonly Sign[]>()
for (const sign of (
  '<< >> => := #{ -> ++ -- || == /= =< >= =:= =/= <- :: ' +
  '[ ] { } ( ) , | : ; = / - + * < > # ! ?'
).split(' ')) {
  const first = sign.charCodeAt(0)
  const all: Sign[] = [...(signs.get(first) ?? []), { kind: 'sign', sign }]
  all.sort((a, b) => b.sign.length - a.sign.length)
  signs.set(first, all)
}

/** Reads tokens one after another. Its time is linear in the length of the text. */
export class Scanner {
  readonly text: string
  /** Bare names seen before. */
  readonly #names = new Map<string, Token>()
  #position = 0
  #start = 0
  #previousEnd = 0

  constructor(text: string) {
    this.text = text
  }

  /** Where the token that was read last begins. */
  get start(): number {
    return this.#start
  }

  /** Where the token before that one ends. */
  get previousEnd(): number {
    return this.#previousEnd
  }

  /** The next token, which is taken. */
  next(): Token {
    this.#previousEnd = this.#position
    this.#skipBlank()
    const start = this.#position
    this.#start = start
    const code = this.text.charCodeAt(start)
    if (isNameStart(code)) return this.#name()
    if (isDigit(code)) return this.#number()
    switch (code) {
      case DOUBLE_QUOTE:
        this.#rejectTripleQuotes()
        return { kind: 'string', codes: this.#quoted(DOUBLE_QUOTE) }
      case SINGLE_QUOTE:
        return { kind: 'atom', atom: this.#quotedAtom() }
      case DOLLAR:
        return this.#character()
      case TILDE:
        return this.#sigil()
      case DOT:
        return this.#stop()
      case LESS:
        return this.#less()
      case HASH:
        return this.#hash()
    }
    // Past the end there is no code: NaN.
    if (Number.isNaN(code)) return END
    if (isVariableStart(code)) {
      this.#skipName()
      return VARIABLE
    }
    return this.#sign(code)
  }

  /** Takes the sign if it comes next. */
  take(sign: string): boolean {
    this.#skipBlank()
    if (!this.text.startsWith(sign, this.#position)) return false
    this.#start = this.#position
    this.#position += sign.length
    return true
  }

  /** Whether the next token is a string. */
  isAtString(): boolean {
    this.#skipBlank()
    return this.text.charCodeAt(this.#position) === DOUBLE_QUOTE
  }

  /** The text of the token that was read last, fit for a message. */
  describe(): string {
    if (this.#start >= this.text.length) return 'the end of the text'
    const characters = Array.from(this.text.slice(this.#start, this.#position).slice(0, 30))
    const shown = characters.slice(0, 20).map(visible).join('')
    return characters.length > 20 ? `${shown}...` : shown
  }

  /** Blank to `erl_scan`: everything up to the space, and 128 to 160. */
  #skipBlank(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.#position)
      if (code <= SPACE || (code >= 0x80 && code <= 0xa0)) {
        this.#position++
      } else if (code === PERCENT) {
        const end = text.indexOf('\n', this.#position)
        this.#position = end === -1 ? text.length : end + 1
      } else {
        return
      }
    }
  }

  #skipName(): void {
    const { text } = this
    let position = this.#position
    while (isNameCharacter(text.charCodeAt(position))) position++
    this.#position = position
  }

  #name(): Token {
    this.#skipName()
    const name = this.text.slice(this.#start, this.#position)
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const token: Token =
      reservedWords.has(name) && !lateReservedWords.has(name)
        ? { kind: 'word', word: name }
        : { kind: 'atom', atom: this.#atom(name) }
    this.#names.set(name, token)
    return token
  }

  #atom(name: string): Atom {
    if (name.length > MAX_ATOM_CHARACTERS) {
      let characters = 0
      for (const _ of name) characters++
      if (characters > MAX_ATOM_CHARACTERS) {
        throw new ParseLimitError(
          `an atom of ${characters} characters, where ${MAX_ATOM_CHARACTERS} are allowed`,
          this.text,
          this.#start,
          MAX_ATOM_CHARACTERS,
        )
      }
    }
    // Made of single characters: a slice would keep the whole text in memory.
    let copy = ''
    for (const character of name) copy += character
    return new Atom(copy)
  }

  #quotedAtom(): Atom {
    let name = ''
    for (const code of this.#quoted(SINGLE_QUOTE)) name += String.fromCodePoint(code)
    return this.#atom(name)
  }

  /** The code points between two quotes, the first of which is next. */
  #quoted(quote: number): number[] {
    const { text } = this
    const open = this.#position
    const codes: number[] = []
    this.#position++
    for (;;) {
      const code = text.charCodeAt(this.#position)
      if (code === quote) {
        this.#position++
        return codes
      }
      if (code === BACKSLASH) codes.push(this.#escape())
      else if (Number.isNaN(code)) throw this.#unterminated(quote, open)
      else codes.push(this.#codePoint())
    }
  }

  #unterminated(quote: number, open: number): TermSyntaxError {
    const what = quote === DOUBLE_QUOTE ? 'string' : 'quoted atom'
    return new TermSyntaxError(`the ${what} that begins here has no end`, this.text, open, {
      hint: `it ends with ${String.fromCharCode(quote)}; within it, that is written \\${String.fromCharCode(quote)}`,
    })
  }

  /** Takes one character as it stands. */
  #codePoint(): number {
    const code = this.text.codePointAt(this.#position)
    if (code === undefined) throw this.#error('a character is missing', this.#position)
    if (isSurrogate(code)) throw this.#error('half a surrogate pair is no character')
    this.#position += code > 0xffff ? 2 : 1
    return code
  }

  /** @see https://www.erlang.org/doc/system/data_types.html#escape-sequences */
  #escape(): number {
    const start = this.#position
    this.#position++
    if (this.#position >= this.text.length) {
      throw this.#error('the text ends within an escape sequence', start)
    }
    const code = this.#codePoint()
    const letter = String.fromCodePoint(code)
    if (letter === '^') return this.#control(start)
    if (letter === 'x') return this.#hexadecimal(start)
    if (code >= 0x30 && code <= 0x37) return this.#octal(code)
    return escapedLetters.get(letter) ?? code
  }

  /** `\^A`: the five low bits. `\^?` is delete. */
  #control(start: number): number {
    const code = this.text.charCodeAt(this.#position)
    this.#position++
    if (code === 0x3f) return 0x7f
    if ((code >= 0x40 && code <= 0x5f) || (code >= 0x61 && code <= 0x7a)) return code & 0x1f
    throw this.#error('\\^ goes before a letter or one of @[\\]^_?', start)
  }

  /** `\xHH`, or `\x{H...}`. */
  #hexadecimal(start: number): number {
    const { text } = this
    const braced = text.charCodeAt(this.#position) === 0x7b
    const from = this.#position + (braced ? 1 : 0)
    let end = from
    let value = 0
    for (;;) {
      const digit = digitValue(text.charCodeAt(end))
      if (digit >= 16 || (!braced && end - from === 2)) break
      // Kept small however many digits follow.
      value = Math.min(value * 16 + digit, 0x11_0000)
      end++
    }
    const complete = braced ? end > from && text.charCodeAt(end) === 0x7d : end - from === 2
    this.#position = braced ? end + 1 : end
    if (!complete) throw this.#error('\\x goes before two hexadecimal digits or {...}', start)
    if (value > 0x10_ffff || isSurrogate(value)) {
      throw this.#error('the escape sequence stands for no character', start)
    }
    return value
  }

  /** Up to three octal digits, the first of which was taken. */
  #octal(first: number): number {
    let value = first - 0x30
    for (let i = 0; i < 2; i++) {
      const code = this.text.charCodeAt(this.#position)
      if (!(code >= 0x30 && code <= 0x37)) break
      value = value * 8 + code - 0x30
      this.#position++
    }
    return value
  }

  /** `$a`. */
  #character(): Token {
    this.#position++
    if (this.#position >= this.text.length) throw this.#error('$ goes before a character')
    const isEscape = this.text.charCodeAt(this.#position) === BACKSLASH
    return { kind: 'integer', value: isEscape ? this.#escape() : this.#codePoint() }
  }

  /** `~"..."`, a binary in UTF-8. */
  #sigil(): Token {
    this.#position++
    if (this.text.charCodeAt(this.#position) !== DOUBLE_QUOTE) {
      throw this.#error('of the sigils only ~"..." is read here')
    }
    this.#rejectTripleQuotes()
    return { kind: 'sigil', codes: this.#quoted(DOUBLE_QUOTE) }
  }

  #rejectTripleQuotes(): void {
    if (!this.text.startsWith('"""', this.#position)) return
    throw new TermSyntaxError(
      'triple-quoted strings are not read here',
      this.text,
      this.#position,
      {
        hint: 'use plain quotes, and \\n for a new line',
      },
    )
  }

  /** A full stop has a blank, a comment or nothing behind it. */
  #stop(): Token {
    const { text } = this
    const after = text.charCodeAt(this.#position + 1)
    if (text.startsWith('...', this.#position)) {
      throw this.#error('the text was shortened here when it was printed')
    }
    this.#position++
    if (Number.isNaN(after) || after <= SPACE || (after >= 0x80 && after <= 0xa0)) return STOP
    if (after === PERCENT) return STOP
    throw this.#error('a full stop stands within the term')
  }

  #less(): Token {
    const after = this.text.charCodeAt(this.#position + 1)
    if (!isDigit(after) && !isNameStart(after) && after !== SINGLE_QUOTE) return this.#sign(LESS)
    this.#position++
    return this.#identifier('pid', 2)
  }

  #hash(): Token {
    const { text } = this
    const open = text.indexOf('<', this.#position)
    const name = open === -1 || open - this.#position > 10 ? '' : text.slice(this.#position, open)
    switch (name) {
      case '#Port':
        this.#position = open + 1
        return this.#identifier('port', 1)
      case '#Ref':
        this.#position = open + 1
        return this.#identifier('reference', 5)
      case '#Fun':
      case '#Local':
        this.#position = open + 1
        return { kind: 'opaque', of: name }
      default:
        return this.#sign(HASH)
    }
  }

  /** The node and up to `most` numbers, each behind a dot, then `>`. */
  #identifier(of: Identifier['of'], most: number): Token {
    const node = this.#identifierNode()
    const numbers: bigint[] = []
    while (this.text.charCodeAt(this.#position) === DOT && numbers.length < most) {
      this.#position++
      numbers.push(this.#identifierNumber())
    }
    if (this.text.charCodeAt(this.#position) !== 0x3e) {
      throw this.#error(`this is not how a ${of} is printed`)
    }
    this.#position++
    return { kind: 'identifier', of, node, numbers }
  }

  #identifierNode(): bigint | Atom {
    const code = this.text.charCodeAt(this.#position)
    if (isDigit(code)) return this.#identifierNumber()
    if (code === SINGLE_QUOTE) return this.#quotedAtom()
    const start = this.#position
    this.#skipName()
    return this.#atom(this.text.slice(start, this.#position))
  }

  #identifierNumber(): bigint {
    const start = this.#position
    // No number in them takes more than 64 bits, which are 20 digits.
    while (isDigit(this.text.charCodeAt(this.#position)) && this.#position - start < 20) {
      this.#position++
    }
    if (this.#position === start) throw this.#error('a number is missing', start)
    return BigInt(this.text.slice(start, this.#position))
  }

  #number(): Token {
    const { text } = this
    const start = this.#position
    const value = this.#digits(10)
    const after = text.charCodeAt(this.#position)
    if (after === HASH) return this.#basedInteger(value)
    if (after === DOT && isDigit(text.charCodeAt(this.#position + 1))) return this.#float(start)
    if (isNameCharacter(after)) {
      const isExponent = after === 0x65 || after === 0x45
      throw this.#error(
        isExponent ? 'a float has a decimal point: 1.0e5' : 'a letter follows a number',
        this.#position,
      )
    }
    return { kind: 'integer', value: this.#integer(value, start, 10) }
  }

  /**
   * Takes digits, with single underscores between them. The value is exact while it is a safe integer,
   * and beyond the safe integers when it is not.
   */
  #digits(base: number): number {
    const { text } = this
    let position = this.#position
    let value = 0
    let digit = digitValue(text.charCodeAt(position))
    while (digit < base) {
      value = value * base + digit
      position++
      let code = text.charCodeAt(position)
      if (code === UNDERSCORE && digitValue(text.charCodeAt(position + 1)) < base) {
        position++
        code = text.charCodeAt(position)
      }
      digit = digitValue(code)
    }
    this.#position = position
    return value
  }

  /** What the digits from `start` to here say, if `value` was not exact. */
  #integer(value: number, start: number, base: number): number | bigint {
    if (Number.isSafeInteger(value)) return value
    const digits = this.text.slice(start, this.#position).replaceAll('_', '')
    if ((digits.length - 1) * Math.log2(base) > MAX_INTEGER_BITS) {
      throw new ParseLimitError(
        `an integer of ${digits.length} digits`,
        this.text,
        this.#start,
        MAX_INTEGER_BITS,
      )
    }
    return bigInteger(digits, base)
  }

  /** `16#FF`: the base and its sign are next. */
  #basedInteger(base: number): Token {
    this.#position++
    if (base < 2 || base > 36) throw this.#error('a base is one of 2 to 36')
    const start = this.#position
    const value = this.#digits(base)
    if (this.#position === start) throw this.#error(`a digit of base ${base} is missing`, start)
    const after = this.text.charCodeAt(this.#position)
    if (isNameCharacter(after)) {
      throw this.#error(`this is no digit of base ${base}`, this.#position)
    }
    if (after === DOT && digitValue(this.text.charCodeAt(this.#position + 1)) < base) {
      throw this.#error('floats are read in base 10 only')
    }
    return { kind: 'integer', value: this.#integer(value, start, base) }
  }

  /** The point is next. */
  #float(start: number): Token {
    const { text } = this
    this.#position++
    this.#digits(10)
    const exponent = text.charCodeAt(this.#position)
    if (exponent === 0x65 || exponent === 0x45) {
      this.#position++
      const sign = text.charCodeAt(this.#position)
      if (sign === 0x2b || sign === 0x2d) this.#position++
      const digits = this.#position
      this.#digits(10)
      if (this.#position === digits) throw this.#error('the exponent is missing', digits)
    }
    if (isNameCharacter(text.charCodeAt(this.#position))) {
      throw this.#error('a letter follows a number', this.#position)
    }
    const value = Number(text.slice(start, this.#position).replaceAll('_', ''))
    if (!Number.isFinite(value)) throw this.#error('the float is out of range', start)
    return { kind: 'float', value }
  }

  #sign(code: number): Token {
    for (const token of signs.get(code) ?? []) {
      if (this.text.startsWith(token.sign, this.#position)) {
        this.#position += token.sign.length
        return token
      }
    }
    const character = String.fromCodePoint(this.text.codePointAt(this.#position) ?? 0)
    if (/^\p{L}$/u.test(character)) {
      throw this.#error(`an atom with ${visible(character)} in it is written in quotes`)
    }
    throw this.#error(`${visible(character)} cannot stand here`)
  }

  #error(message: string, offset: number = this.#start): TermSyntaxError {
    return new TermSyntaxError(message, this.text, offset)
  }
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}

/** The value of a digit of base 36, 36 for what is none. */
function digitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 10
  if (code >= 0x41 && code <= 0x5a) return code - 0x41 + 10
  return 36
}

/**
 * Adds up pieces that a number holds exactly, neighbours first: as quick as multiplying large integers
 * is, where one digit after another would take quadratic time.
 */
function bigInteger(digits: string, base: number): number | bigint {
  const width = Math.floor(53 / Math.log2(base))
  let pieces: bigint[] = []
  for (let end = digits.length; end > 0; end -= width) {
    pieces.push(BigInt(Number.parseInt(digits.slice(Math.max(0, end - width), end), base)))
  }
  // The lowest piece comes first.
  for (let unit = BigInt(base) ** BigInt(width); pieces.length > 1; unit *= unit) {
    const sums: bigint[] = []
    for (let i = 0; i < pieces.length; i += 2) {
      sums.push((pieces[i] ?? 0n) + (pieces[i + 1] ?? 0n) * unit)
    }
    pieces = sums
  }
  const value = pieces[0] ?? 0n
  // Leading zeros and rounding can make a safe one look large.
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
