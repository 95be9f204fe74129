/**
 * What every part of the benchmark works with: how long it may measure, where its files lie, and the nodes
 * that several parts use.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BeamNode, startBeamNode } from './beam.ts'
import type { Rounds } from './interleave.ts'
import type { Row } from './row.ts'

/** A part of the table. */
export interface Part {
  readonly name: string
  readonly title: string
  run(bench: Bench): Promise<readonly Row[]>
}

export interface BenchOptions {
  /** The fewest rounds that still go through everything: for CI, which judges no time. */
  readonly isBrief: boolean
  readonly signal: AbortSignal
  readonly report: (text: string) => void
}

export class Bench implements AsyncDisposable {
  readonly isBrief: boolean
  readonly signal: AbortSignal
  readonly report: (text: string) => void
  /** Where files of this run lie. */
  readonly folder: string
  readonly #nodes = new Map<string, Promise<BeamNode>>()

  private constructor(options: BenchOptions, folder: string) {
    this.isBrief = options.isBrief
    this.signal = options.signal
    this.report = options.report
    this.folder = folder
  }

  static async open(options: BenchOptions): Promise<Bench> {
    return new Bench(options, await mkdtemp(join(tmpdir(), 'beamscope-bench-')))
  }

  /** Rounds of something that is quick, or of something that takes longer. */
  rounds(count = 15, warmUps = 4): Rounds {
    const { signal } = this
    return this.isBrief ? { rounds: 2, warmUps: 1, signal } : { rounds: count, warmUps, signal }
  }

  /** Milliseconds of a round. */
  duration(milliseconds = 100): number {
    return this.isBrief ? milliseconds / 20 : milliseconds
  }

  /** A node that is alone. */
  beam(): Promise<BeamNode> {
    return this.#node('a node', () => startBeamNode({ signal: this.signal }))
  }

  /** The node that is asked: with recon, eight schedulers, and some memory in use. */
  target(): Promise<BeamNode> {
    return this.#node('the node that is asked', () =>
      startBeamNode({
        // Schedulers that wait busily would be measured too.
        emulatorArguments: ['+S', '8:8', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
        signal: this.signal,
      }),
    )
  }

  /** The hidden node that does on the BEAM what we do in JavaScript; it finds the target. */
  peer(): Promise<BeamNode> {
    return this.#node('the hidden node that asks', async () => {
      const { node } = await this.target()
      return startBeamNode({
        cookie: node.cookie,
        epmdPort: node.epmdPort,
        emulatorArguments: ['-hidden'],
        signal: this.signal,
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [...this.#nodes.values()].reverse()) {
      await node.then(
        (it) => it[Symbol.asyncDispose](),
        () => {},
      )
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  #node(name: string, start: () => Promise<BeamNode>): Promise<BeamNode> {
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    this.report(`starting ${name}`)
    const started = start()
    this.#nodes.set(name, started)
    return started
  }
}
