/**
 * The distribution header: what goes before the terms where DIST_HDR_ATOM_CACHE or FRAGMENTS is in
 * force.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#distribution-header
 */
import type { Atom } from '../etf/index.ts'
import { VERSION } from '../etf/tags.ts'
import type { AtomCache } from './atom-cache.ts'
import { HeaderError } from './header-error.ts'
import { NO_REFS } from './sent-atoms.ts'

const WHOLE = 68
const FIRST_FRAGMENT = 69
const NEXT_FRAGMENT = 70

/** Version and tag, then the ids of the sequence and the fragment in 8 bytes each. */
const FRAGMENT_HEADER_SIZE = 2 + 8 + 8

const NO_ATOMS: readonly Atom[] = []

export interface Header {
  /** Whether a message stands here whole, begins here, or goes on here. */
  readonly kind: 'whole' | 'first' | 'next'
  /** Which message this is a fragment of; 0 when whole. */
  readonly sequence: number | bigint
  /** How many fragments of the message are left, this one included. */
  readonly fragment: number
  /** The atom behind each `ATOM_CACHE_REF` of the message; none when it only goes on here. */
  readonly atoms: readonly Atom[]
  /** Where the header ends. */
  readonly end: number
}

/**
 * Reads the header of a frame, and keeps in `cache` the atoms that it announces.
 *
 * @throws {HeaderError} when it is none
 */
export function readHeader(frame: Uint8Array, cache: AtomCache): Header {
  if (frame[0] !== VERSION) throw new HeaderError(`does not begin with ${VERSION}`, 0)
  switch (frame[1]) {
    case WHOLE: {
      const { atoms, end } = cache.readRefs(frame, 2)
      return { kind: 'whole', sequence: 0, fragment: 1, atoms, end }
    }
    case FIRST_FRAGMENT: {
      const { sequence, fragment } = readFragmentIds(frame)
      const { atoms, end } = cache.readRefs(frame, FRAGMENT_HEADER_SIZE)
      return { kind: 'first', sequence, fragment, atoms, end }
    }
    case NEXT_FRAGMENT: {
      const { sequence, fragment } = readFragmentIds(frame)
      return { kind: 'next', sequence, fragment, atoms: NO_ATOMS, end: FRAGMENT_HEADER_SIZE }
    }
    default:
      throw new HeaderError(`has the unknown tag ${frame[1]}`, 1)
  }
}

function readFragmentIds(frame: Uint8Array): { sequence: number | bigint; fragment: number } {
  if (frame.length < FRAGMENT_HEADER_SIZE) throw new HeaderError('ends too early', frame.length)
  const view = new DataView(frame.buffer, frame.byteOffset, FRAGMENT_HEADER_SIZE)
  const id = view.getBigUint64(2)
  const sequence = id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id
  const fragment = Number(view.getBigUint64(10))
  if (fragment === 0) throw new HeaderError('numbers a fragment 0', 10)
  if (!Number.isSafeInteger(fragment)) {
    throw new HeaderError(`announces ${fragment} fragments`, 10)
  }
  return { sequence, fragment }
}

/** For a message that stands behind it whole; `refs`: the section of its atoms, by default of none. */
export function wholeHeader(refs: Uint8Array = NO_REFS): Uint8Array {
  const header = new Uint8Array(2 + refs.length)
  header[0] = VERSION
  header[1] = WHOLE
  header.set(refs, 2)
  return header
}

/** For the first of `fragments`; `refs`: the section of the message's atoms, by default of none. */
export function firstFragmentHeader(
  sequence: number,
  fragments: number,
  refs: Uint8Array = NO_REFS,
): Uint8Array {
  const size = FRAGMENT_HEADER_SIZE + refs.length
  const header = fragmentHeader(FIRST_FRAGMENT, sequence, fragments, size)
  header.set(refs, FRAGMENT_HEADER_SIZE)
  return header
}

/** The header of a later fragment; the last one is number 1. */
export function nextFragmentHeader(sequence: number, fragment: number): Uint8Array {
  return fragmentHeader(NEXT_FRAGMENT, sequence, fragment, FRAGMENT_HEADER_SIZE)
}

function fragmentHeader(tag: number, sequence: number, fragment: number, size: number): Uint8Array {
  const header = new Uint8Array(size)
  const view = new DataView(header.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, tag)
  view.setBigUint64(2, BigInt(sequence))
  view.setBigUint64(10, BigInt(fragment))
  return header
}
