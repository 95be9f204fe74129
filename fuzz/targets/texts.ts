/**
 * Erlang text: terms and calls, as people type them and nodes print them.
 *
 * @see https://www.erlang.org/doc/system/expressions.html
 */
import {
  equals,
  formatTerm,
  ParseError,
  ParseLimitError,
  parseCall,
  parseTerm,
  type Term,
  TermSyntaxError,
  UnreadableTermError,
} from '../../src/etf/index.ts'
import { writeCallText, writeLongText, writeText } from '../generate-text.ts'
import { check, checkError, checkPrintable, once, type Target, type Verdict } from '../target.ts'
import { terms } from './seeds.ts'

const PARSE_ERRORS = [TermSyntaxError, UnreadableTermError, ParseLimitError]

const node = { name: 'x@localhost', creation: 1234567 }

const LARGE = 400

/** Wider than any, whatever is in the line. */
const MAX_EXCERPT = 100

const seeds = once(() => terms.map((it) => Buffer.from(formatTerm(it, { layout: 'pretty', node }))))

/** Of `<<0:100000000>>`: what is not in the text. */
const allowance = { time: 1000, memory: 80 * 1024 * 1024 }

export const textTarget: Target = {
  name: 'text',
  title: 'terms as text; what is written again',
  seeds,
  allowance,
  generate(out) {
    if (out.random.oneIn(LARGE)) writeLongText(out)
    else writeText(out, out.random.small(6))
  },
  run(input): Verdict {
    const text = Buffer.from(input).toString()
    const term = parsed(text, () => parseTerm(text, { node }))
    check(
      formatTerm(parseTerm('[a, {1.0, "x"}].')) === '[a,{1.0,"x"}]',
      'another text is read wrong',
    )
    if (term === undefined) return 'refused'
    checkWritten(term)
    return 'accepted'
  },
}

export const callTarget: Target = {
  name: 'call',
  title: 'calls as text',
  seeds: once(() =>
    seeds().map((it) => Buffer.concat([Buffer.from('m:f('), it, Buffer.from(')')])),
  ),
  allowance,
  generate(out) {
    writeCallText(out, out.random.small(5))
  },
  run(input): Verdict {
    const text = Buffer.from(input).toString()
    const call = parsed(text, () => parseCall(text, { node }))
    if (call === undefined) return 'refused'
    check(call.arguments.length <= 255, 'a call has more arguments than a function')
    for (const term of call.arguments) checkWritten(term)
    return 'accepted'
  },
}

/** Beyond, there is nothing new in text, only more of it. */
const MAX_WRITTEN = 32 * 1024

function checkWritten(term: Term): void {
  const line = formatTerm(term, { node, maxLength: MAX_WRITTEN })
  if (line.length === MAX_WRITTEN) return
  check(equals(parseTerm(line, { node }), term), 'a line of text is read as another term')
  const pretty = formatTerm(term, { node, layout: 'pretty', width: 30 })
  check(equals(parseTerm(pretty, { node }), term), 'laid out text is read as another term')
}

function parsed<Value>(text: string, parse: () => Value): Value | undefined {
  try {
    return parse()
  } catch (error) {
    checkError(PARSE_ERRORS, error)
    if (error instanceof ParseError) {
      const { offset, excerpt, line, column } = error
      check(offset >= 0 && offset <= text.length, `offset ${offset} of ${text.length}`)
      check(line >= 1 && column >= 1, `line ${line}, column ${column}`)
      const lines = excerpt.split('\n')
      check(lines.length === 2, 'an excerpt is not two lines')
      for (const it of lines) {
        checkPrintable('an excerpt', it)
        check(it.length <= MAX_EXCERPT, `a line of an excerpt has ${it.length} characters`)
      }
    }
    return undefined
  }
}
