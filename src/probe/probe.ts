/**
 * What a live node is asked: everything in one burst, the allocators in one request.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import type { Missing } from '../analysis/snapshot.ts'
import {
  Atom,
  binary,
  DecodeError,
  EncodedTerm,
  ExportFun,
  isAtom,
  isList,
  isTuple,
  NONE,
  stringValue,
  type Term,
  TermCursor,
  Tuple,
} from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import { UnexpectedReplyError } from '../node/errors.ts'
import { RemoteError, RemoteExceptionError } from '../node/remote-error.ts'
import {
  LIMIT_IN_BYTES,
  MEMINFO,
  MEMORY_MAX,
  readOsMemory,
  SMAPS_ROLLUP,
  STATUS,
} from './os-memory.ts'
import type { EncodedAnswers, RawSnapshot } from './raw-snapshot.ts'

/** What the probe needs of a node: `RemoteNode` is one, and so is whatever stands in for it. */
export interface Callee {
  readonly name: string
  call(module: string, name: string, args: readonly Term[], waiting: Waiting): Promise<Term>
  /** The same, if it can hand over a result that it has not decoded. */
  callEncoded?(
    module: string,
    name: string,
    args: readonly Term[],
    waiting: Waiting,
  ): Promise<EncodedTerm>
}

/** The result of a call, encoded, whether or not the node hands it over like that. */
export async function callEncoded(
  node: Callee,
  ...call: Parameters<Callee['call']>
): Promise<EncodedTerm> {
  return node.callEncoded?.(...call) ?? EncodedTerm.of(await node.call(...call))
}

/**
 * The allocators of every release from 22 to 29. The list form takes a disabled one (it answers
 * `false`), and fails whole for one that the release does not know: then the node is asked for its own
 * list, which costs a second round.
 */
export const ALLOCATORS: readonly string[] = [
  'temp_alloc',
  'sl_alloc',
  'std_alloc',
  'll_alloc',
  'eheap_alloc',
  'ets_alloc',
  'fix_alloc',
  'literal_alloc',
  'binary_alloc',
  'driver_alloc',
]

/** These are no `alloc_util` allocators, and every release has them. */
export const OTHER_ALLOCATORS: readonly string[] = ['sys_alloc', 'mseg_alloc', 'erts_mmap']

const APPLY = new ExportFun(new Atom('erlang'), new Atom('apply'), 2)
const SYSTEM_INFO = new ExportFun(new Atom('erlang'), new Atom('system_info'), 1)
const READ_FILE = new ExportFun(new Atom('prim_file'), new Atom('read_file'), 1)

/** What the node says of itself, and Linux of the node. */
const QUESTIONS: readonly {
  /** What its answer is called where it is missing. */
  readonly what: string
  readonly fun: ExportFun
  readonly argument: Term
}[] = [
  { what: 'otp_release', fun: SYSTEM_INFO, argument: new Atom('otp_release') },
  { what: 'schedulers', fun: SYSTEM_INFO, argument: new Atom('schedulers') },
  { what: 'schedulers_online', fun: SYSTEM_INFO, argument: new Atom('schedulers_online') },
  { what: SMAPS_ROLLUP, fun: READ_FILE, argument: binary(SMAPS_ROLLUP) },
  { what: STATUS, fun: READ_FILE, argument: binary(STATUS) },
  { what: MEMORY_MAX, fun: READ_FILE, argument: binary(MEMORY_MAX) },
  { what: LIMIT_IN_BYTES, fun: READ_FILE, argument: binary(LIMIT_IN_BYTES) },
  { what: MEMINFO, fun: READ_FILE, argument: binary(MEMINFO) },
]

/** `[fun erlang:apply/2, Functions, Arguments]`, for `lists:zipwith/3`. */
const ALL_QUESTIONS: readonly Term[] = [
  APPLY,
  QUESTIONS.map(({ fun }) => fun),
  QUESTIONS.map(({ argument }) => [argument]),
]

/**
 * Takes a snapshot of a node, in the terms that it answers.
 *
 * @throws whatever {@link ask} throws
 */
export async function probe(node: Callee, waiting: Waiting = {}): Promise<RawSnapshot> {
  const answers = await ask(node, waiting)
  const allocators = readAnswer(node, () => answers.allocators.decode({ binaries: 'view' }))
  return { ...answers, allocators }
}

/** @throws {UnexpectedReplyError} when it cannot be decoded */
export function readAnswer<Read>(node: Callee, read: () => Read): Read {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new UnexpectedReplyError(node.name, 'with what cannot be read', { cause })
  }
}

