/**
 * What comes by standard input, whole.
 */
import { addAbortSignal, type Readable } from 'node:stream'
import type { Context } from './context.ts'
import { UsageError } from './usage-error.ts'

/**
 * Reads to the end.
 *
 * @throws {UsageError} when there is more than `maxSize` bytes
 */
export async function readStandardInput(context: Context, maxSize: number): Promise<Uint8Array> {
  const { signal, stdin } = context
  signal.throwIfAborted()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of addAbortSignal<Readable>(signal, stdin)) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (!(bytes instanceof Uint8Array)) continue
      size += bytes.length
      if (size > maxSize) {
        throw new UsageError(`standard input holds more than ${maxSize} bytes`)
      }
      chunks.push(bytes)
    }
  } catch (error) {
    // The stream says only that it was aborted.
    signal.throwIfAborted()
    throw error
  }
  return Buffer.concat(chunks)
}
