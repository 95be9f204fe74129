/**
 * Errors, for people: what went wrong with what, where, and what to do next.
 */
import { BeamscopeError, messageOf } from '../errors.ts'
import { formatTerm } from '../etf/format.ts'
import { isAtom, isInteger, isList, isTuple, property, stringValue } from '../etf/match.ts'
import { ParseError } from '../etf/parse-error.ts'
import type { Term } from '../etf/terms.ts'
import { RemoteExceptionError } from '../node/remote-error.ts'
import type { Paper } from './paper.ts'
import { printable, printableLines } from './printable.ts'
import { wrap } from './prose.ts'

export interface ErrorView {
  readonly paper: Paper
  /** The node or file that all was about. */
  readonly subject: string | undefined
  /** With causes and stacks. */
  readonly verbose: boolean
}

export function errorText(error: unknown, { paper, subject, verbose }: ErrorView): string {
  const { colors, width } = paper
  const chain = causes(error)
  const message = messageOf(error)
  const isNamed = subject === undefined || message.includes(subject)
  const excerpt = chain.find((it) => it instanceof ParseError)?.excerpt
  const stack = error instanceof RemoteExceptionError ? remoteStack(error.remoteStack) : []
  return [
    `${colors.red('beamscope:')} ${printable(isNamed ? message : `${subject}: ${message}`)}`,
    ...(excerpt === undefined ? [] : printableLines(excerpt).split('\n').map(indented)),
    ...stack.map(indented),
    ...hintsOf(error, chain).map(
      (hint) => `${colors.cyan('  hint:')} ${wrap(printable(hint), width - 8, '        ')}`,
    ),
    ...(verbose ? chain.flatMap((it) => stackLines(it)) : []),
  ].join('\n')
}

/** What can be done about an error, by itself or by what caused it. */
export function hintOf(error: unknown): string | undefined {
  return hintsOf(error, causes(error))[0]
}

/** More causes than any error here has; a chain of causes may run in a circle. */
const MAX_CAUSES = 10

function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = []
  for (let it = error; it !== undefined && chain.length < MAX_CAUSES; ) {
    chain.push(it)
    it = it instanceof Error ? it.cause : undefined
  }
  return chain
}

function hintsOf(error: unknown, chain: readonly unknown[]): readonly string[] {
  if (!(error instanceof BeamscopeError)) {
    return ['this is a fault of beamscope itself; --verbose shows where']
  }
  for (const it of chain) {
    if (it instanceof BeamscopeError && it.hint !== undefined) return [it.hint]
  }
  return []
}

function stackLines(error: unknown): readonly string[] {
  const text = error instanceof Error ? (error.stack ?? `${error}`) : String(error)
  const code = error instanceof BeamscopeError ? ` [${error.code}]` : ''
  const [first = '', ...rest] = printableLines(text).split('\n')
  return [`${first}${code}`, ...rest].map(indented)
}

function indented(line: string): string {
  return `  ${line}`
}

/** More frames tell no more. */
const MAX_FRAMES = 20

/** Erlang's stack trace: `[{Module, Function, ArityOrArguments, Location}]`, one line each. */
function remoteStack(stack: Term): readonly string[] {
  if (!isList(stack)) return []
  return stack.slice(0, MAX_FRAMES).map((frame) => printable(`in ${frameText(frame)}`))
}

function frameText(frame: Term): string {
  const [module, name, arity, location] = isTuple(frame, 4) ? frame.elements : []
  if (!isAtom(module) || !isAtom(name)) return formatTerm(frame, { maxLength: 200 })
  const parameters = isInteger(arity)
    ? `/${arity}`
    : isList(arity)
      ? `(${arity.map((term) => formatTerm(term, { maxLength: 60 })).join(', ')})`
      : ''
  const file = stringValue(property('file', location))
  const line = property('line', location)
  const place = file === undefined ? '' : ` (${file}${isInteger(line) ? `:${line}` : ''})`
  return `${formatTerm(module)}:${formatTerm(name)}${parameters}${place}`
}
