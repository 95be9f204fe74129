import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/analysis/diagnose.ts'
import { occupancies } from '../../src/analysis/occupancy.ts'
import { sampledPeaks } from '../../src/analysis/sampled-peaks.ts'
import { known } from './diagnosis-fixtures.ts'

const idle = known('idle', 'otp25-s2')
const peak = { ...known('binary-live', 'otp25-s2'), takenAt: '2026-01-31T12:00:00.000Z' }
const now = known('binary-fragmented', 'otp25-s2')

/** Of binary_alloc, what the diagnosis says of its peak. */
function evidence(...earlier: (typeof now)[]) {
  const { findings } = diagnose(now, { earlier })
  const finding = findings.find(({ id }) => id === 'fragmented-allocator')
  return finding?.evidence.find(({ what }) => what.startsWith('usage at the peak'))
}

describe('a sampled peak', () => {
  test('is the snapshot in which an allocator used most', () => {
    const sampled = sampledPeaks([idle, peak, idle], occupancies(now)).get('binary_alloc')
    const held = occupancies(peak).find(({ allocator }) => allocator === 'binary_alloc')
    expect(sampled).toEqual({ takenAt: peak.takenAt, mbcs: held?.mbcs })
  })

  test('is none where it never used more than now', () => {
    expect(sampledPeaks([idle], occupancies(now)).get('binary_alloc')).toBeUndefined()
    expect(sampledPeaks([], occupancies(now)).size).toBe(0)
  })

  test('takes the place of the maxima, which are not simultaneous', () => {
    expect(evidence()).toMatchObject({
      what: 'usage at the peak',
      source: expect.stringMatching(/max/),
    })
    expect(evidence(idle)).toEqual(evidence())
    const sampled = evidence(idle, peak)
    expect(sampled?.what).toBe('usage at the peak, as it was sampled')
    expect(sampled?.source).toContain(peak.takenAt)
    expect(Number(sampled?.value)).toBeGreaterThan(0.9)
  })

  test('tells a peak from use that was always low', () => {
    // As if one scheduler after the other had had the peak: together they never used so much.
    const moved = {
      ...now,
      allocators: now.allocators.map((each) =>
        each.allocator === 'binary_alloc'
          ? {
              ...each,
              mbcs: { ...each.mbcs, blocksSize: { ...each.mbcs.blocksSize, max: 0 } },
            }
          : each,
      ),
    }
    const ids = (earlier: (typeof now)[]) =>
      diagnose(moved, { earlier }).findings.map(({ id }) => id)
    expect(ids([])).toContain('structural-low-use')
    expect(ids([peak])).not.toContain('structural-low-use')
    expect(ids([peak])).toContain('fragmented-allocator')
  })
})
