/**
 * What is fuzzed: something that takes bytes from outside, and all that must hold of it.
 */
import { BeamscopeError } from '../src/errors.ts'
import { ByteWriter } from './byte-writer.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'

/** Whether the bytes were what they should be; both are right. */
export type Verdict = 'accepted' | 'refused'

export interface Target {
  readonly name: string
  /** What is read, for the help. */
  readonly title: string
  /** Valid inputs, which are changed byte by byte. Made when they are first needed. */
  seeds(): readonly Uint8Array[]
  /** Writes an input by the grammar of the format. */
  generate(out: ByteWriter): void
  /**
   * Has the input read and sees whether all is right, also for who comes after.
   *
   * What waits for nothing returns at once: a promise for each input would cost more than most of them.
   *
   * @throws {PropertyError} where something that must hold does not
   * @throws what the code under test throws and must not
   */
  run(input: Uint8Array): Verdict | Promise<Verdict>
  /** What an input may take beside what its size allows. */
  readonly allowance?: Partial<Allowance>
}

/** Of one input, beyond what its size explains. */
export interface Allowance {
  /** Milliseconds of processor time. */
  readonly time: number
  /** Bytes of heap and of memory outside of it. */
  readonly memory: number
}

/** Something that must hold, and did not. */
export class PropertyError extends Error {}

/** @throws {PropertyError} */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new PropertyError(what)
}

type ErrorClass = abstract new (...args: never[]) => BeamscopeError

/** Far more than any message has, and too little to fill a terminal or a log. */
const MAX_MESSAGE_LENGTH = 4096

/**
 * What `read` returns, or `undefined` when it throws an error of these classes, as it may.
 *
 * @throws whatever else it threw
 * @throws {PropertyError} when the error says what could harm a terminal
 */
export function attempt<Value>(
  errors: readonly ErrorClass[],
  read: () => Value,
): Value | undefined {
  try {
    return read()
  } catch (error) {
    checkError(errors, error)
    return undefined
  }
}

/**
 * @throws the error, unless it is of these classes
 * @throws {PropertyError} when it says what could harm a terminal
 */
export function checkError(errors: readonly ErrorClass[], error: unknown): void {
  if (!(error instanceof BeamscopeError)) throw error
  if (!errors.some((it) => error instanceof it)) throw error
  const { message, code, hint = '' } = error
  check(code.startsWith('ERR_'), `${error.name} has the code ${code}`)
  check(message.length <= MAX_MESSAGE_LENGTH, `${error.name} says ${message.length} characters`)
  checkPrintable(error.name, message)
  checkPrintable(error.name, hint)
}

/** @throws {PropertyError} for a control character, or a mark that turns the direction of text */
export function checkPrintable(what: string, text: string): void {
  if (/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text)) {
    throw new PropertyError(
      `${what} holds a character that is not printable: ${JSON.stringify(text)}`,
    )
  }
}

/** To compare what is no term. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_, it: unknown) => (typeof it === 'bigint' ? `${it}n` : it)) ?? ''
}

/** @throws {PropertyError} when something was put into the prototype of all objects */
export function checkNoPollution(): void {
  const plain: Readonly<Record<string, unknown>> = {}
  for (const key in plain) check(false, `every object has a property ${key} now`)
}

/** How often a writer lies about counts: never, rarely, often. */
const LIES: readonly number[] = [0, 0, 40, 8]

/** The input number `index` of a target: the same for the same seed, for ever. */
export function inputOf(target: Target, seed: number, index: number): Uint8Array {
  const random = Random.forInput(seed, target.name, index)
  const seeds = target.seeds()
  const way = random.below(4)
  const base = way < 3 || seeds.length === 0 ? generated(target, random) : random.pick(seeds)
  if (way < 2) return base
  const other =
    seeds.length === 0 || random.oneIn(2) ? generated(target, random) : random.pick(seeds)
  return mutate(base, other, random)
}

function generated(target: Target, random: Random): Uint8Array {
  const out = new ByteWriter(random, random.pick(LIES))
  target.generate(out)
  return out.finish()
}

/** Seeds that are made once. */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Several messages as one input: each behind its length in 16 bits. What is left at the end is the last. */
export function* messagesOf(
  input: Uint8Array,
  start: number,
): Generator<Uint8Array, void, undefined> {
  let at = start
  while (at + 2 <= input.length) {
    const length = ((input[at] ?? 0) << 8) | (input[at + 1] ?? 0)
    at += 2
    yield input.subarray(at, at + length)
    at += length
  }
}

/** Writes a message behind its length, which never lies: lies belong into messages. */
export function writeMessage(out: ByteWriter, write: () => void): void {
  const start = out.length
  out.uint16(0)
  write()
  out.patchUint16(start, Math.min(0xffff, out.length - start - 2))
}
