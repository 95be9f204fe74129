/**
 * Equal parts of time with something in each, as wide as they have to be for there to be few of them.
 */

/** Keeps by how much time what belongs together; joined, it must not matter in which order it came. */
export class TimeBuckets<Content> {
  readonly #buckets = new Map<number, Content>()
  readonly #join: (into: Content, from: Content) => Content
  /** Milliseconds. Twice as wide ones begin and end where two of these do. */
  #width = 1

  /** `join` gives what two buckets hold together. */
  constructor(join: (into: Content, from: Content) => Content) {
    this.#join = join
  }

  /** Milliseconds, a power of two. */
  get width(): number {
    return this.#width
  }

  get size(): number {
    return this.#buckets.size
  }

  /** In no order. */
  get contents(): Iterable<Content> {
    return this.#buckets.values()
  }

  add(time: number, content: Content): void {
    this.#put(Math.floor(time / this.#width), content)
  }

  /** Makes all twice as wide, so that two become one where both are there. */
  widen(): void {
    const narrow = [...this.#buckets]
    this.#buckets.clear()
    this.#width *= 2
    for (const [index, content] of narrow) this.#put(Math.floor(index / 2), content)
  }

  #put(index: number, content: Content): void {
    const present = this.#buckets.get(index)
    this.#buckets.set(index, present === undefined ? content : this.#join(present, content))
  }
}
