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

function targetOf(run: (input: Uint8Array) => Verdict | Promise<Verdict>): Target {
  return { name: 'made up', title: '', seeds: () => [], generate: (out) => out.noise(3), run }
}

interface Found {
  readonly kind: string
  readonly what: string
}

/** What is found in a target that does this. */
async function found(run: () => unknown): Promise<Found | undefined> {
  const target = targetOf(() => {
    const value = attempt([AllowedError], run)
    return value === undefined ? 'refused' : 'accepted'
  })
  return (await examine(target, input)).finding
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
  it('is accepted or refused when all is right', async () => {
    const target = targetOf(() => 'accepted')
    // At once: whoever waits for nothing pays for no promise.
    expect(examine(target, input)).toMatchObject({ verdict: 'accepted', finding: undefined })
    expect(await found(() => 1)).toBeUndefined()
    expect(await found(throwing(new AllowedError('no')))).toBeUndefined()
  })

  it('may take until later', async () => {
    const later = targetOf(async (): Promise<Verdict> => {
      await new Promise((resolve) => setImmediate(resolve))
      return 'accepted'
    })
    expect(await examine(later, input)).toMatchObject({ verdict: 'accepted', finding: undefined })
    const failing = targetOf(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw new TypeError('no')
    })
    expect((await examine(failing, input)).finding).toMatchObject({ kind: 'error' })
  })

  it.each([
    ['of another class of ours', new OtherError('no')],
    ['that is no error of ours', new TypeError('no')],
    ['that is no error at all', 'no'],
  ])('is a finding when something comes out %s', async (_, thrown) => {
    expect(await found(throwing(thrown))).toMatchObject({ kind: 'error' })
  })

  it.each(['a\u001b[31m', 'a\nb', 'a\u202eb', 'x'.repeat(5000)])(
    'is a finding when an error says what cannot be shown',
    async (text) => {
      expect(await found(throwing(new AllowedError(text)))).toMatchObject({ kind: 'property' })
      const hint = await found(throwing(new AllowedError('a', { hint: text.slice(0, 10) })))
      expect(hint?.kind).toBe(text.length > 100 ? undefined : 'property')
    },
  )

  it('is a finding when something does not hold', async () => {
    const finding = await found(() => check(false, 'it is so'))
    expect(finding).toMatchObject({ kind: 'property' })
    expect(finding?.what).toContain('it is so')
  })

  it('is a finding when it takes too long each time', async () => {
    const target = targetOf(() => {
      work(2 * timeLimit(target, input.length))
      return 'accepted'
    })
    expect((await examine(target, input)).finding).toMatchObject({ kind: 'slow' })
  })

  it('is no finding when it takes long once', async () => {
    let runs = 0
    const target = targetOf(() => {
      runs += 1
      if (runs === 1) work(2 * timeLimit(target, input.length))
      return 'accepted'
    })
    expect((await examine(target, input)).finding).toBeUndefined()
    expect(runs).toBeGreaterThan(1)
  })

  it('is a finding when it takes too much memory each time', async () => {
    const kept: Uint8Array[] = []
    const target = targetOf(() => {
      kept.push(new Uint8Array(4 * memoryLimit(target, input.length)))
      return 'accepted'
    })
    // Else what is collected meanwhile hides it.
    collect()
    expect((await examine(target, input)).finding).toMatchObject({ kind: 'memory' })
  })
})

describe('a block', () => {
  it('counts its inputs, and tells of findings of one kind once', async () => {
    const target = targetOf((it) => {
      check((it[0] ?? 0) % 2 === 0, `the first byte is ${it[0]}`)
      return 'accepted'
    })
    const before: number[] = []
    const block = { target: 'made up', seed: 1, first: 100, count: 50 }
    const summary = await runBlock(target, block, (index) => void before.push(index))
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
