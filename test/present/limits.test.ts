/** Limits, as people read of them. */
import { expect, it } from 'vitest'
import { limitsText } from '../../src/present/limits.ts'
import { paperOf } from '../../src/present/paper.ts'

const paper = paperOf({}, {})

it('says nothing where nothing is beyond a limit', () => {
  expect(limitsText([], { paper, unit: undefined })).toEqual([])
})

it('says of each node what it has and what it may have', () => {
  const MiB = 2 ** 20
  const exceeded = [
    { node: 'a@h', what: 'waste', value: 300 * MiB, limit: 100 * MiB },
    { node: 'b\u001b[2J@h', what: 'resident', value: 2048 * MiB, limit: 1024 * MiB },
    { node: 'c@h', what: 'usage', value: 0.25, limit: 0.5 },
  ] as const
  const [text] = limitsText(exceeded, { paper, unit: undefined })
  expect(text).toBe(
    [
      'Beyond the limits',
      '- a@h wastes 300 MiB, and 100 MiB at most are allowed',
      '- b\\u001b[2J@h has 2.00 GiB resident, and 1.00 GiB at most are allowed',
      '- c@h uses 25.0% of what is allocated, and 50.0% at least are wanted',
    ].join('\n'),
  )
  expect(limitsText(exceeded, { paper, unit: 'megabyte' })[0]).toContain('wastes 300.000, and')
})
