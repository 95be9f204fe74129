/**
 * What may be given as a limit.
 */

/**
 * A count, or a size in bytes. What is none would compare with nothing, and so limit nothing.
 *
 * @throws {RangeError} when it is none; with the option's name
 */
export function checkLimit(name: string, limit: number): number {
  if (Number.isSafeInteger(limit) && limit > 0) return limit
  throw new RangeError(`${name} is ${limit}, and no whole number from 1 on`)
}
