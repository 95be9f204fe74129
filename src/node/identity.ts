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

  constructor(name: NodeName) {
    this.name = name
    this.atom = new Atom(name.full)
    this.creation = Math.max(1, randomBytes(4).readUInt32BE())
    // The pids of OTP 23 hold 15 bits of id and 13 of serial.
    this.pid = new Pid(this.atom, 1, 0, this.creation)
    this.#salt = randomBytes(4).readUInt32BE()
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

  /** Whether a pid is ours. */
  owns(pid: Pid): boolean {
    return pid.creation === this.creation && pid.node.name === this.atom.name
  }
}

/**
 * A name of our own that suits a peer: nodes with long names do not talk to those with short ones.
 * It is not registered anywhere, so it need only differ from other clients'.
 */
export function makeLocalName(peer: NodeName): NodeName {
  const alive = `beamscope-${process.pid}-${randomBytes(3).toString('hex')}`
  const host = hostname()
  const [short = 'localhost'] = host.split('.')
  const long = host.includes('.') ? host : `${short}.localdomain`
  return parseNodeName(`${alive}@${peer.kind === 'short' ? short : long}`)
}
