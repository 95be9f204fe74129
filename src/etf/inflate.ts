/**
 * What a compressed term holds.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#compressed-term-format
 */
import { inflateSync } from 'node:zlib'
import { InvalidTermError, TruncatedTermError } from './decode-error.ts'

/** Inflates at most `size` bytes and says how many of the input it took. */
export function inflate(
  input: Uint8Array,
  size: number,
  offset: number,
): { readonly bytes: Uint8Array; readonly consumed: number } {
  let result: unknown
  try {
    result = inflateSync(input, { maxOutputLength: Math.max(size, 1), info: true })
  } catch (cause) {
    // zlib's word for an end that comes too early.
    if (isNodeError(cause) && cause.code === 'Z_BUF_ERROR') {
      throw new TruncatedTermError('a compressed term is cut short', offset, { cause })
    }
    throw new InvalidTermError('a compressed term cannot be inflated', offset, { cause })
  }
  if (!isInflated(result)) throw new InvalidTermError('zlib gave no buffer', offset)
  return { bytes: result.buffer, consumed: result.engine.bytesWritten }
}

function isNodeError(value: unknown): value is Error & { readonly code: unknown } {
  return value instanceof Error && 'code' in value
}

/** What `inflateSync` returns for `info: true`, which its types leave out. */
function isInflated(
  value: unknown,
): value is { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } } {
  return typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value
}
