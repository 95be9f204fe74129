import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeRole } from '../../src/analysis/index.ts'

describe('the role of a node', () => {
  it.each([
    ['rabbit@a', 'rabbit'],
    ['rabbit-1@myhost', 'rabbit'],
    ['rabbit_02@myhost', 'rabbit'],
    ['web3@10.0.0.7', 'web'],
    ['web-eu-12@a.example.org', 'web-eu'],
    ['app-v2@a', 'app-v'],
    ['app-v2-1@a', 'app-v2'],
    ['h2o@a', 'h2o'],
    ['7@a', '7'],
    ['-7@a', '-7'],
    ['nohost', 'nohost'],
  ])('of %s is %s', (node, role) => {
    expect(nodeRole(node)).toBe(role)
  })

  it('does not depend on the host, nor on the number', () => {
    const hosts = fc.domain()
    fc.assert(
      fc.property(fc.nat(), hosts, hosts, (number, host, other) => {
        expect(nodeRole(`shop-${number}@${host}`)).toBe(nodeRole(`shop@${other}`))
      }),
    )
  })
})

describe('a pattern', () => {
  it('finds the role by its first group', () => {
    expect(nodeRole('n1@web-7.example.org', /@([a-z]+)/)).toBe('web')
  })

  it('finds it by all that it matches, where it has no group or the group is not there', () => {
    expect(nodeRole('web-eu-3@a', /^web-eu/)).toBe('web-eu')
    expect(nodeRole('web-eu-3@a', /^web(-us)?/)).toBe('web')
  })

  it('gives no role to a node in which it finds nothing', () => {
    expect(nodeRole('db1@a', /^web/)).toBeUndefined()
  })

  it('finds the same every time, even if it is one that goes on where it was', () => {
    for (const pattern of [/(web)/g, /(web)/y]) {
      expect([1, 2, 3].map((number) => nodeRole(`web${number}@a`, pattern))).toEqual(
        Array(3).fill('web'),
      )
    }
  })
})
