/**
 * A process that analyses a snapshot, or holds many.
 */
import { readFile } from 'node:fs/promises'
import type { RawSnapshot } from '../src/probe/raw-snapshot.ts'
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
    const { fragmentation, memoryReport, toSnapshot } = beamscope
    const snapshot = toSnapshot(decode())
    const { used, allocated } = memoryReport(snapshot, 'current')
    const instances = fragmentation(snapshot, 'current').length
    return { used: String(used), allocated: String(allocated), instances }
  },

  async decodeAndAnalyse(duration: number): Promise<Figures> {
    return repeatSync(() => analyse(decode()), duration)
  },

  async analyse(duration: number): Promise<Figures> {
    const raw = decode()
    return repeatSync(() => analyse(raw), duration)
  },

  /** Bytes that one snapshot takes as long as it is held, and so its terms. Takes `--expose-gc`. */
  retain(count: number): { readonly snapshot: number; readonly terms: number } {
    const { toSnapshot } = prepared().beamscope
    return {
      snapshot: heldByEach(count, () => toSnapshot(decode())),
      terms: heldByEach(count, decode),
    }
  },
})

function decode(): RawSnapshot {
  const { etf, bytes } = prepared()
  const term = etf.decode(bytes)
  const [memory, allocators] = etf.isTuple(term, 2) ? term.elements : []
  if (allocators === undefined) throw new Error('no snapshot')
  return {
    node: undefined,
    takenAt: undefined,
    otpRelease: undefined,
    schedulers: undefined,
    schedulersOnline: undefined,
    memory,
    allocators,
    os: undefined,
    missing: [],
  }
}

/** All of recon's functions, of the current values. */
function analyse(raw: RawSnapshot): void {
  const { averageBlockSizes, cacheHitRates, fragmentation, memoryReport, sbcsToMbcs, toSnapshot } =
    prepared().beamscope
  const snapshot = toSnapshot(raw)
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
