/**
 * Lists of nodes that people write: one name a line, with empty lines, and comments after a `#` at the
 * beginning of a line.
 */

/** A hundred thousand names of 255 characters, and some comments. Bytes. */
export const MAX_NODE_LIST_SIZE: number = 32 * 1024 * 1024

/**
 * The names in a text, in its order.
 *
 * @param source what errors call the text: a file's path
 * @throws {NodeListError}
 */
export function parseNodeList(_text: string, _source: string): string[] {
  return []
}

/**
 * Reads a list from a file.
 *
 * @throws {NodeListError}
 */
export async function readNodeList(
  file: string,
  _options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  return parseNodeList('', file)
}
