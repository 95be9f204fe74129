/**
 * Patterns of node names: `*` stands for any characters, none included, and `?` for one. Everything else
 * stands for itself, and the whole name has to fit.
 */

/** Which names are wanted. */
export interface NodeFilter {
  /** Only those of any of these patterns. */
  readonly match?: readonly string[] | undefined
  /** None of these. */
  readonly exclude?: readonly string[] | undefined
}

export function isWanted(name: string, { match, exclude }: NodeFilter): boolean {
  const fits = (pattern: string): boolean => fitsPattern(name, pattern)
  return (match === undefined || match.some(fits)) && exclude?.some(fits) !== true
}

/**
 * By one look back at most, to the last `*`: no pattern takes longer than the product of both lengths, as
 * a regular expression could.
 */
export function fitsPattern(name: string, pattern: string): boolean {
  let at = 0
  let position = 0
  // Where the last * stands, and the first character that it does not stand for.
  let star: number | undefined
  let after = 0
  while (position < name.length) {
    if (pattern[at] === '*') {
      star = at++
      after = position
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[position])) {
      at++
      position++
    } else if (star !== undefined) {
      at = star + 1
      position = ++after
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
