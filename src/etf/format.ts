/**
 * Terms to Erlang text.
 *
 * @see https://www.erlang.org/doc/apps/stdlib/io.html#fwrite/3
 */
import { isUtf8 } from 'node:buffer'
import { escaped, isNameCharacter, isNameStart, isPrintable, reservedWords } from './characters.ts'
import { isList } from './match.ts'
import type { NodeIdentity } from './parse.ts'
import type { Atom, BitString, Pid, Port, Reference, Term } from './terms.ts'

export interface FormatOptions {
  /**
   * `line`, the default: all on one line, as `io_lib:format("~0tp", [Term])` of OTP 27 and later has it.
   * `pretty`: over several lines where one does not hold the term.
   */
  readonly layout?: 'line' | 'pretty'
  /** Of a line, in characters, for `pretty`. Default 80. */
  readonly width?: number
  /** Cuts the text to so many UTF-16 code units, the last three of them `...`. */
  readonly maxLength?: number
  /** The identifiers of this node are written as it prints them itself: `<0.83.0>`. */
  readonly node?: NodeIdentity
}

/**
 * Writes a term as Erlang does. `parseTerm` reads it back, and so does `file:consult/1`, all but
 * identifiers and local funs. No control character comes out raw.
 *
 * A pid, a port or a reference of another node than {@link FormatOptions.node} has its node's name where
 * Erlang prints a number that means something on one node only: `<rabbit@host.83.0>`. `parseTerm` reads
 * that back when it is given the node.
 *
 * The names in `fun M:F/A` and `#Fun<...>` are quoted as other atoms are, where Erlang leaves some bare
 * that it could not read back.
 */
export function formatTerm(term: Term, options: FormatOptions = {}): string {
  const { layout = 'line', width = DEFAULT_WIDTH, node } = options
  const maxLength = options.maxLength ?? Number.POSITIVE_INFINITY
  const text =
    layout === 'line'
      ? line(term, maxLength, node)
      : new PrettyWriter(width, maxLength, node).write(term)
  return text.length > maxLength ? cut(text, maxLength) : text
}

const DEFAULT_WIDTH = 80
const CUT = '...'

function cut(text: string, length: number): string {
  let end = Math.max(0, length - CUT.length)
  // Not through the middle of a surrogate pair.
  const last = text.charCodeAt(end - 1)
  if (last >= 0xd800 && last <= 0xdbff) end--
  return `${text.slice(0, end)}${CUT}`.slice(0, length)
}

/** A term of parts. A string among them is text already. */
interface Compound {
  readonly open: string
  readonly close: string
  readonly elements: readonly (Term | string)[]
  /** The keys of a map, the names of the fields of a record: one for each element. */
  readonly labels: readonly Term[] | undefined
  /** Between a label and its element, without spaces. */
  readonly arrow: string
  /** Of an improper list. */
  readonly tail: Term | undefined
}

/** The parts of a term; `undefined` when it is written in one piece. */
function compoundOf(term: Term): Compound | undefined {
  if (typeof term !== 'object' || term instanceof Uint8Array) return undefined
  if (isList(term)) return isString(term) ? undefined : sequence('[', term, ']')
  switch (term.type) {
    case 'tuple':
      return sequence('{', term.elements, '}')
    case 'improper_list':
      return { ...sequence('[', term.elements, ']'), tail: term.tail }
    case 'map':
      return { ...sequence('#{', term.values, '}'), labels: term.keys, arrow: '=>' }
    case 'record': {
      const open = `#${atomText(term.module)}:${atomText(term.name)}{`
      const values = term.fields.map(([, value]) => value)
      const labels = term.fields.map(([name]) => name)
      return { ...sequence(open, values, '}'), labels, arrow: '=' }
    }
    default:
      return undefined
  }
}

function sequence(open: string, elements: readonly (Term | string)[], close: string): Compound {
  return { open, close, elements, labels: undefined, arrow: '', tail: undefined }
}

/**
 * The term on one line. Of a longer text than `room` the end is missing, or part of it: enough is there
 * to tell.
 */
function line(root: Term | string, room: number, node: NodeIdentity | undefined): string {
  let text = ''
  // What is still to be written, the next one last: nesting cannot overflow the native stack.
  const todo: (Term | string)[] = [root]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') text += next
    else {
      const compound = compoundOf(next)
      if (compound === undefined) text += leafText(next, room - text.length, node)
      else {
        text += compound.open
        pushParts(todo, compound, room - text.length)
      }
    }
    if (text.length > room) break
  }
  return text
}

function pushParts(todo: (Term | string)[], compound: Compound, room: number): void {
  const { close, elements, labels, arrow, tail } = compound
  // Each part takes a character or more: there is no room for those behind.
  const count = Math.min(elements.length, Math.max(0, room) + 1)
  todo.push(close)
  if (tail !== undefined) todo.push(tail, '|')
  for (let i = count - 1; i >= 0; i--) {
    const element = elements[i]
    const label = labels?.[i]
    if (element !== undefined) todo.push(element)
    if (label !== undefined) todo.push(` ${arrow} `, label)
    if (i > 0) todo.push(',')
  }
}

