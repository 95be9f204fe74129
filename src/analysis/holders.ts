/**
 * Who holds the memory of a node: processes by their heaps and by the binaries that they refer to, and
 * tables. Plain data, made by asking the processes of a live node one by one; no snapshot has it.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
 * @see https://www.erlang.org/doc/apps/stdlib/ets.html#info/1
 */
import type { Integer, Missing } from './snapshot.ts'

/** How many there were, and how many were looked at. */
export interface Coverage {
  readonly total: number
  readonly lookedAt: number
}

/** A process, as people know it. What it did not say, because it ended meanwhile, is `undefined`. */
export interface HoldingProcess {
  /** `<0.123.0>` */
  readonly pid: string
  readonly registeredName: string | undefined
  /** `gen_server:loop/7`; what `proc_lib` was told to run, where the node tells that apart. */
  readonly initialCall: string | undefined
  readonly currentFunction: string | undefined
  readonly messageQueueLen: Integer | undefined
  /** Heap, stack, messages and all else that `process_info(P, memory)` counts. Bytes. */
  readonly memory: Integer
}

/** A process and the reference-counted binaries that it refers to, each of them once. */
export interface BinaryHolder extends HoldingProcess {
  /** Of whole binaries: which part of each the process uses, nobody can tell from outside. Bytes. */
  readonly bytes: Integer
  /** Of `bytes`, those of binaries that nobody else refers to; `undefined` if `isEstimate`. */
  readonly alone: Integer | undefined
  readonly binaries: number | undefined
  /** Bytes of the largest. */
  readonly largest: Integer | undefined
  /**
   * The list of its binaries was not asked for, because the process is so large that the list might be,
   * too: `bytes` is what its collector counts, a binary once for each time that it arrived.
   */
  readonly isEstimate: boolean
}

/** A table. Its rows were not read. */
export interface HoldingTable {
  readonly name: string
  /** `set`, `bag` and so on. */
  readonly type: string
  readonly protection: string
  /** `<0.123.0>` */
  readonly owner: string
  readonly rows: Integer
  /** Without binaries of more than 64 bytes, to which it only refers. */
  readonly bytes: Integer
}

export interface Holders {
  /** Whose memory was asked for. */
  readonly processes: Coverage
  /** Whose binaries were asked for. */
  readonly binaryProcesses: Coverage
  readonly tables: Coverage
  /** The largest processes, the largest first. */
  readonly largestProcesses: readonly HoldingProcess[]
  /** Those that refer to most, the most first. */
  readonly binaryHolders: readonly BinaryHolder[]
  /** What all binary holders here refer to together, a binary that several refer to once. Bytes. */
  readonly heldTogether: Integer
  /**
   * What all processes that were looked at refer to, each binary once; `undefined` where there were too
   * many binaries to tell them apart, or where one was estimated. Bytes.
   */
  readonly referredTo: Integer | undefined
  readonly largestTables: readonly HoldingTable[]
  readonly missing: readonly Missing[]
}

/** Whether every one of them was looked at. */
export function isWhole({ total, lookedAt }: Coverage): boolean {
  return lookedAt >= total
}

/** `my_server`, or what it runs where it has no name: `gen_server:loop/7`. */
export function callingName({ registeredName, initialCall }: HoldingProcess): string | undefined {
  return registeredName ?? initialCall
}
