import { describe, expect, it } from 'vitest'
import { diagnose, type Finding, type Holders, type Snapshot } from '../../src/analysis/index.ts'
import { binaryHolder, holders, holdingProcess } from './made-holders.ts'
import { carriers, instance, MiB, snapshot } from './made-snapshots.ts'

/** A node that uses so much, for the most part for one kind of memory. */
function using(kind: string, bytes: number): Snapshot {
  const mbcs = carriers({ allocated: bytes + 8 * MiB, used: bytes })
  const rest = { processes: 0, binary: 0, ets: 0, code: 0, atom: 0 }
  return snapshot({
    allocators: [instance({ mbcs })],
    memory: { ...rest, [kind]: bytes, total: bytes },
  })
}

function found(id: Finding['id'], of: Snapshot, given: Holders | undefined): Finding | undefined {
  return diagnose(of, { holders: given }).findings.find((it) => it.id === id)
}

const one = holders({
  binaryHolders: [
    binaryHolder(150 * MiB),
    binaryHolder(30 * MiB, { pid: '<0.2.0>', alone: 10 * MiB, registeredName: undefined }),
    binaryHolder(100, { pid: '<0.3.0>' }),
  ],
  heldTogether: 170 * MiB,
  referredTo: 180 * MiB,
})

describe('binaries that few processes hold', () => {
  it('are found, with who holds them and what may be done', () => {
    const finding = found('held-binaries', using('binary', 200 * MiB), one)
    expect(finding).toMatchObject({
      severity: 'info',
      allocator: 'binary_alloc',
      bytes: 170 * MiB,
      verdict: undefined,
      summary: expect.stringMatching(/^One process refers to most of 170 MiB of binaries, 85% of/),
    })
    expect(finding?.evidence.map(({ what, value }) => [what, value])).toEqual([
      ['binaries in all', 200 * MiB],
      ['held by the 3 largest holders together', 170 * MiB],
      ['to which nobody else refers', 160 * MiB + 100],
      [expect.stringContaining('<0.100.0> my_server, 1000 binaries of 154 KiB'), 150 * MiB],
      [expect.stringContaining('<0.2.0> my_server:init/1, 1000'), 30 * MiB],
      [expect.stringContaining('none of 100 processes'), 20 * MiB],
    ])
    expect(finding?.remedies.map(({ flags, restart }) => [flags, restart])).toEqual([
      ['erlang:garbage_collect(Pid)', false],
      ['binary:copy(Part)', false],
    ])
  })

  it('are counted to the half of what they hold', () => {
    const binaryHolders = [40, 40, 40, 40].map((size) => binaryHolder(size * MiB))
    const given = holders({ binaryHolders, heldTogether: 160 * MiB, referredTo: 160 * MiB })
    expect(found('held-binaries', using('binary', 200 * MiB), given)?.summary).toMatch(
      /^2 processes refer to most/,
    )
  })

  it.each<readonly [why: string, Snapshot, Holders | undefined]>([
    ['nobody was asked', using('binary', 200 * MiB), undefined],
    ['there are few', using('binary', 60 * MiB), holders({ ...one, heldTogether: 60 * MiB })],
    ['they are spread over many', using('binary', 2000 * MiB), one],
    ['nobody holds them', using('binary', 200 * MiB), holders()],
  ])('are no finding where %s', (_, of, given) => {
    expect(found('held-binaries', of, given)).toBeUndefined()
  })

  it('are found by what they refer to where the node does not tell its memory', () => {
    const blind = { ...using('binary', 200 * MiB), memory: undefined }
    const finding = found('held-binaries', blind, one)
    expect(finding?.evidence[0]).toMatchObject({
      value: 180 * MiB,
      source: expect.stringContaining('process_info'),
    })
  })

  it('may be estimated, and then are not told from what nobody refers to', () => {
    const estimate = binaryHolder(150 * MiB, {
      isEstimate: true,
      alone: undefined,
      binaries: undefined,
    })
    const given = { ...one, binaryHolders: [estimate], referredTo: undefined }
    const evidence = found('held-binaries', using('binary', 200 * MiB), given)?.evidence ?? []
    expect(evidence.at(-1)).toMatchObject({
      what: expect.stringContaining('binaries, about'),
      source: expect.stringContaining('bin_vheap_size'),
    })
  })
})

describe('memory in use', () => {
  const what = (of: Snapshot, given: Holders | undefined) =>
    found('in-use', of, given)?.evidence.map((it) => it.what)

  it('comes with the largest holders of the kind that is used most', () => {
    const largestProcesses = [
      holdingProcess({ memory: 150 * MiB, messageQueueLen: 70_000 }),
      holdingProcess({ pid: '<0.2.0>', memory: 1 }),
    ]
    const table = { name: 'sessions', type: 'set', protection: 'private', owner: '<0.4.0>' }
    const largestTables = [{ ...table, rows: 12, bytes: 100 * MiB }]
    const given = { ...one, largestProcesses, largestTables }
    expect(what(using('processes', 200 * MiB), given)).toContain(
      'process <0.100.0> my_server, 70000 messages queued',
    )
    expect(what(using('processes', 200 * MiB), given)?.join()).not.toContain('<0.2.0>')
    expect(what(using('ets', 200 * MiB), given)).toContain('table sessions of <0.4.0>, 12 rows')
    expect(what(using('binary', 200 * MiB), given)?.join()).toContain('<0.2.0> my_server:init/1')
  })

  it('has none where nobody was asked, or nobody can be', () => {
    const without = what(using('binary', 200 * MiB), undefined)
    expect(without?.join()).not.toContain('process <')
    expect(what(using('code', 200 * MiB), one)?.join()).not.toContain('process <')
  })
})
