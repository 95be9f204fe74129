/**
 * What came of a run, for people.
 */
import type { TargetResult } from './fuzzer.ts'

const HEAD = ['target', 'inputs', 'a second', 'accepted', 'slowest', 'memory', 'findings'] as const

/** A line for each target, and one for all; a second is one of processor time. */
export function formatTable(results: readonly TargetResult[]): string {
  const all = { target: 'all', inputs: 0, accepted: 0, time: 0, slowest: 0, growth: 0, findings: 0 }
  for (const it of results) {
    all.inputs += it.inputs
    all.accepted += it.accepted
    all.time += it.time
    all.slowest = Math.max(all.slowest, it.slowest)
    all.growth = Math.max(all.growth, it.growth)
    all.findings += it.findings.length
  }
  const rows = [...results.map((it) => ({ ...it, findings: it.findings.length })), all].map(
    (it) => [
      it.target,
      grouped(it.inputs),
      it.time === 0 ? '' : grouped((it.inputs / it.time) * 1000),
      it.inputs === 0 ? '' : `${((it.accepted / it.inputs) * 100).toFixed()} %`,
      `${it.slowest.toFixed(1)} ms`,
      `${(it.growth / 2 ** 20).toFixed(1)} MiB`,
      `${it.findings}`,
    ],
  )
  const lines = [HEAD, ...rows]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((it) => it[column]?.length ?? 0)))
  return lines
    .map((cells) =>
      cells
        .map((text, column) => {
          const width = widths[column] ?? 0
          return column === 0 ? text.padEnd(width) : text.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** With a comma between thousands. */
export function grouped(value: number): string {
  return value.toFixed().replace(/\B(?=(\d{3})+$)/g, ',')
}
