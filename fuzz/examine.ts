/**
 * One input, looked at from all sides: what comes out, how long it takes, what memory it takes.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PropertyError, type Target, type Verdict } from './target.ts'

export type FindingKind = 'error' | 'property' | 'slow' | 'memory' | 'hang' | 'end'

/** What is wrong with one input. */
export interface Finding {
  readonly target: string
  readonly kind: FindingKind
  /** What happened, in a line or more. */
  readonly what: string
  /** By which two are the same finding. */
  readonly key: string
}

export interface Examination {
  readonly verdict: Verdict
  /** Milliseconds. */
  readonly time: number
  /** Bytes by which the heap and what is outside of it grew; negative where the collector came by. */
  readonly growth: number
  readonly finding: Finding | undefined
}

/** What every input may take, and each of its bytes: generous, since machines are slow and shared. */
const TIME = 30
const TIME_OF_BYTE = 0.004
const MEMORY = 6 * 1024 * 1024
/** A term may take 200 bytes for one on the wire, and is made some times over by the checks. */
const MEMORY_OF_BYTE = 2500

/** What is over a limit is tried again so often: a machine that is busy is no finding. */
const RETRIES = 3

export function timeLimit(target: Target, size: number): number {
  return TIME + (target.allowance?.time ?? 0) + size * TIME_OF_BYTE
}

export function memoryLimit(target: Target, size: number): number {
  return MEMORY + (target.allowance?.memory ?? 0) + size * MEMORY_OF_BYTE
}

/** At once where the target does. */
export function examine(target: Target, input: Uint8Array): Examination | Promise<Examination> {
  const before = usedMemory()
  const start = performance.now()
  const end = (verdict: Verdict, fault?: Fault): Examination | Promise<Examination> => {
    const time = performance.now() - start
    const growth = usedMemory() - before
    const isOver =
      time > timeLimit(target, input.length) || growth > memoryLimit(target, input.length)
    const finding = undefined
    if (fault === undefined && !isOver) return { verdict, time, growth, finding }
    return judge(target, input, { verdict, time, growth, finding }, fault)
  }
  try {
    const ran = target.run(input)
    if (!(ran instanceof Promise)) return end(ran)
    return ran.then(end, (error: unknown) => end('refused', { error }))
  } catch (error) {
    return end('refused', { error })
  }
}

/** What was thrown, which may be anything. */
interface Fault {
  readonly error: unknown
}

async function judge(
  target: Target,
  input: Uint8Array,
  examination: Examination,
  fault: Fault | undefined,
): Promise<Examination> {
  const { time, growth } = examination
  if (fault !== undefined) {
    return { ...examination, finding: await findingOf(target, input, fault.error) }
  }
  let finding: Finding | undefined
  if (time > timeLimit(target, input.length)) finding = await judgeTime(target, input)
  if (finding === undefined && growth > memoryLimit(target, input.length))
    finding = await judgeMemory(target, input)
  return { ...examination, finding }
}

/** Heap, and what it holds outside of itself. */
export function usedMemory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** Runs the collector. */
export const collect: () => void = exposeCollector()

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  return typeof gc === 'function' ? () => gc() : () => {}
}

async function findingOf(target: Target, input: Uint8Array, error: unknown): Promise<Finding> {
  // Stacks are left off while inputs are made by the thousand: the error is made once more.
  const again = (await thrownWithStack(target, input)) ?? error
  const kind = again instanceof PropertyError ? 'property' : 'error'
  const text = again instanceof Error ? (again.stack ?? again.message) : String(again)
  const frame = /\n\s+at (\S+ \(?)?.*?([^/]+\.[jt]s):\d+/.exec(text)
  const name = again instanceof Error ? again.name : typeof again
  // Numbers and quotations differ from input to input.
  const message = (again instanceof Error ? again.message : '').replace(/".*|\d+/gs, '#')
  const key = kind === 'property' ? message : `${name} ${frame?.[1] ?? ''}${frame?.[2] ?? ''}`
  return { target: target.name, kind, what: text, key }
}

async function thrownWithStack(target: Target, input: Uint8Array): Promise<unknown> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 30
  try {
    await target.run(input)
  } catch (error) {
    return error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return undefined
}

/** A finding only if each of three runs takes more processor time than allowed. */
async function judgeTime(target: Target, input: Uint8Array): Promise<Finding | undefined> {
  const limit = timeLimit(target, input.length)
  let least = Number.POSITIVE_INFINITY
  for (let left = RETRIES; left > 0; left--) {
    collect()
    const start = process.cpuUsage()
    await target.run(input)
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, (user + system) / 1000)
    if (least <= limit) return undefined
  }
  const what = `${input.length} bytes take ${least.toFixed()} ms, over the limit of ${limit.toFixed()} ms`
  return { target: target.name, kind: 'slow', what, key: '' }
}

/** A finding only if each of three runs takes more memory than allowed. */
async function judgeMemory(target: Target, input: Uint8Array): Promise<Finding | undefined> {
  const limit = memoryLimit(target, input.length)
  let least = Number.POSITIVE_INFINITY
  for (let left = RETRIES; left > 0; left--) {
    collect()
    const before = usedMemory()
    await target.run(input)
    least = Math.min(least, usedMemory() - before)
    if (least <= limit) return undefined
  }
  const what = `${input.length} bytes take ${least} bytes of memory, over the limit of ${limit}`
  return { target: target.name, kind: 'memory', what, key: '' }
}
