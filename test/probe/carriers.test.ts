import { describe, expect, test } from 'vitest'
import { carrierReports } from '../../src/analysis/carriers.ts'
import { atom, equals, isTuple, string, type Term, tuple } from '../../src/etf/index.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { RemoteExceptionError } from '../../src/node/remote-error.ts'
import { probeCarriers } from '../../src/probe/carriers.ts'
import type { Callee } from '../../src/probe/probe.ts'
import { utilInstance } from './answers.ts'

const NODE = 'rabbit@host'

type Answer = (args: readonly Term[]) => Term

/** A node with two allocators, of which each has one instance with three carriers. */
function callee(
  carriers: Answer,
  allocators: Term = twoAllocators(),
  release = '25',
): Callee & { asked: Term[] } {
  const asked: Term[] = []
  return {
    name: NODE,
    asked,
    async call(module, name, args) {
      if (module === 'instrument' && name === 'carriers') {
        asked.push(...args)
        return carriers(args)
      }
      return equals(args[0] ?? [], atom('otp_release')) ? string(release) : allocators
    },
  }
}

function twoAllocators(): Term {
  const instances = [utilInstance(1, { mbcs: { carriers: 3 } })]
  return ['binary_alloc', 'ets_alloc'].map((name) => tuple(atom(name), instances))
}

function carrier(parts: {
  readonly size?: Term
  readonly blocks?: Term
  readonly free?: readonly number[]
}): Term {
  const { size = 1000, blocks = [tuple(atom('binary_alloc'), 1, 10)], free = [1, 2] } = parts
  return tuple(atom('binary_alloc'), atom('false'), size, 0, blocks, tuple(...free))
}

const answer = (...carriers: readonly Term[]): Term => tuple(atom('ok'), tuple(512, carriers))

const ALLOCATORS = { allocators: ['binary_alloc', 'ets_alloc'], histogramWidth: 2 }

