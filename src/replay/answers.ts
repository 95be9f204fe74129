/**
 * What a node would answer to a call, as far as a recorded snapshot tells.
 */
import type { OsMemory } from '../analysis/snapshot.ts'
import { Atom, ExportFun, isAtom, isList, isTuple, string, type Term, Tuple } from '../etf/index.ts'
import { LIMIT_IN_BYTES, MEMINFO, MEMORY_MAX, SMAPS_ROLLUP, STATUS } from '../probe/os-memory.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'

/** How a called function ends. */
export type Outcome =
  | { readonly type: 'return'; readonly value: Term }
  | { readonly type: 'error'; readonly reason: Term; readonly stack: Term }

/** Answers calls from a recording, with the errors that a node raises for what it does not know. */
export class Answers {
  readonly #read: () => RawSnapshot

  /** A function is asked at each call, for what changes. */
  constructor(recording: RawSnapshot | (() => RawSnapshot)) {
    this.#read = typeof recording === 'function' ? recording : () => recording
  }

  get #recording(): RawSnapshot {
    return this.#read()
  }

  answer(module: string, name: string, args: readonly Term[]): Outcome {
    const several = module === 'lists' && name === 'zipwith' ? applications(args) : undefined
    if (several === undefined) return this.#answerOne(module, name, args)
    const values: Term[] = []
    for (const { fun, args } of several) {
      const outcome = this.#answerOne(fun.module.name, fun.function.name, args)
      if (outcome.type === 'error') return outcome
      values.push(outcome.value)
    }
    return value(values)
  }

  #answerOne(module: string, name: string, args: readonly Term[]): Outcome {
    const { memory, os } = this.#recording
    const fail = (reason: string): Outcome => error(reason, module, name, args)
    switch (`${module}:${name}/${args.length}`) {
      case 'erlang:node/0':
        return value(new Atom(this.#recording.node ?? 'nonode@nohost'))
      case 'erlang:memory/0':
        return memory === undefined ? fail('notsup') : value(memory)
      case 'erlang:system_info/1': {
        const info = this.#systemInfo(args[0])
        return info === undefined ? fail('badarg') : value(info)
      }
      case 'prim_file:read_file/1':
        return value(readFile(args[0], os))
      default:
        return fail('undef')
    }
  }

  #systemInfo(item: Term | undefined): Term | undefined {
    const { otpRelease, schedulers, schedulersOnline } = this.#recording
    if (isTuple(item, 2) && isAtom(item.elements[0], 'allocator')) {
      return this.#allocators(item.elements[1])
    }
    if (!isAtom(item)) return undefined
    switch (item.name) {
      case 'otp_release':
        return otpRelease === undefined ? undefined : string(otpRelease)
      case 'schedulers':
        return schedulers
      case 'schedulers_online':
        return schedulersOnline
      case 'alloc_util_allocators':
        return [...this.#recorded().keys()]
          .filter((allocator) => !NOT_ALLOC_UTIL.has(allocator))
          .map((allocator) => new Atom(allocator))
      default:
        return undefined
    }
  }

  /** `{allocator, A}` answers for one, `{allocator, [A, …]}` for each with its name. */
  #allocators(asked: Term | undefined): Term | undefined {
    const recorded = this.#recorded()
    if (isAtom(asked)) return recorded.get(asked.name)
    if (!isList(asked)) return undefined
    const answers: Term[] = []
    for (const allocator of asked) {
      const answer = isAtom(allocator) ? recorded.get(allocator.name) : undefined
      if (answer === undefined || !isAtom(allocator)) return undefined
      answers.push(new Tuple([allocator, answer]))
    }
    return answers
  }

  #recorded(): ReadonlyMap<string, Term> {
    const recorded = new Map<string, Term>()
    const { allocators } = this.#recording
    for (const entry of isList(allocators) ? allocators : []) {
      if (!isTuple(entry, 2)) continue
      const [allocator, answer] = entry.elements
      if (isAtom(allocator) && answer !== undefined) recorded.set(allocator.name, answer)
    }
    return recorded
  }
}

const NOT_ALLOC_UTIL: ReadonlySet<string> = new Set(['sys_alloc', 'mseg_alloc', 'erts_mmap'])

interface Application {
  readonly fun: ExportFun
  readonly args: readonly Term[]
}

/** What `lists:zipwith(fun erlang:apply/2, Functions, Arguments)` applies, as a probe asks for it. */
function applications([apply, functions, lists]: readonly Term[]): Application[] | undefined {
  if (!(apply instanceof ExportFun && apply.module.name === 'erlang')) return undefined
  if (apply.function.name !== 'apply' || apply.arity !== 2) return undefined
  if (!isList(functions) || !isList(lists) || functions.length !== lists.length) return undefined
  const all: Application[] = []
  for (const [index, fun] of functions.entries()) {
    const args = lists[index]
    if (!(fun instanceof ExportFun) || !isList(args)) return undefined
    all.push({ fun, args })
  }
  return all
}

function value(term: Term): Outcome {
  return { type: 'return', value: term }
}

function error(reason: string, module: string, name: string, args: readonly Term[]): Outcome {
  const frame = new Tuple([new Atom(module), new Atom(name), args, []])
  return { type: 'error', reason: new Atom(reason), stack: [frame] }
}

const CGROUP_LIMITS: ReadonlySet<string> = new Set([MEMORY_MAX, LIMIT_IN_BYTES])

/** The files of Linux that a probe reads, with the lines that the recording knows. */
function readFile(path: Term | undefined, os: OsMemory | undefined): Term {
  const name = path instanceof Uint8Array ? new TextDecoder().decode(path) : ''
  const lines: string[] = []
  const line = (field: string, bytes: number | bigint | undefined): void => {
    if (bytes !== undefined) lines.push(`${field}: ${BigInt(bytes) / 1024n} kB\n`)
  }
  if (os !== undefined && name === SMAPS_ROLLUP && os.source === SMAPS_ROLLUP) {
    line('Rss', os.resident)
    line('LazyFree', os.lazyFree)
    line('Swap', os.swapped)
  } else if (os !== undefined && name === STATUS) {
    line('VmRSS', os.resident)
    line('VmHWM', os.peakResident)
    line('VmSwap', os.swapped)
  } else if (os?.limit !== undefined && name === os.limit.source && name === MEMINFO) {
    line('MemTotal', os.limit.bytes)
  } else if (os?.limit !== undefined && name === os.limit.source && CGROUP_LIMITS.has(name)) {
    lines.push(`${os.limit.bytes}\n`)
  } else {
    return new Tuple([new Atom('error'), new Atom('enoent')])
  }
  return new Tuple([new Atom('ok'), new TextEncoder().encode(lines.join(''))])
}
