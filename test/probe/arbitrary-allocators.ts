/**
 * Answers of nodes that nobody has, by chance: many ties, many zeros, and integers on both sides of
 * every limit that matters to arithmetic.
 */
import fc from 'fast-check'
import type { Integer } from '../../src/analysis/index.ts'
import type { Term } from '../../src/etf/index.ts'
import { ALLOCATORS } from '../../src/probe/probe.ts'
import {
  answer,
  type CarriersFigures,
  type Figures,
  msegInstance,
  type PoolFigures,
  utilInstance,
} from './answers.ts'

export interface ArbitraryAllocatorsOptions {
  /**
   * `possible`: what a node may answer: where there are no carriers there are no blocks, and bytes only
   * with blocks. `any` breaks that too, where recon divides by zero.
   */
  readonly kinds: 'possible' | 'any'
  /** Beyond which no integer goes. */
  readonly maxBits: number
}

/** A list of allocators, `[{Alloc, Answer}, …]`; instances, and allocators, may occur twice. */
export function arbitraryAllocators(
  options: ArbitraryAllocatorsOptions,
): fc.Arbitrary<readonly Term[]> {
  const integer = arbitraryInteger(BigInt(options.maxBits))
  const instances = fc.array(fc.tuple(fc.nat(4), arbitraryParts(options, integer)), {
    minLength: 1,
    maxLength: 5,
  })
  const util = fc.tuple(fc.constantFrom(...ALLOCATORS), instances).map(([allocator, list]) =>
    answer(
      allocator,
      list.map(([number, parts]) => utilInstance(number, parts)),
    ),
  )
  const kind = fc
    .record({ cacheHits: integer, giga: fc.nat(2_000_000_000), calls: integer })
    // Recon divides by zero for hits without calls.
    .map((it) =>
      options.kinds === 'possible' && it.giga === 0 && it.calls === 0
        ? { ...it, cacheHits: 0 }
        : it,
    )
  const mseg = fc.array(fc.tuple(fc.nat(4), kind), { maxLength: 5 }).map((list) =>
    list.length === 0
      ? []
      : [
          answer(
            'mseg_alloc',
            list.map(([number, figures]) => msegInstance(number, [figures])),
          ),
        ],
  )
  return fc
    .tuple(mseg, fc.array(util, { minLength: 1, maxLength: 12 }))
    .map(([first, rest]) => [...first, ...rest])
}

/** Few values, so that they meet; of every magnitude. */
const POWERS = [52n, 53n, 54n, 59n, 60n, 63n, 64n, 65n, 70n, 100n, 127n]

function arbitraryInteger(maxBits: bigint): fc.Arbitrary<Integer> {
  const powers = POWERS.filter((bits) => bits < maxBits)
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 1, 2, 3, 65_536, 1_048_576) },
    { weight: 4, arbitrary: fc.nat(1_000_000_000) },
    { weight: 2, arbitrary: fc.maxSafeNat() },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...powers), fc.bigInt(-4n, 4n))
        .map(([bits, offset]) => exact((1n << bits) + offset)),
    },
    {
      weight: 1,
      arbitrary: fc.bigInt({ min: 1n << 50n, max: (1n << maxBits) - 1n }).map(exact),
    },
  )
}

function exact(integer: bigint): Integer {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

function arbitraryParts(
  options: ArbitraryAllocatorsOptions,
  integer: fc.Arbitrary<Integer>,
): fc.Arbitrary<{
  readonly mbcs: CarriersFigures
  readonly sbcs: CarriersFigures
  readonly mbcsPool?: PoolFigures
}> {
  const figures: fc.Arbitrary<Figures> = fc.tuple(integer, integer, integer)
  const type = fc.constantFrom(...ALLOCATORS)
  const carriers = fc
    .record({
      blocks: fc.dictionary(
        type,
        fc
          .record({ count: figures, size: figures })
          .map((it) => (options.kinds === 'possible' ? withBlocks(it) : it)),
        { maxKeys: 3 },
      ),
      carriers: figures,
      carriersSize: figures,
    })
    .map((it) => (options.kinds === 'possible' ? withCarriers(it) : it))
  const pool = fc
    .record({
      blocks: fc.dictionary(
        type,
        fc
          .record({ count: integer, size: integer })
          .map((it) => (options.kinds === 'possible' && it.count === 0 ? { ...it, size: 0 } : it)),
        { maxKeys: 3 },
      ),
      carriers: integer,
      carriersSize: integer,
    })
    .map((it) => (options.kinds === 'possible' && it.carriersSize === 0 ? {} : it))
  return fc.record(
    { mbcs: carriers, sbcs: carriers, mbcsPool: pool },
    { requiredKeys: ['mbcs', 'sbcs'] },
  )
}

function each(
  figures: Figures,
  other: Figures,
  pick: (a: Integer, b: Integer) => Integer,
): Figures {
  const [a, b, c] = typeof figures === 'object' ? figures : [figures, figures, figures]
  const [x, y, z] = typeof other === 'object' ? other : [other, other, other]
  return [pick(a, x), pick(b, y), pick(c, z)]
}

/** No bytes where there are no blocks. */
function withBlocks(it: { readonly count: Figures; readonly size: Figures }) {
  return {
    count: it.count,
    size: each(it.size, it.count, (size, count) => (count === 0 ? 0 : size)),
  }
}

/** No blocks where there are no bytes of carriers. */
function withCarriers(it: Required<CarriersFigures>): CarriersFigures {
  const onlyWith = (figures: Figures) =>
    each(figures, it.carriersSize, (figure, size) => (size === 0 ? 0 : figure))
  return {
    ...it,
    blocks: Object.fromEntries(
      Object.entries(it.blocks).map(([type, { count, size }]) => [
        type,
        { count: onlyWith(count), size: onlyWith(size) },
      ]),
    ),
  }
}
