/**
 * Node names: `name@host`.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#nodes
 */
import { BeamscopeError } from '../errors.ts'

/** A name that passed {@link parseNodeName}. */
export interface NodeName {
  /** `rabbit@myhost`, the atom that names the node everywhere. */
  readonly full: string
  /** The part before the `@`, under which the node is registered in EPMD. */
  readonly alive: string
  readonly host: string
  /**
   * `long` when the host has a domain or is an address. Nodes of one kind do not dial those of the other
   * (`-sname`, `-name`).
   */
  readonly kind: 'short' | 'long'
}

/** A text that is no node name. */
export class InvalidNodeNameError extends BeamscopeError {
  readonly code = 'ERR_NODE_NAME'
  readonly text: string
  constructor(text: string, why: string, hint: string) {
    super(`${quoteForeignText(text)} is no node name: ${why}`, { hint })
    this.text = text
  }
}

/** A node name is an atom: `MAX_ATOM_CHARACTERS` in `erts/emulator/beam/atom.h`. */
const MAX_CHARACTERS = 255

/**
 * Both patterns are those of `net_kernel`, which starts no node under another name. Of its host, which is
 * any Latin-1 from `!` on, the control characters and the hard space are left out.
 */
const ALIVE_PATTERN = /^[0-9A-Za-z_-]+$/
const HOST_PATTERN = /^[!-~\u00a1-\u00ff]+$/

/**
 * Takes a node name apart.
 *
 * @throws {InvalidNodeNameError} saying what is wrong with it
 */
export function parseNodeName(text: string): NodeName {
  const [alive = '', host, ...more] = text.split('@')
  if (host === undefined || host === '') {
    throw new InvalidNodeNameError(
      text,
      'the host is missing',
      `a node name has a host: ${ALIVE_PATTERN.test(alive) ? alive : 'rabbit'}@myhost`,
    )
  }
  if (more.length > 0) {
    throw new InvalidNodeNameError(text, 'it has more than one @', 'write it as rabbit@myhost')
  }
  if (!ALIVE_PATTERN.test(alive)) {
    throw new InvalidNodeNameError(
      text,
      alive === '' ? 'nothing stands before the @' : 'a character before the @ is not allowed',
      'before the @ stand letters, digits, _ and -',
    )
  }
  if (!HOST_PATTERN.test(host)) {
    throw new InvalidNodeNameError(
      text,
      'a character of the host is not allowed',
      'the host is a host name or an address, without spaces',
    )
  }
  if (text.length > MAX_CHARACTERS) {
    throw new InvalidNodeNameError(
      text,
      `it has ${text.length} characters`,
      `a node name has at most ${MAX_CHARACTERS}`,
    )
  }
  return { full: text, alive, host, kind: /[.:]/.test(host) ? 'long' : 'short' }
}

const MAX_QUOTED_CHARACTERS = 80

/** A text from outside in a form that can stand in a message: quoted, on one line, not too long. */
export function quoteForeignText(text: string): string {
  const short =
    text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text
  // What JSON leaves as it is and a terminal does not: the C1 controls, and marks of direction.
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
