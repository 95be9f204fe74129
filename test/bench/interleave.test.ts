import { describe, expect, it } from 'vitest'
import { type Contestant, interleave } from '../../bench/interleave.ts'

/** Writes down when it is measured. */
function contestant(name: string, log: string[], failsAt?: number): Contestant {
  let times = 0
  return {
    name,
    measure: async () => {
      log.push(name)
      times++
      if (times === failsAt) throw new Error(`${name} failed`)
      return { time: times }
    },
  }
}

describe('interleave', () => {
  const { signal } = new AbortController()

  it('measures in turn, and keeps no round of the warm-up', async () => {
    const log: string[] = []
    const [a, b] = [contestant('a', log), contestant('b', log)]
    const outcomes = await interleave([a, b], { rounds: 2, warmUps: 1, signal })
    expect(log.join('')).toBe('ababab')
    const rounds = [{ time: 2 }, { time: 3 }]
    expect(outcomes.get(a)).toEqual({ status: 'measured', rounds })
    expect(outcomes.get(b)).toEqual({ status: 'measured', rounds })
  })

  it('goes on without one that failed', async () => {
    const log: string[] = []
    const [a, b] = [contestant('a', log, 2), contestant('b', log)]
    const outcomes = await interleave([a, b], { rounds: 3, warmUps: 0, signal })
    expect(log.join('')).toBe('ababb')
    expect(outcomes.get(a)).toEqual({ status: 'failed', error: new Error('a failed') })
    expect(outcomes.get(b)).toMatchObject({ status: 'measured' })
  })

  it('ends with the reason of the signal', async () => {
    const controller = new AbortController()
    const log: string[] = []
    const a = contestant('a', log)
    const impatient: Contestant = {
      name: 'impatient',
      measure: async () => {
        controller.abort(new Error('enough'))
        return a.measure()
      },
    }
    await expect(
      interleave([impatient, a], { rounds: 5, warmUps: 0, signal: controller.signal }),
    ).rejects.toThrow('enough')
    expect(log).toEqual(['a'])
  })
})
