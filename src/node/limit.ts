/**
 * What may be given as a limit.
 */

/**
 * A count, or a size in bytes. What is none would compare with nothing, and so limit nothing.
 *
 * @throws {RangeError} when it is none, or below `least`; with the option's name
 */
export function checkLimit(name: string, limit: number, least: 0 | 1): number {
  if (Number.isSafeInteger(limit) && limit >= least) return limit
  throw new RangeError(`${name} is ${limit}, and no whole number from ${least} on`)
}
