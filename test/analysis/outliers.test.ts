import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  diagnose,
  type Integer,
  type NodeSummary,
  type OptionValue,
  OUTLIER_LIMITS,
  type Outlier,
  outliers,
  type Snapshot,
  summarizeNode,
} from '../../src/analysis/index.ts'
import { multiply } from '../../src/analysis/integer.ts'
import { areDefaultsKnown } from '../../src/analysis/node-summary.ts'
import { known } from './diagnosis-fixtures.ts'
import { MiB } from './made-snapshots.ts'
import { clusters, summary } from './made-summaries.ts'

const GiB = 1024 * MiB

/** Nodes `web1@h`, `web2@h` and so on. */
function web(...parts: readonly Partial<NodeSummary>[]): readonly NodeSummary[] {
  return parts.map((it, index) => summary(`web${index + 1}@h`, it))
}

/** Nodes that differ in that figure alone. */
function nodes(what: 'waste' | 'resident' | 'allocated', ...values: readonly Integer[]) {
  return web(...values.map((value) => ({ [what]: value })))
}

/** Of each outlier, in what it is one and which. */
function named(summaries: readonly NodeSummary[], role?: RegExp): readonly string[] {
  return outliers(summaries, { role }).map(
    ({ node, what, setting }) => `${node} ${setting ?? what}`,
  )
}

describe('a figure', () => {
  it('makes an outlier of the node that wastes what the others do not', () => {
    expect(outliers(nodes('waste', 20 * MiB, 800 * MiB, 30 * MiB, 22 * MiB))).toEqual([
      {
        node: 'web2@h',
        role: 'web',
        peers: 4,
        what: 'waste',
        value: 800 * MiB,
        typical: 26 * MiB,
        summary: 'web2@h wastes 800 MiB; the median of the 4 nodes of role web is 26 MiB',
      },
    ])
  })

  it('says nothing among two nodes, nor of those that are equal', () => {
    expect(named(nodes('waste', 0, 800 * MiB))).toEqual([])
    expect(named(nodes('waste', GiB, GiB, GiB, GiB))).toEqual([])
    expect(named([])).toEqual([])
  })

  it('counts only nodes that tell it', () => {
    expect(named(web({ waste: 0 }, { waste: undefined }, { waste: GiB }))).toEqual([])
    expect(named(web({ waste: 0 }, { waste: undefined }, { waste: GiB }, { waste: 0 }))).toEqual([
      'web3@h waste',
    ])
  })

  it('has to be worth a look, where all others are equal', () => {
    expect(named(nodes('waste', 0, 0, 0, 64 * MiB))).toEqual([])
    expect(named(nodes('waste', 0, 0, 0, 64 * MiB + 1))).toEqual(['web4@h waste'])
    expect(named(nodes('waste', 4 * GiB, 4 * GiB, 5 * GiB))).toEqual([])
    expect(named(nodes('waste', 4 * GiB, 4 * GiB, 5 * GiB + 1))).toEqual(['web3@h waste'])
  })

  it('has to be unusual, where all differ', () => {
    const apart = [100, 300, 500, 700, 900].map((size) => size * MiB)
    expect(named(nodes('waste', ...apart))).toEqual([])
    // The limit is 3.5 × 1.4826 × 200 MiB above 500 MiB: 1538 MiB.
    expect(named(nodes('waste', ...apart.slice(0, 4), 1537 * MiB))).toEqual([])
    expect(named(nodes('waste', ...apart.slice(0, 4), 1538 * MiB))).toEqual(['web5@h waste'])
  })

  it('is told on its bad side alone', () => {
    const below = [2 * GiB, 2 * GiB, 2 * GiB, 0]
    const above = [2 * GiB, 2 * GiB, 2 * GiB, 4 * GiB]
    expect(named(nodes('waste', ...below))).toEqual([])
    expect(named(nodes('resident', ...below))).toEqual([])
    expect(named(nodes('resident', ...above))).toEqual(['web4@h resident'])
    expect(named(nodes('allocated', ...below))).toEqual(['web4@h allocated'])
    expect(named(nodes('allocated', ...above))).toEqual(['web4@h allocated'])
  })

  it('is compared exactly beyond what a double holds', () => {
    const large = 2n ** 60n
    const quarter = large / 4n
    expect(named(nodes('waste', large, large, large + quarter))).toEqual([])
    expect(outliers(nodes('waste', large, large, large + quarter + 1n))).toMatchObject([
      { value: large + quarter + 1n, typical: large },
    ])
  })

  describe('of usage', () => {
    const used = (usage: number, allocated: number): Partial<NodeSummary> => ({
      usage,
      allocated,
      used: Math.round(allocated * usage),
    })

    it('is told of a node that uses far less than its peers', () => {
      const all = web(used(0.9, GiB), used(0.91, GiB), used(0.3, GiB), used(0.9, GiB))
      expect(outliers(all)).toEqual([
        {
          node: 'web3@h',
          role: 'web',
          peers: 4,
          what: 'usage',
          value: 0.3,
          typical: 0.9,
          summary: 'web3@h uses 30% of its carriers; the median of the 4 nodes of role web is 90%',
        },
      ])
    })

    it('is no matter where it is higher, nearly the same, or of little memory', () => {
      const like = (usage: number, size: number) => used(usage, size)
      expect(named(web(like(0.3, GiB), like(0.3, GiB), like(0.9, GiB)))).toEqual([])
      expect(named(web(like(0.9, GiB), like(0.9, GiB), like(0.76, GiB)))).toEqual([])
      expect(named(web(like(0.9, MiB), like(0.9, MiB), like(0.1, 40 * MiB)))).toEqual([])
    })

    it('that is infinite is left out', () => {
      const wrong = { usage: Number.POSITIVE_INFINITY }
      expect(named(web(wrong, wrong, wrong, used(0.3, GiB)))).not.toContain('web4@h usage')
    })
  })
})

