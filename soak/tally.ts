/**
 * What became of everything that was done: right, failed with a typed error, or wrong.
 */
/** What was done; `sample`: what the node that lives on was asked about itself. */
export type Kind = 'call' | 'snapshot' | 'connection' | 'sweep' | 'sample'

export interface Count {
  done: number
  /** By the code of the error. */
  readonly failed: Map<string, number>
}

/** How many wrong ones are told in words; the rest is only counted. */
const TOLD = 20

export class Tally {
  readonly counts: ReadonlyMap<Kind, Count>
  /** An answer that is not right, or an error that is not typed. */
  readonly wrong: string[] = []
  readonly #codeOf: (error: unknown) => string | undefined
  #wrong = 0

  /** `codeOf`: the code of a typed error, `undefined` for any other. */
  constructor(codeOf: (error: unknown) => string | undefined) {
    const kinds = ['call', 'snapshot', 'connection', 'sweep', 'sample'] as const
    this.counts = new Map(kinds.map((kind) => [kind, { done: 0, failed: new Map() }]))
    this.#codeOf = codeOf
  }

  /** How many went wrong. */
  get wrongs(): number {
    return this.#wrong
  }

  /** Does it, and counts what became of it; `isRight` judges the answer. Never throws. */
  async attempt<Answer>(
    kind: Kind,
    what: string,
    action: () => Promise<Answer>,
    isRight: (answer: Answer) => boolean,
  ): Promise<void> {
    try {
      const answer = await action()
      if (isRight(answer)) this.done(kind)
      else this.addWrong(`${what}: another answer`)
    } catch (error) {
      this.failed(kind, what, error)
    }
  }

  done(kind: Kind): void {
    const count = this.counts.get(kind)
    if (count !== undefined) count.done += 1
  }

  /** Typed errors are what is to be expected of nodes that are killed; anything else is wrong. */
  failed(kind: Kind, what: string, error: unknown): void {
    const code = this.#codeOf(error)
    if (code === undefined) {
      this.addWrong(`${what}: ${error instanceof Error ? error.stack : String(error)}`)
      return
    }
    const failed = this.counts.get(kind)?.failed
    failed?.set(code, (failed.get(code) ?? 0) + 1)
  }

  addWrong(what: string): void {
    this.#wrong += 1
    if (this.wrong.length < TOLD) this.wrong.push(what)
  }
}
