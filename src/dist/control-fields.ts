/**
 * The elements of a control message, each taken only as what it has to be.
 */
import {
  Atom,
  isAtom,
  isInteger,
  isList,
  isTuple,
  Pid,
  Reference,
  type Term,
} from '../etf/index.ts'
import { ProtocolError } from './protocol-error.ts'

/**
 * A control message that says nothing we may believe. The BEAM cuts the link for one; here the
 * messages around it are whole, so that a caller may also drop just this one.
 */
export class ControlMessageError extends ProtocolError {
  readonly code = 'ERR_CONTROL_MESSAGE'
  /** Its first element, where that is an integer. */
  readonly opcode: number | undefined
  /** The field that is wrong, by the name it has here; `undefined` when it is the whole. */
  readonly field: string | undefined
  constructor(
    problem: string,
    options: {
      readonly opcode?: number | undefined
      readonly field?: string | undefined
      readonly cause?: unknown
    } = {},
  ) {
    const message =
      options.opcode === undefined
        ? `a control message ${problem}`
        : `control message ${options.opcode} ${problem}`
    super(message, { cause: options.cause })
    this.opcode = options.opcode
    this.field = options.field
  }
}

/** Module, function and arity. */
export interface Mfa {
  readonly module: Atom
  readonly function: Atom
  readonly arity: number
}

/** Reads the elements behind the opcode one after another. */
export class FieldReader {
  readonly #opcode: number
  readonly #traced: boolean
  readonly #elements: readonly Term[]
  #next = 1

  /** `traced`: whether the opcode is the one with a trace token. */
  constructor(opcode: number, traced: boolean, elements: readonly Term[]) {
    this.#opcode = opcode
    this.#traced = traced
    this.#elements = elements
  }

  term(field: string): Term {
    const term = this.#elements[this.#next++]
    if (term === undefined) throw this.#error('is too short for', field)
    return term
  }

  /** An element that says nothing: a cookie, before OTP R9B. */
  unused(): void {
    this.#next++
  }

  /** The token of the `_TT` forms, `undefined` in the others. */
  traceToken(): Term | undefined {
    return this.#traced ? this.term('traceToken') : undefined
  }

  pid(field: string): Pid {
    const term = this.term(field)
    if (term instanceof Pid) return term
    throw this.#error('has no pid as', field)
  }

  atom(field: string): Atom {
    const term = this.term(field)
    if (term instanceof Atom) return term
    throw this.#error('has no atom as', field)
  }

  /** A process by its pid or its name. */
  process(field: string): Pid | Atom {
    const term = this.term(field)
    if (term instanceof Pid || term instanceof Atom) return term
    throw this.#error('has neither pid nor atom as', field)
  }

  reference(field: string): Reference {
    const term = this.term(field)
    if (term instanceof Reference) return term
    throw this.#error('has no reference as', field)
  }

  /** An integer of at most `bits` bits that is `least` or more. */
  unsigned(field: string, least: number, bits: number): number | bigint {
    const term = this.term(field)
    if (isInteger(term) && term >= least && term < 2n ** BigInt(bits)) return term
    throw this.#error(`has no integer of ${least} or more and ${bits} bits as`, field)
  }

  /** Flags of any width, of which the low 32 bits are kept: what is above has no meaning yet. */
  flags(field: string): number {
    const term = this.term(field)
    if (typeof term === 'number' && term >= 0 && term <= 0xffff_ffff) return term
    if (isInteger(term) && term >= 0) return Number(BigInt.asUintN(32, BigInt(term)))
    throw this.#error('has no flags as', field)
  }

  list(field: string): readonly Term[] {
    const term = this.term(field)
    if (isList(term)) return term
    throw this.#error('has no list as', field)
  }

  mfa(field: string): Mfa {
    const term = this.term(field)
    if (isTuple(term, 3)) {
      const [module, name, arity] = term.elements
      if (isAtom(module) && isAtom(name) && typeof arity === 'number' && arity >= 0) {
        return { module, function: name, arity }
      }
    }
    throw this.#error('has no {Module, Function, Arity} as', field)
  }

  /** @throws {ControlMessageError} saying what is wrong with a field */
  reject(problem: string, field: string): never {
    throw this.#error(problem, field)
  }

  #error(problem: string, field: string): ControlMessageError {
    return new ControlMessageError(`${problem} ${field}`, { opcode: this.#opcode, field })
  }
}
