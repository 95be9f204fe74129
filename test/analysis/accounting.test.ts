import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accountFor, accountingLine } from '../../src/analysis/accounting.ts'
import type { AccountingId, AccountingLine, Integer } from '../../src/analysis/index.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'
import {
  carriers,
  instance,
  KiB,
  MiB,
  pool,
  resident,
  segments,
  snapshot,
} from './made-snapshots.ts'

function exactSum(parts: readonly (Integer | undefined)[]): bigint {
  return parts.reduce((total: bigint, part) => total + BigInt(part ?? 0), 0n)
}

/** Every line with parts, whose bytes are known. */
function sums(line: AccountingLine): readonly AccountingLine[] {
  const below = line.parts.flatMap(sums)
  return line.parts.length > 0 && line.bytes !== undefined ? [line, ...below] : below
}

function expectToAddUp(line: AccountingLine): void {
  for (const { id, bytes, parts } of sums(line)) {
    expect(exactSum(parts.map((part) => part.bytes)), id).toBe(BigInt(bytes ?? 0))
  }
}

function linesOf(line: AccountingLine): readonly AccountingLine[] {
  return [line, ...line.parts.flatMap(linesOf)]
}

/** A node with 100 MiB in one allocator, of which 30 are used. */
const node = snapshot({
  allocators: [
    instance({
      mbcs: carriers({ allocated: 40 * MiB, used: 10 * MiB, count: 8 }),
      mbcsPool: pool(50 * MiB, 12 * MiB, 10),
      sbcs: carriers({ allocated: 10 * MiB, used: 8 * MiB, count: 2 }),
    }),
  ],
  memory: { total: 35 * MiB, code: 6 * MiB },
  os: resident(150 * MiB),
  ...segments(98 * MiB, 105 * MiB),
})

function bytesOf(id: AccountingId, of = node): Integer | undefined {
  return accountingLine(accountFor(of), id).bytes
}

describe('the way from resident to used', () => {
  test('leads through every part', () => {
    expect(bytesOf('resident')).toBe(150 * MiB)
    expect(bytesOf('allocated')).toBe(100 * MiB)
    expect(bytesOf('used')).toBe(30 * MiB)
    expect(bytesOf('unused_floor')).toBe((64 + 512) * KiB)
    expect(bytesOf('unused_above_floor')).toBe(68 * MiB - (64 + 512) * KiB)
    expect(bytesOf('unused_single_block')).toBe(2 * MiB)
    expect(bytesOf('mseg_cache')).toBe(7 * MiB)
    expect(bytesOf('machine_code')).toBe(5 * MiB)
    expect(bytesOf('unexplained')).toBe(38 * MiB)
    expect(bytesOf('not_resident')).toBe(0)
    expect(bytesOf('pooled')).toBe(50 * MiB)
  })

  test('says what is not resident of it, where carriers hold more than is', () => {
    const untouched = { ...node, os: resident(90 * MiB) }
    expect(bytesOf('unexplained', untouched)).toBe(0)
    expect(bytesOf('not_resident', untouched)).toBe(-22 * MiB)
    expectToAddUp(accountFor(untouched).resident)
  })

  test('takes no more for machine code than there is code', () => {
    expect(bytesOf('machine_code', { ...node, memory: { total: 90 * MiB, code: 6 * MiB } })).toBe(
      6 * MiB,
    )
    expect(bytesOf('machine_code', { ...node, memory: { total: 20 * MiB, code: 6 * MiB } })).toBe(0)
  })

  test('takes two figures of different moments for an empty cache', () => {
    const line = accountingLine(accountFor({ ...node, ...segments(9, 4) }), 'mseg_cache')
    expect(line).toMatchObject({ bytes: 0, why: 'the two figures are not of one moment' })
  })

  test('counts a super carrier where there is one', () => {
    const mapper = {
      options: {},
      superCarrier: { total: 1024 * MiB, used: 101 * MiB, sizes: {} },
      osUsed: undefined,
    }
    const carried = { ...node, mappers: { default_mmap: mapper } }
    expect(bytesOf('mseg_cache', carried)).toBe(3 * MiB)
    expect(bytesOf('super_carrier', carried)).toBe(1024 * MiB)
    expect(bytesOf('super_carrier_used', carried)).toBe(101 * MiB)
  })

  test('says what literals and super carriers reserve, and that there is none', () => {
    const carried = known('idle-super-carrier', 'otp25-s2')
    expect(bytesOf('super_carrier', carried)).toBe(1024 * MiB)
    expect(bytesOf('super_carrier_used', carried)).toBeGreaterThan(10 * MiB)
    const plain = known('idle', 'otp25-s2')
    expect(bytesOf('super_carrier', plain)).toBe(0)
    expect(bytesOf('literals', plain)).toBe(MiB)
    expect(bytesOf('literals_reserved', plain)).toBe(1024 * MiB)
  })

  test.each(knownStates)('adds up on $state/$node', ({ snapshot }) => {
    const accounting = accountFor(snapshot)
    expectToAddUp(accounting.resident)
    expect(exactSum(accounting.allocators.map(({ allocated }) => allocated))).toBe(
      BigInt(accountingLine(accounting, 'allocated').bytes ?? 0),
    )
    for (const { unused, floor, aboveFloor, singleBlockUnused } of accounting.allocators) {
      expect(exactSum([floor, aboveFloor, singleBlockUnused])).toBe(BigInt(unused))
    }
  })

  test('adds up exactly for any figures', () => {
    const size = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n }))
    const anyCarriers = fc.record({
      allocated: size,
      used: size,
      maxUsed: size,
      maxAllocated: size,
    })
    const anyInstance = fc
      .tuple(anyCarriers, anyCarriers, size, size)
      .map(([mbcs, sbcs, a, u]) =>
        instance({ mbcs: carriers(mbcs), sbcs: carriers(sbcs), mbcsPool: pool(a, u) }),
      )
    fc.assert(
      fc.property(fc.array(anyInstance), size, size, size, (allocators, rss, inUse, mapped) => {
        const any = snapshot({ allocators, os: resident(rss), ...segments(inUse, mapped) })
        expectToAddUp(accountFor(any).resident)
      }),
    )
  })
})

