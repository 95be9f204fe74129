/**
 * The product as it is built into `lib/`, as its users have it; types come from the source, so that the
 * types of this folder can be checked before anything is built.
 */

/** The repository's root, from `bench/build/bench/`. */
export const root: URL = new URL('../../../', import.meta.url)

const library = (path: string): string => new URL(`lib/${path}`, root).href

export type Beamscope = typeof import('../src/index.ts')
export type Etf = typeof import('../src/etf/index.ts')
export type Testing = typeof import('../src/testing/index.ts')

/** Each is loaded only where it is needed: a process that measures holds nothing else. */
export const load = {
  beamscope: (): Promise<Beamscope> => import(library('index.js')),
  client: (): Promise<typeof import('../src/client.ts')> => import(library('client.js')),
  etf: (): Promise<Etf> => import(library('etf/index.js')),
  testing: (): Promise<Testing> => import(library('testing/index.js')),
  /** For what is asked of a node. */
  probe: (): Promise<typeof import('../src/probe/probe.ts')> => import(library('probe/probe.js')),
  /** What follows is of no entry point, and not measured: it stands behind what is. */
  snapshotFile: (): Promise<typeof import('../src/history/snapshot-file.ts')> =>
    import(library('history/snapshot-file.js')),
  replayNode: (): Promise<typeof import('../src/replay/replay-node.ts')> =>
    import(library('replay/replay-node.js')),
  epmdServer: (): Promise<typeof import('../src/epmd/server.ts')> =>
    import(library('epmd/server.js')),
} as const
