/**
 * Erlang text to terms: what `io:format("~p.", [Term])` prints, and what a person types.
 *
 * @see https://www.erlang.org/doc/system/expressions.html
 */
import { isList } from './match.ts'
import { locate, ParseLimitError, TermSyntaxError, UnreadableTermError } from './parse-error.ts'
import { type Identifier, Scanner, type Token } from './scan.ts'
import { BitBuilder, type SegmentType } from './segments.ts'
import {
  Atom,
  type BitString,
  DuplicateKeyError,
  ErlangMap,
  ExportFun,
  Float,
  ImproperList,
  NativeRecord,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
} from './terms.ts'

export interface ParseOptions {
  /** How deep terms may be nested. Default 10,000; the parser itself has no limit. */
  readonly maxDepth?: number
  /**
   * The node that printed the text, or is to receive the term. With it `<0.83.0>`, `#Port<0.5>` and
   * `#Ref<0.1.2.3>` can be read, which leave their node out.
   */
  readonly node?: NodeIdentity
}

/** A node, and the number that tells its incarnations apart. */
export interface NodeIdentity {
  readonly name: string
  readonly creation: number
}

/** What is to be called. */
export interface Call {
  readonly module: string
  readonly function: string
  readonly arguments: readonly Term[]
}

/**
 * Reads one term; a full stop may end it. Nothing is evaluated: there are no variables, operators or
 * calls.
 *
 * Beyond what `file:consult/1` takes, it reads `fun M:F/A`; pids, ports and references, given
 * {@link ParseOptions.node}; `~"text"`; `maybe` and `else` as atoms, as releases before OTP 27 print
 * them; and native records, whose text does not tell whether they are exported: `exported` is `false`.
 * Unlike there, a map must not name a key twice.
 *
 * @throws {TermSyntaxError} when the text is no term
 * @throws {UnreadableTermError} for what has lost its value in print: `#Fun<...>`, and a pid, port or
 *   reference of a node that is not given
 * @throws {ParseLimitError} when the term is over one of the limits
 */
export function parseTerm(text: string, options: ParseOptions = {}): Term {
  const parser = new Parser(text, options)
  const term = parser.term()
  parser.expectEnd()
  return term
}

/**
 * Reads a call, `module:function(Argument, ...)`; a full stop may end it. The arguments are terms as
 * {@link parseTerm} reads them.
 *
 * @throws {TermSyntaxError} when the text is no such call
 * @throws {UnreadableTermError} as `parseTerm` does
 * @throws {ParseLimitError} as `parseTerm` does
 */
export function parseCall(text: string, options: ParseOptions = {}): Call {
  const parser = new Parser(text, options)
  const call = parser.call()
  parser.expectEnd()
  return call
}

const DEFAULT_MAX_DEPTH = 10_000

/**
 * What the binaries of one text may hold in bits beyond the length of the text: `<<0:800000000>>` is
 * short, but large.
 */
const MAX_EXTRA_BITS = 16 * 1024 * 1024 * 8

/** Erlang's limits: of the unit of a segment, and of arguments. */
const MAX_UNIT = 256
const MAX_ARITY = 255

/** Of the numbers of pids and references, and of ports: `NEW_PID_EXT`, `V4_PORT_EXT`. */
const MAX_UINT32 = 0xffff_ffffn
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

const CALL_HINT = 'a call is written module:function(Arguments), as in erlang:node()'

/** A term that is being put together. */
interface Frame {
  kind: 'list' | 'tail' | 'tuple' | 'map' | 'record' | 'arguments'
  readonly offset: number
  readonly parts: Term[]
  /** How many brackets close the list: `[a | [b]]` is one list, and takes two. */
  brackets: number
  /** Of a record. */
  readonly head: RecordHead | undefined
}

interface RecordHead {
  readonly module: Atom
  readonly name: Atom
  /** In order. */
  readonly fields: Map<string, Atom>
}

