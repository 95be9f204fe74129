import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { accountingLine } from '../../src/analysis/accounting.ts'
import {
  compareSummaries,
  diagnose,
  type NodeSummary,
  SWEEP_ORDERS,
  summarizeNode,
  toJson,
} from '../../src/analysis/index.ts'
import { add, sum } from '../../src/analysis/integer.ts'
import { compareNames, VERDICTS } from '../../src/analysis/node-summary.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'
import { goldenBytes, goldenNames } from './golden.ts'
import { snapshot } from './made-snapshots.ts'
import { clusters, summary } from './made-summaries.ts'

function summaryOf(state: string, node: string): NodeSummary {
  const taken = known(state, node)
  return summarizeNode(`${state}@${node}`, taken, diagnose(taken))
}

describe('the summary of a node', () => {
  test.each(knownStates)('says of $state/$node what its accounting says', (state) => {
    const diagnosis = diagnose(state.snapshot)
    const made = summarizeNode('a@b', state.snapshot, diagnosis)
    const { accounting, findings } = diagnosis
    const bytes = (id: Parameters<typeof accountingLine>[1]) => accountingLine(accounting, id).bytes
    expect(made).toMatchObject({
      node: 'a@b',
      verdict: diagnosis.verdict,
      allocated: bytes('allocated'),
      used: bytes('used'),
      resident: state.snapshot.os?.resident,
      waste: sum(accounting.allocators.map((it) => add(it.aboveFloor, it.singleBlockUnused))),
    })
    expect(add(made.used ?? 0, add(made.waste ?? 0, bytes('unused_floor') ?? 0))).toBe(
      made.allocated,
    )
    expect(made.usage).toBe(Number(made.used) / Number(made.allocated))
    expect(made.findings.map(({ id }) => id)).toEqual(findings.map(({ id }) => id))
  })

  it.each([
    ['binary-fragmented', 'otp27-s2', 'binary_alloc'],
    ['eheap-fragmented', 'otp25-s2', 'eheap_alloc'],
    ['ets-fragmented', 'otp25-s2', 'ets_alloc'],
    ['idle', 'otp27-s2', undefined],
  ])('names the worst allocator of %s/%s', (state, node, worst) => {
    expect(summaryOf(state, node).worst).toBe(worst)
  })

  it('names no allocator that has no part in the verdict', () => {
    const taken = known('outside-fragmented', 'otp25-s2')
    const diagnosis = diagnose(taken)
    expect(diagnosis.verdict).toBe('outside-allocators')
    expect(diagnosis.findings.map(({ allocator }) => allocator)).toContain('binary_alloc')
    expect(summarizeNode('a@b', taken, diagnosis).worst).toBeUndefined()
  })

  it('keeps of a finding neither evidence nor remedies', () => {
    const [first] = summaryOf('binary-fragmented', 'otp27-s2').findings
    expect(Object.keys(first ?? {})).toEqual(['id', 'severity', 'allocator', 'bytes'])
  })

  test.each(goldenNames)('of %s fits into few bytes', (name) => {
    const taken = readSnapshot(goldenBytes(name, 'snapshot.etf')).snapshot
    const made = summarizeNode('rabbit@myhost', taken, diagnose(taken))
    expect(JSON.stringify(toJson(made)).length).toBeLessThan(4096)
  })

  it('does not know what the snapshot does not tell', () => {
    const taken = snapshot({})
    expect(summarizeNode('a@b', taken, diagnose(taken))).toMatchObject({
      otpRelease: undefined,
      verdict: 'inconclusive',
      allocated: undefined,
      used: undefined,
      usage: undefined,
      waste: undefined,
      resident: undefined,
      shape: { otpRelease: undefined, schedulers: undefined, settings: undefined },
    })
  })
})

