/**
 * Who this side is: its name, its creation, and the identifiers it gives out.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#newer_reference_ext
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type NodeName, parseNodeName } from '../dist/node-name.ts'
import { Atom, Pid, Reference } from '../etf/index.ts'

/** OTP 23 keeps references of three words, the first of 18 bits; all releases take those. */
const FIRST_WORD_BITS = 18

/** The pids of OTP 23 hold 15 bits of id and 13 of serial; all releases take those. */
const PID_ID_BITS = 15
const PID_SERIAL_BITS = 13

/** A node that lives in this process. */
export class Identity {
  readonly name: NodeName
  readonly atom: Atom
  /** Tells this run of the name from others. Never 0, which means "any". */
  readonly creation: number
  /** The one process of ours that calls come from and answers go to. */
  readonly pid: Pid
  /** The third word of every reference. */
  readonly #salt: number
  #references = 0
  #pids = 0

  /** A node that was given its name by a peer was given its creation too. */
  constructor(name: NodeName, creation: number = makeCreation()) {
    this.name = name
    this.atom = new Atom(name.full)
    this.creation = creation
    this.pid = this.makePid()
    this.#salt = randomBytes(4).readUInt32BE()
  }

  /** A pid that nobody had, until 2^28 were made; {@link pidNumber} finds its number again. */
  makePid(): Pid {
    this.#pids = (this.#pids + 1) % 2 ** (PID_ID_BITS + PID_SERIAL_BITS)
    const number = this.#pids
    return new Pid(
      this.atom,
      number % 2 ** PID_ID_BITS,
      Math.floor(number / 2 ** PID_ID_BITS),
      this.creation,
    )
  }

  /** The number of a pid that was made here, `undefined` for any other. */
  pidNumber(pid: Pid): number | undefined {
    return this.owns(pid) ? pid.serial * 2 ** PID_ID_BITS + pid.id : undefined
  }

  /** A reference that nobody has; {@link referenceNumber} finds its number again. */
  makeReference(): Reference {
    const number = ++this.#references
    return new Reference(this.atom, this.creation, [
      number % 2 ** FIRST_WORD_BITS,
      Math.floor(number / 2 ** FIRST_WORD_BITS),
      this.#salt,
    ])
  }

  /** The number of a reference that was made here, `undefined` for any other. */
  referenceNumber(reference: Reference): number | undefined {
    const [low = 0, high = 0, salt] = reference.words
    const ours =
      salt === this.#salt &&
      reference.creation === this.creation &&
      reference.node.name === this.atom.name
    return ours ? high * 2 ** FIRST_WORD_BITS + low : undefined
  }

  /** Whether it is the pid that calls come from. */
  isCaller(pid: Pid): boolean {
    return pid.id === this.pid.id && pid.serial === this.pid.serial && this.owns(pid)
  }

  /** Whether a pid is ours. */
  owns(pid: Pid): boolean {
    return pid.creation === this.creation && pid.node.name === this.atom.name
  }
}

/** Never 0. */
export function makeCreation(): number {
  return Math.max(1, randomBytes(4).readUInt32BE())
}

/**
 * A name of our own, long or short: a node with long names does not dial one with a short name. It is
 * not registered anywhere, so it need only differ from other clients', as it does by default.
 */
export function makeLocalName(
  kind: NodeName['kind'],
  alive: string = `beamscope-${process.pid}-${randomBytes(3).toString('hex')}`,
): NodeName {
  const host = hostname()
  const [short = 'localhost'] = host.split('.')
  const long = host.includes('.') ? host : `${short}.localdomain`
  return parseNodeName(`${alive}@${kind === 'short' ? short : long}`)
}
