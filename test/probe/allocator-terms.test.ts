import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BeamscopeError } from '../../src/errors.ts'
import {
  atom,
  EncodedTerm,
  isList,
  isTuple,
  string,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { readAllocators, readMemory } from '../../src/probe/allocator-terms.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  AllocatorShapeError,
  MemoryShapeError,
} from '../../src/probe/allocator-terms-error.ts'
import { answer, carriers, instance, msegInstance, pool, utilInstance } from './answers.ts'
import { arbitraryAllocators } from './arbitrary-allocators.ts'

/** What was thrown, for a look at its fields. */
function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('an instance', () => {
  it('of OTP 23 and later has its blocks by type, and their sums', () => {
    const { allocators } = readAllocators([
      answer('binary_alloc', [
        instance(3, {
          versions: [],
          options: [
            tuple(atom('e'), atom('true')),
            tuple(atom('mmmbc'), 2n ** 64n - 1n),
            tuple(atom('as'), atom('aoffcbf')),
          ],
          mbcs: carriers({
            blocks: {
              binary_alloc: { count: [1, 2, 3], size: [10, 20, 30] },
              ets_alloc: { count: 4, size: 2n ** 63n },
            },
            carriers: 2,
            carriersSize: [100, 200, 300],
          }),
          mbcs_pool: pool({
            blocks: {
              binary_alloc: { count: 1, size: 2 },
              ets_alloc: { count: 3, size: 4 },
            },
            carriers: 5,
            carriersSize: 6,
          }),
          sbcs: carriers(),
          calls: [tuple(atom('binary_alloc'), 2, 5)],
        }),
      ]),
    ])
    expect(allocators).toEqual([
      {
        allocator: 'binary_alloc',
        instance: 3,
        options: { e: true, mmmbc: 2n ** 64n - 1n, as: 'aoffcbf' },
        mbcs: {
          blocks: { current: 5, lastMax: 6, max: 7 },
          blocksSize: { current: 2n ** 63n + 10n, lastMax: 2n ** 63n + 20n, max: 2n ** 63n + 30n },
          blocksByType: [
            {
              allocator: 'binary_alloc',
              count: { current: 1, lastMax: 2, max: 3 },
              size: { current: 10, lastMax: 20, max: 30 },
            },
            {
              allocator: 'ets_alloc',
              count: { current: 4, lastMax: 4, max: 4 },
              size: { current: 2n ** 63n, lastMax: 2n ** 63n, max: 2n ** 63n },
            },
          ],
          carriers: { current: 2, lastMax: 2, max: 2 },
          carriersSize: { current: 100, lastMax: 200, max: 300 },
          msegAllocCarriers: 0,
          sysAllocCarriers: 1,
          msegAllocCarriersSize: 0,
          sysAllocCarriersSize: 65_536,
        },
        mbcsPool: {
          blocks: 4,
          blocksSize: 6,
          blocksByType: [
            { allocator: 'binary_alloc', count: 1, size: 2 },
            { allocator: 'ets_alloc', count: 3, size: 4 },
          ],
          carriers: 5,
          carriersSize: 6,
          statistics: { fetch: 0, fail_pooled: 0 },
        },
        sbcs: expect.objectContaining({ blocksByType: [] }),
        calls: { binary_alloc: 2_000_000_005 },
        fixTypes: [],
      },
    ])
  })

  it('of OTP 22 has its blocks in one counter, and those of others in the pool apart', () => {
    const old = [
      tuple(atom('blocks'), 1, 2, 3),
      tuple(atom('blocks_size'), 10, 20, 30),
      tuple(atom('carriers'), 1, 1, 1),
      tuple(atom('mseg_alloc_carriers'), 1),
      tuple(atom('sys_alloc_carriers'), 0),
      tuple(atom('carriers_size'), 100, 100, 100),
      tuple(atom('mseg_alloc_carriers_size'), 100),
      tuple(atom('sys_alloc_carriers_size'), 0),
    ]
    const { allocators } = readAllocators([
      answer('ets_alloc', [
        instance(1, {
          mbcs: old,
          mbcs_pool: [
            tuple(atom('blocks'), 7),
            tuple(atom('blocks_size'), 8),
            tuple(atom('foreign_blocks'), [
              tuple(atom('sl_alloc'), [tuple(atom('blocks'), 9), tuple(atom('blocks_size'), 90)]),
            ]),
            tuple(atom('carriers'), 2),
            tuple(atom('carriers_size'), 200),
            tuple(atom('fetch'), 0, 4),
          ],
          sbcs: old,
        }),
      ]),
    ])
    expect(allocators).toMatchObject([
      {
        mbcs: {
          blocks: { current: 1, lastMax: 2, max: 3 },
          blocksSize: { current: 10, lastMax: 20, max: 30 },
          blocksByType: [],
        },
        mbcsPool: {
          blocks: 7,
          blocksSize: 8,
          blocksByType: [
            { allocator: 'ets_alloc', count: 7, size: 8 },
            { allocator: 'sl_alloc', count: 9, size: 90 },
          ],
          statistics: { fetch: 4 },
        },
      },
    ])
  })

  it('that recon keeps has both, and recon is taken at its word', () => {
    const byType = [
      tuple(atom('sl_alloc'), [tuple(atom('count'), 1, 1, 1), tuple(atom('size'), 2, 2, 2)]),
    ]
    const kept = [
      tuple(atom('blocks'), 1, 1, 1),
      tuple(atom('blocks_size'), 2, 2, 2),
      tuple(atom('foreign_blocks'), []),
      tuple(atom('raw_blocks'), byType),
      tuple(atom('carriers'), 1, 1, 1),
      tuple(atom('carriers_size'), 3, 3, 3),
    ]
    const { allocators } = readAllocators([
      tuple(tuple(atom('erts_mmap'), 0), [tuple(atom('default_mmap'), [])]),
      tuple(tuple(atom('sl_alloc'), 4), [tuple(atom('mbcs'), kept), tuple(atom('sbcs'), kept)]),
    ])
    expect(allocators).toMatchObject([
      {
        allocator: 'sl_alloc',
        instance: 4,
        mbcs: {
          blocks: { current: 1 },
          blocksByType: [{ allocator: 'sl_alloc', size: { current: 2 } }],
          sysAllocCarriers: undefined,
        },
        mbcsPool: undefined,
      },
    ])
  })

  it('may have fields that nobody knows yet', () => {
    const { allocators } = readAllocators([
      answer('ets_alloc', [
        instance(0, {
          mbcs: [...carriers(), tuple(atom('new'), 1), atom('flag'), 5],
          sbcs: carriers(),
          news: string('x'),
        }),
      ]),
    ])
    expect(allocators).toHaveLength(1)
  })
})

