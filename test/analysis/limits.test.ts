/** Which nodes are beyond a limit. */
import { describe, expect, it } from 'vitest'
import { exceeded } from '../../src/analysis/limits.ts'
import type { NodeSummary } from '../../src/analysis/node-summary.ts'

const summary: NodeSummary = {
  node: 'shop@host',
  takenAt: undefined,
  otpRelease: '27',
  schedulers: 2,
  verdict: 'healthy',
  allocated: 1000,
  used: 600,
  usage: 0.6,
  waste: 300,
  resident: 2n ** 60n,
  worst: undefined,
  findings: [],
  shape: { otpRelease: '27', schedulers: 2, settings: {} },
}

describe('limits', () => {
  it('are kept by what reaches them exactly', () => {
    const limits = { maxWaste: 300, minUsage: 0.6, maxResident: 2n ** 60n }
    expect(exceeded(summary, limits)).toEqual([])
  })

  it('are exceeded by the least bit more, and each is named', () => {
    const limits = { maxWaste: 299, minUsage: 0.61, maxResident: 2n ** 60n - 1n }
    expect(exceeded(summary, limits)).toEqual([
      { node: 'shop@host', what: 'waste', value: 300, limit: 299 },
      { node: 'shop@host', what: 'usage', value: 0.6, limit: 0.61 },
      { node: 'shop@host', what: 'resident', value: 2n ** 60n, limit: 2n ** 60n - 1n },
    ])
  })

  it('are not exceeded by what is not known, nor where there are none', () => {
    const unknown = { ...summary, waste: undefined, usage: undefined, resident: undefined }
    expect(exceeded(unknown, { maxWaste: 0, minUsage: 1, maxResident: 0 })).toEqual([])
    expect(exceeded(summary, {})).toEqual([])
  })
})
