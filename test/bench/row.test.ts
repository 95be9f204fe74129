import { describe, expect, it } from 'vitest'
import type { Contestant, Figures } from '../../bench/interleave.ts'
import { type Match, messageOf, play, type Reach, type Row } from '../../bench/row.ts'
import { formatTable } from '../../bench/table.ts'

const rounds = { rounds: 3, warmUps: 0, signal: new AbortController().signal }

function contestant(name: string, times: readonly number[]): Contestant {
  const left = times.map((time): Figures => ({ time }))
  return {
    name,
    measure: async () => {
      const figures = left.shift()
      if (figures === undefined) throw new Error('no figures')
      return figures
    },
  }
}

async function playOne(
  ours: readonly number[],
  theirs: readonly number[],
  reach: Reach,
): Promise<Row | undefined> {
  const match: Match = {
    group: 'group',
    what: 'a thing',
    ours: contestant('beamscope', ours),
    opponents: [{ contestant: contestant('peer 1.0', theirs), reach }],
  }
  const [row] = await play(match, rounds)
  return row
}

describe('a row', () => {
  it('says how many times as fast as the peer ours is', async () => {
    const row = await playOne([10, 20, 30], [20, 60, 60], { kind: 'at-least', value: 2 })
    expect(row).toMatchObject({
      kind: 'comparison',
      against: 'peer 1.0',
      ours: { median: 20 },
      theirs: { median: 60 },
      ratio: { median: 2 },
      isReached: true,
    })
  })

  it('says what share of the peer ours takes', async () => {
    const row = await playOne([13, 14, 15], [10, 10, 10], { kind: 'at-most', value: 1.3 })
    expect(row).toMatchObject({ ratio: { median: 1.4 }, isReached: false })
  })

  it('reaches what is just at the limit, and judges nothing where nothing is asked', async () => {
    expect(await playOne([5, 5, 5], [10, 10, 10], { kind: 'at-most', value: 0.5 })).toMatchObject({
      isReached: true,
    })
    expect(await playOne([5, 5, 5], [10, 10, 10], { kind: 'at-most' })).toMatchObject({
      ratio: { median: 0.5 },
      isReached: undefined,
    })
  })

  it('says why a peer has no figures, and fails if ours has none', async () => {
    expect(await playOne([1, 1, 1], [1], { kind: 'at-least', value: 1 })).toEqual({
      kind: 'absent',
      group: 'group',
      what: 'a thing',
      against: 'peer 1.0',
      reason: 'no figures',
      isFailure: true,
    })
    await expect(playOne([1], [1, 1, 1], { kind: 'at-least' })).rejects.toThrow('no figures')
  })

  it('does not divide by a round in which nothing was seen', async () => {
    expect(await playOne([1, 1, 1], [1, 0, 1], { kind: 'at-most', value: 1 })).toMatchObject({
      kind: 'absent',
      reason: expect.stringContaining('0 in a round'),
    })
  })
})

describe('the table', () => {
  it('has a line for each row, then what is to be said of it, then what is missing', async () => {
    const reach: Reach = { kind: 'at-least', value: 2 }
    const match: Match = {
      group: 'decode',
      what: 'decode',
      ours: contestant('beamscope', [2e6, 2e6, 2e6]),
      opponents: [
        { contestant: contestant('slow 1.0', [8e6, 8e6, 8e6]), reach },
        { contestant: contestant('wrong 2.0', [3e3, 3e3, 3e3]), reach, remark: 'reads it wrong' },
        { contestant: contestant('gone 3.0', []), reach },
      ],
    }
    expect(formatTable(await play(match, rounds))).toBe(
      [
        'what    against         ours   theirs      ratio   spread  reach',
        'decode  slow 1.0     2.00 ms  8.00 ms     4.00 ×  −0 +0 %    ≥ 2  reached',
        'decode  wrong 2.0 *  2.00 ms  3.00 µs  0.00150 ×  −0 +0 %    ≥ 2  MISSED',
        '',
        '* Remarks',
        '- decode, wrong 2.0: reads it wrong',
        '',
        'Not measured',
        '- decode, gone 3.0: no figures',
        '',
      ].join('\n'),
    )
  })
})

describe('messageOf', () => {
  it('has the hint of an error that has one', () => {
    const error = Object.assign(new Error('Docker has no image'), { hint: 'build it' })
    expect(messageOf(error)).toBe('Docker has no image; build it')
    expect(messageOf('text')).toBe('text')
  })
})
