import { describe, expect, it } from 'vitest'
import { Slots } from '../../src/cluster/slots.ts'
import { createDeferred } from '../../src/node/deferred.ts'

describe('slots', () => {
  it('let so many work, in the order in which they came', async () => {
    const slots = new Slots(2)
    const begun: number[] = []
    const works = Array.from({ length: 5 }, () => createDeferred())
    const all = works.map((work, i) =>
      slots.use(async () => {
        begun.push(i)
        await work.promise
        return i
      }),
    )
    await Promise.resolve()
    expect(begun).toEqual([0, 1])
    works[1]?.resolve()
    await all[1]
    expect(begun).toEqual([0, 1, 2])
    for (const work of works) work.resolve()
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4])
    expect(begun).toEqual([0, 1, 2, 3, 4])
  })

  it('are free again after a failure', async () => {
    const slots = new Slots(1)
    const fail = () =>
      slots.use(async () => {
        throw new Error('no')
      })
    const results = await Promise.allSettled([fail(), fail(), slots.use(async () => 'yes')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(await slots.use(async () => 'again')).toBe('again')
  })

  it.each([0, -1, 1.5, Number.NaN, 1001])('are not %d', (concurrency) => {
    expect(() => new Slots(concurrency)).toThrow(RangeError)
  })
})