describe('mseg_alloc', () => {
  it('puts its kinds of memory in the order of terms, so that the first is recon’s', () => {
    const { mseg } = readAllocators([
      answer('mseg_alloc', [
        msegInstance(0, [
          { name: 'low memory', cacheHits: 1 },
          { name: 'all memory', cacheHits: 2 },
        ]),
      ]),
    ])
    expect(mseg).toMatchObject([
      { instance: 0, options: { mcs: 10 }, memoryKinds: [{ cacheHits: 2 }, { cacheHits: 1 }] },
    ])
  })

  it('may have no kind of memory', () => {
    const { mseg } = readAllocators([answer('mseg_alloc', [msegInstance(0, [])])])
    expect(mseg).toEqual([{ instance: 0, options: { mcs: 10 }, memoryKinds: [] }])
  })
})

describe('erts_mmap', () => {
  const sizes = (entries: Readonly<Record<string, number | bigint>>) =>
    tuple(
      atom('sizes'),
      Object.entries(entries).map(([name, size]) => tuple(atom(name), size)),
    )

  it('has mappers, with a super carrier or without', () => {
    const { mappers } = readAllocators([
      answer('erts_mmap', [
        tuple(atom('default_mmap'), [
          tuple(atom('options'), [tuple(atom('scs'), 0)]),
          tuple(atom('os'), [sizes({ used: 5 })]),
        ]),
        tuple(atom('literal_mmap'), [
          tuple(atom('supercarrier'), [sizes({ total: 10, total_sa: 1, used: 3 })]),
        ]),
      ]),
    ])
    expect(mappers).toEqual({
      default_mmap: { options: { scs: 0 }, superCarrier: undefined, osUsed: 5 },
      literal_mmap: {
        options: {},
        superCarrier: { total: 10, used: 3, sizes: { total: 10, total_sa: 1, used: 3 } },
        osUsed: undefined,
      },
    })
  })
})

