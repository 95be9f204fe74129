/**
 * The units of sizes, and the arithmetic that `recon_alloc:set_unit/1` leads to.
 */
import { add, subtract, toDouble } from './integer.ts'
import type { Integer } from './snapshot.ts'

/** In which sizes are given; `byte` keeps integers, the others are doubles. */
export type Unit = 'byte' | 'kilobyte' | 'megabyte' | 'gigabyte'

/** All units, the smallest first. */
export const UNITS: readonly Unit[] = ['byte', 'kilobyte', 'megabyte', 'gigabyte']

/** A size in some unit: an exact integer in bytes, a double in any other. */
export type Amount = Integer

/**
 * How to compute in a unit. Recon divides each figure it has read first and adds afterwards, so sums
 * are rounded in the order in which they are made: the order of every addition here is recon's.
 */
export interface UnitArithmetic {
  /** A size in bytes, in this unit. */
  from(bytes: Integer): Amount
  add(left: Amount, right: Amount): Amount
  subtract(left: Amount, right: Amount): Amount
}

const BYTES: UnitArithmetic = { from: (bytes) => bytes, add, subtract }

function divided(factor: number): UnitArithmetic {
  return {
    from: (bytes) => toDouble(bytes) / factor,
    // Never BigInt: `Number` of what `from` made changes nothing.
    add: (left, right) => Number(left) + Number(right),
    subtract: (left, right) => Number(left) - Number(right),
  }
}

const ARITHMETIC: Readonly<Record<Unit, UnitArithmetic>> = {
  byte: BYTES,
  kilobyte: divided(2 ** 10),
  megabyte: divided(2 ** 20),
  gigabyte: divided(2 ** 30),
}

export function arithmetic(unit: Unit): UnitArithmetic {
  return ARITHMETIC[unit]
}

/** A size in bytes, in that unit. */
export function inUnit(bytes: Integer, unit: Unit): Amount {
  return arithmetic(unit).from(bytes)
}
