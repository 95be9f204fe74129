/**
 * The External Term Format: bytes ↔ terms ↔ Erlang text.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export * from './build.ts'
export { type DecodeOptions, decode, TermReader } from './decode.ts'
export {
  DecodeError,
  InvalidTermError,
  TermLimitError,
  TruncatedTermError,
} from './decode-error.ts'
export { EncodeError, type EncodeOptions, encode, TermWriter } from './encode.ts'
export { equals } from './equality.ts'
export * from './match.ts'
export * from './terms.ts'