describe('an allocator', () => {
  it('that is disabled is named', () => {
    const parts = readAllocators([
      answer('sl_alloc', atom('false')),
      answer('ll_alloc', [instance(0, { options: [tuple(atom('e'), atom('false'))] })]),
    ])
    expect(parts).toMatchObject({ allocators: [], disabled: ['sl_alloc', 'll_alloc'] })
  })

  it('that is unknown is kept if it can be read, and named if not', () => {
    const parts = readAllocators([
      answer('new_alloc', [utilInstance(0)]),
      answer('odd_alloc', [instance(0, { temperature: 5 })]),
      answer('atomic_alloc', atom('hot')),
      answer('flat_alloc', [5]),
    ])
    expect(parts.allocators).toMatchObject([{ allocator: 'new_alloc' }])
    expect(parts.unknown).toEqual(['odd_alloc', 'atomic_alloc', 'flat_alloc'])
  })
})

describe('what is not what was asked', () => {
  const broken = (value: Term) =>
    readAllocators([answer('ets_alloc', [instance(7, { mbcs: value, sbcs: carriers() })])])

  it('is no list of allocators', () => {
    expect(thrownBy(() => readAllocators(atom('badarg')))).toBeInstanceOf(AllocatorListError)
    expect(thrownBy(() => readAllocators([tuple(1, 2)]))).toMatchObject({
      code: 'ERR_ALLOCATOR_LIST',
      found: '{1,2}',
    })
  })

  it('is a field of another shape, whose place and outline are told', () => {
    const shape = thrownBy(() => broken([tuple(atom('blocks'), 1, atom('x'), 3)]))
    expect(shape).toBeInstanceOf(AllocatorShapeError)
    expect(shape).toMatchObject({
      code: 'ERR_ALLOCATOR_SHAPE',
      allocator: 'ets_alloc',
      instance: 7,
      path: 'mbcs',
      found: '{blocks,1,x,3}',
      message: 'ets_alloc 7, mbcs: expected {blocks, Current, LastMax, Max}, found {blocks,1,x,3}',
    })
  })

  it('is deeper down, with the whole path', () => {
    const type = tuple(atom('ets_alloc'), [tuple(atom('count'), 1), tuple(atom('size'), 1, 1, 1)])
    expect(thrownBy(() => broken([tuple(atom('blocks'), [type])]))).toMatchObject({
      path: 'mbcs.blocks.ets_alloc',
      expected: '{count, Current, LastMax, Max}',
    })
  })

  it('is a list without a field', () => {
    expect(thrownBy(() => broken(carriers().slice(0, 1)))).toBeInstanceOf(
      AllocatorFieldMissingError,
    )
    expect(thrownBy(() => broken(carriers().slice(0, 1)))).toMatchObject({
      code: 'ERR_ALLOCATOR_FIELD_MISSING',
      path: 'mbcs.carriers',
      message: 'ets_alloc 7, mbcs.carriers: the field is missing',
    })
    expect(
      thrownBy(() => readAllocators([answer('ets_alloc', [instance(7, { mbcs: carriers() })])])),
    ).toMatchObject({ path: 'sbcs' })
  })

  it('is no number that a machine could count', () => {
    const huge = 2n ** 128n
    expect(thrownBy(() => broken(carriers({ carriersSize: huge })))).toBeInstanceOf(
      AllocatorShapeError,
    )
  })

  it('is an answer that is no list of instances', () => {
    expect(thrownBy(() => readAllocators([answer('ets_alloc', atom('true'))]))).toMatchObject({
      allocator: 'ets_alloc',
      instance: undefined,
      path: '',
      found: 'true',
    })
  })

  it('is short in a message, however long it is', () => {
    const long: Term = Array.from({ length: 1_000 }, () => [tuple(...Array(1_000).fill(1))])
    const error = thrownBy(() => broken(tuple(atom('x'), long)))
    expect(error).toBeInstanceOf(AllocatorShapeError)
    expect(String(error).length).toBeLessThan(300)
  })
})

describe('the error for an answer of another shape', () => {
  it('shows names that came from the node as they can be printed', () => {
    const name = `calls\u001b[31m${'x'.repeat(200)}\n`
    const answers = [
      answer('binary_alloc', [instance(0, { calls: [tuple(atom(name), 1)] })]),
      answer(name, [instance(0, { calls: 1 })]),
    ]
    for (const it of answers) {
      const error = thrownBy(() => readAllocators([it]))
      expect(error).toBeInstanceOf(AllocatorShapeError)
      expect(String(error)).not.toMatch(/\p{Cc}/u)
    }
  })
})

