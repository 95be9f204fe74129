import { describe, expect, it } from 'vitest'
import { Attempts } from '../../src/serve/attempts.ts'
import { formatAddress, isLoopback, isLoopbackHost } from '../../src/serve/listen-address.ts'
import { SESSION_TIME, Sessions } from '../../src/serve/sessions.ts'

describe('wrong tokens', () => {
  it('are five of an address in any minute', () => {
    const attempts = new Attempts()
    for (let index = 0; index < 5; index++) {
      expect(attempts.delay('a', index * 1_000)).toBe(0)
      attempts.count('a', index * 1_000)
    }
    expect(attempts.delay('a', 5_000)).toBe(55)
    expect(attempts.delay('b', 5_000)).toBe(0)
    expect(attempts.delay('a', 59_999)).toBe(1)
    // The first is forgotten, and one more may fail.
    expect(attempts.delay('a', 60_000)).toBe(0)
    attempts.count('a', 60_000)
    expect(attempts.delay('a', 60_000)).toBe(1)
  })

  it('are fifty of all, whatever addresses they have', () => {
    const attempts = new Attempts()
    for (let index = 0; index < 50; index++) attempts.count(`${index}`, index)
    expect(attempts.delay('another', 1_000)).toBe(59)
    expect(attempts.delay('another', 60_000)).toBe(0)
  })
})

describe('sessions', () => {
  it('are known until their time is over', () => {
    const sessions = new Sessions()
    const word = sessions.open(0)
    expect(sessions.isOpen(word, SESSION_TIME - 1)).toBe(true)
    expect(sessions.isOpen(word, SESSION_TIME)).toBe(false)
    expect(sessions.isOpen('', 0)).toBe(false)
    expect(sessions.isOpen(`${word}x`, 0)).toBe(false)
  })

  it('are a hundred, the last ones', () => {
    const sessions = new Sessions()
    const words = Array.from({ length: 101 }, () => sessions.open(0))
    expect(words.map((word) => sessions.isOpen(word, 0))).toEqual(words.map((_, at) => at > 0))
  })
})

describe('this machine', () => {
  it.each([
    '127.0.0.1',
    '127.255.0.3',
    '::1',
    'localhost',
    'LocalHost',
    'a.localhost',
    'localhost.',
  ])('has the address %s', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    '127.1',
    '2130706433',
    'localhost.example',
    '',
    '::2',
  ])('has not %j, or not alone', (host) => {
    expect(isLoopback(host)).toBe(false)
  })

  it.each(['localhost:1', '[::1]:9369', '[::1]', '127.0.0.1:80'])('is meant by %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  it.each([
    undefined,
    '',
    ':80',
    'a@localhost',
    'localhost:80:80',
    '::1',
    'localhost/',
    '[::1]x',
    'localhost:x',
  ])('is not meant by %s', (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  })

  it('is written as in a URL', () => {
    expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1')
    expect(formatAddress({ host: '127.0.0.1', port: 1 })).toBe('127.0.0.1:1')
  })
})
