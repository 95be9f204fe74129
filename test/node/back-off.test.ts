import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackOff, retry } from '../../src/node/back-off.ts'

describe('a pause', () => {
  it('is of up to 0.1 s at first, and up to twice as long each time, up to 30 s', () => {
    const backOff = new BackOff()
    const pauses = Array.from({ length: 20 }, () => backOff.next())
    for (const [index, pause] of pauses.entries()) {
      const longest = Math.min(100 * 2 ** index, 30_000)
      expect(pause).toBeGreaterThanOrEqual(longest / 2)
      expect(pause).toBeLessThanOrEqual(longest)
    }
    expect(new Set(pauses).size).toBe(pauses.length)
  })
})

describe('trying again', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('pauses before each attempt, and ends with the first success', async () => {
    const attempt = vi.fn().mockRejectedValueOnce(new Error('not yet')).mockResolvedValue('done')
    const done = retry(attempt, new AbortController().signal)
    await vi.advanceTimersByTimeAsync(49)
    expect(attempt).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(51)
    expect(attempt).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(200)
    await done
    expect(attempt).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on with the pauses of an earlier series', async () => {
    const backOff = new BackOff()
    for (let count = 0; count < 20; count++) backOff.next()
    const attempt = vi.fn().mockResolvedValue('done')
    const done = retry(attempt, new AbortController().signal, backOff)
    await vi.advanceTimersByTimeAsync(14_900)
    expect(attempt).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(15_100)
    await done
  })

  it('ends at once when it is called off, in a pause, in an attempt, or before it began', async () => {
    const attempt = vi.fn().mockRejectedValue(new Error('never'))
    const controller = new AbortController()
    const inPause = retry(attempt, controller.signal)
    controller.abort()
    await inPause
    expect(attempt).not.toHaveBeenCalled()
    await retry(attempt, controller.signal)
    expect(attempt).not.toHaveBeenCalled()
    const other = new AbortController()
    const ending = vi.fn(async () => {
      other.abort()
      throw new Error('called off')
    })
    const inAttempt = retry(ending, other.signal)
    await vi.advanceTimersByTimeAsync(100)
    await inAttempt
    expect(ending).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
