/**
 * A process that analyses a snapshot, or holds many.
 */
import { readFile } from 'node:fs/promises'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import type { EncodedTerm } from '../src/etf/encoded-term.ts'
import type { Term } from '../src/etf/terms.ts'
import type { Figures } from './interleave.ts'
import { type Beamscope, type Etf, load } from './product.ts'
import { repeatSync } from './repeat.ts'
import { serve } from './worker.ts'

/** To be held against recon's. */
export interface Checks {
  readonly used: string
  readonly allocated: string
  readonly instances: number
}

interface Loaded {
  readonly beamscope: Beamscope
  readonly etf: Etf
  readonly bytes: Uint8Array
}

let loaded: Loaded | undefined

const prepared = (): Loaded => {
  if (loaded === undefined) throw new Error('not prepared')
  return loaded
}

serve({
  /** Of a file of `{erlang:memory(), [{Allocator, Answer}]}`. */
  async prepare(path: string): Promise<Checks> {
    const [beamscope, etf] = await Promise.all([load.beamscope(), load.etf()])
    loaded = { beamscope, etf, bytes: await readFile(path) }
    const { fragmentation, memoryReport } = beamscope
    const snapshot = readSnapshot()
    const { used, allocated } = memoryReport(snapshot, 'current')
    const instances = fragmentation(snapshot, 'current').length
    return { used: String(used), allocated: String(allocated), instances }
  },

  async readAndAnalyse(duration: number): Promise<Figures> {
    return repeatSync(() => analyse(readSnapshot()), duration)
  },

  async analyse(duration: number): Promise<Figures> {
    const snapshot = readSnapshot()
    return repeatSync(() => analyse(snapshot), duration)
  },

  /** Bytes that one snapshot takes as long as it is held, and so its terms. Takes `--expose-gc`. */
  retain(count: number): { readonly snapshot: number; readonly terms: number } {
    const { etf, bytes } = prepared()
    return {
      snapshot: heldByEach(count, readSnapshot),
      terms: heldByEach(count, () => etf.decode(bytes)),
    }
  },
})

/** As `takeSnapshot` does with what a node answered. */
function readSnapshot(): Snapshot {
  const { memory, allocators } = answers()
  return prepared().beamscope.toSnapshot({
    node: undefined,
    takenAt: undefined,
    otpRelease: undefined,
    schedulers: undefined,
    schedulersOnline: undefined,
    memory,
    allocators,
    os: undefined,
    missing: [],
  })
}

function answers(): { readonly memory: Term; readonly allocators: EncodedTerm } {
  const { etf, bytes } = prepared()
  // Behind the version byte.
  const cursor = new etf.TermCursor(new etf.EncodedTerm(bytes.subarray(1)))
  if (cursor.enterTuple() !== 2) throw new Error('no snapshot')
  return { memory: cursor.term(), allocators: cursor.rest() }
}

/** All of recon's functions, of the current values. */
function analyse(snapshot: Snapshot): void {
  const { averageBlockSizes, cacheHitRates, fragmentation, memoryReport, sbcsToMbcs } =
    prepared().beamscope
  memoryReport(snapshot, 'current')
  fragmentation(snapshot, 'current')
  averageBlockSizes(snapshot, 'current')
  sbcsToMbcs(snapshot, 'current')
  cacheHitRates(snapshot)
}

function heldByEach(count: number, make: () => unknown): number {
  make()
  const before = held()
  const all = Array.from({ length: count }, make)
  const after = held()
  return (after - before) / all.length
}

function held(): number {
  if (globalThis.gc === undefined) throw new Error('not started with --expose-gc')
  for (let times = 0; times < 3; times++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
