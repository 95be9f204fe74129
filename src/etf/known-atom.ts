/**
 * An atom that was read before, and the short tuples that began with it last.
 *
 * Most tuples of a snapshot say again what another one said, `{ramv,false}` or `{sys_alloc_carriers,0,0,0}`:
 * of a node with 128 schedulers five in six do. These are made once, and its 1.4 MB decoded in half the time: what
 * is not made need not be moved by the collector either. Nothing large is held: only tuples whose other parts are
 * numbers and atoms.
 */
import { Atom, type Term, Tuple } from './terms.ts'

export class KnownAtom {
  readonly atom: Atom
  #pair: Tuple | undefined
  #triple: Tuple | undefined
  #quadruple: Tuple | undefined

  constructor(atom: Atom) {
    this.atom = atom
  }

  /** `{Atom, second}`. */
  pair(second: Term): Tuple {
    if (!isSmall(second)) return new Tuple([this.atom, second])
    const last = this.#pair
    if (last !== undefined && isSame(second, last.elements[1])) return last
    const made = new Tuple([this.atom, second])
    this.#pair = made
    return made
  }

  /** `{Atom, second, third}`. */
  triple(second: Term, third: Term): Tuple {
    if (!isSmall(second) || !isSmall(third)) return new Tuple([this.atom, second, third])
    const last = this.#triple
    if (last !== undefined) {
      const { elements } = last
      if (isSame(second, elements[1]) && isSame(third, elements[2])) return last
    }
    const made = new Tuple([this.atom, second, third])
    this.#triple = made
    return made
  }

  /** `{Atom, second, third, fourth}`. */
  quadruple(second: Term, third: Term, fourth: Term): Tuple {
    if (!isSmall(second) || !isSmall(third) || !isSmall(fourth)) {
      return new Tuple([this.atom, second, third, fourth])
    }
    const last = this.#quadruple
    if (last !== undefined) {
      const { elements } = last
      if (
        isSame(second, elements[1]) &&
        isSame(third, elements[2]) &&
        isSame(fourth, elements[3])
      ) {
        return last
      }
    }
    const made = new Tuple([this.atom, second, third, fourth])
    this.#quadruple = made
    return made
  }
}

function isSmall(term: Term): boolean {
  return typeof term === 'number' || term instanceof Atom
}

/** Numbers and others apart: comparing what may be either takes V8 longer. */
function isSame(term: Term, other: Term | undefined): boolean {
  return typeof term === 'number' ? typeof other === 'number' && term === other : term === other
}
