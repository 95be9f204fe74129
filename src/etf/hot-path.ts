/**
 * What the hot paths of reading and writing have in common.
 */

/** A tag, and four bytes that count. */
export const LONGEST_HEAD = 5

/** Levels that are read and written by functions that call themselves: no term of a snapshot has more than 12. */
export const MAX_CALLS = 64
