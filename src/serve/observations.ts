/**
 * What is known of each node that is sampled: its last answer, what became of it since, and its history. All who ask
 * the server are answered from this, so that a node is asked no more often however many they are.
 */
import { type Diagnosis, diagnose } from '../analysis/diagnose.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { type Moment, momentOf, Timeline } from '../analysis/timeline.ts'
import type { Sampled } from '../cluster/sampler.ts'
import { BeamscopeError } from '../errors.ts'
import type { MeasuredNode } from '../present/metrics.ts'

/** An answer of a node, and what it says. */
export interface Observation {
  readonly snapshot: Snapshot
  readonly diagnosis: Diagnosis
  /** Milliseconds since 1970. */
  readonly time: number
}

/** Why a node did not answer when it was asked last. */
export interface Silence {
  readonly error: unknown
  /** Milliseconds since 1970. */
  readonly time: number
}

/** There are some 60 codes of errors; a series for each is enough. */
const MAX_CODES = 100

export class ObservedNode implements MeasuredNode {
  readonly node: string
  readonly failures: Map<string, number> = new Map()
  #samples = 0
  #last: Observation | undefined
  #silence: Silence | undefined
  readonly #timeline = new Timeline()

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

  get moments(): readonly Moment[] {
    return this.#timeline.moments
  }

  /** Takes what was recorded of it: its last answer, and the history up to that. */
  recall(snapshot: Snapshot, moments: readonly Moment[]): void {
    for (const moment of moments) this.#timeline.add(moment)
    const time = Date.parse(snapshot.takenAt ?? '')
    this.#last = { snapshot, diagnosis: diagnose(snapshot), time }
  }

  /** Takes what became of the last question. */
  take(sampled: Sampled): void {
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
    const moment = momentOf(snapshot)
    if (moment !== undefined) this.#timeline.add(moment)
    this.#last = { snapshot, diagnosis: diagnose(snapshot), time }
  }
}

/** All nodes that are served. */
export class Observations {
  readonly nodes: readonly ObservedNode[]
  readonly #byName: ReadonlyMap<string, ObservedNode>
  readonly #listeners = new Set<(node: ObservedNode) => void>()

  constructor(names: readonly string[]) {
    this.nodes = [...new Set(names)].map((name) => new ObservedNode(name))
    this.#byName = new Map(this.nodes.map((node) => [node.node, node]))
  }

  find(name: string): ObservedNode | undefined {
    return this.#byName.get(name)
  }

  /** Takes what became of a question, and tells whoever listens. */
  take(sampled: Sampled): void {
    const node = this.find(sampled.node)
    if (node === undefined) return
    node.take(sampled)
    for (const listener of this.#listeners) listener(node)
  }

  /** Returns how not to listen any more. */
  listen(listener: (node: ObservedNode) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