/** A compound whose parts are being written. */
interface Frame {
  readonly compound: Compound
  /** Where its lines begin. */
  readonly indent: number
  /** How many characters have to follow it on its last line. */
  readonly after: number
  index: number
  /** Whether the label of the element at `index` is written. */
  labelled: boolean
  /** Whether the part before was written in one piece, so that another may follow on its line. */
  flows: boolean
}

/**
 * Writes a term over several lines. What fits on the rest of a line stands there; of what does not, each
 * part has its own line, but for numbers, atoms and the like, which share lines.
 *
 * Whether a part fits is tried by writing it, which ends where the line does: so that the time is linear
 * in the length of the text, times the width.
 */
class PrettyWriter {
  readonly #width: number
  readonly #maxLength: number
  readonly #node: NodeIdentity | undefined
  readonly #frames: Frame[] = []
  #text = ''
  #lineStart = 0

  constructor(width: number, maxLength: number, node: NodeIdentity | undefined) {
    this.#width = width
    this.#maxLength = maxLength
    this.#node = node
  }

  write(root: Term): string {
    this.#part(root, 0)
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      if (this.#text.length > this.#maxLength) break
      this.#continue(frame)
    }
    return this.#text
  }

  get #column(): number {
    return this.#text.length - this.#lineStart
  }

  #newline(indent: number): void {
    this.#text += `\n${' '.repeat(indent)}`
    this.#lineStart = this.#text.length - indent
  }

  /** Writes the next part of a frame, or its end. */
  #continue(frame: Frame): void {
    const { compound, indent } = frame
    const { elements, labels, arrow, tail, close } = compound
    const count = elements.length + (tail === undefined ? 0 : 1)
    if (frame.index === count) {
      this.#text += close
      this.#frames.pop()
      return
    }
    const part = elements[frame.index] ?? tail
    if (part === undefined) throw new RangeError(`no part ${frame.index}`)
    const isLast = frame.index === count - 1
    const after = isLast ? close.length + frame.after : 1

    if (!frame.labelled) {
      const flowed = frame.flows
      const label = labels?.[frame.index]
      frame.flows = label === undefined && isPiece(part)
      if (frame.index > 0) {
        this.#text += frame.index === elements.length ? '|' : ','
        const stays = flowed && frame.flows && this.#fits(part, after) !== undefined
        if (!stays) this.#newline(indent)
      }
      if (label !== undefined) {
        frame.labelled = true
        this.#part(label, 1 + arrow.length)
        return
      }
    } else {
      frame.labelled = false
      const room = this.#width - this.#column
      this.#text += ` ${arrow}`
      if (line(part, room, this.#node).length + arrow.length + 2 + after <= room) {
        this.#text += ' '
      } else {
        this.#newline(indent + LABELLED_INDENT)
      }
    }
    frame.index++
    this.#part(part, after)
  }

  /** Writes a part if it fits on the line or comes in one piece; opens a frame for it if not. */
  #part(part: Term | string, after: number): void {
    const text = this.#fits(part, after)
    if (text !== undefined) {
      this.#text += text
      return
    }
    const compound = typeof part === 'string' ? undefined : (compoundOf(part) ?? numbersOf(part))
    if (compound === undefined || compound.elements.length === 0) {
      this.#text += line(part, this.#maxLength - this.#text.length, this.#node)
      return
    }
    this.#text += compound.open
    // However deep the nesting, half of the line is left.
    const indent = Math.min(this.#column, this.#width >> 1)
    this.#frames.push({ compound, indent, after, index: 0, labelled: false, flows: false })
  }

  /** The text of a part, if there is room for it on the line. */
  #fits(part: Term | string, after: number): string | undefined {
    const room = this.#width - this.#column - after
    const text = line(part, room, this.#node)
    return text.length <= room ? text : undefined
  }
}

/** How far a value goes in that has no room behind its key. */
const LABELLED_INDENT = 4

/** Whether a part is written in one piece wherever it stands. */
function isPiece(part: Term | string): boolean {
  return typeof part === 'string' || compoundOf(part) === undefined
}

/** The bytes of a binary that is not printed as text, as parts that can go on several lines. */
function numbersOf(term: Term): Compound | undefined {
  if (typeof term !== 'object' || isList(term)) return undefined
  if (term instanceof Uint8Array) {
    return binaryString(term, 0) === undefined ? sequence('<<', [...term], '>>') : undefined
  }
  return term.type === 'bitstring' ? sequence('<<', bitStringParts(term), '>>') : undefined
}