describe('a scan of carriers', () => {
  test('asks for one allocator after the other, with the options that were chosen', async () => {
    const node = callee(() => answer(carrier({})))
    const options = { ...ALLOCATORS, schedulers: [1], histogramStart: 64 }
    const scan = await probeCarriers(node, options)
    expect(scan.ran).toEqual([
      'instrument:carriers(#{allocator_types => [binary_alloc],histogram_start => 64,' +
        'histogram_width => 2,scheduler_ids => [1]})',
      expect.stringContaining('[ets_alloc]'),
    ])
    expect(node.asked).toHaveLength(2)
    expect(scan.carriers).toEqual([
      {
        allocator: 'binary_alloc',
        inPool: false,
        size: 1000,
        unscanned: 0,
        blocks: [{ type: 'binary_alloc', count: 1, size: 10 }],
        freeBlocks: [1, 2],
      },
      expect.anything(),
    ])
    expect(scan).toMatchObject({ otpRelease: '25', missing: [] })
    expect(carrierReports(scan)[0]?.counted).toBe(3)
  })

  test('says which application a node lacks', async () => {
    const node = callee(() => {
      throw new RemoteExceptionError(NODE, atom('undef'), [])
    })
    await expect(probeCarriers(node, ALLOCATORS)).rejects.toMatchObject({
      code: 'ERR_INSTRUMENT_MISSING',
      application: 'tools',
      message: expect.stringContaining('tools on OTP 25'),
      hint: expect.stringContaining('add tools'),
    })
  })

  test('says no release that is none', async () => {
    const undef: Answer = () => {
      throw new RemoteExceptionError(NODE, atom('undef'), [])
    }
    const node = callee(undef, twoAllocators(), '27\u001b[31m')
    await expect(probeCarriers(node, ALLOCATORS)).rejects.toMatchObject({
      code: 'ERR_INSTRUMENT_MISSING',
      message: expect.stringMatching(/on OTP 26 and later$/),
    })
  })

  test('keeps what it has when time runs out, and names the rest', async () => {
    let calls = 0
    const node = callee(() => {
      calls++
      if (calls === 2) throw new TimeoutError('instrument:carriers/1', 1)
      return answer(carrier({}))
    })
    const { carriers, missing } = await probeCarriers(node, ALLOCATORS)
    expect(carriers).toHaveLength(1)
    expect(missing).toEqual([{ what: 'ets_alloc', why: expect.stringContaining('no time left') }])
  })

  test('ends in the time-out when there was no time for anything', async () => {
    const node = callee(() => {
      throw new TimeoutError('instrument:carriers/1', 1)
    })
    await expect(probeCarriers(node, ALLOCATORS)).rejects.toBeInstanceOf(TimeoutError)
  })

  test('does not scan an allocator of very many carriers', async () => {
    const node = callee(() => answer(carrier({})))
    const { missing } = await probeCarriers(node, { ...ALLOCATORS, maxCarriers: 2 })
    expect(node.asked).toEqual([])
    expect(missing).toEqual(
      ['binary_alloc', 'ets_alloc'].map((what) => ({
        what,
        why: expect.stringContaining('has 3 carriers, and more than 2 are not scanned'),
      })),
    )
  })

  test('passes over what is disabled, not enabled there, or refused', async () => {
    const disabled = [
      tuple(atom('binary_alloc'), atom('false')),
      tuple(atom('ets_alloc'), [utilInstance(1)]),
      tuple(atom('ll_alloc'), [utilInstance(1)]),
    ]
    const answers: readonly Answer[] = [
      () => tuple(atom('error'), atom('not_enabled')),
      () => {
        throw new RemoteExceptionError(NODE, atom('badarg'), [])
      },
    ]
    let calls = 0
    const node = callee((args) => answers[calls++]?.(args) ?? [], disabled)
    const allocators = ['binary_alloc', 'ets_alloc', 'll_alloc']
    const { missing } = await probeCarriers(node, { allocators, histogramWidth: 2 })
    expect(missing.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      'binary_alloc: disabled on the node',
      'ets_alloc: no instance of it is enabled',
      expect.stringContaining('ll_alloc: rabbit@host: the function failed with badarg'),
    ])
  })

  test('refuses a scheduler that the node does not have', async () => {
    const node = callee(() => answer())
    await expect(probeCarriers(node, { ...ALLOCATORS, schedulers: [9] })).rejects.toMatchObject({
      code: 'ERR_NO_SUCH_INSTANCE',
      instance: 9,
      hint: expect.stringContaining('1 to 1'),
    })
  })

  test.each<readonly [what: string, answer: Term]>([
    ['no tuple', atom('ok')],
    ['no list', tuple(atom('ok'), tuple(512, 7))],
    ['a carrier of another arity', answer(tuple(atom('binary_alloc')))],
    ['a size below nothing', answer(carrier({ size: -1 }))],
    ['a size that is no integer', answer(carrier({ size: atom('big') }))],
    ['blocks that are no list', answer(carrier({ blocks: 1 }))],
    ['blocks of another shape', answer(carrier({ blocks: [tuple(1, 2, 3)] }))],
    ['a histogram of another width', answer(carrier({ free: [1, 2, 3] }))],
    ['a histogram with less than nothing', answer(carrier({ free: [1, -2] }))],
  ])('rejects %s', async (_, wrong) => {
    await expect(
      probeCarriers(
        callee(() => wrong),
        ALLOCATORS,
      ),
    ).rejects.toMatchObject({
      code: 'ERR_NODE_UNEXPECTED_REPLY',
      node: NODE,
    })
  })

  test('reads sizes beyond 2^53', async () => {
    const size = 2n ** 60n
    const { carriers } = await probeCarriers(
      callee(() => answer(carrier({ size }))),
      ALLOCATORS,
    )
    expect(carriers[0]?.size).toBe(size)
    expect(isTuple(answer())).toBe(true)
  })
})
