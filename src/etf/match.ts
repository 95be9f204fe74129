/**
 * Questions to a term whose shape is not known yet.
 */
import { Atom, type Term, Tuple } from './terms.ts'

/** Whether a term is an atom, and that one if a name is given. */
export function isAtom(term: Term | undefined, name?: string): term is Atom {
  return term instanceof Atom && (name === undefined || term.name === name)
}

/** Whether a term is a proper list. */
export function isList(term: Term | undefined): term is readonly Term[] {
  return Array.isArray(term)
}

/** Whether a term is an integer. */
export function isInteger(term: Term | undefined): term is number | bigint {
  return typeof term === 'number' || typeof term === 'bigint'
}

/** Whether a term is a tuple, and one of that arity if one is given. */
export function isTuple(term: Term | undefined, arity?: number): term is Tuple {
  return term instanceof Tuple && (arity === undefined || term.elements.length === arity)
}

/**
 * The tuple of a property list whose first element is that atom, as `lists:keyfind/3` finds it;
 * `undefined` where there is none, and where `list` is no list.
 */
export function keyfind(name: string, list: Term | undefined): Tuple | undefined {
  if (!isList(list)) return undefined
  for (const term of list) {
    if (term instanceof Tuple && isAtom(term.elements[0], name)) return term
  }
  return undefined
}

/** The `Value` of the first `{name, Value}` of a property list. */
export function property(name: string, list: Term | undefined): Term | undefined {
  if (!isList(list)) return undefined
  for (const term of list) {
    if (isTuple(term, 2) && isAtom(term.elements[0], name)) return term.elements[1]
  }
  return undefined
}

/** The text of an Erlang string: a list of code points. `undefined` for anything else. */
export function stringValue(term: Term | undefined): string | undefined {
  if (!isList(term)) return undefined
  let text = ''
  for (const code of term) {
    if (typeof code !== 'number' || code < 0 || code > 0x10ffff) return undefined
    text += String.fromCodePoint(code)
  }
  return text
}
