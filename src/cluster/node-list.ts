/**
 * Lists of nodes that people write: one name a line. Empty lines are left out, and so are comments, which
 * begin a line with `#`: further on it may be a part of a name.
 */
import { createReadStream } from 'node:fs'
import { parseNodeName } from '../dist/node-name.ts'
import { BeamscopeError, messageOf } from '../errors.ts'
import { MAX_NODES, NodeListError } from './discovery-errors.ts'

/** As many names as there may be nodes, of 255 characters each, and some comments. Bytes. */
export const MAX_NODE_LIST_SIZE: number = 32 * 1024 * 1024

/**
 * The names in a text, in its order.
 *
 * @param source what errors call the text: a file's path
 * @throws {NodeListError} for a line that is no node name, and when there are more than 100,000 names
 */
export function parseNodeList(text: string, source: string): string[] {
  if (text.length > MAX_NODE_LIST_SIZE) throw tooLong(source)
  const names: string[] = []
  let line = 0
  for (const content of lines(text)) {
    line++
    if (content === '' || content.startsWith('#')) continue
    if (names.length === MAX_NODES) {
      throw new NodeListError(source, `more than ${MAX_NODES} names`, { line })
    }
    names.push(parseLine(content, source, line, names.length > 0))
  }
  return names
}

/**
 * Reads a list from a file in UTF-8.
 *
 * @throws {NodeListError} also when it cannot be read, is no UTF-8, or has more than 32 MiB
 * @throws the signal's reason
 */
export async function readNodeList(
  file: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    // In pieces, since what is no plain file has no size to check beforehand.
    for await (const chunk of createReadStream(file, signal === undefined ? {} : { signal })) {
      if (!(chunk instanceof Uint8Array)) continue
      size += chunk.length
      if (size > MAX_NODE_LIST_SIZE) throw tooLong(file)
      chunks.push(chunk)
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof NodeListError) throw cause
    throw new NodeListError(file, `cannot be read: ${messageOf(cause)}`, { cause })
  }
  return parseNodeList(decodeText(Buffer.concat(chunks), file), file)
}

/** One at a time: a file of nothing but line ends has millions. */
function* lines(text: string): Generator<string, void, undefined> {
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf('\n', start)
    const stop = end === -1 ? text.length : end
    // Besides spaces this takes the \r of a line end, and the mark that editors put before UTF-8.
    yield text.slice(start, stop).trim()
    start = stop + 1
  }
}

/** Where nothing has been a name before, it may be a file of secrets, given by mistake: then none of it is shown. */
function parseLine(content: string, source: string, line: number, isList: boolean): string {
  try {
    return parseNodeName(content).full
  } catch (cause) {
    if (!(cause instanceof BeamscopeError)) throw cause
    if (!isList) {
      throw new NodeListError(source, 'it is no node name', {
        line,
        hint: 'a list has one name@host a line; is this the right file?',
      })
    }
    throw new NodeListError(source, cause.message, { line, cause })
  }
}

function decodeText(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new NodeListError(source, 'it is no text in UTF-8', { cause })
  }
}

function tooLong(source: string): NodeListError {
  return new NodeListError(source, `it has more than ${MAX_NODE_LIST_SIZE} bytes`)
}