describe('a part that is not known', () => {
  test.each(knownStates)('has a reason on $state/$node, and so has every line', ({ snapshot }) => {
    const { resident, notes } = accountFor({ ...snapshot, os: undefined, memory: undefined })
    for (const line of [...linesOf(resident), ...notes]) {
      expect(line.source).not.toBe('')
      if (line.bytes === undefined) expect(line.why, line.id).toBeTypeOf('string')
    }
  })

  test('leaves the resident size out, and never guesses it', () => {
    const accounting = accountFor({ ...node, os: undefined })
    expect(accounting.resident.bytes).toBeUndefined()
    expect(accountingLine(accounting, 'unexplained').bytes).toBeUndefined()
    expect(accountingLine(accounting, 'not_resident').bytes).toBeUndefined()
    expect(accountingLine(accounting, 'allocated').bytes).toBe(100 * MiB)
  })

  test('repeats why the resident size is missing', () => {
    const why = 'the node may not run on Linux'
    const missing = [{ what: 'resident size', why }]
    expect(accountFor({ ...node, os: undefined, missing }).resident.why).toBe(why)
  })

  test('is what malloc holds for a disabled allocator', () => {
    const allocated = accountingLine(
      accountFor(known('idle-without-binary-alloc', 'otp25-s2')),
      'allocated',
    )
    expect(allocated.why).toContain('binary_alloc')
  })

  test('is everything where the snapshot has no allocator', () => {
    const accounting = accountFor(snapshot({ os: resident(MiB) }))
    expect(accountingLine(accounting, 'allocated')).toMatchObject({
      bytes: undefined,
      why: 'the snapshot holds no allocator',
    })
    expect(accountingLine(accounting, 'unexplained').bytes).toBe(MiB)
  })
})

describe('machine code', () => {
  test('lies outside the allocators with a JIT, which OTP 23 does not have', () => {
    expect(bytesOf('machine_code', known('code', 'otp23-s2'))).toBe(0)
    for (const release of [25, 27, 29]) {
      expect(bytesOf('machine_code', known('code', `otp${release}-s2`))).toBeGreaterThan(5 * MiB)
    }
  })
})

describe('the accounts of the allocators', () => {
  test('begin with the one that wastes most, and its worst instance', () => {
    const [worst] = accountFor(known('eheap-fragmented', 'otp29-s8')).allocators
    expect(worst?.allocator).toBe('eheap_alloc')
    const wasted = worst?.instances.map(({ aboveFloor }) => Number(aboveFloor)) ?? []
    expect(wasted.length).toBeGreaterThan(1)
    expect(wasted).toEqual(wasted.toSorted((left, right) => right - left))
  })

  test('show the settings that are in force, by the instances that have them', () => {
    const binary = (state: string) =>
      accountFor(known(state, 'otp29-s2')).allocators.find(
        ({ allocator }) => allocator === 'binary_alloc',
      )?.settings
    expect(binary('idle')).toMatchObject([
      { instances: [0], options: { as: 'aoffcbf', acul: 0 } },
      { instances: [1, 2], options: { as: 'aoffcbf', acul: 60 } },
    ])
    // Asked for was `+MBacul 0`, and nothing of the strategy.
    expect(binary('binary-fragmented-no-migration')).toMatchObject([
      { instances: [0, 1, 2], options: { as: 'bf', acul: 0 } },
    ])
  })

  test('include literal_alloc, which recon leaves out', () => {
    const literal = accountFor(known('persistent-terms', 'otp25-s2')).allocators.find(
      ({ allocator }) => allocator === 'literal_alloc',
    )
    expect(literal?.used).toBeGreaterThan(150 * MiB)
  })
})