describe('the shape', () => {
  const shaped = (shape: Partial<NodeSummary['shape']>): Partial<NodeSummary> => ({
    shape: { otpRelease: '27', schedulers: 8, settings: {}, ...shape },
  })
  const set = (settings: Readonly<Record<string, OptionValue>>) => shaped({ settings })

  it('makes an outlier of the node of another release', () => {
    expect(outliers(web(shaped({}), shaped({ otpRelease: '25' }), shaped({})))).toEqual([
      {
        node: 'web2@h',
        role: 'web',
        peers: 3,
        what: 'release',
        value: '25',
        typical: '27',
        summary: 'web2@h has OTP 25; 2 of the 3 nodes of role web have OTP 27',
      },
    ])
  })

  it('and of another number of schedulers', () => {
    const all = web(shaped({}), shaped({}), shaped({ schedulers: 2 }))
    expect(outliers(all).map((it) => it.summary)).toEqual([
      'web3@h has 2 schedulers; 2 of the 3 nodes of role web have 8 schedulers',
    ])
  })

  it('says nothing without a majority', () => {
    const releases = ['25', '25', '27', '27'].map((otpRelease) => shaped({ otpRelease }))
    expect(named(web(...releases))).toEqual([])
    const three = ['a', 'b', 'c'].map((as) => set({ 'binary_alloc.as': as }))
    expect(named(web(...three))).toEqual([])
  })

  it('does not compare what a node does not tell', () => {
    const unknown = shaped({ otpRelease: undefined, schedulers: undefined, settings: undefined })
    expect(named(web(unknown, shaped({}), shaped({})))).toEqual([])
    expect(named(web(unknown, shaped({}), shaped({}), shaped({ otpRelease: '25' })))).toEqual([
      'web4@h release',
    ])
  })

  it('makes an outlier of the node that has a flag, and of the one that has it not', () => {
    const flag = set({ 'binary_alloc.as': 'aobf' })
    expect(outliers(web(set({}), flag, set({})))).toMatchObject([
      {
        node: 'web2@h',
        what: 'setting',
        setting: 'binary_alloc.as',
        value: 'aobf',
        typical: undefined,
        summary:
          'web2@h has binary_alloc.as aobf; 2 of the 3 nodes of role web have the default binary_alloc.as',
      },
    ])
    expect(outliers(web(flag, set({}), flag))).toMatchObject([
      { node: 'web2@h', value: undefined, typical: 'aobf' },
    ])
  })

  it('gives sizes in a unit', () => {
    const small = set({ 'binary_alloc.lmbcs': 512 * 1024 })
    const unlimited = set({ 'binary_alloc.sbct': 2n ** 64n - 1n })
    const [first, second] = outliers(web(set({}), small, set({}), unlimited, set({})))
    expect(first?.summary).toContain('has binary_alloc.lmbcs 512 KiB; 4 of the 5')
    expect(second?.summary).toContain('has binary_alloc.sbct without limit; 4 of the 5')
  })

  it('says of an allocator that is turned off nothing but that', () => {
    const flag = { 'binary_alloc.as': 'aobf' }
    expect(named(web(set(flag), set(flag), set({ 'binary_alloc.e': false })))).toEqual([
      'web3@h binary_alloc.e',
    ])
  })

  it('compares settings across releases whose defaults are known, and no others', () => {
    const flag = { 'binary_alloc.as': 'gf' }
    const of = (otpRelease: string, settings: Readonly<Record<string, OptionValue>>) =>
      shaped({ otpRelease, settings })
    expect(named(web(of('25', {}), of('25', {}), of('27', {}), of('27', flag)))).toEqual([
      'web4@h binary_alloc.as',
    ])
    const all = { 'binary_alloc.as': 'aoffcbf' }
    expect(named(web(of('25', {}), of('99', all), of('25', {}), of('99', all)))).toEqual([])
    expect(named(web(of('99', flag), of('99', all), of('99', all)))).toEqual([
      'web1@h binary_alloc.as',
    ])
  })

  it('of real nodes differs by the flags alone, whatever the release and the schedulers', () => {
    const take = (snapshot: Snapshot, index: number) =>
      summarizeNode(`web${index}@h`, snapshot, diagnose(snapshot))
    const idle = ['otp25-s2', 'otp27-s2', 'otp29-s2', 'otp29-s8'].map((it) => known('idle', it))
    const odd = known('binary-fragmented-gf', 'otp29-s2')
    expect(named([...idle].map(take)).filter((it) => it.includes('alloc.'))).toEqual([])
    const found = outliers([...idle, odd].map(take)).filter(({ what }) => what === 'setting')
    expect(found.map(({ node, setting }) => `${node} ${setting}`).toSorted()).toEqual([
      'web4@h binary_alloc.acnl',
      'web4@h binary_alloc.acul',
      'web4@h binary_alloc.as',
      'web4@h binary_alloc.cp',
      'web4@h binary_alloc.mbsd',
    ])
  })
})

