/**
 * A process that is a client of real nodes and replayed ones: calls, snapshots, sweeps, connections held.
 */
import { readFileSync } from 'node:fs'
import type { RemoteNode } from '../src/node/remote-node.ts'
import type { Figures } from './interleave.ts'
import { load } from './product.ts'
import { repeat } from './repeat.ts'
import { serve } from './worker.ts'

/** How a node, or many with one port mapper, are reached. */
export interface Address {
  readonly cookie: string
  readonly epmdPort: number
}

/** Bytes. */
export interface Held {
  /** What the collector left: of JavaScript, and of buffers outside its heap. */
  readonly heap: number
  readonly resident: number
}

const TIMEOUT = 60_000

let remote: RemoteNode | undefined

const connected = (): RemoteNode => {
  if (remote === undefined) throw new Error('not connected')
  return remote
}

serve({
  async connect(name: string, { cookie, epmdPort }: Address): Promise<void> {
    const { connect, Cookie } = await load.beamscope()
    remote = await connect(name, { cookie: new Cookie(cookie), epmdPort })
  },

  /** One call after the other. */
  async call(duration: number): Promise<Figures> {
    const node = connected()
    return repeat(() => node.call('erlang', 'node'), duration)
  },

  /** So many calls under way at any time. */
  async pipelined(window: number, duration: number): Promise<Figures> {
    const node = connected()
    const start = performance.now()
    const end = start + duration
    let count = 0
    const loop = async (): Promise<void> => {
      do {
        await node.call('erlang', 'node')
        count++
      } while (performance.now() < end)
    }
    await Promise.all(Array.from({ length: window }, loop))
    return { time: ((performance.now() - start) * 1e6) / count, count }
  },

  /** One call whose reply is a binary of so many bytes. */
  async large(key: string, size: number): Promise<Figures> {
    const { atom } = await load.etf()
    const node = connected()
    return repeat(async () => {
      const reply = await node.call('persistent_term', 'get', [atom(key)], { timeout: TIMEOUT })
      if (!(reply instanceof Uint8Array) || reply.length !== size) throw new Error('no such binary')
    }, 0)
  },

  /** The bytes that are resident, and that were at most: `VmRSS` and `VmHWM` of proc(5). */
  resident(): { readonly now: number; readonly peak: number } {
    return { now: statusOf('VmRSS'), peak: statusOf('VmHWM') }
  },

  /** What `beamscope memory` and `beamscope fragmentation` compute, from one snapshot. */
  async snapshot(duration: number): Promise<Figures> {
    const { fragmentation, memoryReport, takeSnapshot } = await load.beamscope()
    const node = connected()
    return repeat(async () => {
      const snapshot = await takeSnapshot(node)
      memoryReport(snapshot, 'current')
      fragmentation(snapshot, 'current')
    }, duration)
  },

  /** The same of each node, all of them again and again. */
  async sweep(
    names: readonly string[],
    { cookie, epmdPort }: Address,
    duration: number,
  ): Promise<Figures> {
    const { Cookie, fragmentation, memoryReport, sweep } = await load.beamscope()
    return repeat(async () => {
      const options = { cookie: new Cookie(cookie), epmdPort, nodeTimeout: TIMEOUT }
      let answered = 0
      for await (const result of sweep(names, options)) {
        if (result.status === 'failed') throw result.error
        memoryReport(result.answer, 'current')
        fragmentation(result.answer, 'current')
        answered++
      }
      if (answered !== names.length) throw new Error(`${answered} of ${names.length} answered`)
    }, duration)
  },

  /** Connects to each, and says what is held before and after. Takes `--expose-gc`. */
  async hold(
    names: readonly string[],
    { cookie, epmdPort }: Address,
  ): Promise<{ readonly before: Held; readonly after: Held }> {
    const { HiddenNode } = await load.client()
    const { Cookie } = await load.beamscope()
    const hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
    const [first, ...others] = names
    // What the first one loads stays, however many there are.
    if (first !== undefined) await hidden.connect(first)
    const before = held()
    for (const name of others) await hidden.connect(name)
    const after = held()
    await hidden.close()
    return { before, after }
  },
})

function held(): Held {
  if (globalThis.gc === undefined) throw new Error('not started with --expose-gc')
  for (let times = 0; times < 3; times++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed + external, resident: statusOf('VmRSS') }
}

function statusOf(key: string): number {
  const [, kilobytes] = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status()) ?? []
  if (kilobytes === undefined) throw new Error(`/proc/self/status has no ${key}`)
  return Number(kilobytes) * 1024
}

function status(): string {
  return readFileSync('/proc/self/status', 'utf8')
}
