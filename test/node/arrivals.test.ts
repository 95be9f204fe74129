import { describe, expect, it, vi } from 'vitest'
import { Arrivals } from '../../src/node/arrivals.ts'

const NODE = 'z@127.0.0.1'
const WHAT = 'connecting'

describe('arrivals', () => {
  it('are under way from when they begin until the last has ended', () => {
    const arrivals = new Arrivals()
    expect(arrivals.isUnderWay(NODE)).toBe(false)
    const first = arrivals.begin(NODE)
    const second = arrivals.begin(NODE)
    expect(arrivals.isUnderWay(NODE)).toBe(true)
    expect(arrivals.isUnderWay('a@127.0.0.1')).toBe(false)
    first()
    expect(arrivals.isUnderWay(NODE)).toBe(true)
    second()
    expect(arrivals.isUnderWay(NODE)).toBe(false)
  })

  it('wake all who wait for the node when one of them ends, and nobody else', async () => {
    const arrivals = new Arrivals()
    const end = arrivals.begin(NODE)
    const waiting = { timeout: 5_000 }
    const both = Promise.all([1, 2].map(() => arrivals.next(NODE, 5_000, WHAT, waiting)))
    const other = vi.fn()
    const stop = new AbortController()
    const others = arrivals
      .next('a@127.0.0.1', 5_000, WHAT, { signal: stop.signal })
      .then(other, (error: unknown) => error)
    end()
    await both
    expect(other).not.toHaveBeenCalled()
    stop.abort('stop')
    expect(await others).toBe('stop')
  })

  it('are waited for no longer than patience and time allow, nor when nobody waits any more', async () => {
    const arrivals = new Arrivals()
    await arrivals.next(NODE, 10, WHAT, { timeout: 5_000 })
    await expect(arrivals.next(NODE, 5_000, WHAT, { timeout: 10 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = arrivals.next(NODE, 5_000, WHAT, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(
      arrivals.next(NODE, 5_000, WHAT, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)
  })

  it('keep nobody waiting when all waits are ended', async () => {
    const arrivals = new Arrivals()
    const all = [NODE, NODE, 'a@127.0.0.1'].map((it) => arrivals.next(it, 5_000, WHAT, {}))
    arrivals.wake()
    await Promise.all(all)
  })
})
