/**
 * What is known of each node that is sampled: its last answer, what became of it since, and its history. All who ask
 * the server are answered from this, so that a node is asked no more often however many they are.
 */
import { type Diagnosis, diagnose } from '../analysis/diagnose.ts'
import { type History, HistoryBuilder } from '../analysis/history.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { type Moment, momentOf, Timeline } from '../analysis/timeline.ts'
import type { Sample, SampleFailure } from '../cluster/sampler.ts'
import { BeamscopeError } from '../errors.ts'
import type { MeasuredNode } from '../present/metrics.ts'

/** An answer of a node, and what it says together with all before it. */
export class Observation {
  readonly snapshot: Snapshot
  /** Milliseconds since 1970. */
  readonly time: number
  /** Up to this answer, in order of time. */
  readonly moments: readonly Moment[]
  readonly #history: () => History | undefined
  #diagnosis: Diagnosis | undefined

  /** @param history what this answer shows together with all before it */
  constructor(
    snapshot: Snapshot,
    time: number,
    moments: readonly Moment[],
    history: () => History | undefined,
  ) {
    this.snapshot = snapshot
    this.time = time
    this.moments = moments
    this.#history = history
  }

  /** Made when somebody wants it first; it is not wanted any more when there is a newer answer. */
  get diagnosis(): Diagnosis {
    this.#diagnosis ??= diagnose(this.snapshot, { history: this.#history() })
    return this.#diagnosis
  }
}

/** What became of a question; of an answer what it says is enough. */
export type Answered = Omit<Sample, 'raw'> | SampleFailure

/** Why a node did not answer when it was asked last. */
export interface Silence {
  readonly error: unknown
  /** Milliseconds since 1970. */
  readonly time: number
}

/** A history of more answers takes some 10 ms to make, and shows the same after one more. */
const FEW_SAMPLES = 64

/** Milliseconds after which it is made anew nevertheless. */
const HISTORY_AGE = 60_000

/** There are some 60 codes of errors; a series for each is enough. */
const MAX_CODES = 100

export class ObservedNode implements MeasuredNode {
  readonly node: string
  readonly failures: Map<string, number> = new Map()
  #samples = 0
  #last: Observation | undefined
  #silence: Silence | undefined
  readonly #timeline = new Timeline()
  readonly #builder = new HistoryBuilder()
  #history: History | undefined

  constructor(node: string) {
    this.node = node
  }

  get isUp(): boolean {
    return this.#last !== undefined && this.#silence === undefined
  }

  get samples(): number {
    return this.#samples
  }

  /** Its last answer, however old. */
  get last(): Observation | undefined {
    return this.#last
  }

  /** `undefined` while it answers. */
  get silence(): Silence | undefined {
    return this.#silence
  }

  /** Takes what was recorded of it: its last answer, and a history that ends with it. */
  recall(snapshot: Snapshot, history: History | undefined): void {
    const time = Date.parse(snapshot.takenAt ?? '')
    this.#last = new Observation(snapshot, time, history?.moments ?? [], () => history)
  }

  /** Takes what became of the last question. */
  take(sampled: Answered): void {
    const { time } = sampled
    if (sampled.type === 'failure') {
      const { error } = sampled
      const code = error instanceof BeamscopeError ? error.code : 'unknown'
      const count = this.failures.get(code)
      if (count !== undefined || this.failures.size < MAX_CODES) {
        this.failures.set(code, (count ?? 0) + 1)
      }
      this.#silence = { error, time }
      return
    }
    const { snapshot } = sampled
    this.#samples++
    this.#silence = undefined
    this.#builder.add(snapshot)
    const moment = momentOf(snapshot)
    if (moment !== undefined) this.#timeline.add(moment)
    const { moments } = this.#timeline
    this.#last = new Observation(snapshot, time, moments, () => this.#historyUntil(time))
  }

  /** What all answers so far show; of many, up to a minute ago. */
  #historyUntil(time: number): History | undefined {
    const isOld =
      this.#history === undefined ||
      this.#samples <= FEW_SAMPLES ||
      time - this.#history.to >= HISTORY_AGE
    if (isOld) this.#history = this.#builder.build()
    return this.#history
  }
}

/** All nodes that are served. */
export class Observations {
  readonly #byName = new Map<string, ObservedNode>()
  readonly #listeners = new Set<(node: ObservedNode) => void>()

  constructor(names: readonly string[]) {
    for (const name of names) this.add(name)
  }

  /** In the order in which they came. */
  get nodes(): readonly ObservedNode[] {
    return [...this.#byName.values()]
  }

  /** Of a node that is there already nothing changes. */
  add(name: string): void {
    if (!this.#byName.has(name)) this.#byName.set(name, new ObservedNode(name))
  }

  /** Forgets a node with all that it said, and tells whoever listens. */
  remove(name: string): void {
    const node = this.find(name)
    if (node === undefined) return
    this.#byName.delete(name)
    this.#tell(node)
  }

  find(name: string): ObservedNode | undefined {
    return this.#byName.get(name)
  }

  /** Takes what became of a question, and tells whoever listens. */
  take(sampled: Answered): void {
    const node = this.find(sampled.node)
    if (node === undefined) return
    node.take(sampled)
    this.#tell(node)
  }

  /** Returns how not to listen any more. */
  listen(listener: (node: ObservedNode) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(node: ObservedNode): void {
    for (const listener of this.#listeners) listener(node)
  }
}
