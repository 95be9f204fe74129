import { describe, expect, it } from 'vitest'
import { runBlock } from '../../fuzz/block.ts'
import { collect, examine, memoryLimit, timeLimit } from '../../fuzz/examine.ts'
import { attempt, check, checkPrintable, type Target, type Verdict } from '../../fuzz/target.ts'
import { BeamscopeError } from '../../src/errors.ts'

class AllowedError extends BeamscopeError {
  readonly code = 'ERR_ALLOWED'
}

class OtherError extends BeamscopeError {
  readonly code = 'ERR_OTHER'
}

const input = Uint8Array.of(1, 2, 3)

function targetOf(run: (input: Uint8Array) => Verdict): Target {
  return { name: 'made up', title: '', seeds: () => [], generate: (out) => out.noise(3), run }
}

/** What is found in a target that does this. */
function found(run: () => unknown): { readonly kind: string; readonly what: string } | undefined {
  return examine(
    targetOf(() => {
      const value = attempt([AllowedError], run)
      return value === undefined ? 'refused' : 'accepted'
    }),
    input,
  ).finding
}

/** Keeps the processor busy for so many milliseconds of its time. */
function work(time: number): void {
  const start = process.cpuUsage()
  for (;;) {
    const { user, system } = process.cpuUsage(start)
    if ((user + system) / 1000 >= time) return
  }
}

function throwing(error: unknown): () => never {
  return () => {
    throw error
  }
}

describe('an input', () => {
  it('is accepted or refused when all is right', () => {
    expect(
      examine(
        targetOf(() => 'accepted'),
        input,
      ),
    ).toMatchObject({ verdict: 'accepted' })
    expect(found(() => 1)).toBeUndefined()
    expect(found(throwing(new AllowedError('no')))).toBeUndefined()
  })

  it.each([
    ['of another class of ours', new OtherError('no')],
    ['that is no error of ours', new TypeError('no')],
    ['that is no error at all', 'no'],
  ])('is a finding when something comes out %s', (_, thrown) => {
    expect(found(throwing(thrown))).toMatchObject({ kind: 'error' })
  })

  it.each(['a\u001b[31m', 'a\nb', 'a\u202eb', 'x'.repeat(5000)])(
    'is a finding when an error says what cannot be shown',
    (text) => {
      expect(found(throwing(new AllowedError(text)))).toMatchObject({ kind: 'property' })
      expect(found(throwing(new AllowedError('a', { hint: text.slice(0, 10) })))?.kind).toBe(
        text.length > 100 ? undefined : 'property',
      )
    },
  )

  it('is a finding when something does not hold', () => {
    const finding = found(() => check(false, 'it is so'))
    expect(finding).toMatchObject({ kind: 'property' })
    expect(finding?.what).toContain('it is so')
  })

  it('is a finding when it takes too long each time', () => {
    const target = targetOf(() => {
      work(2 * timeLimit(target, input.length))
      return 'accepted'
    })
    expect(examine(target, input).finding).toMatchObject({ kind: 'slow' })
  })

  it('is no finding when it takes long once', () => {
    let runs = 0
    const target = targetOf(() => {
      runs += 1
      if (runs === 1) work(2 * timeLimit(target, input.length))
      return 'accepted'
    })
    expect(examine(target, input).finding).toBeUndefined()
    expect(runs).toBeGreaterThan(1)
  })

  it('is a finding when it takes too much memory each time', () => {
    const kept: Uint8Array[] = []
    const target = targetOf(() => {
      kept.push(new Uint8Array(4 * memoryLimit(target, input.length)))
      return 'accepted'
    })
    // Else what is collected meanwhile hides it.
    collect()
    expect(examine(target, input).finding).toMatchObject({ kind: 'memory' })
  })
})

describe('a block', () => {
  it('counts its inputs, and tells of findings of one kind once', () => {
    const target = targetOf((it) => {
      check((it[0] ?? 0) % 2 === 0, `the first byte is ${it[0]}`)
      return 'accepted'
    })
    const before: number[] = []
    const block = { target: 'made up', seed: 1, first: 100, count: 50 }
    const summary = runBlock(target, block, (index) => void before.push(index))
    expect(before).toEqual(Array.from({ length: 50 }, (_, index) => 100 + index))
    expect(summary.inputs).toBe(50)
    expect(summary.findings).toHaveLength(1)
    expect(summary.findings[0]).toMatchObject({ target: 'made up', kind: 'property' })
  })
})

describe('text that can be printed', () => {
  it('has letters of all scripts, and nothing that steers a terminal', () => {
    expect(() => checkPrintable('it', 'é 日本 😀')).not.toThrow()
    expect(() => checkPrintable('it', '\u0007')).toThrow('not printable')
  })
})
