import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/analysis/diagnose.ts'
import type { Finding, Remedy } from '../../src/analysis/index.ts'
import { vmArgs } from '../../src/analysis/vm-args.ts'
import { known, knownStates } from './diagnosis-fixtures.ts'

function finding(id: Finding['id'], remedies: readonly Partial<Remedy>[]): Finding {
  return {
    id,
    severity: 'info',
    allocator: 'binary_alloc',
    summary: 'It is so.',
    bytes: 1,
    verdict: undefined,
    evidence: [],
    remedies: remedies.map((remedy) => ({
      flags: '+MBas aobf',
      why: 'why',
      price: 'price',
      restart: true,
      ...remedy,
    })),
  }
}

/** Without the header, and without empty lines. */
function linesOf(...findings: readonly Finding[]): readonly string[] {
  return vmArgs(findings)
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
}

describe('the lines for vm.args', () => {
  test.each(['x\n-eval halt()', 'x\r-eval', 'x y', '\u001b[2J', ''])(
    'have none that a node has put into the name of an allocator: %j',
    (allocator) => {
      const named = { ...finding('disabled-allocator', [{ flags: '+Mue true' }]), allocator }
      expect(linesOf(named)).toEqual(['# disabled-allocator', '+Mue true'])
      const set = finding('disabled-allocator', [{ flags: `+MBas ${allocator}` }])
      expect(vmArgs([set])).toBe('')
    },
  )

  test('have each flag on a line, below the finding that proposes it', () => {
    expect(
      linesOf(finding('fragmented-allocator', [{ flags: '+MBas aobf +MBlmbcs 512' }])),
    ).toEqual(['# fragmented-allocator, binary_alloc', '+MBas aobf', '+MBlmbcs 512'])
  })

  test('leave out what is not set at the start', () => {
    const remedies = [{ flags: 'binary:copy(Binary)', restart: false }]
    expect(vmArgs([finding('fragmented-allocator', remedies)])).toBe('')
    expect(vmArgs([])).toBe('')
  })

  test('have another way to the same end as a comment', () => {
    const remedies: readonly Partial<Remedy>[] = [
      { flags: '+MBas ageffcbf' },
      { flags: '+MBas aobf +MBlmbcs 512', alternative: true },
    ]
    expect(linesOf(finding('fragmented-allocator', remedies)).slice(1)).toEqual([
      '+MBas ageffcbf',
      '# or, instead: +MBas aobf +MBlmbcs 512',
    ])
  })

  test('set no flag to two values: the gravest finding comes first', () => {
    const first = finding('fragmented-allocator', [{ flags: '+MBas ageffcbf +MBacul de' }])
    const second = finding('migration-off', [{ flags: '+MBas aoffcbf +MBacul de' }])
    expect(linesOf(first, second).slice(3)).toEqual([
      '# migration-off, binary_alloc',
      '# not beside +MBas ageffcbf: +MBas aoffcbf +MBacul de',
    ])
  })

  test('take the larger of two limits, in one place', () => {
    const first = finding('oversized-carriers', [{ flags: '+MBmmsbc 1024' }])
    const second = finding('structural-low-use', [{ flags: '+MBsbct 256 +MBmmsbc 4096' }])
    expect(linesOf(first, second)).toEqual([
      '# oversized-carriers, binary_alloc',
      '+MBmmsbc 4096',
      '# structural-low-use, binary_alloc',
      '+MBsbct 256',
    ])
  })

  test('say once what several findings propose', () => {
    const same = [{ flags: '+MBe true' }]
    expect(
      linesOf(finding('outside-allocators', same), finding('disabled-allocator', same)),
    ).toEqual([
      '# outside-allocators, binary_alloc',
      '+MBe true',
      '# disabled-allocator, binary_alloc',
      '# as above: +MBe true',
    ])
  })

  test('hand variables of the environment over to the emulator', () => {
    const remedies = [{ flags: 'MALLOC_ARENA_MAX=2' }]
    expect(linesOf(finding('outside-allocators', remedies))).toContain('-env MALLOC_ARENA_MAX 2')
  })
})

describe('on real nodes', () => {
  test.each(knownStates)('$state/$node: one line for each flag, and comments', ({ snapshot }) => {
    const lines = diagnose(snapshot).vmArgs.split('\n')
    const flags = lines.filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of flags) expect(line).toMatch(/^(\+\w+|-env \w+) [\w]+$/)
    const names = flags.map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(names).toEqual([...new Set(names)])
  })

  test('the strategy is one for each allocator', () => {
    const { vmArgs: text } = diagnose(known('mixed-fragmented', 'otp25-s2'))
    expect(text.match(/^\+M[A-Z]as \w+$/gm)).toEqual([
      '+MEas ageffcbf',
      '+MHas ageffcbf',
      '+MBas ageffcbf',
    ])
  })

  test('an idle node needs nothing', () => {
    expect(diagnose(known('idle', 'otp27-s4')).vmArgs).toBe('')
  })
})
