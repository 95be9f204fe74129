import { describe, expect, it } from 'vitest'
import { Tally } from '../../soak/tally.ts'
import { BeamscopeError } from '../../src/errors.ts'
import { TimeoutError } from '../../src/net/errors.ts'

const newTally = (): Tally =>
  new Tally((error) => (error instanceof BeamscopeError ? error.code : undefined))

describe('an attempt', () => {
  it('is done where the answer is right', async () => {
    const tally = newTally()
    await tally.attempt(
      'call',
      'a call',
      async () => 5,
      (answer) => answer === 5,
    )
    expect(tally.counts.get('call')?.done).toBe(1)
    expect(tally.wrongs).toBe(0)
  })

  it('may fail with a typed error', async () => {
    const tally = newTally()
    const fail = async () => {
      throw new TimeoutError('it', 5)
    }
    await tally.attempt('sweep', 'a sweep', fail, () => true)
    expect([...(tally.counts.get('sweep')?.failed ?? [])]).toEqual([['ERR_TIMEOUT', 1]])
    expect(tally.wrongs).toBe(0)
  })

  it('is wrong with another answer, or another error', async () => {
    const tally = newTally()
    const fail = async () => {
      throw new TypeError('a bug')
    }
    await tally.attempt(
      'call',
      'a call',
      async () => 5,
      () => false,
    )
    await tally.attempt('snapshot', 'a snapshot', fail, () => true)
    expect(tally.wrongs).toBe(2)
    expect(tally.wrong[0]).toBe('a call: another answer')
    expect(tally.wrong[1]).toMatch(/^a snapshot: TypeError: a bug/)
    expect(tally.counts.get('call')?.done).toBe(0)
  })

  it('is told in words only so often', async () => {
    const tally = newTally()
    for (let i = 0; i < 50; i++) tally.addWrong(`number ${i}`)
    expect(tally.wrongs).toBe(50)
    expect(tally.wrong).toHaveLength(20)
  })
})
