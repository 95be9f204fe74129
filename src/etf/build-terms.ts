/**
 * Terms put together of the parts that were read for them.
 */
import { InvalidTermError } from './decode-error.ts'
import {
  Atom,
  DuplicateKeyError,
  ErlangMap,
  ExportFun,
  Fun,
  NativeRecord,
  OldFun,
  Pid,
  type Term,
} from './terms.ts'

export type FunHead = {
  readonly arity: number
  readonly uniq: Uint8Array
  readonly index: number
  readonly end: number
}

/** What stands before the parts: of a fun, or whether a record is exported. */
export type Head = FunHead | boolean | undefined

export function buildMap(parts: readonly Term[], offset: number): ErlangMap {
  const keys: Term[] = []
  const values: Term[] = []
  for (let i = 1; i < parts.length; i += 2) {
    const key = parts[i - 1]
    const value = parts[i]
    if (key === undefined || value === undefined) break
    keys.push(key)
    values.push(value)
  }
  return makeMap(keys, values, offset)
}

export function makeMap(keys: readonly Term[], values: readonly Term[], offset: number): ErlangMap {
  try {
    return new ErlangMap(keys, values)
  } catch (cause) {
    if (!(cause instanceof DuplicateKeyError)) throw cause
    throw new InvalidTermError(cause.message, offset, { cause })
  }
}

export function buildExport(parts: readonly Term[], offset: number): ExportFun {
  const [module, name, arity] = parts
  if (module instanceof Atom && name instanceof Atom && isByte(arity)) {
    return new ExportFun(module, name, arity)
  }
  throw new InvalidTermError('an export is not module, function and arity', offset)
}

export function buildFun(parts: readonly Term[], head: Head, end: number, offset: number): Fun {
  const [module, oldIndex, oldUniq, pid, ...freeVariables] = parts
  if (
    typeof head === 'object' &&
    // Over the distribution OTP 23 leaves out of the size what binaries of more than 64 bytes take.
    head.end <= end &&
    module instanceof Atom &&
    isInteger(oldIndex) &&
    isInteger(oldUniq) &&
    pid instanceof Pid
  ) {
    const { arity, uniq, index } = head
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, pid, freeVariables })
  }
  throw new InvalidTermError('a fun does not hold what it announces', offset)
}

export function buildOldFun(parts: readonly Term[], offset: number): OldFun {
  const [pid, module, index, uniq, ...freeVariables] = parts
  if (pid instanceof Pid && module instanceof Atom && isInteger(index) && isInteger(uniq)) {
    return new OldFun(pid, module, index, uniq, freeVariables)
  }
  throw new InvalidTermError('an old fun does not hold what it should', offset)
}

export function buildRecord(
  parts: readonly Term[],
  exported: boolean,
  offset: number,
): NativeRecord {
  const [module, name, ...rest] = parts
  const count = rest.length / 2
  const fields: [Atom, Term][] = []
  const names = new Set<string>()
  for (let i = 0; i < count; i++) {
    const field = rest[i]
    const value = rest[count + i]
    if (!(field instanceof Atom) || value === undefined) {
      throw new InvalidTermError('a field of a record is not named by an atom', offset)
    }
    fields.push([field, value])
    names.add(field.name)
  }
  if (names.size < count) throw new InvalidTermError('a record has one field twice', offset)
  if (module instanceof Atom && name instanceof Atom) {
    return new NativeRecord(module, name, exported, fields)
  }
  throw new InvalidTermError('a record is not named by atoms', offset)
}

function isInteger(term: Term | undefined): term is number | bigint {
  return typeof term === 'number' || typeof term === 'bigint'
}

function isByte(term: Term | undefined): term is number {
  return typeof term === 'number' && term >= 0 && term <= 255
}