/** What a frame is called, and what may stand behind a part of it. */
const frameTexts: Readonly<Record<Frame['kind'], readonly [name: string, next: string]>> = {
  list: ['list', "',', '|' or ']'"],
  tail: ['list', "']'"],
  tuple: ['tuple', "',' or '}'"],
  map: ['map', "',' or '}'"],
  record: ['record', "',' or '}'"],
  arguments: ['list of arguments', "',' or ')'"],
}

/** What makes an expression of the value before it. */
const operators: ReadonlySet<string> = new Set(
  (
    '+ - * / ++ -- || < > =< >= == /= =:= =/= = ! ( : and andalso band bor bsl bsr bxor div or ' +
    'orelse rem xor'
  ).split(' '),
)

/** Nesting is kept on a stack of its own, not on the native one. */
class Parser {
  readonly #text: string
  readonly #scanner: Scanner
  readonly #maxDepth: number
  readonly #node: NodeIdentity | undefined
  readonly #frames: Frame[] = []
  #bitsLeft: number

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#scanner = new Scanner(text)
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH
    this.#node = options.node
    this.#bitsLeft = MAX_EXTRA_BITS + text.length * 8
  }

  /** Nothing is left, or a full stop. */
  expectEnd(): void {
    const token = this.#scanner.next()
    if (token.kind === 'end') return
    if (token.kind !== 'stop') throw this.#unexpectedAfterValue(token, 'the end of the text')
    if (this.#scanner.next().kind !== 'end') {
      throw this.#error('something follows the full stop', this.#scanner.start)
    }
  }

  call(): Call {
    const module = this.#callName('a module')
    if (!this.#scanner.take(':')) throw this.#unexpected(this.#scanner.next(), "':'", CALL_HINT)
    const name = this.#callName('a function')
    if (!this.#scanner.take('(')) throw this.#unexpected(this.#scanner.next(), "'('", CALL_HINT)
    const call = { module: module.name, function: name.name }
    if (this.#scanner.take(')')) return { ...call, arguments: [] }
    const parts = this.#open('arguments')
    this.term()
    return { ...call, arguments: parts }
  }

  #callName(what: string): Atom {
    const token = this.#scanner.next()
    if (token.kind !== 'atom') throw this.#unexpected(token, what, CALL_HINT)
    return token.atom
  }

  /** Reads a term; where a frame is open, all that is left of it. */
  term(): Term {
    for (;;) {
      let value = this.#begin()
      // Hand what is complete to the frame around it, which may complete that one in turn.
      while (value !== undefined) {
        const frame = this.#frames.at(-1)
        if (frame === undefined) return value
        frame.parts.push(value)
        value = this.#proceed(frame)
        if (value !== undefined) this.#frames.pop()
      }
    }
  }

  /** Reads a term that has no parts, or opens a frame for one that does. */
  #begin(): Term | undefined {
    const scanner = this.#scanner
    const token = scanner.next()
    switch (token.kind) {
      case 'atom':
        return token.atom
      case 'integer':
        return token.value
      case 'float':
        return new Float(token.value)
      case 'string':
        return this.#string(token.codes)
      case 'sigil':
        return this.#sigil(token.codes)
      case 'identifier':
        return this.#identifier(token)
      case 'opaque':
        throw new UnreadableTermError(
          `what is printed as ${token.of}<...> cannot be read back`,
          this.#text,
          scanner.start,
          { hint: 'the text does not hold the value, only a mark of it' },
        )
      case 'word':
        if (token.word === 'fun') return this.#fun()
        break
      case 'sign':
        switch (token.sign) {
          case '{':
            if (scanner.take('}')) return new Tuple([])
            this.#open('tuple')
            return undefined
          case '[':
            if (scanner.take(']')) return []
            this.#open('list')
            return undefined
          case '#{':
            if (scanner.take('}')) return new ErlangMap([], [])
            this.#open('map')
            return undefined
          case '#':
            return this.#record()
          case '<<':
            return this.#binary()
          case '-':
          case '+':
            return this.#signed(token.sign)
        }
        break
    }
    throw this.#unexpected(token, 'a term')
  }

  /** Begins a term that has parts, at the token that was read last. */
  #open(kind: Frame['kind'], head?: RecordHead): Term[] {
    if (this.#frames.length >= this.#maxDepth) {
      throw new ParseLimitError(
        `terms are nested deeper than ${this.#maxDepth} levels`,
        this.#text,
        this.#scanner.start,
        this.#maxDepth,
      )
    }
    const parts: Term[] = []
    this.#frames.push({ kind, offset: this.#scanner.start, parts, brackets: 1, head })
    return parts
  }

  /** Reads what stands behind a part. Returns the whole if that was the last one. */
  #proceed(frame: Frame): Term | undefined {
    const scanner = this.#scanner
    if (frame.kind === 'map' && frame.parts.length % 2 === 1) {
      if (!scanner.take('=>')) throw this.#unexpectedIn(frame, scanner.next(), "'=>'")
      return undefined
    }
    const token = scanner.next()
    const sign = token.kind === 'sign' ? token.sign : ''
    switch (frame.kind) {
      case 'list':
        if (sign === ',') return undefined
        if (sign === ']') return this.#endList(frame, frame.brackets - 1)
        if (sign === '|') return this.#tail(frame)
        break
      case 'tail':
        if (sign === ']') return this.#endList(frame, frame.brackets - 1)
        break
      case 'tuple':
        if (sign === ',') return undefined
        if (sign === '}') return new Tuple(frame.parts)
        break
      case 'map':
        if (sign === ',') return undefined
        if (sign === '}') return this.#map(frame)
        break
      case 'record':
        if (frame.head === undefined) break
        if (sign === ',') return this.#field(frame.head)
        if (sign === '}') return buildRecord(frame.head, frame.parts)
        break
      case 'arguments':
        if (sign === ',') return undefined
        if (sign === ')') return frame.parts
        break
    }
    throw this.#unexpectedIn(frame, token, frameTexts[frame.kind][1])
  }

  /** Reads on behind the `|` of a list. A tail that is a list goes on in the same frame, however often. */
  #tail(frame: Frame): Term | undefined {
    if (!this.#scanner.take('[')) {
      frame.kind = 'tail'
      return undefined
    }
    if (this.#scanner.take(']')) return this.#endList(frame, frame.brackets)
    frame.brackets++
    return undefined
  }

  /** Reads the brackets that are left. */
  #endList(frame: Frame, brackets: number): Term {
    for (let i = 0; i < brackets; i++) {
      if (!this.#scanner.take(']')) {
        throw this.#unexpectedIn(frame, this.#scanner.next(), frameTexts.tail[1])
      }
    }
    const { kind, parts } = frame
    const tail = kind === 'tail' ? parts.pop() : undefined
    if (tail === undefined) return parts
    if (!isList(tail)) return new ImproperList(parts, tail)
    for (const element of tail) parts.push(element)
    return parts
  }

  #map(frame: Frame): ErlangMap {
    const keys: Term[] = []
    const values: Term[] = []
    for (const [index, part] of frame.parts.entries()) (index % 2 === 0 ? keys : values).push(part)
    try {
      return new ErlangMap(keys, values)
    } catch (cause) {
      if (!(cause instanceof DuplicateKeyError)) throw cause
      throw new TermSyntaxError('the map has a key twice', this.#text, frame.offset, { cause })
    }
  }

  /** `#module:name{field = Value, ...}`: the `#` was read. */
  #record(): Term | undefined {
    const scanner = this.#scanner
    const module = scanner.next()
    if (module.kind !== 'atom') throw this.#unexpected(module, 'a record')
    const shown = scanner.describe()
    if (!scanner.take(':')) {
      throw this.#error('the fields of a record are not known here', scanner.start, {
        hint: `write the tuple that the record is: {${shown}, ...}`,
      })
    }
    const name = scanner.next()
    if (name.kind !== 'atom') throw this.#unexpected(name, 'the name of a record')
    if (!scanner.take('{')) throw this.#unexpected(scanner.next(), "'{'")
    const head: RecordHead = { module: module.atom, name: name.atom, fields: new Map() }
    if (scanner.take('}')) return buildRecord(head, [])
    this.#open('record', head)
    return this.#field(head)
  }

  /** `field =`, with the value behind it left to be read. */
  #field(head: RecordHead): undefined {
    const token = this.#scanner.next()
    if (token.kind !== 'atom') throw this.#unexpected(token, 'a field')
    const { atom } = token
    if (head.fields.has(atom.name)) {
      throw this.#error('the record has a field twice', this.#scanner.start)
    }
    head.fields.set(atom.name, atom)
    if (!this.#scanner.take('=')) throw this.#unexpected(this.#scanner.next(), "'='")
    return undefined
  }

  /** Strings side by side are one. */
  #string(codes: number[]): number[] {
    while (this.#scanner.isAtString()) {
      const token = this.#scanner.next()
      if (token.kind !== 'string') throw this.#unexpected(token, 'a string')
      for (const code of token.codes) codes.push(code)
    }
    return codes
  }

  #sigil(codes: readonly number[]): Uint8Array {
    let text = ''
    for (const code of codes) text += String.fromCodePoint(code)
    return utf8.encode(text)
  }

  #signed(sign: string): Term {
    const token = this.#scanner.next()
    if (token.kind === 'integer') return sign === '-' ? negative(token.value) : token.value
    if (token.kind === 'float') return new Float(sign === '-' ? -token.value : token.value)
    throw this.#unexpected(token, 'a number')
  }

  /** `fun module:function/arity`: the `fun` was read. */
  #fun(): ExportFun {
    const scanner = this.#scanner
    const start = scanner.start
    const module = scanner.next()
    if (module.kind === 'atom' && scanner.take(':')) {
      const name = scanner.next()
      if (name.kind === 'atom' && scanner.take('/')) {
        const arity = scanner.next()
        if (arity.kind === 'integer' && arity.value >= 0 && arity.value <= MAX_ARITY) {
          return new ExportFun(module.atom, name.atom, Number(arity.value))
        }
      }
    }
    throw this.#error('of the funs only fun module:function/arity is read here', start)
  }

  #identifier(token: Identifier): Term {
    const { of, numbers } = token
    const [first, second] = numbers
    if (
      first === undefined ||
      (of === 'pid' && second === undefined) ||
      numbers.some((number) => number > (of === 'port' ? MAX_UINT64 : MAX_UINT32))
    ) {
      throw this.#error(`this is not how a ${of} is printed`, this.#scanner.start)
    }
    const { node, creation } = this.#nodeOf(token)
    switch (of) {
      case 'pid':
        return new Pid(node, Number(first), Number(second), creation)
      case 'port':
        return new Port(node, first > Number.MAX_SAFE_INTEGER ? first : Number(first), creation)
      case 'reference':
        // The words are printed last one first.
        return new Reference(node, creation, numbers.map(Number).reverse())
    }
  }

  /** The node that an identifier belongs to. */
  #nodeOf({ of, node }: Identifier): { readonly node: Atom; readonly creation: number } {
    const given = this.#node
    const unreadable = (message: string, hint?: string): UnreadableTermError =>
      new UnreadableTermError(
        message,
        this.#text,
        this.#scanner.start,
        hint === undefined ? {} : { hint },
      )
    if (given === undefined) {
      throw unreadable(
        `a ${of} cannot be read without the node it belongs to, which its text leaves out`,
        "give the node's name and creation (the option 'node')",
      )
    }
    if (node instanceof Atom && node.name !== given.name) {
      throw unreadable(`this ${of} does not belong to ${given.name}`)
    }
    if (!(node instanceof Atom) && node !== 0n) {
      throw unreadable(
        `this ${of} belongs to another node, which its text leaves out`,
        'only one that begins with 0 belongs to the node that printed it',
      )
    }
    return { node: new Atom(given.name), creation: given.creation }
  }

  /** The `<<` was read. */
  #binary(): Uint8Array | BitString {
    const scanner = this.#scanner
    const bits = new BitBuilder()
    if (scanner.take('>>')) return bits.result()
    const start = scanner.start
    do this.#segment(bits)
    while (scanner.take(','))
    if (!scanner.take('>>')) {
      throw this.#unexpectedAfterValue(
        scanner.next(),
        `',' or '>>' of ${this.#whereBegins('binary', start)}`,
      )
    }
    return bits.result()
  }

  #segment(bits: BitBuilder): void {
    const scanner = this.#scanner
    let token = scanner.next()
    const start = scanner.start
    const sign = token.kind === 'sign' ? token.sign : ''
    const isSigned = sign === '-' || sign === '+'
    if (isSigned) token = scanner.next()
    let values: readonly (number | bigint)[]
    let literal: 'integer' | 'float' | 'string'
    if (token.kind === 'integer') {
      literal = 'integer'
      values = [sign === '-' ? negative(token.value) : token.value]
    } else if (token.kind === 'float') {
      literal = 'float'
      values = [sign === '-' ? -token.value : token.value]
    } else if (token.kind === 'string' && !isSigned) {
      literal = 'string'
      values = this.#string(token.codes)
    } else {
      throw this.#unexpected(token, 'an integer, a float or a string')
    }

    const size = scanner.take(':') ? this.#segmentNumber('size') : undefined
    const type = this.#segmentType(size, start)
    if (literal === 'float' && type.type !== 'float') {
      throw this.#error('a float in a binary has its type behind it: 1.5/float', start)
    }
    for (const value of values) this.#put(bits, value, literal === 'string', type, start)
  }

  #put(
    bits: BitBuilder,
    value: number | bigint,
    isString: boolean,
    { type, size, little }: SegmentType,
    start: number,
  ): void {
    switch (type) {
      case 'integer':
        // Erlang drops the high bits of such a character; who wrote it wanted to keep them.
        if (isString && size === 8 && value > 0xff) {
          throw this.#error('a character of the string does not fit in a byte', start, {
            hint: 'write <<"..."/utf8>>',
          })
        }
        this.#claim(size, start)
        bits.integer(value, size, little)
        break
      case 'float':
        this.#claim(size, start)
        bits.float(Number(value), size === 32 ? 32 : 64, little)
        break
      default:
        if (value < 0 || value > 0x10_ffff || (value >= 0xd800 && value <= 0xdfff)) {
          throw this.#error('the number stands for no character', start)
        }
        this.#claim(32, start)
        bits.character(Number(value), type, little)
    }
  }

  /** Believes the size of a segment only while there is room for it. */
  #claim(size: number, start: number): void {
    this.#bitsLeft -= size
    if (this.#bitsLeft >= 0) return
    throw new ParseLimitError(
      'the binaries are larger than their text allows',
      this.#text,
      start,
      MAX_EXTRA_BITS / 8,
    )
  }

  /** `/type-unit:8-little`, if there is any, and the defaults. */
  #segmentType(size: number | undefined, start: number): SegmentType {
    const scanner = this.#scanner
    let type: SegmentType['type'] = 'integer'
    let little = false
    let unit: number | undefined
    const seen = new Set<string>()
    if (scanner.take('/')) {
      do {
        const token = scanner.next()
        const word = token.kind === 'atom' ? token.atom.name : ''
        let aspect: string
        switch (word) {
          case 'integer':
          case 'float':
          case 'utf8':
          case 'utf16':
          case 'utf32':
            type = word
            aspect = 'type'
            break
          case 'big':
          case 'little':
            little = word === 'little'
            aspect = 'endianness'
            break
          case 'signed':
          case 'unsigned':
            // Says how bits are read, not how they are made.
            aspect = 'signedness'
            break
          case 'unit':
            if (!scanner.take(':')) throw this.#unexpected(scanner.next(), "':'")
            unit = this.#segmentNumber('unit')
            if (unit < 1 || unit > MAX_UNIT) {
              throw this.#error(`a unit is one of 1 to ${MAX_UNIT}`, scanner.start)
            }
            aspect = 'unit'
            break
          default:
            throw this.#unexpected(
              token,
              'integer, float, utf8, utf16, utf32, big, little, signed, unsigned or unit',
            )
        }
        if (seen.has(aspect)) throw this.#error(`the ${aspect} is given twice`, scanner.start)
        seen.add(aspect)
      } while (scanner.take('-'))
    }
    if (type === 'integer' || type === 'float') {
      if (size === undefined && unit !== undefined) {
        throw this.#error('a unit goes with a size', start)
      }
      const bits = size === undefined ? (type === 'integer' ? 8 : 64) : size * (unit ?? 1)
      if (type === 'float' && bits !== 32 && bits !== 64) {
        throw this.#error('floats of 32 and of 64 bits are read here', start)
      }
      return { type, size: bits, little }
    }
    if (size !== undefined || unit !== undefined) {
      throw this.#error(`the size of ${type} cannot be chosen`, start)
    }
    return { type, size: 0, little }
  }

  #segmentNumber(what: string): number {
    const token = this.#scanner.next()
    if (token.kind !== 'integer') throw this.#unexpected(token, `a ${what}`)
    // Far over every limit, and still exact when multiplied by a unit.
    return Math.min(Number(token.value), 2 ** 40)
  }

  #error(message: string, offset: number, options?: { readonly hint: string }): TermSyntaxError {
    return new TermSyntaxError(message, this.#text, offset, options)
  }

  /** What to throw for a token that stands where something else should. */
  #unexpected(token: Token, expected: string, hint?: string): TermSyntaxError {
    const { start, previousEnd } = this.#scanner
    if (token.kind === 'variable') {
      const name = this.#scanner.describe()
      return this.#error('variables cannot be used here', start, {
        hint: `write the value itself; the atom ${name} is written '${name}'`,
      })
    }
    if (token.kind === 'word') {
      return this.#error(`${token.word} is a reserved word`, start, {
        hint: `nothing is evaluated here; the atom ${token.word} is written '${token.word}'`,
      })
    }
    const isEnd = token.kind === 'end'
    const found = isEnd ? 'the text ends' : `found ${this.#scanner.describe()}`
    return this.#error(
      `expected ${expected}, but ${found}`,
      // Where the text breaks off, not behind blank lines and comments.
      isEnd ? previousEnd : start,
      hint === undefined ? undefined : { hint },
    )
  }

  /** The same, behind a value, where an operator would make an expression of it. */
  #unexpectedAfterValue(token: Token, expected: string): TermSyntaxError {
    const { start } = this.#scanner
    const operator = token.kind === 'sign' ? token.sign : token.kind === 'word' ? token.word : ''
    if (!operators.has(operator)) return this.#unexpected(token, expected)
    return this.#error('expressions and calls are not evaluated here', start, {
      hint: 'write the value itself',
    })
  }

  #unexpectedIn(frame: Frame, token: Token, expected: string): TermSyntaxError {
    const whole = `${expected} of ${this.#whereBegins(frameTexts[frame.kind][0], frame.offset)}`
    return expected === "'=>'"
      ? this.#unexpected(token, whole)
      : this.#unexpectedAfterValue(token, whole)
  }

  #whereBegins(what: string, offset: number): string {
    const { line, column } = locate(this.#text, offset)
    return `the ${what} from line ${line}, column ${column}`
  }
}

const utf8 = new TextEncoder()

function negative(value: number | bigint): number | bigint {
  // An integer has no negative zero.
  return value === 0 ? 0 : -value
}

function buildRecord({ module, name, fields }: RecordHead, values: readonly Term[]): NativeRecord {
  const pairs: [Atom, Term][] = []
  for (const field of fields.values()) {
    const value = values[pairs.length]
    if (value !== undefined) pairs.push([field, value])
  }
  return new NativeRecord(module, name, false, pairs)
}
