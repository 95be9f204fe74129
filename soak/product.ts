/**
 * The product as it is built into `lib/`, as its users have it; types come from the source.
 */

/** From `soak/build/soak/`. */
const library = (path: string): string => new URL(`../../../lib/${path}`, import.meta.url).href

export const beamscope: typeof import('../src/index.ts') = await import(library('index.js'))
export const client: typeof import('../src/client.ts') = await import(library('client.js'))
export const etf: typeof import('../src/etf/index.ts') = await import(library('etf/index.js'))
export const testing: typeof import('../src/testing/index.ts') = await import(
  library('testing/index.js')
)
