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

export function examine(target: Target, input: Uint8Array): Examination {
  const before = usedMemory()
  const start = performance.now()
  let verdict: Verdict = 'refused'
  let finding: Finding | undefined
  try {
    verdict = target.run(input)
  } catch (error) {
    finding = findingOf(target, input, error)
  }
  const time = performance.now() - start
  const growth = usedMemory() - before
  if (finding === undefined && time > timeLimit(target, input.length))
    finding = judgeTime(target, input)
  if (finding === undefined && growth > memoryLimit(target, input.length))
    finding = judgeMemory(target, input)
  return { verdict, time, growth, finding }
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

function findingOf(target: Target, input: Uint8Array, error: unknown): Finding {
  // Stacks are left off while inputs are made by the thousand: the error is made once more.
  const again = withStacks(() => thrownBy(() => target.run(input))) ?? error
  const kind = again instanceof PropertyError ? 'property' : 'error'
  const text = again instanceof Error ? (again.stack ?? again.message) : String(again)
  const frame = /\n\s+at (\S+ \(?)?.*?([^/]+\.[jt]s):\d+/.exec(text)
  const name = again instanceof Error ? again.name : typeof again
  // Numbers and quotations differ from input to input.
  const message = (again instanceof Error ? again.message : '').replace(/".*|\d+/gs, '#')
  const key = kind === 'property' ? message : `${name} ${frame?.[1] ?? ''}${frame?.[2] ?? ''}`
  return { target: target.name, kind, what: text, key }
}

function withStacks<Value>(run: () => Value): Value {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 30
  try {
    return run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

/** A finding only if each of three runs takes more processor time than allowed. */
function judgeTime(target: Target, input: Uint8Array): Finding | undefined {
  const limit = timeLimit(target, input.length)
  let least = Number.POSITIVE_INFINITY
  for (let left = RETRIES; left > 0; left--) {
    collect()
    const start = process.cpuUsage()
    target.run(input)
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, (user + system) / 1000)
    if (least <= limit) return undefined
  }
  const what = `${input.length} bytes take ${least.toFixed()} ms, over the limit of ${limit.toFixed()} ms`
  return { target: target.name, kind: 'slow', what, key: '' }
}

/** A finding only if each of three runs takes more memory than allowed. */
function judgeMemory(target: Target, input: Uint8Array): Finding | undefined {
  const limit = memoryLimit(target, input.length)
  let least = Number.POSITIVE_INFINITY
  for (let left = RETRIES; left > 0; left--) {
    collect()
    const before = usedMemory()
    target.run(input)
    least = Math.min(least, usedMemory() - before)
    if (least <= limit) return undefined
  }
  const what = `${input.length} bytes take ${least} bytes of memory, over the limit of ${limit}`
  return { target: target.name, kind: 'memory', what, key: '' }
}
