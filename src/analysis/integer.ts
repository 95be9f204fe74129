/**
 * Integers and numbers as the BEAM computes with them: integers exactly, `/` in doubles.
 *
 * @see https://www.erlang.org/doc/system/expressions.html#arithmetic-expressions
 */
import type { Integer } from './snapshot.ts'

export function add(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return shortest(BigInt(left) + BigInt(right))
}

export function subtract(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return shortest(BigInt(left) - BigInt(right))
}

export function multiply(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    if (Number.isSafeInteger(product)) return product
  }
  return shortest(BigInt(left) * BigInt(right))
}

/** The sum of no integers is 0. */
export function sum(integers: Iterable<Integer>): Integer {
  let total: Integer = 0
  for (const integer of integers) total = add(total, integer)
  return total
}

/**
 * The double that an integer becomes beside `/` and beside a float: the nearest, as on OTP 29. Earlier
 * releases may end up one place beside it beyond 2^64, where no counter of a node comes.
 */
export function toDouble(integer: Integer): number {
  return Number(integer)
}

/** Erlang's `left / right`. */
export function divide(left: Integer, right: Integer): number {
  return toDouble(left) / toDouble(right)
}

/** Negative, 0 or positive, as `left` stands before, with or behind `right`; exact for any two. */
export function compare(left: Integer, right: Integer): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function shortest(integer: bigint): Integer {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
