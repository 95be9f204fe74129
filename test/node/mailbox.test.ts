import { describe, expect, test } from 'vitest'
import type { Term } from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { type Mail, Mailbox } from '../../src/node/mailbox.ts'

const mail = (message: Term): Mail => ({ type: 'message', message, from: undefined })
const is = (message: Term) => (it: Mail) => it.type === 'message' && it.message === message
const any = () => true

function take(mailbox: Mailbox, matches: (mail: Mail) => boolean = any, waiting = {}) {
  return mailbox.take('mail', matches, waiting)
}

describe('a mailbox', () => {
  test('gives mail in the order of its arrival, whatever it is asked for in between', async () => {
    const mailbox = new Mailbox({})
    for (let number = 0; number < 100; number++) mailbox.put(mail(number), 1)
    expect(await take(mailbox, is(50))).toEqual(mail(50))
    const taken: unknown[] = []
    while (mailbox.length > 0) taken.push(await take(mailbox))
    expect(taken).toEqual([...Array(100).keys()].filter((it) => it !== 50).map(mail))
  })

  test('gives mail to the first who waits for it, and leaves the rest', async () => {
    const mailbox = new Mailbox({})
    const two = take(mailbox, is(2))
    const first = take(mailbox)
    const second = take(mailbox)
    for (const number of [1, 2, 3, 4]) mailbox.put(mail(number), 1)
    expect(await Promise.all([two, first, second])).toEqual([mail(2), mail(1), mail(3)])
    expect(mailbox.length).toBe(1)
  })

  test('fails whoever asks with a condition that throws, and nobody else', async () => {
    const mailbox = new Mailbox({})
    const failure = new Error('no')
    const faulty = () => {
      throw failure
    }
    const waiting = take(mailbox, faulty)
    const rejected = expect(waiting).rejects.toBe(failure)
    expect(mailbox.put(mail(1), 1)).toBe(true)
    await rejected
    await expect(take(mailbox, faulty)).rejects.toBe(failure)
    expect(await take(mailbox)).toEqual(mail(1))
  })

  test('holds so many and no more, and takes in again when some were taken', async () => {
    const mailbox = new Mailbox({ maxMessages: 2 })
    expect([1, 2, 3].map((it) => mailbox.put(mail(it), 1))).toEqual([true, true, false])
    await take(mailbox)
    expect(mailbox.put(mail(4), 1)).toBe(true)
    expect(mailbox.length).toBe(2)
  })

  test('holds so many bytes and no more, and counts those that were dropped no longer', async () => {
    const mailbox = new Mailbox({ maxBytes: 10 })
    expect([6, 4, 1].map((size) => mailbox.put(mail(size), size))).toEqual([true, true, false])
    mailbox.drop(is(4))
    expect(mailbox.put(mail(5), 5)).toBe(false)
    expect(mailbox.put(mail(4), 4)).toBe(true)
    await take(mailbox)
    expect(mailbox.put(mail(6), 6)).toBe(true)
  })

  test('does not count what somebody waits for', async () => {
    const mailbox = new Mailbox({ maxMessages: 0, maxBytes: 0 })
    const waiting = take(mailbox)
    expect(mailbox.put(mail(1), 100)).toBe(true)
    expect(await waiting).toEqual(mail(1))
    expect(mailbox.put(mail(2), 100)).toBe(false)
  })

  test('gives up after the time-out and by a signal, and loses nothing by it', async () => {
    const mailbox = new Mailbox({})
    await expect(take(mailbox, any, { timeout: 10 })).rejects.toBeInstanceOf(TimeoutError)
    const controller = new AbortController()
    const waiting = take(mailbox, any, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    mailbox.put(mail(1), 1)
    await expect(take(mailbox, any, { signal: controller.signal })).rejects.toBe(reason)
    expect(await take(mailbox)).toEqual(mail(1))
  })

  test('tells those who wait when it closes, and still gives what is there', async () => {
    const mailbox = new Mailbox({})
    mailbox.put(mail(1), 1)
    const waiting = take(mailbox, is(2))
    mailbox.close()
    expect(await waiting).toBeUndefined()
    mailbox.put(mail(2), 1)
    expect(await take(mailbox)).toEqual(mail(1))
    expect(await take(mailbox)).toBeUndefined()
  })

  test('takes and gives 200,000 in a moment', async () => {
    const mailbox = new Mailbox({ maxMessages: 200_000 })
    const start = performance.now()
    for (let number = 0; number < 200_000; number++) mailbox.put(mail(number), 1)
    for (let number = 0; number < 200_000; number++) {
      await take(mailbox)
    }
    expect(mailbox.length).toBe(0)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
