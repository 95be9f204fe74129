import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitsPattern, isWanted } from '../../src/cluster/node-pattern.ts'

/** The same, by another way: that of a regular expression. */
function fitsExpression(name: string, pattern: string): boolean {
  const source = [...pattern].map((it) =>
    it === '*' ? '.*' : it === '?' ? '.' : it.replace(/[\\^$.+()|[\]{}/-]/, '\\$&'),
  )
  return new RegExp(`^${source.join('')}$`, 's').test(name)
}

describe('a pattern', () => {
  it.each([
    ['rabbit@host', 'rabbit@host'],
    ['rabbit@host', '*'],
    ['rabbit@host', '*@host'],
    ['rabbit@host', 'rabbit@*'],
    ['rabbit@host', 'r*t@h*t'],
    ['rabbit@host', '**@**'],
    ['rabbit@host', 'rabbit@host*'],
    ['rabbit@host', 'rabbit?host'],
    ['rabbit-12@h', 'rabbit-??@*'],
    ['aab@h', '*ab@h'],
    ['', '*'],
    ['', ''],
  ])('lets %s fit %s', (name, pattern) => {
    expect(fitsPattern(name, pattern)).toBe(true)
  })

  it.each([
    ['rabbit@host', 'rabbit'],
    ['rabbit@host', 'rabbit@host?'],
    ['rabbit@host', 'Rabbit@host'],
    ['rabbit@host', ''],
    ['rabbit@host', 'rabbit.host'],
    ['rabbit@host', '[r]abbit@host'],
    ['rabbit@host', 'rabbit@host.*'],
    ['rabbit@host', '.*'],
    ['rabbit-1@h', 'rabbit-??@*'],
    ['', '?'],
  ])('lets %s not fit %s', (name, pattern) => {
    expect(fitsPattern(name, pattern)).toBe(false)
  })

  it('fits what a regular expression of the same meaning does', () => {
    const characters = fc.constantFrom('a', 'b', '@', '.')
    const names = fc.string({ unit: characters, maxLength: 12 })
    const patterns = fc.string({
      unit: fc.oneof(characters, fc.constantFrom('*', '?')),
      maxLength: 8,
    })
    fc.assert(
      fc.property(names, patterns, (name, pattern) => {
        expect(fitsPattern(name, pattern)).toBe(fitsExpression(name, pattern))
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes any characters but these two for themselves', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(texts, texts, (name, other) => {
        const pattern = other.replace(/[*?]/g, '')
        expect(fitsPattern(pattern, pattern)).toBe(true)
        expect(fitsPattern(`${name}${pattern}`, `*${pattern}`)).toBe(true)
        expect(fitsPattern(name, pattern)).toBe(name === pattern)
      }),
    )
  })

  it('is no way to keep us busy', () => {
    // A regular expression would try more ways than there are atoms in the world.
    expect(fitsPattern('a'.repeat(255), `${'a*'.repeat(100)}b`)).toBe(false)
    expect(fitsPattern('a'.repeat(255), `${'*a'.repeat(100)}*`)).toBe(true)
  })
})

describe('a filter', () => {
  it('lets everything pass that nothing is said of', () => {
    expect(isWanted('a@h', {})).toBe(true)
    expect(isWanted('a@h', { exclude: [] })).toBe(true)
  })

  it('wants what fits any of the patterns, and none of those that exclude', () => {
    const filter = { match: ['a*', 'b*'], exclude: ['*@old', 'bad@*'] }
    const names = ['a@h', 'b@h', 'c@h', 'a@old', 'bad@h', 'bar@h']
    expect(names.filter((it) => isWanted(it, filter))).toEqual(['a@h', 'b@h', 'bar@h'])
  })

  it('wants nothing where nothing matches', () => {
    expect(isWanted('a@h', { match: [] })).toBe(false)
  })
})
