import { describe, expect, test, vi } from 'vitest'
import { startDeadline } from '../../src/net/deadline.ts'

describe('a deadline', () => {
  test('expires once, with a TimeoutError that says what was waited for', () => {
    vi.useFakeTimers()
    try {
      const expire = vi.fn()
      const controller = new AbortController()
      startDeadline('tea', 100, controller.signal, expire)
      vi.advanceTimersByTime(99)
      expect(expire).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      controller.abort()
      expect(expire).toHaveBeenCalledExactlyOnceWith(
        expect.objectContaining({ code: 'ERR_TIMEOUT', what: 'tea', timeout: 100 }),
      )
    } finally {
      vi.useRealTimers()
    }
  })

  test('expires with the reason of its signal, at once if that was aborted before', () => {
    const expire = vi.fn()
    const controller = new AbortController()
    startDeadline('tea', 10_000, controller.signal, expire)
    controller.abort('why')
    startDeadline('tea', 10_000, controller.signal, expire)
    expect(expire.mock.calls).toEqual([['why'], ['why']])
  })

  test('leaves neither timer nor listener when it is called off', () => {
    vi.useFakeTimers()
    try {
      const expire = vi.fn()
      const controller = new AbortController()
      const stop = startDeadline('tea', 100, controller.signal, expire)
      stop()
      expect(vi.getTimerCount()).toBe(0)
      controller.abort()
      expect(expire).not.toHaveBeenCalled()
    } finally {
      vi.useRealTimers()
    }
  })
})
