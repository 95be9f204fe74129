/**
 * The External Term Format: bytes ↔ terms ↔ Erlang text.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export * from './build.ts'
export { NONE, TermCursor } from './cursor.ts'
export { type DecodeOptions, decode, TermReader } from './decode.ts'
export {
  DecodeError,
  InvalidTermError,
  TermLimitError,
  TruncatedTermError,
} from './decode-error.ts'
export { type AtomRefs, EncodeError, type EncodeOptions, encode, TermWriter } from './encode.ts'
export { EncodedTerm } from './encoded-term.ts'
export { equals } from './equality.ts'
export { type FormatOptions, formatTerm } from './format.ts'
export * from './match.ts'
export { compareTerms } from './order.ts'
export {
  type Call,
  type NodeIdentity,
  type ParseOptions,
  parseCall,
  parseTerm,
} from './parse.ts'
export {
  ParseError,
  ParseLimitError,
  TermSyntaxError,
  UnreadableTermError,
} from './parse-error.ts'
export * from './terms.ts'
