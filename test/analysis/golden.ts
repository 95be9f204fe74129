/**
 * Snapshots of real nodes and what `recon_alloc` answers on each, as the fixtures hold them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Json, Unit } from '../../src/analysis/index.ts'

const folder = new URL('../fixtures/golden/', import.meta.url)

export const goldenNames: readonly string[] = readdirSync(folder)

export type GoldenFile = 'snapshot.etf' | 'snapshot.terms' | 'recon_snapshot.terms'

export const goldenFiles: readonly GoldenFile[] = [
  'snapshot.etf',
  'snapshot.terms',
  'recon_snapshot.terms',
]

export function goldenPath(name: string, file: GoldenFile): string {
  return new URL(`${name}/${file}`, folder).pathname
}

export function goldenBytes(name: string, file: GoldenFile): Uint8Array {
  return readFileSync(goldenPath(name, file))
}

/** By function, and `current` or `max`. */
export function expected(name: string, unit: Unit): Json {
  const byUnit: Record<string, Json> = JSON.parse(
    readFileSync(new URL(`${name}/expected.json`, folder), 'utf8'),
  )
  const answers = byUnit[unit]
  if (answers === undefined) throw new Error(`${name} has no answers in ${unit}s`)
  return answers
}
