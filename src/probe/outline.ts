/**
 * A term in one short line, for messages.
 */
import { isList, stringValue } from '../etf/match.ts'
import { Atom, Float, type Term, Tuple } from '../etf/terms.ts'

const MAX_DEPTH = 3
const MAX_ELEMENTS = 5
const MAX_TEXT = 40

/** Erlang's text for a term, without what is deeper or longer than a reader of an error needs. */
export function outline(term: Term): string {
  return outlineAt(term, 0)
}

function outlineAt(term: Term, depth: number): string {
  if (typeof term === 'number') return String(term)
  if (typeof term === 'bigint')
    return cut(term.toString(16).length > MAX_TEXT ? 'a huge integer' : term.toString())
  if (term instanceof Atom) return cut(term.name)
  if (term instanceof Float) return String(term.value)
  if (term instanceof Uint8Array) return `a binary of ${term.length} bytes`
  if (term instanceof Tuple) return `{${outlineAll(term.elements, depth)}}`
  if (!isList(term)) return `a ${term.type}`
  if (term.length > 0 && term.length <= MAX_TEXT) {
    const text = stringValue(term)
    if (text !== undefined && /^[\x20-\x7e]+$/.test(text)) return JSON.stringify(text)
  }
  return `[${outlineAll(term, depth)}]`
}

function outlineAll(terms: readonly Term[], depth: number): string {
  if (terms.length === 0) return ''
  if (depth === MAX_DEPTH) return '…'
  const shown = terms.slice(0, MAX_ELEMENTS).map((term) => outlineAt(term, depth + 1))
  return (terms.length > MAX_ELEMENTS ? [...shown, '…'] : shown).join(',')
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
