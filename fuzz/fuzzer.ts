/**
 * A run: blocks of inputs shared out among processes, each target its part of the time.
 */
import type { IndexedFinding } from './block.ts'
import type { Target } from './target.ts'
import { WorkerLostError, WorkerProcess } from './worker-process.ts'

export interface FuzzOptions {
  readonly targets: readonly Target[]
  readonly seed: number
  /** When it ends: after so many milliseconds, or so many inputs of each target. */
  readonly time: number
  readonly inputs: number
  readonly processes: number
  readonly signal: AbortSignal
  /** Is told of each finding at once, the first of its kind. */
  readonly found: (finding: IndexedFinding) => void
  /** Is told now and then how many inputs were tried. */
  readonly progress: (inputs: number) => void
}

/** What came of one target. */
export interface TargetResult {
  readonly target: string
  inputs: number
  accepted: number
  /** Milliseconds of processor time, and by the clock for the slowest input. */
  time: number
  slowest: number
  /** Bytes: the most that one input added. */
  growth: number
  findings: IndexedFinding[]
}

interface State {
  readonly target: Target
  readonly result: TargetResult
  /** The index of the next input that nobody has yet. */
  next: number
  /** Milliseconds spent, those of blocks under way guessed. */
  spent: number
}

/** Of a block, in milliseconds: long enough that handing it out costs nothing, short enough to end in time. */
const BLOCK_TIME = 250
const FIRST_BLOCK = 16
const MAX_BLOCK = 50_000

/** Milliseconds for a block, which takes 250 on a machine that is not busy. */
const BLOCK_TIMEOUT = 120_000

/** By so many bytes a process may hold more than after its first blocks. */
const MAX_HELD = 96 * 1024 * 1024

export async function fuzz(options: FuzzOptions): Promise<readonly TargetResult[]> {
  const { targets, processes } = options
  const states = targets.map((target): State => {
    const result = { target: target.name, inputs: 0, accepted: 0, time: 0, slowest: 0, growth: 0 }
    return { target, result: { ...result, findings: [] }, next: 0, spent: 0 }
  })
  const run = new Run(options, states)
  await Promise.all(Array.from({ length: processes }, () => run.work()))
  return states.map(({ result }) => result)
}

class Run {
  readonly #options: FuzzOptions
  readonly #states: readonly State[]
  readonly #end: number

  constructor(options: FuzzOptions, states: readonly State[]) {
    this.#options = options
    this.#states = states
    this.#end = performance.now() + options.time
  }

  /** One process after another, the next one where one is lost. */
  async work(): Promise<void> {
    while (!this.#isOver()) {
      await using worker = new WorkerProcess()
      if (!(await this.#askAll(worker))) return
    }
  }

  /** `false` at the end, `true` when the worker is lost. */
  async #askAll(worker: WorkerProcess): Promise<boolean> {
    const { seed, signal } = this.#options
    let blocks = 0
    let heldAtFirst = Number.POSITIVE_INFINITY
    for (let state = this.#choose(); state !== undefined; state = this.#choose()) {
      const { target, result } = state
      const count = this.#sizeOf(state)
      const block = { target: target.name, seed, first: state.next, count }
      state.next += count
      const guess = result.inputs === 0 ? BLOCK_TIME : (result.time / result.inputs) * count
      state.spent += guess
      try {
        const answer = await worker.ask({ ...block, traces: false }, BLOCK_TIMEOUT, signal)
        state.spent += answer.time - guess
        result.inputs += answer.inputs
        result.accepted += answer.accepted
        result.time += answer.time
        result.slowest = Math.max(result.slowest, answer.slowest)
        result.growth = Math.max(result.growth, answer.growth)
        for (const finding of answer.findings) this.#add(result, finding)
        blocks += 1
        if (blocks <= 2 * this.#states.length) heldAtFirst = answer.held
        if (answer.held > heldAtFirst + MAX_HELD) {
          this.#add(result, heldTooLong(target, block.first, answer.held - heldAtFirst))
          return true
        }
        this.#options.progress(this.#inputs())
      } catch (error) {
        if (signal.aborted) return false
        if (!(error instanceof WorkerLostError)) throw error
        await this.#findCulprit(state, block, error)
        return true
      }
    }
    return false
  }

  /** Has a block tried again by a process that says at which input it is. */
  async #findCulprit(
    { target, result }: State,
    block: {
      readonly target: string
      readonly seed: number
      readonly first: number
      readonly count: number
    },
    loss: WorkerLostError,
  ): Promise<void> {
    const { signal } = this.#options
    await using worker = new WorkerProcess()
    const finding = { target: target.name, kind: loss.kind, key: loss.kind }
    try {
      await worker.ask({ ...block, traces: true }, BLOCK_TIMEOUT, signal)
      const which = `one of ${block.count} inputs from ${block.first} on, and not again when they were repeated`
      this.#add(result, { ...finding, what: `${loss.message}\n${which}`, index: block.first })
    } catch (error) {
      if (!(error instanceof WorkerLostError)) return
      this.#add(result, { ...finding, what: error.message, index: error.lastIndex ?? block.first })
    }
  }

  #add(result: TargetResult, finding: IndexedFinding): void {
    const isKnown = result.findings.some((it) => it.kind === finding.kind && it.key === finding.key)
    if (isKnown) return
    result.findings.push(finding)
    this.#options.found(finding)
  }

  /** The target that had the least of the time. */
  #choose(): State | undefined {
    if (this.#isOver()) return undefined
    const open = this.#states.filter((it) => it.next < this.#options.inputs)
    return open.toSorted((a, b) => a.spent - b.spent)[0]
  }

  #sizeOf({ result, next }: State): number {
    const { inputs, time } = result
    const size = inputs === 0 ? FIRST_BLOCK : Math.ceil((inputs / Math.max(time, 1)) * BLOCK_TIME)
    return Math.min(size, MAX_BLOCK, this.#options.inputs - next)
  }

  #isOver(): boolean {
    if (this.#options.signal.aborted || performance.now() >= this.#end) return true
    return this.#states.every((it) => it.next >= this.#options.inputs)
  }

  #inputs(): number {
    return this.#states.reduce((sum, it) => sum + it.result.inputs, 0)
  }
}

function heldTooLong(target: Target, index: number, bytes: number): IndexedFinding {
  const what = `a process holds ${bytes} bytes more than in the beginning; maybe not for this input`
  return { target: target.name, kind: 'memory', key: 'held', what, index }
}
