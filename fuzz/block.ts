/**
 * Inputs one after another in one process.
 */
import { collect, examine, type Finding, usedMemory } from './examine.ts'
import { inputOf, type Target } from './target.ts'

/** Which inputs. */
export interface Block {
  readonly target: string
  readonly seed: number
  /** The index of the first. */
  readonly first: number
  readonly count: number
}

/** A finding, and which input it is of. */
export interface IndexedFinding extends Finding {
  readonly index: number
}

/** What came of a block. */
export interface Summary {
  readonly inputs: number
  readonly accepted: number
  /** Milliseconds: of processor time for all, and by the clock for the slowest. */
  readonly time: number
  readonly slowest: number
  /** Bytes: the most for one input; and what was held in the end. */
  readonly growth: number
  readonly held: number
  readonly findings: readonly IndexedFinding[]
}

/** So many findings of a block are told: more would be the same. */
const MAX_FINDINGS = 20

/** @param before is called with each index before its input is tried */
export async function runBlock(
  target: Target,
  block: Block,
  before?: (index: number) => void,
): Promise<Summary> {
  const { seed, first, count } = block
  let accepted = 0
  let slowest = 0
  let growth = 0
  const findings: IndexedFinding[] = []
  const start = process.cpuUsage()
  for (let index = first; index < first + count; index++) {
    before?.(index)
    const examined = examine(target, inputOf(target, seed, index))
    const examination = examined instanceof Promise ? await examined : examined
    if (examination.verdict === 'accepted') accepted += 1
    if (examination.time > slowest) slowest = examination.time
    if (examination.growth > growth) growth = examination.growth
    const { finding } = examination
    if (finding === undefined || findings.length === MAX_FINDINGS) continue
    if (!findings.some((it) => it.kind === finding.kind && it.key === finding.key)) {
      findings.push({ ...finding, index })
    }
  }
  const { user, system } = process.cpuUsage(start)
  const time = (user + system) / 1000
  collect()
  return { inputs: count, accepted, time, slowest, growth, held: usedMemory(), findings }
}
