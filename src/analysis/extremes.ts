/**
 * The lesser and the greater of two integers, exact for any two.
 */
import { compare } from './integer.ts'
import type { Integer } from './snapshot.ts'

export function lesser(left: Integer, right: Integer): Integer {
  return compare(left, right) <= 0 ? left : right
}

export function greater(left: Integer, right: Integer): Integer {
  return compare(left, right) >= 0 ? left : right
}
