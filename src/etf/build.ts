/**
 * Terms written down the way they read in Erlang: `tuple(atom('ok'), 1)` is `{ok, 1}`.
 */
import { Atom, ErlangMap, Float, type Term, Tuple } from './terms.ts'

const utf8 = new TextEncoder()

export function atom(name: string): Atom {
  return new Atom(name)
}

export function tuple(...elements: readonly Term[]): Tuple {
  return new Tuple(elements)
}

export function float(value: number): Float {
  return new Float(value)
}

/** A binary that holds the text in UTF-8: Elixir's string, Erlang's `<<"text"/utf8>>`. */
export function binary(text: string): Uint8Array {
  return utf8.encode(text)
}

/** Erlang's string: the list of the text's code points. */
export function string(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

/** @throws {DuplicateKeyError} when a key occurs twice */
export function map(entries: Iterable<readonly [Term, Term]>): ErlangMap {
  const all = [...entries]
  return new ErlangMap(
    all.map(([key]) => key),
    all.map(([, value]) => value),
  )
}
