/** Names that are given to nodes that ask for one. */
import { describe, expect, it } from 'vitest'
import { type Loan, NamePool } from '../../src/node/name-pool.ts'

const HOST = '127.0.0.1'

function nameOf({ status }: Loan): string {
  return status.named.full
}

describe('a pool of names', () => {
  it('lends each name once at a time, and those first that came back', () => {
    const pool = new NamePool()
    const [one, two] = [pool.lend(HOST), pool.lend(HOST)]
    expect(nameOf(one)).toMatch(/^[0-9A-Z]{5,}@127\.0\.0\.1$/)
    expect(nameOf(one)).not.toBe(nameOf(two))
    one.end(true)
    two.end(true)
    expect(nameOf(pool.lend(HOST))).toBe(nameOf(two))
    expect(nameOf(pool.lend(HOST))).toBe(nameOf(one))
    expect([nameOf(one), nameOf(two)]).not.toContain(nameOf(pool.lend(HOST)))
  })

  it('gives a name that it lends again another creation', () => {
    const pool = new NamePool()
    const creations = new Set<number>()
    let first: string | undefined
    for (let count = 0; count < 100; count++) {
      const loan = pool.lend(HOST)
      first ??= nameOf(loan)
      expect(nameOf(loan)).toBe(first)
      expect(loan.status.creation).toBeGreaterThan(0)
      expect(loan.status.creation).toBeLessThan(2 ** 32)
      creations.add(loan.status.creation)
      loan.end(true)
    }
    expect(creations.size).toBe(100)
  })

  it('lends no name on another host, and none that somebody has by himself', () => {
    const pool = new NamePool()
    const first = pool.lend(HOST)
    first.end(true)
    expect(nameOf(pool.lend('myhost'))).toMatch(/@myhost$/)
    const taken: string[] = []
    const second = pool.lend(HOST, (name) => {
      taken.push(name)
      return true
    })
    expect(taken).toEqual([nameOf(first)])
    expect(nameOf(second)).not.toBe(nameOf(first))
  })

  it('keeps nothing of those who were never connected, and loses nothing to them', () => {
    const pool = new NamePool()
    const used = pool.lend(HOST)
    used.end(true)
    const stranger = pool.lend(HOST)
    expect(nameOf(stranger)).toBe(nameOf(used))
    const another = pool.lend(HOST)
    another.end(false)
    stranger.end(false)
    expect(nameOf(pool.lend(HOST))).toBe(nameOf(used))
    expect(nameOf(pool.lend(HOST))).not.toBe(nameOf(another))
  })

  it('keeps 10,000 names and no more', () => {
    const pool = new NamePool()
    const loans = Array.from({ length: 10_001 }, (_, number) => pool.lend(`host${number % 7}`))
    const known = new Set(loans.map(nameOf))
    for (const loan of loans) loan.end(true)
    const again = Array.from({ length: 7 * 2_000 }, (_, number) => pool.lend(`host${number % 7}`))
    expect(again.filter((loan) => known.has(nameOf(loan)))).toHaveLength(10_000)
  })
})
