import { describe, expect, it } from 'vitest'
import { formatTable, grouped } from '../../fuzz/table.ts'

describe('the table', () => {
  it('has a line for each target and one for all', () => {
    const one = { target: 'decode', inputs: 2000, accepted: 500, time: 1000, slowest: 1.25 }
    const finding = { target: 'text', kind: 'slow', what: 'it is', key: '', index: 3 } as const
    const text = formatTable([
      { ...one, growth: 2 ** 20, findings: [] },
      { ...one, target: 'text', inputs: 0, accepted: 0, time: 0, growth: 0, findings: [finding] },
    ])
    expect(text.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'target | inputs | a second | accepted | slowest | memory | findings',
      'decode | 2,000 | 2,000 | 25 % | 1.3 ms | 1.0 MiB | 0',
      'text | 0 | 1.3 ms | 0.0 MiB | 1',
      'all | 2,000 | 2,000 | 25 % | 1.3 ms | 1.0 MiB | 1',
      '',
    ])
  })

  it('groups thousands', () => {
    expect([0, 999, 1000, 1234567.8].map(grouped)).toEqual(['0', '999', '1,000', '1,234,568'])
  })
})