/**
 * Asks a node all that makes a snapshot. Read only: nothing is loaded, traced or written there.
 *
 * What the node cannot tell (`erlang:memory()` with a disabled allocator, the resident size without
 * `/proc`) is named in `missing`; only the allocators themselves are indispensable.
 *
 * @throws {RemoteError} when the node refuses to tell of its allocators
 * @throws {UnexpectedReplyError} when what it answers is not what was asked
 * @throws {TimeoutError | ConnectionLostError | NotConnectedError}
 */
export async function ask(node: Callee, waiting: Waiting = {}): Promise<EncodedAnswers> {
  const missing: Missing[] = []
  const call = (module: string, name: string, ...args: readonly Term[]): Promise<Term> =>
    node.call(module, name, args, waiting)
  /** For what the snapshot can do without: the reason is kept instead. */
  const optional = async (what: string, result: Promise<Term>): Promise<Term | undefined> => {
    try {
      return await result
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error
      missing.push({ what, why: whyMissing(error) })
      return undefined
    }
  }

  /** By one process, which costs both sides less; each by its own only where one of them fails. */
  const askQuestions = async (): Promise<readonly (Term | undefined)[]> => {
    try {
      const answers = await call('lists', 'zipwith', ...ALL_QUESTIONS)
      if (isList(answers) && answers.length === QUESTIONS.length) return answers
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error
    }
    return Promise.all(
      QUESTIONS.map(({ what, fun, argument }) =>
        optional(what, call(fun.module.name, fun.function.name, argument)),
      ),
    )
  }

  const takenAt = new Date().toISOString()
  const [
    memory,
    { answer: allocators, duration },
    [release, schedulers, schedulersOnline, smapsRollup, status, memoryMax, limitInBytes, meminfo],
  ] = await Promise.all([
    optional('erlang:memory()', call('erlang', 'memory')),
    timed(askForAllocators(node, waiting)),
    askQuestions(),
  ])

  if (readAnswer(node, () => new TermCursor(allocators).enterList()) === NONE) {
    throw new UnexpectedReplyError(
      node.name,
      'no list of allocators to system_info({allocator, …})',
    )
  }
  const os = readOsMemory({
    smapsRollup: fileText(smapsRollup),
    status: fileText(status),
    memoryMax: fileText(memoryMax),
    limitInBytes: fileText(limitInBytes),
    meminfo: fileText(meminfo),
  })
  if (os === undefined) {
    missing.push({
      what: 'resident size',
      why: `the node cannot read ${SMAPS_ROLLUP} or ${STATUS}: it may not run on Linux`,
    })
  }
  return {
    node: node.name,
    takenAt,
    otpRelease: stringValue(release),
    schedulers: typeof schedulers === 'number' ? schedulers : undefined,
    schedulersOnline: typeof schedulersOnline === 'number' ? schedulersOnline : undefined,
    memory,
    allocators,
    os,
    missing,
    duration,
  }
}

/** An answer, and after how many milliseconds it came. */
async function timed<Answer>(
  asked: Promise<Answer>,
): Promise<{ answer: Answer; duration: number }> {
  const start = performance.now()
  const answer = await asked
  return { answer, duration: Math.round((performance.now() - start) * 10) / 10 }
}

async function askForAllocators(node: Callee, waiting: Waiting): Promise<EncodedTerm> {
  const ask = (names: readonly Term[]): Promise<EncodedTerm> => {
    const item = new Tuple([new Atom('allocator'), names])
    return callEncoded(node, 'erlang', 'system_info', [item], waiting)
  }
  const others = OTHER_ALLOCATORS.map((name) => new Atom(name))
  try {
    return await ask([...ALLOCATORS.map((name) => new Atom(name)), ...others])
  } catch (error) {
    const unknown = error instanceof RemoteExceptionError && isAtom(error.reason, 'badarg')
    if (!unknown) throw error
    const item = new Atom('alloc_util_allocators')
    const names = await node.call('erlang', 'system_info', [item], waiting)
    if (!isList(names)) throw error
    return ask([...names, ...others])
  }
}

/** The text in `{ok, Binary}`, as `prim_file:read_file/1` returns it. */
function fileText(result: Term | undefined): string | undefined {
  if (!isTuple(result, 2) || !isAtom(result.elements[0], 'ok')) return undefined
  const [, content] = result.elements
  return content instanceof Uint8Array ? new TextDecoder().decode(content) : undefined
}

function whyMissing(error: RemoteError): string {
  if (isAtom(error.reason, 'notsup')) {
    return 'the node cannot tell (notsup): it was started with an allocator disabled'
  }
  return error.message
}