describe('the shape of a node', () => {
  it.each(knownStates.filter(({ state }) => state === 'idle'))(
    'has no settings where no flag was given: $node',
    ({ node }) => {
      expect(summaryOf('idle', node).shape.settings).toEqual({})
    },
  )

  it('has the settings that are in force, and none that are the default', () => {
    expect(summaryOf('binary-fragmented-gf', 'otp29-s2').shape).toEqual({
      otpRelease: '29',
      schedulers: 2,
      // A strategy that cannot migrate carriers turns that off.
      settings: {
        'binary_alloc.as': 'gf',
        'binary_alloc.mbsd': 3,
        'binary_alloc.acul': 0,
        'binary_alloc.acnl': 0,
        'binary_alloc.cp': 'undefined',
      },
    })
  })

  it('says which allocators are turned off', () => {
    expect(summaryOf('idle-without-binary-alloc', 'otp29-s2').shape.settings).toEqual({
      'binary_alloc.e': false,
    })
  })

  it('has of a release that nobody measured what is other than on all that were', () => {
    const settings = (state: string): NodeSummary['shape']['settings'] => {
      const taken = { ...known(state, 'otp29-s2'), otpRelease: '99' }
      return summarizeNode('a@b', taken, diagnose(taken)).shape.settings
    }
    expect(Object.keys(settings('idle') ?? {})).toSatisfy((names: readonly string[]) =>
      names.every((name) => name.endsWith('.cp')),
    )
    expect(settings('binary-fragmented-gf')).toMatchObject({ 'binary_alloc.as': 'gf' })
  })
})

describe('the order of summaries', () => {
  const a = summary('a@h', { waste: 5, usage: 0.9, resident: 1, verdict: 'fragmented' })
  const b = summary('b@h', { waste: 2n ** 60n, usage: 0.5, resident: 2, verdict: 'in-use' })
  const c = summary('c@h', { waste: undefined, usage: undefined, resident: undefined })

  it.each<[(typeof SWEEP_ORDERS)[number], string]>([
    ['waste', 'b@h a@h c@h'],
    ['usage', 'b@h a@h c@h'],
    ['resident', 'b@h a@h c@h'],
    ['verdict', 'a@h b@h c@h'],
    ['node', 'a@h b@h c@h'],
  ])('by %s is %s', (by, expected) => {
    const sorted = [c, a, b].sort(compareSummaries(by))
    expect(sorted.map(({ node }) => node).join(' ')).toBe(expected)
  })

  it('is by waste if nothing is said, and then by usage, resident size, verdict and name', () => {
    const inOrder = [
      summary('z@h', { waste: 2, usage: 1 }),
      summary('y@h', { waste: 1, usage: 0.5 }),
      summary('x@h', { waste: 1, usage: 0.6, resident: 9 }),
      summary('w@h', { waste: 1, usage: 0.6, resident: 8, verdict: 'inconclusive' }),
      summary('u2@h', { waste: 1, usage: 0.6, resident: 8 }),
      summary('u10@h', { waste: 1, usage: 0.6, resident: 8 }),
    ]
    expect(inOrder.toReversed().sort(compareSummaries())).toEqual(inOrder)
  })

  it('has each verdict once, the worst first', () => {
    expect(VERDICTS).toEqual([
      'fragmented',
      'outside-allocators',
      'oversized-carriers',
      'inconclusive',
      'in-use',
      'healthy',
    ])
  })

  it('is total: whatever the order before, it is the same behind', () => {
    fc.assert(
      fc.property(clusters, fc.constantFrom(...SWEEP_ORDERS), (all, by) => {
        const order = compareSummaries(by)
        const sorted = [...all].sort(order)
        expect(all.toReversed().sort(order)).toEqual(sorted)
        for (const [index, left] of sorted.entries()) {
          for (const [other, right] of sorted.entries()) {
            // Names differ, so that no two are equal.
            expect(Math.sign(order(left, right))).toBe(Math.sign(index - other))
          }
        }
      }),
    )
  })
})

it('counts in names', () => {
  expect(['n10@a', 'n9@a', 'N9@a', 'n9@b'].sort(compareNames)).toEqual([
    'n9@a',
    'N9@a',
    'n9@b',
    'n10@a',
  ])
  expect(compareNames('n1@a', 'n01@a')).not.toBe(0)
})
