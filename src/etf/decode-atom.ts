/**
 * Bytes to atoms, which are most of a snapshot.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#small_atom_utf8_ext
 */
import { AtomTable } from './atom-table.ts'
import { InvalidTermError, TermLimitError } from './decode-error.ts'
import { type Input, take, uint8, uint16 } from './input.ts'
import { KnownAtom } from './known-atom.ts'
import * as tag from './tags.ts'
import { Atom } from './terms.ts'

/** Both are the BEAM's: 255 characters, of at most four bytes each in UTF-8. */
const MAX_ATOM_CHARACTERS = 255
const MAX_ATOM_BYTES = 255 * 4

export const atoms: AtomTable = new AtomTable()
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The atom behind a tag, `undefined` if that is of something else. */
export function taggedAtom(input: Input, next: number, offset: number): Atom | undefined {
  switch (next) {
    case tag.SMALL_ATOM_UTF8:
      return atomUtf8(input, uint8(input), offset)
    case tag.ATOM_UTF8:
      return atomUtf8(input, uint16(input), offset)
    case tag.ATOM:
      return atomLatin1(input, uint16(input), offset)
    case tag.SMALL_ATOM:
      return atomLatin1(input, uint8(input), offset)
    case tag.ATOM_CACHE_REF:
      return cachedAtom(input, offset)
    default:
      return undefined
  }
}

/** The node of a pid, a port or a reference. */
export function readAtom(input: Input): Atom {
  const offset = input.position
  const next = uint8(input)
  const atom = taggedAtom(input, next, offset)
  if (atom !== undefined) return atom
  throw new InvalidTermError(`an atom should stand here, not tag ${next}`, offset)
}

function atomUtf8(input: Input, length: number, offset: number): Atom {
  if (length > MAX_ATOM_BYTES) {
    throw new TermLimitError(`an atom of ${length} bytes`, offset, MAX_ATOM_CHARACTERS)
  }
  const { start, end } = take(input, length)
  const known = atoms.find(input.view, start, end) ?? atoms.add(input.view, start, end)
  if (known !== undefined) return known
  let name: string
  try {
    name = utf8.decode(input.bytes.subarray(start, end))
  } catch (cause) {
    throw new InvalidTermError('an atom is not UTF-8', offset, { cause })
  }
  let characters = 0
  for (const _ of name) characters++
  if (characters > MAX_ATOM_CHARACTERS) {
    throw new TermLimitError(`an atom of ${characters} characters`, offset, MAX_ATOM_CHARACTERS)
  }
  return new Atom(name)
}

function atomLatin1(input: Input, length: number, offset: number): Atom {
  if (length > MAX_ATOM_CHARACTERS) {
    throw new TermLimitError(`an atom of ${length} characters`, offset, MAX_ATOM_CHARACTERS)
  }
  const { start, end } = take(input, length)
  const known = atoms.find(input.view, start, end) ?? atoms.add(input.view, start, end)
  // Not TextDecoder: its latin1 is windows-1252.
  return known ?? new Atom(String.fromCharCode(...input.bytes.subarray(start, end)))
}

/** An atom of the header, with the tuples that began with it in these bytes. */
export function knownCachedAtom(input: Input, offset: number): KnownAtom {
  const index = input.view.getUint8(input.position)
  let known = input.cachedAtoms[index]
  if (known !== undefined) {
    input.position += 1
  } else {
    known = new KnownAtom(cachedAtom(input, offset))
    input.cachedAtoms[index] = known
  }
  return known
}

function cachedAtom(input: Input, offset: number): Atom {
  const index = uint8(input)
  const atom = input.atomCacheRefs[index]
  if (atom === undefined) {
    throw new InvalidTermError(`the header defines no atom ${index}`, offset)
  }
  return atom
}
