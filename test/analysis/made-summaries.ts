/**
 * Summaries of nodes, of which a test says only what it is about.
 */
import fc from 'fast-check'
import type { Integer, NodeSummary, Verdict } from '../../src/analysis/index.ts'
import { VERDICTS } from '../../src/analysis/node-summary.ts'

/** What a node is like of which nothing else is said. */
export function summary(node: string, parts: Partial<NodeSummary> = {}): NodeSummary {
  const { otpRelease = '27', schedulers = 2 } = parts
  return {
    node,
    takenAt: '2026-01-31T12:00:00.000Z',
    otpRelease,
    schedulers,
    verdict: 'healthy',
    allocated: 0,
    used: 0,
    usage: 1,
    waste: 0,
    resident: 0,
    worst: undefined,
    findings: [],
    shape: { otpRelease, schedulers, settings: {} },
    ...parts,
  }
}

const bytes: fc.Arbitrary<Integer> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2 ** 31) },
  // So that some are equal, and some beyond what a double holds.
  { weight: 2, arbitrary: fc.constantFrom(0, 2 ** 28, 2 ** 30) },
  { weight: 1, arbitrary: fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }) },
)

const orUnknown = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) })

const verdicts: fc.Arbitrary<Verdict> = fc.constantFrom(...VERDICTS)

const parts: fc.Arbitrary<Partial<NodeSummary>> = fc
  .record({
    verdict: verdicts,
    allocated: orUnknown(bytes),
    used: orUnknown(bytes),
    usage: orUnknown(fc.double({ min: 0, max: 1, noNaN: true })),
    waste: orUnknown(bytes),
    resident: orUnknown(bytes),
    otpRelease: orUnknown(fc.constantFrom('25', '27', '29', '99')),
    schedulers: orUnknown(fc.constantFrom(1, 2, 8)),
    settings: orUnknown(
      fc.dictionary(
        fc.constantFrom('binary_alloc.as', 'ets_alloc.lmbcs', 'erts_mmap.scs'),
        fc.constantFrom<Integer | string>('aobf', 'gf', 2 ** 20, 2n ** 64n - 1n),
      ),
    ),
  })
  .map(({ settings, ...rest }) => {
    const { otpRelease, schedulers } = rest
    return { ...rest, shape: { otpRelease, schedulers, settings } }
  })

/** Nodes of a cluster, each with a name of its own. */
export const clusters: fc.Arbitrary<readonly NodeSummary[]> = fc
  .array(fc.tuple(fc.constantFrom('web', 'db'), parts), { maxLength: 12 })
  .map((nodes) => nodes.map(([role, rest], index) => summary(`${role}${index}@host`, rest)))
