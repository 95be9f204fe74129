import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { anySignal } from '../../src/net/any-signal.ts'
import { collectGarbage } from '../garbage.ts'

it('is aborted by the first of several, with its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()]
  using any = anySignal([first.signal, undefined, second.signal])
  expect(any.signal.aborted).toBe(false)
  second.abort('second')
  first.abort('first')
  expect(any.signal.reason).toBe('second')
})

it('is aborted at once by one that is', () => {
  using any = anySignal([new AbortController().signal, AbortSignal.abort('before')])
  expect(any.signal.reason).toBe('before')
})

it('lets go of all when it is disposed of', () => {
  const controllers = [new AbortController(), new AbortController()]
  {
    using _any = anySignal(controllers.map(({ signal }) => signal))
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  }
  for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('fires for who listens, though nobody holds the signal and garbage was collected', async () => {
  const controller = new AbortController()
  const aborted = new Promise((resolve) => {
    const { signal } = anySignal([controller.signal])
    signal.addEventListener('abort', () => resolve(signal.reason))
  })
  for (let times = 3; times > 0; times--) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    collectGarbage()
  }
  controller.abort('at last')
  expect(await aborted).toBe('at last')
})