/** A term without parts; past `room` the end may be missing. */
function leafText(term: Term, room: number, node: NodeIdentity | undefined): string {
  if (typeof term === 'number' || typeof term === 'bigint') return String(term)
  if (term instanceof Uint8Array) {
    return binaryString(term, room) ?? `<<${joined(term, room)}>>`
  }
  if (isList(term)) return isString(term) ? quoted(term, '"', room) : '[]'
  switch (term.type) {
    case 'atom':
      return atomText(term)
    case 'float':
      return floatText(term.value)
    case 'bitstring':
      return `<<${joined(bitStringParts(term), room)}>>`
    case 'pid':
      return `<${nodeText(term, node)}.${term.id}.${term.serial}>`
    case 'port':
      return `#Port<${nodeText(term, node)}.${term.id}>`
    case 'reference':
      return `#Ref<${nodeText(term, node)}.${[...term.words].reverse().join('.')}>`
    case 'export':
      return `fun ${atomText(term.module)}:${atomText(term.function)}/${term.arity}`
    case 'fun':
      return `#Fun<${atomText(term.module)}.${term.oldIndex}.${term.oldUniq}>`
    case 'old_fun':
      return `#Fun<${atomText(term.module)}.${term.index}.${term.uniq}>`
    case 'local':
      return `#Local<${term.bytes.length}>`
    default:
      // All others have parts.
      return ''
  }
}

/** Whether Erlang prints a list as a string. */
function isString(list: readonly Term[]): list is readonly number[] {
  if (list.length === 0) return false
  for (const element of list) {
    if (typeof element !== 'number' || !isPrintable(element)) return false
  }
  return true
}

function quoted(codes: Iterable<number>, quote: '"' | "'", room: number): string {
  let text: string = quote
  for (const code of codes) {
    text += escaped(code, quote)
    if (text.length > room) return text
  }
  return text + quote
}

function joined(parts: Iterable<number | string>, room: number): string {
  let text = ''
  for (const part of parts) {
    text += text === '' ? part : `,${part}`
    if (text.length > room) return text
  }
  return text
}

/** The whole bytes, then `Value:Size`. */
function bitStringParts({ bytes, bits }: BitString): (number | string)[] {
  const parts: (number | string)[] = [...bytes]
  const last = bytes[bytes.length - 1]
  if (last !== undefined) parts[bytes.length - 1] = `${last >> (8 - bits)}:${bits}`
  return parts
}

/**
 * A binary as Erlang prints it when its bytes are text, in UTF-8 or else in Latin-1, whose characters
 * are all printable.
 */
function binaryString(bytes: Uint8Array, room: number): string | undefined {
  if (bytes.length === 0) return undefined
  const codes = isUtf8(bytes) ? latin1OfUtf8(bytes) : bytes
  if (codes === undefined || !codes.every(isPrintable)) return undefined
  const text = `<<${quoted(codes, '"', room)}`
  return codes.length === bytes.length ? `${text}>>` : `${text}/utf8>>`
}

/** The characters of a text in UTF-8, if all of them are below 256. */
function latin1OfUtf8(bytes: Uint8Array): readonly number[] | Uint8Array | undefined {
  if (bytes.every((byte) => byte < 0x80)) return bytes
  const codes: number[] = []
  let lead = 0
  for (const byte of bytes) {
    if (lead !== 0) {
      codes.push(((lead & 0x03) << 6) | (byte & 0x3f))
      lead = 0
    } else if (byte < 0x80) codes.push(byte)
    else if (byte <= 0xc3) lead = byte
    else return undefined
  }
  return codes
}

/** @see https://www.erlang.org/doc/apps/stdlib/io_lib.html#write_atom/1 */
function atomText({ name }: Atom): string {
  return isBare(name) ? name : quoted(codePoints(name), "'", Number.POSITIVE_INFINITY)
}

function isBare(name: string): boolean {
  if (!isNameStart(name.charCodeAt(0))) return false
  for (let i = 1; i < name.length; i++) if (!isNameCharacter(name.charCodeAt(i))) return false
  return !reservedWords.has(name)
}

function* codePoints(text: string): Generator<number, undefined> {
  for (const character of text) yield character.codePointAt(0) ?? 0
}

function nodeText(term: Pid | Port | Reference, node: NodeIdentity | undefined): string {
  return term.node.name === node?.name && term.creation === node.creation
    ? '0'
    : atomText(term.node)
}

/**
 * The fewest digits that say which float it is, with an exponent where that is shorter, and from 2^53 on
 * always, as `float_to_list(Float, [short])` has them.
 */
function floatText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  // What is no Erlang float still has to stand in messages.
  if (!Number.isFinite(value)) return String(value)
  const sign = value < 0 ? '-' : ''
  const [mantissa = '', exponentText = ''] = Math.abs(value).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const exponent = Number(exponentText)
  const scientific = `${digits.slice(0, 1)}.${digits.slice(1) || '0'}e${exponent}`
  if (Math.abs(value) >= 2 ** 53) return sign + scientific
  /** How many digits stand before the point. */
  const place = exponent + 1
  let decimal: string
  if (place <= 0) decimal = `0.${'0'.repeat(-place)}${digits}`
  else if (place >= digits.length) decimal = `${digits}${'0'.repeat(place - digits.length)}.0`
  else decimal = `${digits.slice(0, place)}.${digits.slice(place)}`
  return sign + (scientific.length < decimal.length ? scientific : decimal)
}