describe('peers', () => {
  const wasteful = { waste: GiB }

  it('are the nodes of one role', () => {
    const all = [
      ...web({}, {}, {}),
      summary('db1@h', wasteful),
      summary('db2@h', wasteful),
      summary('db3@h', wasteful),
    ]
    expect(named(all)).toEqual([])
    expect(named([...all, summary('db@other')])).toEqual([])
    expect(named([...all, summary('web@other', wasteful)])).toEqual(['web@other waste'])
  })

  it('can be told by a pattern, and who has no role has none', () => {
    const all = ['a@eu-1', 'b@eu-2', 'c@eu-3'].map((name) => summary(name))
    const odd = summary('d@eu-4', wasteful)
    expect(named([...all, odd])).toEqual([])
    expect(outliers([...all, odd], { role: /@(\w+)-/ })).toMatchObject([
      { node: 'd@eu-4', role: 'eu' },
    ])
    expect(named([...all, odd], /@(eu-[123])/)).toEqual([])
  })
})

describe('outliers', () => {
  const scales = fc.constantFrom(1, 2, 1000, 2 ** 40)

  it('are the same in any order of the nodes', () => {
    fc.assert(
      fc.property(
        clusters.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          expect(outliers(shuffled)).toEqual(outliers(all))
        },
      ),
    )
  })

  it('are one at most for each node and figure, and never what is typical', () => {
    fc.assert(
      fc.property(clusters, (all) => {
        const found = outliers(all)
        const keys = found.map(({ node, what, setting }) => `${node} ${setting ?? what}`)
        expect(new Set(keys).size).toBe(keys.length)
        for (const { value, typical, peers } of found) {
          expect(value).not.toBe(typical)
          expect(peers).toBeGreaterThanOrEqual(OUTLIER_LIMITS.peers)
        }
      }),
    )
  })

  it('are never half of their peers', () => {
    fc.assert(
      fc.property(clusters, (all) => {
        // Without known defaults settings are compared among nodes of one release and as many schedulers.
        const comparable = ({ node, setting }: Outlier): string => {
          const { otpRelease, schedulers } = all.find((it) => it.node === node)?.shape ?? {}
          const isKnown = setting === undefined || areDefaultsKnown(otpRelease)
          return isKnown ? '' : `${otpRelease} ${schedulers}`
        }
        const counts = new Map<string, { count: number; readonly peers: number }>()
        for (const outlier of outliers(all)) {
          const { role, what, setting, peers } = outlier
          const key = [role, what, setting, comparable(outlier)].join(' ')
          const { count } = counts.get(key) ?? { count: 0 }
          counts.set(key, { count: count + 1, peers })
        }
        for (const { count, peers } of counts.values()) expect(2 * count).toBeLessThan(peers)
      }),
    )
  })

  it('stay outliers where there is more of everything', () => {
    fc.assert(
      fc.property(clusters, scales, (all, factor) => {
        const more = (size: Integer | undefined): Integer | undefined =>
          size === undefined ? undefined : multiply(size, factor)
        const scaled = all.map((it) => ({
          ...it,
          waste: more(it.waste),
          resident: more(it.resident),
          allocated: more(it.allocated),
          used: more(it.used),
        }))
        expect(named(scaled)).toEqual(expect.arrayContaining([...named(all)]))
      }),
    )
  })
})
