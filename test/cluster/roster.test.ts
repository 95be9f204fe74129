/** Who is in a cluster while time passes. */
import { describe, expect, it } from 'vitest'
import type { Discovery } from '../../src/cluster/discover.ts'
import { PATIENCE, Roster } from '../../src/cluster/roster.ts'

/** What was found, and what failed. */
function found(names: readonly string[], ...failures: readonly string[]): Discovery {
  return {
    nodes: names.map((name) => ({ name, source: 'seed a@h' })),
    failures: failures.map((source) => ({ source, error: new Error('nothing') })),
  }
}

const NOTHING = { come: [], gone: [] }

describe('a roster', () => {
  it('has those that were found, in the order in which they came', () => {
    const roster = new Roster()
    expect(roster.take(found(['b@h', 'a@h']), 0)).toEqual({ come: ['b@h', 'a@h'], gone: [] })
    expect(roster.take(found(['a@h', 'c@h', 'b@h']), 1)).toEqual({ come: ['c@h'], gone: [] })
    expect([...roster.names]).toEqual(['b@h', 'a@h', 'c@h'])
    expect(roster.take(found(['a@h', 'c@h', 'b@h']), 2)).toEqual(NOTHING)
  })

  it('is gone through anew each time, by one who had it before', () => {
    const roster = new Roster()
    const { names } = roster
    expect([...names]).toEqual([])
    roster.take(found(['a@h']), 0)
    expect([...names]).toEqual(['a@h'])
  })

  it('leaves out who was not found for a while, and takes it again', () => {
    const roster = new Roster()
    roster.take(found(['a@h', 'b@h']), 0)
    expect(roster.take(found(['a@h']), PATIENCE)).toEqual(NOTHING)
    expect(roster.take(found(['a@h']), PATIENCE + 1)).toEqual({ come: [], gone: ['b@h'] })
    expect([...roster.names]).toEqual(['a@h'])
    expect(roster.take(found(['a@h', 'b@h']), PATIENCE + 2)).toEqual({ come: ['b@h'], gone: [] })
  })

  it('keeps who was found again meanwhile', () => {
    const roster = new Roster()
    roster.take(found(['a@h', 'b@h']), 0)
    roster.take(found(['a@h', 'b@h']), PATIENCE)
    expect(roster.take(found(['a@h']), 2 * PATIENCE)).toEqual(NOTHING)
  })

  it('keeps who answers, though nobody knows of it, and gives it as long afterwards', () => {
    const roster = new Roster()
    roster.take(found(['a@h', 'b@h']), 0)
    expect(roster.take(found(['a@h']), 2 * PATIENCE, (node) => node === 'b@h')).toEqual(NOTHING)
    expect(roster.take(found(['a@h']), 3 * PATIENCE)).toEqual(NOTHING)
    expect(roster.take(found(['a@h']), 3 * PATIENCE + 1).gone).toEqual(['b@h'])
  })

  it.each([
    ['a source failed', found(['a@h'], 'EPMD of h')],
    ['nothing was found', found([])],
  ])('leaves out nobody where %s, and gives all of them as long afterwards', (_, unsure) => {
    const roster = new Roster()
    roster.take(found(['a@h', 'b@h']), 0)
    expect(roster.take(unsure, 2 * PATIENCE)).toEqual(NOTHING)
    expect(roster.take(found(['a@h']), 3 * PATIENCE)).toEqual(NOTHING)
    expect(roster.take(found(['a@h']), 3 * PATIENCE + 1).gone).toEqual(['b@h'])
  })

  it('takes no more nodes than a cluster is taken for', () => {
    const roster = new Roster()
    const names = Array.from({ length: 100_001 }, (_, index) => `n${index}@h`)
    const { come } = roster.take(found(names), 0)
    expect(come.length).toBeLessThan(names.length)
    expect([...roster.names]).toEqual(come)
  })
})