describe('instances that have parts in common', () => {
  const two = (first: Term, second: Term) => readAllocators([answer('ets_alloc', [first, second])])
  const used = (size: number) => ({ blocks: { ets_alloc: { count: 1, size } }, carriersSize: 100 })

  it('are read as if they had none', () => {
    const parts = { mbcs: used(50), mbcsPool: { carriers: 1, carriersSize: 7 } }
    const { allocators } = two(utilInstance(0, parts), utilInstance(1, parts))
    const [alone] = readAllocators([answer('ets_alloc', [utilInstance(1, parts)])]).allocators
    expect(allocators[1]).toEqual(alone)
    expect(allocators[1]).toEqual({ ...allocators[0], instance: 1 })
  })

  it('are each as if it stood alone, whatever they are', () => {
    fc.assert(
      fc.property(arbitraryAllocators({ kinds: 'any', maxBits: 80 }), (list) => {
        const alone = list.flatMap((entry) => {
          const [allocator, instances] = isTuple(entry, 2) ? entry.elements : []
          if (allocator === undefined || !isList(instances)) return []
          return instances.flatMap((one) => readAllocators([tuple(allocator, [one])]).allocators)
        })
        expect(readAllocators(list).allocators).toEqual(alone)
      }),
      { numRuns: 50 },
    )
  })

  it('of sys_alloc count once, and what follows them is read', () => {
    const sys = (number: number, trim: number) =>
      instance(number, { options: [tuple(atom('tt'), trim)] })
    const { allocators, sysAllocOptions } = readAllocators([
      answer('sys_alloc', [sys(0, 1), sys(1, 2)]),
      answer('ets_alloc', [utilInstance(3)]),
    ])
    expect(sysAllocOptions).toEqual({ tt: 1 })
    expect(allocators.map((it) => it.instance)).toEqual([3])
  })

  it('each have what is their own', () => {
    const { allocators } = two(
      utilInstance(0, { mbcs: used(50) }),
      utilInstance(1, { mbcs: used(51) }),
    )
    expect(allocators.map(({ mbcs }) => mbcs.blocksSize.current)).toEqual([50, 51])
    expect(allocators[1]?.options).toBe(allocators[0]?.options)
  })

  it('may be of another allocator, whose pool means something else', () => {
    // As OTP 22 has it: the type of the blocks is the allocator’s own.
    const properties = {
      mbcs: carriers(),
      mbcs_pool: ['blocks', 'blocks_size', 'carriers', 'carriers_size'].map((name) =>
        tuple(atom(name), 1),
      ),
      sbcs: carriers(),
    }
    const { allocators } = readAllocators(
      ['ets_alloc', 'binary_alloc'].map((name) => answer(name, [instance(0, properties)])),
    )
    expect(allocators.map(({ mbcsPool }) => mbcsPool?.blocksByType[0]?.allocator)).toEqual([
      'ets_alloc',
      'binary_alloc',
    ])
  })
})

describe('the bytes of an answer', () => {
  const { bytes } = EncodedTerm.of([
    answer('ets_alloc', [utilInstance(0), utilInstance(1, { mbcs: { carriersSize: 2n ** 60n } })]),
    answer('mseg_alloc', [msegInstance(0, [{}])]),
  ])

  it('are no answer where they break off', () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = new EncodedTerm(bytes.subarray(0, length))
      expect(thrownBy(() => readAllocators(cut))).toMatchObject({
        code: expect.stringMatching(/^ERR_/),
      })
    }
  })

  it('are no answer where something follows', () => {
    const longer = new EncodedTerm(Uint8Array.of(...bytes, 106))
    expect(thrownBy(() => readAllocators(longer))).toMatchObject({ code: 'ERR_TERM_INVALID' })
  })

  it('are an answer or a typed error, whatever becomes of them', () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = bytes.slice()
        for (const [position, byte] of changes) changed[position] = byte
        try {
          readAllocators(new EncodedTerm(changed))
        } catch (error) {
          expect(error).toBeInstanceOf(BeamscopeError)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('memory', () => {
  it('is read by its keys', () => {
    expect(readMemory([tuple(atom('total'), 5), tuple(atom('ets'), 2n ** 60n)])).toEqual({
      total: 5,
      ets: 2n ** 60n,
    })
  })

  it('is nothing else than a list of sizes', () => {
    expect(() => readMemory(atom('notsup'))).toThrow(MemoryShapeError)
    expect(() => readMemory([tuple(atom('total'), atom('much'))])).toThrow(MemoryShapeError)
  })
})
